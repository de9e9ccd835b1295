/**
 * The component engine against the code that jco generates for the same component, and against the bare core module.
 */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallSource, type CompiledComponent, compileComponent, type HostImports } from '../src/component/index.ts';
import { loadCalls, transpile } from './jco.ts';
import type { Report, Suite } from './suite.ts';

/** Rounds that are reported, after as many as V8 needs to settle. */
const ROUNDS = 15;
const WARM_UP_ROUNDS = 4;
const CALLS = 'troupe:bench/calls@0.1.0#';
const NAME = 'sensor-17';
const DATA = new Uint8Array(64).fill(7);
/** The middle value of a child process counts: each starts with a heap of its own. */
const MEMORY_CHILDREN = 5;
/** Processes that time instances, of each engine. */
const TIME_CHILDREN = 3;

/** Something that is done `times` times in each round. `prepare` comes before it and is not timed. */
interface Subject {
  readonly name: string;
  readonly times: number;
  readonly prepare?: (times: number) => Promise<void>;
  readonly run: (times: number) => Promise<void> | void;
}

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

const host: HostImports = { 'troupe:bench/host': { tick: (n: number) => (n + 1) >>> 0 } };

async function fixture(name: string): Promise<CompiledComponent> {
  const file = new URL(`../fixtures/components/${name}/${name}.wasm`, import.meta.url);
  return compileComponent(await readFile(file));
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

/** Runs a script of this folder in a process of its own. */
function child<T>(script: string, args: readonly string[]): T {
  const file = join(import.meta.dirname, script);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', file, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} failed: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Microseconds, over several processes. Both engines take turns, and each pays for its own garbage only. */
function times(engines: readonly string[], what: string, folder: string): Map<string, number[]> {
  const samples = new Map<string, number[]>(engines.map((engine) => [engine, []]));
  for (let round = 0; round < TIME_CHILDREN; round++) {
    for (const [engine, list] of samples) {
      list.push(...child<number[]>('instance-time.ts', [engine, what, folder]).map((ns) => ns / 1000));
    }
  }
  return samples;
}

/** An actor as a toolchain makes it, with shim and fixup modules: as it comes, and with its first message. */
function measureInstances(report: Report, folder: string): void {
  for (const [what, name] of [
    ['instance', 'instance'],
    ['used', 'instance and its first message'],
  ] as const) {
    const samples = times(['jco', 'ours'], what, folder);
    const other = `${name}: jco, sync`;
    report.row({ name: other, unit: 'µs', samples: samples.get('jco') as number[] });
    const target = { timesFasterThan: other, atLeast: 3 };
    report.row({ name, unit: 'µs', samples: samples.get('ours') as number[], target });
  }
}

/** What each of many live instances takes, measured in processes of their own. */
interface Footprint {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

function measureMemory(report: Report, folder: string): void {
  const found = new Map<string, Footprint[]>([
    ['bare', []],
    ['jco', []],
    ['ours', []],
  ]);
  for (let round = 0; round < MEMORY_CHILDREN; round++) {
    for (const [kind, list] of found) list.push(child<Footprint>('instance-memory.ts', [kind, folder]));
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

/** What V8 takes for the main core module alone: the floor of every engine on it. */
function measureFloor(report: Report, folder: string): void {
  const samples = times(['bare'], 'instance', folder).get('bare') as number[];
  report.row({ name: 'instance: bare core module', unit: 'µs', samples });
}

/** One instance in life after life, with what a new one costs to compare. */
function measureAgain(report: Report, folder: string): void {
  const samples = times(['ours'], 'again', folder).get('ours') as number[];
  const target = { timesFasterThan: 'instance and its first message', atLeast: 5 };
  report.row({ name: 'instance put back to its origin, and its first message', unit: 'µs', samples, target });
}

/** A guest traps; a new instance handles the next message. */
function measureRestart(report: Report, folder: string): void {
  const samples = times(['ours'], 'restart', folder).get('ours') as number[];
  report.row({ name: 'trap to next message', unit: 'µs', samples, target: { atMost: 50 } });
}

export const suite: Suite = {
  name: 'component',
  async run(report) {
    const component = await fixture('bench');
    const { folder, remove } = await transpile();
    try {
      await measureCalls(report, component, folder);
      measureFloor(report, folder);
      measureInstances(report, folder);
      measureAgain(report, folder);
      measureMemory(report, folder);
      measureRestart(report, folder);
    } finally {
      await remove();
    }
    report.notMeasured('jco with a guest that waits for its host: only calls whose host answers at once are compared');
    report.notMeasured('compiling: ours validates and rewrites, jco generates code ahead of time');
    report.notMeasured('supervision: the engine alone restarts the guest here');
  },
};
