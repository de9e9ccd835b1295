/**
 * JavaScript source in the making: functions that are written once for each type, and constants that are passed in
 * beside the text. Nothing of a component's names reaches the text but as a quoted literal.
 */
export class Program {
  private readonly functions: string[] = [];
  private readonly constants: unknown[] = [];
  private readonly shared = new Map<string, Map<object, string>>();
  private serial = 0;

  /** Makes a name that is used nowhere else. */
  name(prefix = 't'): string {
    this.serial++;
    return `${prefix}${this.serial}`;
  }

  /** Passes a value in and gives the name it has in the text. */
  constant(value: unknown): string {
    this.constants.push(value);
    return `k${this.constants.length - 1}`;
  }

  /** Gives the name of the function that plays `role` for `key`; `write` makes its parameters and body the first time. */
  share(role: string, key: object, write: () => string): string {
    let names = this.shared.get(role);
    if (names === undefined) {
      names = new Map();
      this.shared.set(role, names);
    }
    let name = names.get(key);
    if (name === undefined) {
      name = this.name('f');
      names.set(key, name);
      this.functions.push(`function ${name}${write()}`);
    }
    return name;
  }

  /** Adds a statement at the level of the functions. */
  append(text: string): void {
    this.functions.push(text);
  }

  /** Compiles the text. `entry` is the expression that it ends with; `runtime` holds what the text calls by name. */
  build(entry: string, runtime: Readonly<Record<string, unknown>>): unknown {
    const constants = this.constants.map((_, at) => `const k${at} = k[${at}];`).join(' ');
    const imports = `const { ${Object.keys(runtime).join(', ')} } = rt;`;
    const text = ['"use strict";', imports, constants, ...this.functions, `return ${entry};`].join('\n');
    return new Function('rt', 'k', text)(runtime, this.constants);
  }
}

/** Writes the statements of one function body. */
export class Body {
  readonly program: Program;
  private readonly lines: string[] = [];

  constructor(program: Program) {
    this.program = program;
  }

  emit(...lines: string[]): void {
    this.lines.push(...lines);
  }

  /** Binds an expression to a new name, so that it is evaluated here and once. */
  bind(expression: string): string {
    const name = this.program.name();
    this.lines.push(`const ${name} = ${expression};`);
    return name;
  }

  /** Declares a variable that later statements assign. */
  declare(initial = 'undefined'): string {
    const name = this.program.name();
    this.lines.push(`let ${name} = ${initial};`);
    return name;
  }

  /** Writes the statements that `write` makes between braces, after `head`. */
  block(head: string, write: () => void): void {
    this.lines.push(`${head} {`);
    write();
    this.lines.push('}');
  }

  toString(): string {
    return this.lines.join('\n');
  }
}

/** Quotes a name as a literal. */
export function quote(name: string): string {
  return JSON.stringify(name);
}

/** Writes the key of an object literal. `__proto__` alone would set a prototype, so it is computed. */
export function key(name: string): string {
  return name === '__proto__' ? '["__proto__"]' : JSON.stringify(name);
}

/** A place in guest memory: an offset from the number that `base` names. */
export interface Place {
  readonly base: string;
  readonly offset: number;
}

/** Writes the address of a place. */
export function address(place: Place, extra = 0): string {
  const offset = place.offset + extra;
  return offset === 0 ? place.base : `${place.base} + ${offset}`;
}

/** Gives the place `offset` bytes further. */
export function shifted(place: Place, offset: number): Place {
  return { base: place.base, offset: place.offset + offset };
}

/**
 * Weight up to which a type is written in place. Above, it becomes one function that every use calls: code then grows
 * with the graph of a type and not with its tree.
 */
export const INLINE_WEIGHT_MAX = 24;
