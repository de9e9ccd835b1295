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
const TAKEN: ReadonlySet<string> = new Set([
  'Protocol',
  'Type',
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
  const taken = new Set([...TAKEN, reserved]);
  return forms.map((names, at) => {
    const isFree = (name: string, form: number): boolean =>
      !taken.has(name) && forms.every((others, other) => other === at || others[form] !== name);
    let chosen = names.find(isFree);
    for (let number = 2; chosen === undefined; number++) {
      const numbered = `${names.at(-1)}${number}`;
      if (!taken.has(numbered)) chosen = numbered;
    }
    taken.add(chosen);
    return chosen;
  });
}

/** `'http-status 2'` becomes `'HttpStatus2'`. What has no letter or digit becomes nothing. */
export function toPascalCase(text: string): string {
  return (text.match(/[A-Za-z0-9]+/g) ?? [])
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1).toLowerCase()}`)
    .join('');
}
