/**
 * Rebuilds `src/component/preview1/command.wasm`: the preview 1 adapter around a dummy program that imports all of it.
 * Programs take the place of the dummy. Needed only for another adapter.
 *
 *     node scripts/build-preview1.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentNew, parseWat, printWasm, validateComponent } from '../src/component/tooling/index.ts';
import { commandAdapter } from './preview1-adapter.ts';
import { stripCustomSections } from './strip-custom-sections.ts';

const OUTPUT = join(import.meta.dirname, '..', 'src/component/preview1/command.wasm');

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

const scratch = mkdtempSync(join(tmpdir(), 'troupe-preview1-'));
try {
  const adapter = commandAdapter(scratch);
  const program = await parseWat(dummyProgram(await printWasm(adapter)));
  const component = stripCustomSections(await componentNew(program, { wasi_snapshot_preview1: adapter }));
  const problem = await validateComponent(component);
  if (problem !== undefined) throw new Error(problem);
  writeFileSync(OUTPUT, component);
  console.log(`${OUTPUT}  ${component.length.toLocaleString('en-US')} bytes`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
