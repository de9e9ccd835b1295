import { readAlias } from './aliases.ts';
import type { Context } from './context.ts';
import { readCoreType } from './core-type-section.ts';
import { readCoreValueType } from './core-types.ts';
import { addExport, addImport, finishComponent, finishInstance } from './extern-section.ts';
import { readEntityType, readExternName } from './externs.ts';
import { unsupported } from './failure.ts';
import { FLAGS_MAX, FUNCTION_PARAMS_MAX, MEMBERS_MAX, TYPE_DECLARATIONS_MAX, VALUE_DEPTH_MAX } from './limits.ts';
import type { Field } from './model.ts';
import { checkLabel, uniqueLabel } from './names.ts';
import type { Reader } from './reader.ts';
import {
  type AnyType,
  type Func,
  partsOf,
  primitiveOf,
  type Resource,
  type ResourceId,
  type Value,
  valuesOf,
} from './types.ts';

/** Reads one definition of the type section, or the same in the declaration of a type, and adds what it defines. */
export function readType(context: Context, reader: Reader): void {
  const { scope, session } = context;
  session.at = reader.offset;
  const reading = new TypeReader(context, reader);
  const type = reading.type();
  scope.types.push(type);
  if (scope.kind !== 'component') return;
  const resource = type.sort === 'resource' ? scope.model.symbol(type.type) : undefined;
  scope.definitions.push({ kind: 'type', resource });
}

/** Codes of value types that come after WASI 0.2, by name. */
const LATER_TYPES: Readonly<Record<number, string>> = {
  99: 'map types',
  100: 'error-context types (a WASI 0.3 feature)',
  101: 'future types (a WASI 0.3 feature)',
  102: 'stream types (a WASI 0.3 feature)',
  103: 'fixed-length list types',
};

class TypeReader {
  readonly #context: Context;
  readonly #reader: Reader;

  constructor(context: Context, reader: Reader) {
    this.#context = context;
    this.#reader = reader;
  }

  type(): AnyType {
    const form = this.#reader.peek();
    switch (form) {
      case 0x3f:
        return { sort: 'resource', type: this.#resource() };
      case 0x40:
        return { sort: 'func', type: this.#func() };
      case 0x41:
        return this.#component();
      case 0x42:
        return this.#instance();
      case 0x43:
        return unsupported(this.#reader.offset, 'async functions (a WASI 0.3 feature)');
      default:
        return { sort: 'value', type: this.#definedValue() };
    }
  }

  /** A value type that is defined here: all forms but a reference to another type. */
  #definedValue(): Value {
    const at = this.#reader.offset;
    const type = this.#valueForm();
    const { session } = this.#context;
    session.at = at;
    if (type.kind === 'string' || type.kind === 'borrow') return session.describeLeaf(type);
    const infos = partsOf(type).map((part) => session.info(part));
    const base = type.kind === 'list' ? LIST_INFO : undefined;
    session.describe(type, infos, base);
    if (session.info(type).depth > VALUE_DEPTH_MAX) {
      session.fail(`a type is nested more than ${VALUE_DEPTH_MAX} deep`);
    }
    return type;
  }

  #valueForm(): Value {
    const form = this.#reader.u8();
    switch (form) {
      case 0x72:
        return { kind: 'record', fields: this.#members('field', () => this.#value()) };
      case 0x71:
        return { kind: 'variant', cases: this.#members('case', () => this.#case()) };
      case 0x70:
        return { kind: 'list', element: this.#value() };
      case 0x6f: {
        const types = this.#reader.vector(MEMBERS_MAX, 'members of a tuple', () => this.#value());
        if (types.length === 0) this.#reader.fail('a tuple type must have at least one member');
        return { kind: 'tuple', types };
      }
      case 0x6e:
        return { kind: 'flags', names: this.#labels('flag', FLAGS_MAX) };
      case 0x6d:
        return { kind: 'enum', names: this.#labels('case', MEMBERS_MAX) };
      case 0x6b:
        return { kind: 'option', some: this.#value() };
      case 0x6a:
        return { kind: 'result', ok: this.#optionalValue(), error: this.#optionalValue() };
      case 0x69:
        return { kind: 'own', resource: this.#resourceAt() };
      case 0x68:
        return { kind: 'borrow', resource: this.#resourceAt() };
      default: {
        const later = LATER_TYPES[form];
        if (later !== undefined) return unsupported(this.#reader.offset - 1, later);
        return primitiveOf(form) ?? this.#reader.fail(`0x${form.toString(16)} is not the form of a type`);
      }
    }
  }

  #resourceAt(): Resource {
    return this.#context.scope.typeOf(this.#reader.u32(), 'resource');
  }

  /** A primitive type, or a reference to a value type. */
  #value(): Value {
    const byte = this.#reader.peek();
    const primitive = primitiveOf(byte);
    if (primitive !== undefined) {
      this.#reader.u8();
      return this.#context.session.describeLeaf(primitive);
    }
    if (byte === 0x64) return unsupported(this.#reader.offset, LATER_TYPES[0x64] as string);
    const index = this.#reader.s33();
    if (index < 0) return this.#reader.fail(`0x${byte.toString(16)} is not a type`);
    return this.#context.scope.typeOf(index, 'value');
  }

  #optionalValue(): Value | undefined {
    const flag = this.#reader.u8();
    if (flag > 1) this.#reader.fail(`0x${flag.toString(16)} does not say whether there is a type`);
    return flag === 0 ? undefined : this.#value();
  }

  #case(): Value | undefined {
    const type = this.#optionalValue();
    if (this.#reader.u8() !== 0) this.#reader.fail('a case of a variant does not end with a zero byte');
    return type;
  }

  /** Named members of a record or variant: at least one, no name twice. */
  #members<T>(what: string, read: () => T): readonly { readonly name: string; readonly type: T }[] {
    const seen = new Set<string>();
    const members = this.#reader.vector(MEMBERS_MAX, `${what}s`, () => ({
      name: this.#label(what, seen),
      type: read(),
    }));
    if (members.length === 0) this.#reader.fail(`a type must have at least one ${what}`);
    return members;
  }

  #labels(what: string, max: number): readonly string[] {
    const seen = new Set<string>();
    const names = this.#reader.vector(max, `${what}s`, () => this.#label(what, seen));
    if (names.length === 0) this.#reader.fail(`a type must have at least one ${what}`);
    return names;
  }

  #label(what: string, seen: Set<string>): string {
    const name = this.#reader.name();
    const fail = (problem: string): never => this.#reader.fail(problem);
    checkLabel(name, what, fail);
    const unique = uniqueLabel(name);
    if (seen.has(unique)) fail(`${what} ${JSON.stringify(name)} is there twice`);
    seen.add(unique);
    return name;
  }

  #func(): Func {
    const { session } = this.#context;
    this.#reader.u8();
    const seen = new Set<string>();
    const params: Field<Resource>[] = this.#reader.vector(FUNCTION_PARAMS_MAX, 'parameters', () => ({
      name: this.#label('parameter', seen),
      type: this.#value(),
    }));
    const result = this.#result();
    if (result !== undefined && session.info(result).borrow) {
      this.#reader.fail('the result of a function cannot have a borrow in it');
    }
    const type: Func = { params, result };
    return session.describe(
      type,
      valuesOf(type).map((part) => session.info(part)),
    );
  }

