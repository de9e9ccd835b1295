/**
 * Child process of the component benchmark: times instances of one engine, which so pays for its own garbage and for no
 * other's. Prints nanoseconds as JSON: of each single time, so that a collection of garbage is one sample among many and
 * not a share of all.
 *
 *     node --expose-gc instance-time.ts ours|jco|bare instance|used|again|restart FOLDER
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ComponentInstance, compileComponent } from '../src/component/index.ts';
import { loadHandler, MESSAGING } from './jco.ts';

const TIMES = 2_000;
/** Times that V8 needs to settle. */
const WARM_UP = 1_000;
/** Memory of many dead instances is given back at once, now and then; here it happens outside of what is timed. */
const TIMES_PER_COLLECTION = 100;

const [engine, what, folder] = process.argv.slice(2) as [string, string, string];

const message = (subject: string): Record<string, unknown> => ({
  delivery: 'ask',
  subject,
  payload: new Uint8Array(64).fill(7),
  sender: undefined,
  remainingMs: undefined,
});

interface Work {
  /** Not timed. */
  readonly prepare?: () => Promise<void>;
  readonly run: () => Promise<unknown>;
}

async function ours(): Promise<Work> {
  const wasm = await readFile(new URL('../fixtures/components/echo/echo.wasm', import.meta.url));
  const component = await compileComponent(wasm);
  const imports = { 'troupe:actor/messaging': MESSAGING };
  const handle = component.exports.find((item) => item.name.endsWith('#handle'))?.name ?? 'handle';
  const make = () => component.instantiate(imports);
  const used = async (): Promise<ComponentInstance> => {
    const instance = await make();
    await instance.call(handle, [message('echo')]);
    return instance;
  };
  if (what === 'again') {
    const instance = await component.instantiate(imports, { rewindable: true });
    const run = (): Promise<unknown> => {
      if (!instance.rewind()) throw new Error('The instance cannot be put back to its origin');
      void instance.begin({});
      return instance.call(handle, [message('echo')]);
    };
    return { run };
  }
  if (what !== 'restart') return { run: what === 'used' ? used : make };
  let actor: ComponentInstance;
  return {
    prepare: async () => {
      actor = await used();
    },
    run: async () => {
      await actor.call(handle, [message('trap')]).catch(() => undefined);
      await used();
    },
  };
}

async function jco(): Promise<Work> {
  const component = await loadHandler(folder);
  if (what !== 'used') return { run: () => component.instantiate() };
  return { run: async () => (await component.instantiate()).handle(message('echo')) };
}

/** V8 alone, with the component's main module: what no engine on it can be faster than. */
async function bare(): Promise<Work> {
  const module = await WebAssembly.compile(await readFile(join(folder, 'echo-sync.core.wasm')));
  const imports: Record<string, Record<string, unknown>> = {};
  for (const item of WebAssembly.Module.imports(module)) {
    imports[item.module] = { ...imports[item.module], [item.name]: () => 0 };
  }
  return { run: async () => new WebAssembly.Instance(module, imports) };
}

const ENGINES: Readonly<Record<string, () => Promise<Work>>> = { ours, jco, bare };
const { prepare, run } = await (ENGINES[engine] as () => Promise<Work>)();
const samples: number[] = [];
for (let time = -WARM_UP; time < TIMES; time++) {
  if (time % TIMES_PER_COLLECTION === 0) globalThis.gc?.();
  await prepare?.();
  const started = process.hrtime.bigint();
  await run();
  const took = Number(process.hrtime.bigint() - started);
  if (time >= 0) samples.push(took);
}
process.stdout.write(JSON.stringify(samples));
