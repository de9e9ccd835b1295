/**
 * Child process of the component benchmark: makes many instances, keeps them, and prints what one takes.
 *
 *     node --expose-gc instance-memory.ts ours|jco|bare FOLDER
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileComponent } from '../src/component/index.ts';
import { loadCalls } from './jco.ts';

/** Enough that what the process itself takes does not count. */
const INSTANCES = 2_000;
const WARM_UP = 50;

const [kind, folder] = process.argv.slice(2) as [string, string];
const CALL = 'troupe:bench/calls@0.1.0#add';

/** Makes one instance that has been called, as one in use has. */
async function maker(): Promise<() => Promise<unknown>> {
  if (kind === 'jco') {
    const jco = await loadCalls(folder, 'sync');
    return async () => {
      const calls = await jco.instantiate();
      calls.add(1, 2);
      return calls;
    };
  }
  if (kind === 'bare') {
    const module = await WebAssembly.compile(await readFile(join(folder, 'bench-sync.core.wasm')));
    const tick = (n: number): number => n + 1;
    return async () => new WebAssembly.Instance(module, { 'troupe:bench/host@0.1.0': { tick } });
  }
  const wasm = await readFile(new URL('../fixtures/components/bench/bench.wasm', import.meta.url));
  const component = await compileComponent(wasm);
  const imports = { 'troupe:bench/host': { tick: (n: number) => n + 1 } };
  return async () => {
    const instance = await component.instantiate(imports);
    await instance.call(CALL, [1, 2]);
    return instance;
  };
}

function settle(): NodeJS.MemoryUsage {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage();
}

const make = await maker();
const kept: unknown[] = [];
for (let at = 0; at < WARM_UP; at++) kept.push(await make());
const before = settle();
for (let at = 0; at < INSTANCES; at++) kept.push(await make());
const after = settle();
process.stdout.write(
  JSON.stringify({
    instances: kept.length,
    residentBytes: (after.rss - before.rss) / INSTANCES,
    heapBytes: (after.heapUsed - before.heapUsed) / INSTANCES,
  }),
);
