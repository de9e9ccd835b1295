import type { ComponentType, ExternType, FuncType, InstanceType, ResourceSymbol, ValueType } from './model.ts';

/** Parts of one type that are written out; what comes after is "…". Chosen: a few lines of a terminal. */
const PARTS_MAX = 200;

/** Names under which types are known where something is printed. */
type TypeNames = ReadonlyMap<ValueType | ResourceSymbol, string>;

const NO_NAMES: TypeNames = new Map();

/**
 * Writes a type as WIT does: `result<list<u8>, string>`. A type that WIT would give a name (a record, say) is written
 * out in place; a very large one is cut.
 */
export function describeType(type: ValueType): string {
  return new TypeWriter(NO_NAMES).type(type);
}

/** Writes the type of a function as WIT does: `func(name: string) -> u32`. @param names Names of types in it. */
export function describeFunc(type: FuncType, names: TypeNames = NO_NAMES): string {
  return new TypeWriter(names).func(type);
}

/**
 * Lists the imports and exports of a component in the manner of a WIT world, each interface with what is in it. Meant
 * for people: it is close to WIT, but not to be parsed.
 */
export function printWorld(type: ComponentType): string {
  return block('world component', worldLines(type, 1), 0).join('\n');
}

class TypeWriter {
  readonly #names: TypeNames;
  #left = PARTS_MAX;

  constructor(names: TypeNames) {
    this.#names = names;
  }

  func(type: FuncType, skipParams = 0): string {
    const params = type.params.slice(skipParams).map((param) => `${param.name}: ${this.type(param.type)}`);
    const result = type.result === undefined ? '' : ` -> ${this.type(type.result)}`;
    return `func(${params.join(', ')})${result}`;
  }

  type(type: ValueType): string {
    return this.#names.get(type) ?? this.definition(type);
  }

  /** The type written out even if it has a name. */
  definition(type: ValueType): string {
    this.#left -= 1;
    if (this.#left < 0) return '…';
    switch (type.kind) {
      case 'record':
        return `record { ${this.#each(type.fields, (field) => `${field.name}: ${this.type(field.type)}`)} }`;
      case 'variant':
        return `variant { ${this.#each(type.cases, (entry) => `${entry.name}${entry.type ? `(${this.type(entry.type)})` : ''}`)} }`;
      case 'enum':
      case 'flags':
        return `${type.kind} { ${this.#each(type.names, (name) => name)} }`;
      case 'list':
        return `list<${this.type(type.element)}>`;
      case 'tuple':
        return `tuple<${this.#each(type.types, (part) => this.type(part))}>`;
      case 'option':
        return `option<${this.type(type.some)}>`;
      case 'result':
        return this.#result(type.ok, type.error);
      case 'own':
        return this.#resource(type.resource);
      case 'borrow':
        return `borrow<${this.#resource(type.resource)}>`;
      default:
        return type.kind;
    }
  }

  #result(ok: ValueType | undefined, error: ValueType | undefined): string {
    if (ok === undefined && error === undefined) return 'result';
    if (error === undefined) return `result<${ok ? this.type(ok) : '_'}>`;
    return `result<${ok ? this.type(ok) : '_'}, ${this.type(error)}>`;
  }

  #resource(resource: ResourceSymbol): string {
    return this.#names.get(resource) ?? (resource.name === '' ? 'resource' : resource.name);
  }

  /** Stops when nothing more may be written. */
  #each<T>(parts: readonly T[], write: (part: T) => string): string {
    const texts: string[] = [];
    for (const part of parts) {
      this.#left -= 1;
      if (this.#left < 0) return [...texts, '…'].join(', ');
      texts.push(write(part));
    }
    return texts.join(', ');
  }
}

function worldLines(type: ComponentType, level: number): string[] {
  // What one interface defines, another may use; a name of the world itself comes first.
  const inside = [...type.imports.values(), ...type.exports.values()].flatMap((extern) =>
    extern.kind === 'instance' ? [...typeNames(extern.type.exports)] : [],
  );
  const names = new Map([...inside, ...typeNames(type.imports), ...typeNames(type.exports)]);
  return [
    ...[...type.imports].flatMap(([name, extern]) => externLines(`import ${name}`, extern, { names, level })),
    ...[...type.exports].flatMap(([name, extern]) => externLines(`export ${name}`, extern, { names, level })),
  ];
}

