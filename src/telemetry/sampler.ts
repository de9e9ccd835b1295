/**
 * Operations that one that is timed stands for, at most: to time one costs some 300 ns, which is about one for each. Of a million in a
 * second, thousands are timed.
 */
const INTERVAL_MAX = 256;

/** Milliseconds between two that are timed, from which on each may be: the clock then takes a ten-thousandth of the time. */
const RARE_MS = 1;

/**
 * Says which operations to time: all that are rare, and of those that follow each other closely ever fewer, down to one of
 * {@link INTERVAL_MAX}. Which ones is left to chance, so that a pattern of operations does not hide behind the interval.
 */
export class Sampler {
  private left = 1;
  private interval = 1;
  private lastMs = Number.NEGATIVE_INFINITY;
  /** Xorshift; any number but 0 will do. */
  private chance = 0x9e3779b9;

  /** Whether the operation that begins now is to be timed. If so, {@link weigh} follows. */
  isDue(): boolean {
    return --this.left <= 0;
  }

  /** How many operations the one stands for that is timed now. */
  weigh(nowMs: number): number {
    const weight = this.interval;
    this.interval = nowMs - this.lastMs >= RARE_MS ? 1 : Math.min(INTERVAL_MAX, weight * 2);
    this.lastMs = nowMs;
    this.left = this.interval === 1 ? 1 : 1 + (this.next() % (2 * this.interval - 1));
    return weight;
  }

  private next(): number {
    let { chance } = this;
    chance ^= chance << 13;
    chance ^= chance >>> 17;
    chance ^= chance << 5;
    this.chance = chance;
    return chance >>> 0;
  }
}
