/**
 * Makes `src/component/preview1/command.wasm`: the preview 1 adapter around a dummy program that imports all of it.
 * Programs take the place of the dummy.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentNew, parseWat, printWasm, validateComponent } from '../src/component/tooling/index.ts';
import { commandAdapter } from './preview1-adapter.ts';
import { stripCustomSections } from './strip-custom-sections.ts';

export const PREVIEW1_FRAME = join(import.meta.dirname, '..', 'src/component/preview1/command.wasm');

/** What the adapter exports for itself and for its own tools. */
const NOT_PREVIEW_1 = /^(wasi:|adapter_|reset_adapter_state$|cabi_)/;

/** A program that could call everything, and does nothing. */
function dummyProgram(adapter: string): string {
  const types = new Map(
    [...adapter.matchAll(/^ {2}\(type \(;(\d+);\) \(func(.*)\)\)$/gm)].map(([, at, type]) => [at, type]),
  );
  const funcs = new Map(
    [...adapter.matchAll(/^ {2}\(func (\S+) \(;\d+;\) \(type (\d+)\)/gm)].map(([, name, at]) => [name, at]),
  );
  const imports = [...adapter.matchAll(/\(export "([^"]+)" \(func (\S+)\)\)/g)].flatMap(([, name = '', func]) => {
    if (NOT_PREVIEW_1.test(name)) return [];
    return `(import "wasi_snapshot_preview1" "${name}" (func${types.get(funcs.get(func))}))`;
  });
  return `(module ${imports.join('\n')} (memory (export "memory") 0) (func (export "_start")))`;
}

export async function buildPreview1(): Promise<void> {
  const adapter = commandAdapter();
  const program = await parseWat(dummyProgram(await printWasm(adapter)));
  const component = stripCustomSections(await componentNew(program, { wasi_snapshot_preview1: adapter }));
  const problem = await validateComponent(component);
  if (problem !== undefined) throw new Error(problem);
  // Whoever reads it meanwhile finds all of it or nothing.
  const partial = `${PREVIEW1_FRAME}.${process.pid}`;
  writeFileSync(partial, component);
  renameSync(partial, PREVIEW1_FRAME);
}
