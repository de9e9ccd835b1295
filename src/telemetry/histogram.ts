import { BUCKETS_S } from './catalogue.ts';

/** Milliseconds, for what reads clocks; to the digits that are written, so that a bound is in its own bucket. */
const BOUNDS_MS = Float64Array.from(BUCKETS_S, (seconds) => Number((seconds * 1_000).toPrecision(6)));
const BUCKETS = BOUNDS_MS.length + 1;

/** A histogram as plain data, for other threads and processes: the count of each bucket, and the sum in seconds. */
export type HistogramData = readonly number[];

/**
 * Counts durations in buckets that grow from 100 ns to 10 s. A fixed array of numbers: to record allocates nothing.
 *
 * ```
 *   ≤ 100 ns │ ≤ 250 ns │ ≤ 500 ns │ ≤ 1 µs │ …  │ ≤ 10 s │ more │ sum
 * ```
 */
export class Histogram {
  private readonly numbers = new Float64Array(BUCKETS + 1);

  /** @param times How many durations it stands for. */
  record(durationMs: number, times = 1): void {
    // What is read of a clock may be late, and is never early.
    const ms = Math.max(0, durationMs);
    let low = 0;
    let high = BUCKETS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ms <= (BOUNDS_MS[middle] as number)) high = middle;
      else low = middle + 1;
    }
    (this.numbers[low] as number) += times;
    (this.numbers[BUCKETS] as number) += (ms * times) / 1_000;
  }

  /** Durations that were recorded. */
  get count(): number {
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) count += this.numbers[bucket] as number;
    return count;
  }

  /** Seconds, of all of them together. */
  get sumS(): number {
    return this.numbers[BUCKETS] as number;
  }

  /** How many took at most so many seconds; `seconds` is one of the bounds. */
  atMost(seconds: number): number {
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS - 1 && (BUCKETS_S[bucket] as number) <= seconds; bucket++) {
      count += this.numbers[bucket] as number;
    }
    return count;
  }

  /** Seconds that a share of them took at most, by the bounds of its bucket; `undefined`: there are none. */
  quantileS(share: number): number | undefined {
    const { count } = this;
    if (count === 0) return undefined;
    const rank = share * count;
    let below = 0;
    for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
      const here = this.numbers[bucket] as number;
      const upper = BUCKETS_S[bucket] as number;
      if (below + here >= rank && here > 0) {
        const lower = BUCKETS_S[bucket - 1] ?? 0;
        return lower + ((upper - lower) * (rank - below)) / here;
      }
      below += here;
    }
    return BUCKETS_S.at(-1);
  }

  get data(): HistogramData {
    return [...this.numbers];
  }

  /** What was recorded since this was called last. */
  take(): HistogramData {
    const { data } = this;
    this.numbers.fill(0);
    return data;
  }

  /** Adds what another has counted. Anything but the data of one changes nothing: it may come from another process. */
  add(data: HistogramData): void {
    if (!isHistogramData(data)) return;
    for (const [index, number] of data.entries()) (this.numbers[index] as number) += number;
  }
}

function isHistogramData(data: unknown): data is HistogramData {
  const isNumber = (value: unknown): boolean => typeof value === 'number' && value >= 0 && Number.isFinite(value);
  return Array.isArray(data) && data.length === BUCKETS + 1 && data.every(isNumber);
}
