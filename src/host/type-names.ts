import type { ExternType, ValueType } from '../component/index.ts';

/** Where a type got its name in WIT. */
export interface WitName {
  /** `entry`, as in `record entry { … }`. */
  readonly name: string;
  /** `troupe:values/structures@0.1.0`; empty for a type of the world itself. */
  readonly path: string;
}

/** The names of value types in `externs` and in the interfaces there. A type that is there before keeps its name. */
export function addWitNames(names: Map<ValueType, WitName>, externs: ReadonlyMap<string, ExternType>, path = ''): void {
  for (const [name, extern] of externs) {
    if (extern.kind === 'instance') addWitNames(names, extern.type.exports, name);
    if (extern.kind !== 'type' || extern.type.kind !== 'value' || names.has(extern.type.type)) continue;
    names.set(extern.type.type, { name, path });
  }
}

/** Names that mean something else in what is written. */
export const TAKEN: ReadonlySet<string> = new Set([
  'Protocol',
  'Type',
  'Record',
  ...['Int8', 'Uint8', 'Int16', 'Uint16', 'Int32', 'Uint32', 'BigInt64', 'BigUint64', 'Float32', 'Float64'].map(
    (kind) => `${kind}Array`,
  ),
]);

/**
 * Gives each of `wanted` a TypeScript name of its own: that of WIT where it is the only one, else with the interface
 * before it, then the package, then a number.
 *
 * @param reserved A name that none may have.
 */
export function chooseNames(wanted: readonly WitName[], reserved: string): string[] {
  const forms = wanted.map(({ name, path }): readonly string[] => {
    const [, namespace = '', own = '', face = path] = /^([^:]*):([^/]*)\/([^@]*)/.exec(path) ?? [];
    const plain = toPascalCase(name);
    const inside = `${toPascalCase(face) || 'World'}${plain}`;
    return [plain, inside, `${toPascalCase(`${namespace} ${own}`)}${inside}`];
  });
  const counts = new Map<string, number>();
  for (const names of forms) for (const [form, name] of names.entries()) bump(counts, `${form} ${name}`);
  const taken = new Set([...TAKEN, reserved]);
  const numbers = new Map<string, number>();
  return forms.map((names) => {
    let chosen = names.find((name, form) => !taken.has(name) && counts.get(`${form} ${name}`) === 1);
    while (chosen === undefined) {
      const longest = names.at(-1) as string;
      const numbered = `${longest}${bump(numbers, longest) + 1}`;
      if (!taken.has(numbered)) chosen = numbered;
    }
    taken.add(chosen);
    return chosen;
  });
}

/** Counts one more, and says how many that makes. */
function bump(counts: Map<string, number>, name: string): number {
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return count;
}

/** `'http-status 2'` becomes `'HttpStatus2'`. What has no letter or digit becomes nothing. */
export function toPascalCase(text: string): string {
  return (text.match(/[A-Za-z0-9]+/g) ?? [])
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1).toLowerCase()}`)
    .join('');
}
