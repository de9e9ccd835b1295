import {
  type CompiledComponent,
  describeFunc,
  type ExportedFunction,
  type ExternType,
  type FuncType,
  partsOf,
  propertyNames,
  type ValueType,
  valuesOf,
} from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type ComponentShape, shapeOf } from './shape.ts';
import { addWitNames, chooseNames, TAKEN, toPascalCase, type WitName } from './type-names.ts';

/** What {@link componentTypes} wrote. */
export interface ComponentTypes {
  /** The type to give to `component<…>()`. */
  readonly name: string;
  /** The declarations, as a TypeScript module. */
  readonly text: string;
}

/** Parts of types that one file has; a component may have a million, and no reader wants them. */
const PARTS_MAX = 100_000;

/**
 * Writes TypeScript declarations for the actors of a component: the same text for the same component, whatever machine.
 *
 * @param label What the file is called, without `.wasm`: the name of the type is made of it.
 * @throws {RuntimeError} `COMPONENT_UNSUPPORTED` — it is none that can be hosted.
 * @throws {RuntimeError} `COMPONENT_LIMIT` — its types are too large to be written out.
 */
export function componentTypes(component: CompiledComponent, label: string): ComponentTypes {
  const shape = shapeOf(component);
  const name = typeNameOf(label);
  const { imports, body } =
    shape.kind === 'functions' ? new FunctionTypes(component, name).write(shape) : otherTypes(shape.kind, name);
  const text = [
    `// Types of the component "${label.replace(/[^\w .-]/g, '_')}", made by "troupe types": make them anew instead of changing them.`,
    `import type { ${imports.join(', ')} } from 'troupe';`,
    '',
    ...body,
    '',
  ];
  return { name, text: text.join('\n') };
}

function typeNameOf(label: string): string {
  const name = toPascalCase(label);
  return /^[A-Z]/.test(name) && !TAKEN.has(name) ? name : `Component${name}`;
}

interface Written {
  readonly imports: readonly string[];
  readonly body: readonly string[];
}

/** Of an actor that is not asked by the names of its exports. */
function otherTypes(kind: ComponentShape['kind'], name: string): Written {
  if (kind !== 'message') {
    const what = kind === 'task' ? 'It is a task' : 'It handles HTTP requests';
    return {
      imports: ['Protocol'],
      body: [
        `/** ${what}: nothing is asked of its actors. */`,
        `export type ${name} = Protocol<Record<never, never>>;`,
      ],
    };
  }
  return {
    imports: ['Protocol', 'Type'],
    body: [
      '/**',
      ' * Its actors take any operation: bytes, or text as UTF-8, and answer with bytes. Name the operations to have them checked:',
      ` * \`component<${name}<'add' | 'get'>>(…)\`.`,
      ' */',
      `export type ${name}<Operation extends string = string> = Protocol<{`,
      '  readonly tell: { readonly [K in Operation]: Type<Uint8Array | string | void> };',
      '  readonly ask: {',
      '    readonly [K in Operation]: { readonly in: Type<Uint8Array | string | void>; readonly out: Type<Uint8Array> };',
      '  };',
      '}>;',
    ],
  };
}

/** Of an actor whose operations are its exports. */
class FunctionTypes {
  readonly #name: string;
  readonly #exports: ReadonlyMap<string, ExternType>;
  readonly #witNames = new Map<ValueType, WitName>();
  /** The same, for showing a type as WIT does. */
  readonly #labels: ReadonlyMap<ValueType, string>;
  readonly #keys = new StructuralKeys();
  /** Types with a name that the operations use, by name and structure, the parts before the whole. */
  readonly #used = new Map<string, ValueType>();
  readonly #seen = new Set<ValueType>();
  readonly #tsNames = new Map<string, string>();
  #left = PARTS_MAX;

