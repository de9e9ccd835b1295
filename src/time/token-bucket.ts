import type { Clock, TimerHandle } from './ports.ts';
import { type Level, OwnLevel, SharedLevel, type SharedLevelCell } from './rate-level.ts';

/** One rate, for each of those clocks that somebody goes by. */
export class Rate {
  readonly #perSecond: number;
  readonly #shared: SharedLevelCell | undefined;
  readonly #buckets = new WeakMap<Clock, TokenBucket>();

  /** @param perSecond Above 0; `Infinity`: there is none. @param shared Where other threads have the same rate. */
  constructor(perSecond: number, shared?: SharedLevelCell) {
    this.#perSecond = perSecond;
    this.#shared = shared;
  }

  on(clock: Clock): TokenBucket | undefined {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return undefined;
    let bucket = this.#buckets.get(clock);
    if (bucket === undefined) {
      const level = this.#shared && new SharedLevel(clock, { ...this.#shared, perSecond: this.#perSecond });
      bucket = new TokenBucket(clock, this.#perSecond, level);
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
  private readonly units: Level;
  /** In the order in which they came; bounded by those who can wait at once. */
  private readonly waiters = new Set<Waiter>();
  private timer: TimerHandle | undefined;

  /** @param perSecond Above 0, finite. */
  constructor(clock: Clock, perSecond: number, units: Level = new OwnLevel(clock, perSecond)) {
    this.clock = clock;
    this.perSecond = perSecond;
    this.units = units;
  }

  /** Units that are there now; below zero, a debt. */
  get level(): number {
    return this.units.now;
  }

  /** Takes units that were used already. */
  spend(units: number): void {
    this.units.take(units, Number.NEGATIVE_INFINITY);
  }

  /** Gives back units that were taken and not used. */
  refund(units: number): void {
    this.units.take(-units, Number.NEGATIVE_INFINITY);
  }

  /** Takes units if they are all there. */
  tryTake(units: number): boolean {
    return this.units.take(units, units);
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
      this.spend(waiter.cost);
      waiter.go();
    }
    if (this.waiters.size > 0) this.timer ??= this.schedule();
  }
}
