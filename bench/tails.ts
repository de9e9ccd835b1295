/** Single operations, one clock reading before each and one after: what the slowest of a hundred take. */

import { quantile } from './statistics.ts';
import type { Report } from './suite.ts';

/** Operations of a round. */
const SINGLE = 2_000;
const ROUNDS = 15;
const WARM_UP_ROUNDS = 5;

/** One operation; returns when it was done, on the clock of `performance.now()`. */
export interface Single {
  readonly name: string;
  readonly run: (startMs: number) => Promise<number> | number;
  /** Milliseconds that 99 of 100 may take. */
  readonly p99Ms?: number;
  /** Fewer than 2,000 in a round, of what takes long. */
  readonly count?: number;
}

/** Microseconds of each operation. */
async function durations({ run, count = SINGLE }: Single): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    found.push(((await run(startMs)) - startMs) * 1e3);
  }
  return found.sort((a, b) => a - b);
}

/** A row for the half and one for the 99th of 100 operations of each, medians over rounds that alternate. */
export async function reportTails(report: Report, singles: readonly Single[]): Promise<void> {
  const samples = new Map(singles.map(({ name }) => [name, { p50: [] as number[], p99: [] as number[] }]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const single of singles) {
      const sorted = await durations(single);
      if (round < 0) continue;
      samples.get(single.name)?.p50.push(quantile(sorted, 0.5));
      samples.get(single.name)?.p99.push(quantile(sorted, 0.99));
    }
  }
  for (const { name, p99Ms } of singles) {
    const { p50, p99 } = samples.get(name) as { p50: number[]; p99: number[] };
    report.row({ name: `${name}: single, p50`, unit: 'µs', samples: p50 });
    const target = p99Ms === undefined ? {} : { target: { atMost: p99Ms * 1e3 } };
    report.row({ name: `${name}: single, p99`, unit: 'µs', samples: p99, ...target });
  }
  report.notMeasured('single operations without the two readings of the clock, some 0.05 µs, that are in each');
}
