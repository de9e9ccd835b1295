import { Cursor } from './bytes.ts';
import { type CoreModule, type ModuleImport, SECTION } from './core-module.ts';

/** Kinds of imports and exports. */
export const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

const SECTIONS = [SECTION.function, SECTION.table, SECTION.memory, SECTION.global, SECTION.tag];

export function importsOf({ imports }: CoreModule, kind: number): ModuleImport[] {
  return imports.filter((item) => item.kind === kind);
}

/** How many of a kind a module has, imported ones included. */
export function countOf(module: CoreModule, kind: number): number {
  const section = module.sections.get(SECTIONS[kind] as number);
  const own = section && new Cursor(module.bytes, section.start, section.end).u32();
  return importsOf(module, kind).length + (own ?? 0);
}

/** V8 does not see exports that are dropped; and what is appended is not there to be exported. */
export function checkExports(module: CoreModule): void {
  const fail = (what: string): never => new Cursor(module.bytes).fail(what);
  const counts = SECTIONS.map((_, kind) => countOf(module, kind));
  for (const { name, kind, index } of module.exports) {
    if (index >= (counts[kind] ?? 0)) fail(`export "${name}" is of something that is not there`);
  }
  if (new Set(module.exports.map(({ name }) => name)).size < module.exports.length) fail('two exports share a name');
}
