/**
 * The component engine against the code that jco generates for the same component, and against the bare core module.
 */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallSource, type CompiledComponent, compileComponent, type HostImports } from '../src/component/index.ts';
import { loadJco, transpile } from './jco.ts';
import type { Report, Suite } from './suite.ts';

/** Rounds that are reported, after as many as V8 needs to settle. */
const ROUNDS = 15;
const WARM_UP_ROUNDS = 4;
const CALLS = 'troupe:bench/calls@0.1.0#';
const NAME = 'sensor-17';
const DATA = new Uint8Array(64).fill(7);
/** The middle value of a child process counts: each starts with a heap of its own. */
const MEMORY_CHILDREN = 5;

/** Something that is done `times` times in each round. */
interface Subject {
  readonly name: string;
  readonly times: number;
  readonly run: (times: number) => Promise<void> | void;
}

/** Runs all subjects in turn, round after round. Gives nanoseconds for one time of each. */
async function alternate(subjects: readonly Subject[]): Promise<Map<string, number[]>> {
  const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const { name, times, run } of subjects) {
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
  const sync = await (await loadJco(folder, 'sync')).instantiate();
  const jspi = await (await loadJco(folder, 'jspi')).instantiate();
  for (const [name, camel] of [
    ['handle-message', 'handleMessage'],
    ['handle-message-with-import', 'handleMessageWithImport'],
  ] as const) {
    const instance = await component.instantiate(host);
    const turn = turnOf(component, CALLS + name, [NAME, DATA]);
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
          for (let at = 0; at < times; at++) await instance.call(CALLS + name, [NAME, DATA]);
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
    const jco = `${name}: jco, sync`;
    report.row({ name: jco, unit: 'ns', samples: row('jco') });
    report.row({ name: `${name}: jco, JSPI, awaited`, unit: 'ns', samples: row('jco JSPI') });
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
      target: { timesFasterThan: jco, atLeast: 2.5 },
    });
  }
}

async function measureInstances(report: Report, component: CompiledComponent, folder: string): Promise<void> {
  const jco = await loadJco(folder, 'sync');
  const times = 100;
  const subjects: Subject[] = [
    {
      name: 'ours',
      times,
      run: async (count) => {
        for (let at = 0; at < count; at++) await component.instantiate(host);
      },
    },
    {
      name: 'jco',
      times,
      run: async (count) => {
        for (let at = 0; at < count; at++) await jco.instantiate();
      },
    },
  ];
  const samples = await alternate(subjects);
  const micros = (key: string): number[] => (samples.get(key) as number[]).map((ns) => ns / 1000);
  report.row({ name: 'instance: jco', unit: 'µs', samples: micros('jco') });
  report.row({
    name: 'instance',
    unit: 'µs',
    samples: micros('ours'),
    target: { timesFasterThan: 'instance: jco', atLeast: 3 },
  });
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
async function measureRestart(report: Report): Promise<void> {
  const component = await fixture('echo');
  const refuse = () => ({ tag: 'err', val: { kind: 'denied', code: 'X', message: 'x' } });
  const messaging = { tell: refuse, ask: refuse, publish: refuse, self: () => 'echo' };
  const imports = { 'troupe:actor/messaging': messaging };
  const handle = component.exports.find((item) => item.name.endsWith('#handle'))?.name ?? 'handle';
  const message = (subject: string) => ({
    delivery: 'ask',
    subject,
    payload: DATA,
    sender: undefined,
    remainingMs: undefined,
  });
  const run = async (times: number): Promise<void> => {
    for (let at = 0; at < times; at++) {
      const instance = await component.instantiate(imports);
      await instance.call(handle, [message('trap')]).catch(() => undefined);
      const next = await component.instantiate(imports);
      await next.call(handle, [message('echo')]);
    }
  };
  const prepare = async (times: number): Promise<void> => {
    for (let at = 0; at < times; at++) await component.instantiate(imports);
  };
  const samples = await alternate([
    { name: 'both', times: 100, run },
    { name: 'prepared', times: 100, run: prepare },
  ]);
  // The first instance was there before it trapped.
  const prepared = samples.get('prepared') as number[];
  const micros = (samples.get('both') as number[]).map((ns, at) => (ns - (prepared[at] as number)) / 1000);
  report.row({ name: 'trap to next message', unit: 'µs', samples: micros, target: { atMost: 50 } });
}

export const suite: Suite = {
  name: 'component',
  async run(report) {
    const component = await fixture('bench');
    const { folder, remove } = await transpile();
    try {
      await measureCalls(report, component, folder);
      await measureInstances(report, component, folder);
      measureMemory(report, folder);
      await measureRestart(report);
    } finally {
      await remove();
    }
    report.notMeasured('jco with a guest that waits for its host: only calls whose host answers at once are compared');
    report.notMeasured('compiling: ours validates and rewrites, jco generates code ahead of time');
    report.notMeasured('supervision: the engine alone restarts the guest here');
  },
};
