/**
 * The component engine against the code that jco generates for the same component, and against the bare core module.
 */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type CallSource,
  type CompiledComponent,
  type ComponentInstance,
  compileComponent,
  type HostImports,
} from '../src/component/index.ts';
import { loadCalls, loadHandler, MESSAGING, transpile } from './jco.ts';
import type { Report, Suite } from './suite.ts';

/** Rounds that are reported, after as many as V8 needs to settle. */
const ROUNDS = 15;
const WARM_UP_ROUNDS = 4;
const CALLS = 'troupe:bench/calls@0.1.0#';
const NAME = 'sensor-17';
const DATA = new Uint8Array(64).fill(7);
/** The middle value of a child process counts: each starts with a heap of its own. */
const MEMORY_CHILDREN = 5;

/** Something that is done `times` times in each round. `prepare` comes before it and is not timed. */
interface Subject {
  readonly name: string;
  readonly times: number;
  readonly prepare?: (times: number) => Promise<void>;
  readonly run: (times: number) => Promise<void> | void;
}

setFlagsFromString('--expose-gc');
/** Linear memories that are garbage are returned to the system in bulk, by whoever happens to run then: not by the next subject. */
const collect = runInNewContext('gc') as () => undefined;

/** Runs all subjects in turn, round after round. Gives nanoseconds for one time of each. */
async function alternate(subjects: readonly Subject[]): Promise<Map<string, number[]>> {
  const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const { name, times, prepare, run } of subjects) {
      await prepare?.(times);
      const started = process.hrtime.bigint();
      await run(times);
      const perCall = Number(process.hrtime.bigint() - started) / times;
      if (round >= 0) samples.get(name)?.push(perCall);
    }
  }
  return samples;
}

const actorHost: HostImports = { 'troupe:actor/messaging': MESSAGING };
const host: HostImports = { 'troupe:bench/host': { tick: (n: number) => (n + 1) >>> 0 } };

async function fixture(name: string): Promise<CompiledComponent> {
  const file = new URL(`../fixtures/components/${name}/${name}.wasm`, import.meta.url);
  return compileComponent(await readFile(file));
}

function handlerOf(component: CompiledComponent): string {
  return component.exports.find((item) => item.name.endsWith('#handle'))?.name ?? 'handle';
}

/** One turn of `times` calls. */
function turnOf(component: CompiledComponent, name: string, args: readonly unknown[]): CallSource & { left: number } {
  const func = component.export(name);
  if (func === undefined) throw new RangeError(`No export "${name}"`);
  const call = { func, args };
  return {
    left: 0,
    next() {
      return this.left-- > 0 ? call : undefined;
    },
    done: () => undefined,
    invalid: (error) => {
      throw error;
    },
  };
}

async function measureCalls(report: Report, component: CompiledComponent, folder: string): Promise<void> {
  const sync = await (await loadCalls(folder, 'sync')).instantiate();
  const jspi = await (await loadCalls(folder, 'jspi')).instantiate();
  for (const [name, camel] of [
    ['handle-message', 'handleMessage'],
    ['handle-message-with-import', 'handleMessageWithImport'],
  ] as const) {
    const instance = await component.instantiate(host);
    const full = `${CALLS}${name}`;
    const turn = turnOf(component, full, [NAME, DATA]);
    const subjects: Subject[] = [
      {
        name: 'pumped',
        times: 20_000,
        run: (times) => {
          turn.left = times;
          return instance.pump(turn);
        },
      },
      {
        name: 'awaited',
        times: 5_000,
        run: async (times) => {
          for (let at = 0; at < times; at++) await instance.call(full, [NAME, DATA]);
        },
      },
      {
        name: 'jco',
        times: 3_000,
        run: (times) => {
          for (let at = 0; at < times; at++) sync[camel](NAME, DATA);
        },
      },
      {
        name: 'jco JSPI',
        times: 1_500,
        run: async (times) => {
          for (let at = 0; at < times; at++) await jspi[camel](NAME, DATA);
        },
      },
    ];
    const samples = await alternate(subjects);
    const row = (key: string): number[] => samples.get(key) as number[];
    // Ours can always wait for the host. jco's can in its JSPI mode only, so that is what an awaited call compares with.
    const jco = `${name}: jco, sync`;
    const awaited = `${name}: jco, JSPI, awaited`;
    report.row({ name: jco, unit: 'ns', samples: row('jco') });
    report.row({ name: awaited, unit: 'ns', samples: row('jco JSPI') });
    report.row({
      name: `${name}: pumped`,
      unit: 'ns',
      samples: row('pumped'),
      target: { timesFasterThan: jco, atLeast: 10 },
    });
    report.row({
      name: `${name}: awaited`,
      unit: 'ns',
      samples: row('awaited'),
      target: { timesFasterThan: awaited, atLeast: 2.5 },
    });
  }
}

