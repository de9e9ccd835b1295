/** The same component in the code that jco generates for it: made when a benchmark runs, in a temporary folder. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** `sync`: jco's fastest, but its guests can never wait for a host. `jspi`: they can, as all of ours can. */
export type JcoMode = 'sync' | 'jspi';

/** The components that are compared, by the names of their fixtures. */
export type Guest = 'bench' | 'echo';

/** What jco gives for `bench`, as far as it is used. */
export interface JcoCalls {
  readonly add: (a: number, b: number) => unknown;
  readonly handleMessage: (name: string, data: Uint8Array) => unknown;
  readonly handleMessageWithImport: (name: string, data: Uint8Array) => unknown;
  readonly echo: (data: Uint8Array) => unknown;
}

/** What jco gives for `echo`. */
export interface JcoHandler {
  readonly handle: (message: unknown) => unknown;
}

export interface JcoComponent<T> {
  readonly instantiate: () => Promise<T>;
}

const CALLS = 'troupe:bench/calls@0.1.0';
const HANDLER = 'troupe:actor/handler@0.1.0';
const HOST = 'troupe:bench/host';
const JSPI = {
  asyncMode: 'jspi',
  asyncImports: [`${HOST}@0.1.0#tick`],
  asyncExports: ['add', 'handle-message', 'handle-message-with-import'].map((name) => `${CALLS}#${name}`),
} as const;

/** Writes the code for each guest and mode into a temporary folder; `remove` deletes it. */
export async function transpile(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const { transpileBytes } = await import('@bytecodealliance/jco-transpile');
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  for (const [guest, mode] of [
    ['bench', 'sync'],
    ['bench', 'jspi'],
    ['echo', 'sync'],
  ] as const) {
    const wasm = await readFile(new URL(`../fixtures/components/${guest}/${guest}.wasm`, import.meta.url));
    const options = { name: `${guest}-${mode}`, instantiation: 'async', ...(mode === 'jspi' ? JSPI : {}) } as const;
    const { files } = await transpileBytes(wasm, options as unknown as Parameters<typeof transpileBytes>[1]);
    for (const [name, content] of Object.entries(files as Record<string, Uint8Array>)) {
      if (!name.endsWith('.d.ts')) await writeFile(join(folder, name), content);
    }
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Refuses whatever an actor asks of its system. */
const refused = () => ({ tag: 'err', val: { kind: 'denied', code: 'REFUSED', message: 'there is no system' } });
/** What `echo` imports, for both engines. */
export const MESSAGING = { tell: refused, ask: refused, publish: refused, self: () => 'echo' } as const;

/** Loads the generated code. Its core modules are compiled once, so that instantiation is compared with instantiation. */
async function load(folder: string, { guest, mode }: { guest: Guest; mode: JcoMode }) {
  const name = `${guest}-${mode}`;
  const generated = await import(pathToFileURL(join(folder, `${name}.js`)).href);
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
  const imports = { [HOST]: { tick }, 'troupe:actor/messaging': MESSAGING };
  await generated.instantiate(getCore, imports);
  const getCompiled = (path: string): WebAssembly.Module | undefined => modules.get(path);
  return () => generated.instantiate(getCompiled, imports) as Promise<Record<string, unknown>>;
}

export async function loadCalls(folder: string, mode: JcoMode): Promise<JcoComponent<JcoCalls>> {
  const instantiate = await load(folder, { guest: 'bench', mode });
  return { instantiate: async () => (await instantiate())[CALLS] as JcoCalls };
}

export async function loadHandler(folder: string): Promise<JcoComponent<JcoHandler>> {
  const instantiate = await load(folder, { guest: 'echo', mode: 'sync' });
  return { instantiate: async () => (await instantiate())[HANDLER] as JcoHandler };
}
