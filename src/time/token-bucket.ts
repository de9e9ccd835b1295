import type { Clock, TimerHandle } from './ports.ts';

/** One rate, for each of those clocks that somebody goes by. */
export class Rate {
  readonly #perSecond: number;
  readonly #buckets = new WeakMap<Clock, TokenBucket>();

  /** @param perSecond Above 0; `Infinity`: there is none. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  on(clock: Clock): TokenBucket | undefined {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return undefined;
    let bucket = this.#buckets.get(clock);
    if (bucket === undefined) {
      bucket = new TokenBucket(clock, this.#perSecond);
      this.#buckets.set(clock, bucket);
    }
    return bucket;
  }
}

/** One that waits, and what it is charged in advance when its turn comes. */
interface Waiter {
  readonly cost: number;
  readonly go: () => void;
}

/**
 * A rate: so many units a second, and as many at once after a rest. Units may be taken before it is known how many they
 * are: then there is a debt, and whoever waits goes on when it is paid.
 *
 *     level  rate ┬───╮ full after a second of rest
 *               0 ┼────╲────╱──── those that wait go on, one after the other
 *                 ┴     ╲__╱      debt: nobody does
 */
export class TokenBucket {
  readonly perSecond: number;
  private readonly clock: Clock;
  private tokens: number;
  private atMs: number;
  /** In the order in which they came; bounded by those who can wait at once. */
  private readonly waiters = new Set<Waiter>();
  private timer: TimerHandle | undefined;

  /** @param perSecond Above 0, finite. */
  constructor(clock: Clock, perSecond: number) {
    this.clock = clock;
    this.perSecond = perSecond;
    this.tokens = perSecond;
    this.atMs = clock.nowMs();
  }

  /** Units that are there now; below zero, a debt. */
  get level(): number {
    const nowMs = this.clock.nowMs();
    this.tokens = Math.min(this.perSecond, this.tokens + ((nowMs - this.atMs) / 1_000) * this.perSecond);
    this.atMs = nowMs;
    return this.tokens;
  }

  /** Takes units that were used already. */
  spend(units: number): void {
    this.tokens = this.level - units;
  }

  /** Gives back units that were taken and not used. */
  refund(units: number): void {
    this.tokens += units;
  }

  /** Takes units if they are all there. */
  tryTake(units: number): boolean {
    if (this.level < units) return false;
    this.tokens -= units;
    return true;
  }

  /**
   * Calls `go` when there is no debt and all that came before had their turn: not before this returns.
   *
   * @param cost Is taken when `go` is called.
   * @returns How to give up the wait.
   */
  wait(go: () => void, cost = 0): () => void {
    const waiter = { cost, go };
    this.waiters.add(waiter);
    this.timer ??= this.schedule();
    return () => {
      this.waiters.delete(waiter);
      if (this.waiters.size > 0) return;
      this.timer?.cancel();
      this.timer = undefined;
    };
  }

  /** Somebody's work waits for it: the process is kept alive. */
  private schedule(): TimerHandle {
    const delayMs = Math.max(0, Math.ceil((-this.level / this.perSecond) * 1_000));
    return this.clock.after(delayMs, () => this.pass(), true);
  }

  private pass(): void {
    this.timer = undefined;
    for (const waiter of this.waiters) {
      if (this.level < 0) break;
      this.waiters.delete(waiter);
      this.tokens -= waiter.cost;
      waiter.go();
    }
    if (this.waiters.size > 0) this.timer ??= this.schedule();
  }
}