/** A message to the actor `echo`. */
const message = (subject: string) => ({
  delivery: 'ask',
  subject,
  payload: DATA,
  sender: undefined,
  remainingMs: undefined,
});

/** An actor as a toolchain makes it, with shim and fixup modules: as it comes, and with its first message. */
async function measureInstances(report: Report, echo: CompiledComponent, folder: string): Promise<void> {
  const jco = await loadHandler(folder);
  const handle = handlerOf(echo);
  const once =
    (work: () => Promise<unknown>): Subject['run'] =>
    async (times) => {
      for (let at = 0; at < times; at++) await work();
    };
  const shared = { times: 200, prepare: async () => collect() };
  const samples = await alternate([
    { name: 'ours', ...shared, run: once(() => echo.instantiate(actorHost)) },
    { name: 'jco', ...shared, run: once(() => jco.instantiate()) },
    {
      name: 'ours used',
      ...shared,
      run: once(async () => (await echo.instantiate(actorHost)).call(handle, [message('echo')])),
    },
    { name: 'jco used', ...shared, run: once(async () => (await jco.instantiate()).handle(message('echo'))) },
  ]);
  const micros = (key: string): number[] => (samples.get(key) as number[]).map((ns) => ns / 1000);
  for (const [ours, theirs, what] of [
    ['ours', 'jco', 'instance'],
    ['ours used', 'jco used', 'instance and its first message'],
  ] as const) {
    const other = `${what}: jco, sync`;
    report.row({ name: other, unit: 'µs', samples: micros(theirs) });
    report.row({ name: what, unit: 'µs', samples: micros(ours), target: { timesFasterThan: other, atLeast: 3 } });
  }
}

/** What each of many live instances takes, measured in processes of their own. */
interface Footprint {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

function footprint(kind: string, folder: string): Footprint {
  const script = join(import.meta.dirname, 'instance-memory.ts');
  const child = spawnSync(process.execPath, ['--expose-gc', script, kind, folder], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`Measuring the memory of ${kind} failed: ${child.stderr}`);
  return JSON.parse(child.stdout) as Footprint;
}

function measureMemory(report: Report, folder: string): void {
  const found = new Map<string, Footprint[]>([
    ['bare', []],
    ['jco', []],
    ['ours', []],
  ]);
  for (let round = 0; round < MEMORY_CHILDREN; round++) {
    for (const [kind, list] of found) list.push(footprint(kind, folder));
  }
  const samples = (kind: string, part: keyof Footprint): number[] =>
    (found.get(kind) as Footprint[]).map((item) => item[part] / 1024);
  for (const part of ['residentBytes', 'heapBytes'] as const) {
    const what = part === 'residentBytes' ? 'memory of an instance' : 'heap of an instance';
    report.row({ name: `${what}: bare core module`, unit: 'KiB', samples: samples('bare', part) });
    report.row({ name: `${what}: jco`, unit: 'KiB', samples: samples('jco', part) });
    report.row({
      name: what,
      unit: 'KiB',
      samples: samples('ours', part),
      target: { fractionOf: `${what}: jco`, atMost: 0.25 },
    });
  }
}

/** A guest traps; a new instance handles the next message. */
async function measureRestart(report: Report, component: CompiledComponent): Promise<void> {
  const imports = actorHost;
  const handle = handlerOf(component);
  const actors: ComponentInstance[] = [];
  const prepare = async (times: number): Promise<void> => {
    for (let at = 0; at < times; at++) {
      const actor = await component.instantiate(imports);
      await actor.call(handle, [message('echo')]);
      actors.push(actor);
    }
    collect();
  };
  const run = async (): Promise<void> => {
    for (const actor of actors.splice(0)) {
      await actor.call(handle, [message('trap')]).catch(() => undefined);
      const next = await component.instantiate(imports);
      await next.call(handle, [message('echo')]);
    }
  };
  const samples = await alternate([{ name: 'restart', times: 100, prepare, run }]);
  const micros = (samples.get('restart') as number[]).map((ns) => ns / 1000);
  report.row({ name: 'trap to next message', unit: 'µs', samples: micros, target: { atMost: 50 } });
}

export const suite: Suite = {
  name: 'component',
  async run(report) {
    const component = await fixture('bench');
    const echo = await fixture('echo');
    const { folder, remove } = await transpile();
    try {
      await measureCalls(report, component, folder);
      await measureInstances(report, echo, folder);
      measureMemory(report, folder);
      await measureRestart(report, echo);
    } finally {
      await remove();
    }
    report.notMeasured('jco with a guest that waits for its host: only calls whose host answers at once are compared');
    report.notMeasured('compiling: ours validates and rewrites, jco generates code ahead of time');
    report.notMeasured('supervision: the engine alone restarts the guest here');
  },
};