  #result(): Value | undefined {
    const form = this.#reader.u8();
    if (form === 0) return this.#value();
    if (form !== 1 || this.#reader.u8() !== 0)
      this.#reader.fail('a function type has at most one result, without a name');
    return undefined;
  }

  /** Defines a new resource: each component instance has its own. */
  #resource(): Resource {
    const { scope, session } = this.#context;
    this.#reader.u8();
    if (scope.kind !== 'component') this.#reader.fail('a resource can be defined in a component only, not in a type');
    const representation = readCoreValueType(this.#reader, scope);
    if (representation === 'i64') session.unsupported('resources that are represented by 64 bits');
    if (representation !== 'i32') this.#reader.fail('a resource must be represented by an i32');
    const flag = this.#reader.u8();
    if (flag > 1) this.#reader.fail(`0x${flag.toString(16)} does not say whether there is a destructor`);
    const dtor = flag === 0 ? undefined : this.#reader.u32();
    if (dtor !== undefined) {
      const { params, results } = scope.coreFunc(dtor).type;
      if (params.join() !== 'i32' || results.length > 0)
        session.fail('a destructor must take one i32 and return nothing');
    }
    const id: ResourceId = { name: '' };
    scope.definedResources.set(id, true);
    scope.model.addResource(id, { kind: 'local', dtor });
    return { id };
  }

  #component(): AnyType {
    this.#reader.u8();
    const type = this.#context.within('component-type', () => {
      this.#declarations(true);
      return finishComponent(this.#context);
    });
    return { sort: 'component', type };
  }

  #instance(): AnyType {
    this.#reader.u8();
    const type = this.#context.within('instance-type', () => {
      this.#declarations(false);
      return finishInstance(this.#context);
    });
    return { sort: 'instance', type };
  }

  #declarations(imports: boolean): void {
    const context = this.#context;
    const reader = this.#reader;
    for (let left = reader.count(TYPE_DECLARATIONS_MAX, 'declarations'); left > 0; left -= 1) {
      context.session.at = reader.offset;
      const form = reader.u8();
      if (form === 0x00) readCoreType(context, reader);
      else if (form === 0x01) readType(context, reader);
      else if (form === 0x02) readAlias(context, reader);
      else if (form === 0x03 && imports) {
        const name = readExternName(reader);
        addImport(context, name, readEntityType(context, reader, name.name));
      } else if (form === 0x04) {
        const name = readExternName(reader);
        addExport(context, name, readEntityType(context, reader, name.name));
      } else reader.fail(`0x${form.toString(16)} is not a declaration of a type`);
    }
    context.scope.checkCounts();
  }
}

/** What is known of a list before its element. */
const LIST_INFO = { size: 1, depth: 1, borrow: false, pointer: true };
