/**
 * How many instances of a small component fit into one process, and how fast they come, through the public API.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Suite } from './suite.ts';

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

function child(): Density {
  const file = join(import.meta.dirname, 'instance-density.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', file, String(INSTANCES)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`instance-density.ts failed: ${stderr}`);
  return JSON.parse(stdout) as Density;
}

export const suite: Suite = {
  name: 'density',
  async run(report) {
    const found = Array.from({ length: CHILDREN }, child);
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
    report.notMeasured(
      'compiling the component, which all its actors share; guests with more memory than they touch at first',
    );
  },
};
