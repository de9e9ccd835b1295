/** How long the bar of a row is: rows of one kind of unit share a logarithmic scale, since a call and a request are far apart. */
import type { Measured } from './statistics.ts';
import type { Row } from './suite.ts';

/** Units of one kind, and what each is in the smallest one. */
const KINDS: readonly Readonly<Partial<Record<Row['unit'], number>>>[] = [
  { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 },
  { bytes: 1, KiB: 1024, MiB: 1024 ** 2 },
  { '%': 1 },
  { 'per second': 1 },
  { times: 1 },
];

/** The shortest bar, so that the least value is seen. */
const LEAST = 0.04;

/** For each row, in their order, how much of the full length its bar has: from 0.04 to 1. Nothing takes no bar: 0. */
export function barsOf(rows: readonly Measured[]): number[] {
  const bars = new Array<number>(rows.length).fill(0);
  for (const kind of KINDS) {
    const sizes = rows.map(({ unit, median }) => (kind[unit] ?? 0) * median);
    const positive = sizes.filter((size) => size > 0);
    if (positive.length === 0) continue;
    const least = Math.log(Math.min(...positive));
    const range = Math.log(Math.max(...positive)) - least;
    for (const [i, size] of sizes.entries()) {
      if (size > 0) bars[i] = range === 0 ? 1 : LEAST + ((1 - LEAST) * (Math.log(size) - least)) / range;
    }
  }
  return bars;
}