  constructor({ type }: CompiledComponent, name: string) {
    this.#name = name;
    this.#exports = type.exports;
    addWitNames(this.#witNames, type.exports);
    addWitNames(this.#witNames, type.imports);
    this.#labels = new Map([...this.#witNames].map(([named, { name }]) => [named, name]));
  }

  write({ operations }: ComponentShape): Written {
    const types = [...operations].map(([operation, item]) => [operation, this.#exportedType(item)] as const);
    for (const [, type] of types) for (const value of valuesOf(type)) this.#collect(value);
    const wanted = [...this.#used].map(([key, type]) => ({ key, wit: this.#witNames.get(type) as WitName, type }));
    const names = chooseNames(
      wanted.map(({ wit }) => wit),
      this.#name,
    );
    for (const [at, { key }] of wanted.entries()) this.#tsNames.set(key, names[at] as string);
    const declarations = wanted.flatMap(({ wit, type }, at) => [
      `/** ${comment(`\`${wit.name}\`${wit.path === '' ? '' : ` of \`${wit.path}\``}`)} */`,
      ...this.#declaration(names[at] as string, type),
      '',
    ]);
    const entries = types.flatMap(([operation, type]) => [
      `    /** \`${comment(describeFunc(type, this.#labels))}\` */`,
      `    readonly ${property(operation)}: {`,
      `      readonly in: Type<${this.#params(type)}>;`,
      `      readonly out: Type<${type.result === undefined ? 'undefined' : this.#type(type.result)}>;`,
      '    };',
    ]);
    const doc = `/** What can be asked of its actors: \`component<${this.#name}>(…)\`. A payload is the array of the arguments. */`;
    const body = [
      ...declarations,
      doc,
      `export type ${this.#name} = Protocol<{`,
      '  readonly ask: {',
      ...entries,
      '  };',
      '}>;',
    ];
    return { imports: ['Protocol', 'Type'], body };
  }

  /** The type that the world gives the function: in it, and not where the code is lifted, types have their names. */
  #exportedType({ name, type }: ExportedFunction): FuncType {
    const [path = '', inner] = name.split('#');
    const item = this.#exports.get(path);
    const found = inner !== undefined && item?.kind === 'instance' ? item.type.exports.get(inner) : item;
    return found?.kind === 'func' ? found.type : type;
  }

  #collect(type: ValueType): void {
    if (this.#seen.has(type)) return;
    this.#seen.add(type);
    for (const part of partsOf(type)) this.#collect(part);
    const key = this.#keyOf(type);
    if (key !== undefined && !this.#used.has(key)) this.#used.set(key, type);
  }

  /** The same for types with the same name that are made of the same: one declaration serves them. */
  #keyOf(type: ValueType): string | undefined {
    const wit = this.#witNames.get(type);
    return wit === undefined ? undefined : `${wit.name} ${this.#keys.of(type)}`;
  }

  #declaration(name: string, type: ValueType): string[] {
    const members = type.kind === 'record' ? this.#fields(type.fields) : type.kind === 'flags' ? flags(type.names) : [];
    if (members.length > 0) return [`export interface ${name} {`, ...members.map((member) => `  ${member};`), '}'];
    const cases = type.kind === 'variant' || type.kind === 'result' ? this.#cases(type) : [];
    if (cases.length > 1)
      return [`export type ${name} =`, ...cases.map((text, at) => `  | ${text}${at === cases.length - 1 ? ';' : ''}`)];
    return [`export type ${name} = ${this.#written(type)};`];
  }

  #params({ params }: FuncType): string {
    const names = propertyNames(params.map(({ name }) => name));
    const parts = params.map(({ type }, at) => `${(names[at] as string).replaceAll('-', '')}: ${this.#type(type)}`);
    return `readonly [${parts.join(', ')}]`;
  }

  /** A type by its name, if it has one. */
  #type(type: ValueType): string {
    const key = this.#keyOf(type);
    return (key !== undefined && this.#tsNames.get(key)) || this.#written(type);
  }

  /** The type as the engine takes and gives its values. */
  #written(type: ValueType): string {
    this.#left -= 'names' in type ? type.names.length : 1;
    if (this.#left < 0) throw tooLarge();
    switch (type.kind) {
      case 'record':
        return `{ ${this.#fields(type.fields).join('; ')} }`;
      case 'flags':
        return `{ ${flags(type.names).join('; ')} }`;
      case 'variant':
      case 'result':
        return this.#cases(type).join(' | ');
      case 'enum':
        return type.names.map(quoted).join(' | ');
      case 'tuple':
        return `readonly [${type.types.map((part) => this.#type(part)).join(', ')}]`;
      case 'list':
        return this.#list(type.element);
      case 'option':
        return type.some.kind === 'option'
          ? `{ readonly tag: 'some'; readonly val: ${this.#type(type.some)} } | { readonly tag: 'none' }`
          : `${this.#type(type.some)} | undefined`;
      case 'own':
      case 'borrow':
        return 'never'; // no operation has any
      default:
        return PRIMITIVES[type.kind];
    }
  }

  #fields(fields: readonly { readonly name: string; readonly type: ValueType }[]): string[] {
    const names = propertyNames(fields.map(({ name }) => name));
    return fields.map(({ type }, at) => {
      const isOptional = type.kind === 'option' && type.some.kind !== 'option';
      return `readonly ${property(names[at] as string)}${isOptional ? '?' : ''}: ${this.#type(type)}`;
    });
  }