interface Place {
  readonly names: TypeNames;
  readonly level: number;
}

function externLines(label: string, extern: ExternType, { names, level }: Place): string[] {
  switch (extern.kind) {
    case 'func':
      return [line(`${label}: ${new TypeWriter(names).func(extern.type)};`, level)];
    case 'instance':
      return block(label, interfaceLines(extern.type, { names, level: level + 1 }), level);
    case 'component':
      return block(`${label}: component`, worldLines(extern.type, level + 1), level);
    case 'core-module':
      return [line(`${label}: core module;`, level)];
    case 'type':
      return [line(`${label}: ${typeText(extern, names)};`, level)];
  }
}

function typeText(extern: Extract<ExternType, { readonly kind: 'type' }>, names: TypeNames): string {
  if (extern.type.kind === 'resource') return 'resource';
  return extern.type.kind === 'value' ? new TypeWriter(names).definition(extern.type.type) : 'type';
}

/** What is in an interface: types first by name, functions of a resource inside of it. */
function interfaceLines(type: InstanceType, { names: outer, level }: Place): string[] {
  const names = new Map([...outer, ...typeNames(type.exports)]);
  const lines: string[] = [];
  const members = resourceMembers(type, { names, level: level + 1 });
  for (const [name, extern] of type.exports) {
    if (extern.kind === 'type' && extern.type.kind === 'resource') {
      lines.push(...block(`resource ${name}`, members.get(name) ?? [], level));
    } else if (extern.kind === 'type') {
      lines.push(line(namedType(name, typeText(extern, names)), level));
    } else if (!name.startsWith('[')) {
      lines.push(...externLines(name, extern, { names, level }));
    }
  }
  return lines;
}

/** `record { a: u32 }` called `r` is `record r { a: u32 }`; what WIT cannot name so is a `type`. */
function namedType(name: string, text: string): string {
  const form = /^(record|variant|enum|flags) (.*)$/s.exec(text);
  return form === null ? `type ${name} = ${text};` : `${form[1]} ${name} ${form[2]}`;
}

function resourceMembers(type: InstanceType, { names, level }: Place): Map<string, string[]> {
  const members = new Map<string, string[]>();
  for (const [name, extern] of type.exports) {
    const [, kind, resource, member = ''] = /^\[(constructor|method|static)\]([^.]*)(?:\.(.*))?$/.exec(name) ?? [];
    if (extern.kind !== 'func' || kind === undefined || resource === undefined) continue;
    // A constructor returns its resource, and WIT says so only if it can fail.
    const made = kind === 'constructor' && extern.type.result?.kind === 'own';
    const type = made ? { ...extern.type, result: undefined } : extern.type;
    const func = new TypeWriter(names).func(type, kind === 'method' ? 1 : 0);
    const texts = {
      constructor: func.replace(/^func/, 'constructor'),
      method: `${member}: ${func}`,
      static: `${member}: static ${func}`,
    };
    const lines = members.get(resource) ?? [];
    lines.push(line(`${texts[kind as keyof typeof texts]};`, level));
    members.set(resource, lines);
  }
  return members;
}

function typeNames(externs: ReadonlyMap<string, ExternType>): TypeNames {
  const names = new Map<ValueType | ResourceSymbol, string>();
  for (const [name, extern] of externs) {
    if (extern.kind !== 'type') continue;
    if (extern.type.kind === 'value') names.set(extern.type.type, name);
    if (extern.type.kind === 'resource') names.set(extern.type.resource, name);
  }
  return names;
}

function block(label: string, lines: readonly string[], level: number): string[] {
  if (lines.length === 0) return [line(`${label};`, level)];
  return [line(`${label} {`, level), ...lines, line('}', level)];
}

function line(text: string, level: number): string {
  return `${'  '.repeat(level)}${text}`;
}
