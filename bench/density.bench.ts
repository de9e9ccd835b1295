/**
 * How many instances of a small component fit into one process, and how fast they come, through the public API.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Report, Suite } from './suite.ts';

/** Each measures in a process of its own; the middle value counts. */
const CHILDREN = 3;
const INSTANCES = 10_000;

/** What one child says, for each of its actors. */
interface Density {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly constructNs: number;
  readonly readyNs: number;
  /** Of the processor, on the thread that spawns: the same on a machine that is busy. */
  readonly readyCpuNs: number;
  readonly messageNs: number;
}

/** What one child with a pool says, or one without, for each of its actors. */
interface Burst {
  /** From `spawn` to ready, of 500 at once that find the pool full. */
  readonly readyNs: number;
  /** From `spawn` over a message to the end, of 100 at once, one burst after the other. */
  readonly lifeNs: number;
}

/** Instances that are kept ready: enough for a burst. */
const POOL = 512;

/** V8 then collects less often; see docs/guides/density.md. */
const AS_HEAP = '--external-memory-accounted-in-global-limit';

function child<T>(script: string, argument: number, flags: readonly string[] = []): T {
  const file = join(import.meta.dirname, script);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', ...flags, file, String(argument)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${script} failed: ${stderr}`);
  return JSON.parse(stdout) as T;
}

function measurePool(report: Report): void {
  const bursts = (pool: number): Burst[] =>
    Array.from({ length: CHILDREN }, () => child<Burst>('instance-pool.ts', pool));
  const [plain, pooled] = [bursts(0), bursts(POOL)];
  const micros = (found: Burst[], pick: (item: Burst) => number): number[] => found.map((item) => pick(item) / 1000);
  const lives = 'spawn, one message, stop; bursts of 100';
  report.row({ name: 'spawn to ready, bursts of 500', unit: 'µs', samples: micros(plain, (item) => item.readyNs) });
  report.row({
    name: `spawn to ready, bursts of 500 from a pool of ${POOL}`,
    unit: 'µs',
    samples: micros(pooled, (item) => item.readyNs),
    target: { atMost: 50 },
  });
  report.row({ name: lives, unit: 'µs', samples: micros(plain, (item) => item.lifeNs) });
  report.row({
    name: `${lives}, with a pool of ${POOL}`,
    unit: 'µs',
    samples: micros(pooled, (item) => item.lifeNs),
    target: { timesFasterThan: lives, atLeast: 3 },
  });
}

export const suite: Suite = {
  name: 'density',
  async run(report) {
    const found = Array.from({ length: CHILDREN }, () => child<Density>('instance-density.ts', INSTANCES));
    const column = (pick: (item: Density) => number): number[] => found.map(pick);
    report.row({ name: 'spawn, construct only', unit: 'ns', samples: column((item) => item.constructNs) });
    report.row({
      name: 'spawn to ready, batches of 500',
      unit: 'µs',
      samples: column((item) => item.readyNs / 1000),
      target: { atMost: 50 },
    });
    report.row({
      name: 'spawn to ready, processor time of the thread',
      unit: 'µs',
      samples: column((item) => item.readyCpuNs / 1000),
    });
    report.row({ name: 'first message', unit: 'µs', samples: column((item) => item.messageNs / 1000) });
    report.row({
      name: 'resident memory of an actor',
      unit: 'KiB',
      samples: column((item) => item.residentBytes / 1024),
      target: { atMost: 20 },
    });
    report.row({ name: 'heap of an actor', unit: 'KiB', samples: column((item) => item.heapBytes / 1024) });
    const asHeap = Array.from({ length: CHILDREN }, () => child<Density>('instance-density.ts', INSTANCES, [AS_HEAP]));
    report.row({
      name: `spawn to ready, batches of 500, node ${AS_HEAP}`,
      unit: 'µs',
      samples: asHeap.map((item) => item.readyNs / 1000),
      target: { atMost: 50 },
    });
    measurePool(report);
    report.notMeasured(
      'compiling the component, which all its actors share; guests with more memory than they touch at first',
    );
  },
};