  #cases(type: Extract<ValueType, { kind: 'variant' | 'result' }>): string[] {
    const cases =
      type.kind === 'variant'
        ? type.cases
        : [
            { name: 'ok', type: type.ok },
            { name: 'err', type: type.error },
          ];
    return cases.map(({ name, type: payload }) => {
      const val = payload === undefined ? '' : `; readonly val: ${this.#type(payload)}`;
      return `{ readonly tag: ${quoted(name)}${val} }`;
    });
  }

  #list(element: ValueType): string {
    const array = TYPED_ARRAYS[element.kind];
    if (array !== undefined) return array;
    const text = this.#type(element);
    return /^[\w.]+$/.test(text) ? `readonly ${text}[]` : `readonly (${text})[]`;
  }
}

const PRIMITIVES = {
  bool: 'boolean',
  s8: 'number',
  u8: 'number',
  s16: 'number',
  u16: 'number',
  s32: 'number',
  u32: 'number',
  s64: 'bigint',
  u64: 'bigint',
  f32: 'number',
  f64: 'number',
  char: 'string',
  string: 'string',
} as const;

const TYPED_ARRAYS: Readonly<Partial<Record<ValueType['kind'], string>>> = {
  s8: 'Int8Array',
  u8: 'Uint8Array',
  s16: 'Int16Array',
  u16: 'Uint16Array',
  s32: 'Int32Array',
  u32: 'Uint32Array',
  s64: 'BigInt64Array',
  u64: 'BigUint64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

/** One that is left out is not set. */
function flags(names: readonly string[]): string[] {
  return propertyNames(names).map((name) => `readonly ${property(name)}?: boolean`);
}

/** Numbers types so that those that are made of the same have the same number. */
class StructuralKeys {
  readonly #byType = new WeakMap<ValueType, number>();
  readonly #byStructure = new Map<string, number>();

  of(type: ValueType): number {
    const known = this.#byType.get(type);
    if (known !== undefined) return known;
    const structure = JSON.stringify([type.kind, labelsOf(type), partsOf(type).map((part) => this.of(part))]);
    const key = this.#byStructure.get(structure) ?? this.#byStructure.size;
    this.#byStructure.set(structure, key);
    this.#byType.set(type, key);
    return key;
  }
}

/** All that a type is besides its parts. */
function labelsOf(type: ValueType): unknown {
  if (type.kind === 'record') return type.fields.map(({ name }) => name);
  if (type.kind === 'variant') return type.cases.map(({ name, type: payload }) => [name, payload !== undefined]);
  if (type.kind === 'enum' || type.kind === 'flags') return type.names;
  return type.kind === 'result' ? [type.ok !== undefined, type.error !== undefined] : [];
}

function property(name: string): string {
  return /^[A-Za-z][A-Za-z0-9]*$/.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** Text that cannot end the comment that it is in. */
function comment(text: string): string {
  return text.replaceAll('*/', '*\\/');
}

function tooLarge(): RuntimeError {
  return new RuntimeError(
    'COMPONENT_LIMIT',
    `Cannot write the types of the component: they have more than ${PARTS_MAX} parts`,
    { details: { limit: PARTS_MAX } },
  );
}
