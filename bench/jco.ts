/** The same component in the code that jco generates for it: made when a benchmark runs, in a temporary folder. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** `sync`: jco's fastest, but its guests can never wait for a host. `jspi`: they can, as all of ours can. */
export type JcoMode = 'sync' | 'jspi';

/** What jco gives for `fixtures/components/bench`. */
export interface JcoCalls {
  readonly add: (a: number, b: number) => unknown;
  readonly handleMessage: (name: string, data: Uint8Array) => unknown;
  readonly handleMessageWithImport: (name: string, data: Uint8Array) => unknown;
  readonly echo: (data: Uint8Array) => unknown;
}

export interface JcoComponent {
  readonly instantiate: () => Promise<JcoCalls>;
}

const CALLS = 'troupe:bench/calls@0.1.0';
const HOST = 'troupe:bench/host';
const JSPI = {
  asyncMode: 'jspi',
  asyncImports: [`${HOST}@0.1.0#tick`],
  asyncExports: ['add', 'handle-message', 'handle-message-with-import'].map((name) => `${CALLS}#${name}`),
} as const;

/** Writes the code for each mode into a temporary folder; `remove` deletes it. */
export async function transpile(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const { transpileBytes } = await import('@bytecodealliance/jco-transpile');
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  const wasm = await readFile(new URL('../fixtures/components/bench/bench.wasm', import.meta.url));
  for (const mode of ['sync', 'jspi'] as const) {
    const options = { name: mode, instantiation: 'async', ...(mode === 'jspi' ? JSPI : {}) } as const;
    const { files } = await transpileBytes(wasm, options as unknown as Parameters<typeof transpileBytes>[1]);
    for (const [name, content] of Object.entries(files as Record<string, Uint8Array>)) {
      if (!name.endsWith('.d.ts')) await writeFile(join(folder, name), content);
    }
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Loads the generated code. Its core modules are compiled once, so that instantiation is compared with instantiation. */
export async function loadJco(folder: string, mode: JcoMode): Promise<JcoComponent> {
  const generated = await import(pathToFileURL(join(folder, `${mode}.js`)).href);
  const modules = new Map<string, WebAssembly.Module>();
  const getCore = async (path: string): Promise<WebAssembly.Module> => {
    let module = modules.get(path);
    if (module === undefined) {
      module = await WebAssembly.compile(await readFile(join(folder, path)));
      modules.set(path, module);
    }
    return module;
  };
  const next = (n: number): number => (n + 1) >>> 0;
  const tick = mode === 'sync' ? next : async (n: number) => next(n);
  await generated.instantiate(getCore, { [HOST]: { tick } });
  const getCompiled = (path: string): WebAssembly.Module | undefined => modules.get(path);
  return {
    instantiate: async () => (await generated.instantiate(getCompiled, { [HOST]: { tick } }))[CALLS] as JcoCalls,
  };
}
