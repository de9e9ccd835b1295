import { assert } from '../errors/index.ts';
import type { Clock, TimerHandle } from './ports.ts';

/** Callbacks run by one call; more means that the code under test feeds itself for ever. */
const CALLBACKS_MAX = 1_000_000;

/**
 * Rounds without any callback after which {@link ManualClock.settle} believes that nothing more comes. Each lets all promise
 * jobs run that are pending, and those that they start, however many follow one another; one is not enough for code that uses
 * `process.nextTick` in between, as streams do.
 */
const QUIET_ROUNDS = 3;

/**
 * A clock that stands still until it is told to move: for tests and simulation.
 *
 * Time moves only through {@link advance} and {@link elapse}. Callbacks run in the order of their due time, then of
 * their registration; `next` comes before `soon`, as on the real event loop.
 *
 * @example
 * ```ts
 * const clock = new ManualClock();
 * clock.after(100, () => ring());
 * clock.advance(99);   // silence
 * clock.advance(1);    // rings
 * ```
 */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #wallOffsetMs: number;
  #sequence = 0;
  readonly #timers = new Set<ManualTimer>();
  #next: (() => void)[] = [];
  #soon: (() => void)[] = [];

  /**
   * @param options.startMs What `nowMs` gives at first. Default 0.
   * @param options.wallMs What `wallMs` gives at first. Default 1_767_225_600_000 (2026-01-01).
   */
  constructor(options: { readonly startMs?: number; readonly wallMs?: number } = {}) {
    this.#nowMs = options.startMs ?? 0;
    this.#wallOffsetMs = (options.wallMs ?? 1_767_225_600_000) - this.#nowMs;
  }

  /** Timers that are pending, for leak checks. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** When the next timer falls due, on this clock; `undefined` when none is pending. */
  get nextTimerMs(): number | undefined {
    return this.#earliest(Number.POSITIVE_INFINITY)?.dueMs;
  }

  /** Callbacks waiting in the `next` and `soon` queues, for leak checks. */
  get pendingCallbacks(): number {
    return this.#next.length + this.#soon.length;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Math.floor(this.#nowMs + this.#wallOffsetMs);
  }

  after(delayMs: number, callback: () => void, keepAlive = false): TimerHandle {
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const timer = new ManualTimer({ dueMs, sequence: this.#sequence++, callback, keepAlive, owner: this.#timers });
    this.#timers.add(timer);
    return timer;
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  next(callback: () => void): void {
    this.#next.push(callback);
  }

  /** Runs the `next` and `soon` queues until both are empty. Time stands still. Returns how many callbacks ran. */
  run(): number {
    let ran = 0;
    while (this.#next.length > 0 || this.#soon.length > 0) {
      ran += this.#runNext();
      const batch = this.#soon;
      this.#soon = [];
      for (const callback of batch) {
        callback();
        ran += 1 + this.#runNext();
      }
      assert(ran < CALLBACKS_MAX, `the queues empty within ${CALLBACKS_MAX} callbacks`);
    }
    return ran;
  }

  /**
   * Moves time forward, running the queues first and every timer that falls due on the way. Returns how many callbacks ran.
   *
   * @param ms Milliseconds, 0 or more: time never goes back.
   * @throws {RangeError} It would go back.
   */
  advance(ms: number): number {
    assertForward(ms);
    const untilMs = this.#nowMs + ms;
    let ran = this.run();
    for (let timer = this.#earliest(untilMs); timer !== undefined; timer = this.#earliest(untilMs)) {
      ran += this.#fire(timer) + this.run();
      assert(ran < CALLBACKS_MAX, `time advances within ${CALLBACKS_MAX} callbacks`);
    }
    // A callback may have moved time further itself.
    this.#nowMs = Math.max(this.#nowMs, untilMs);
    return ran;
  }

  /** Moves time forward and runs nothing: what a slow piece of code does. Timers that fall due run with the next {@link advance}. */
  advanceOnly(ms: number): void {
    assertForward(ms);
    this.#nowMs += ms;
  }

  /** Runs the queues and the promise jobs that they start, until nothing more comes. Time stands still. */
  async settle(): Promise<void> {
    let total = 0;
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      const ran = this.run();
      total += ran;
      assert(total < CALLBACKS_MAX, `everything settles within ${CALLBACKS_MAX} callbacks`);
      if (ran > 0) quiet = 0;
      await new Promise<void>((resolve) => void process.nextTick(resolve));
    }
  }

  /** As {@link advance}, and settles promises before and after each timer: for code that awaits. */
  async elapse(ms: number): Promise<void> {
    assertForward(ms);
    const untilMs = this.#nowMs + ms;
    await this.settle();
    let ran = 0;
    for (let timer = this.#earliest(untilMs); timer !== undefined; timer = this.#earliest(untilMs)) {
      ran += this.#fire(timer);
      assert(ran < CALLBACKS_MAX, `time elapses within ${CALLBACKS_MAX} timers`);
      await this.settle();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #runNext(): number {
    let ran = 0;
    while (this.#next.length > 0) {
      const batch = this.#next;
      this.#next = [];
      for (const callback of batch) callback();
      ran += batch.length;
      assert(ran < CALLBACKS_MAX, `the queue "next" empties within ${CALLBACKS_MAX} callbacks`);
    }
    return ran;
  }

  #fire(timer: ManualTimer): number {
    this.#timers.delete(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.callback();
    return 1;
  }

  #earliest(untilMs: number): ManualTimer | undefined {
    let best: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue;
      const sooner = best === undefined || timer.dueMs < best.dueMs;
      if (sooner || (timer.dueMs === best?.dueMs && timer.sequence < best.sequence)) best = timer;
    }
    return best;
  }
}

function assertForward(ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`Time moves by 0 milliseconds or more, not by ${ms}`);
}

interface ManualTimerParts {
  readonly dueMs: number;
  readonly sequence: number;
  readonly callback: () => void;
  readonly keepAlive: boolean;
  readonly owner: Set<ManualTimer>;
}

class ManualTimer implements TimerHandle {
  readonly dueMs: number;
  readonly sequence: number;
  readonly callback: () => void;
  keepAlive: boolean;
  readonly #owner: Set<ManualTimer>;

  constructor(parts: ManualTimerParts) {
    this.dueMs = parts.dueMs;
    this.sequence = parts.sequence;
    this.callback = parts.callback;
    this.keepAlive = parts.keepAlive;
    this.#owner = parts.owner;
  }

  cancel(): void {
    this.#owner.delete(this);
  }

  hold(keepAlive: boolean): void {
    this.keepAlive = keepAlive;
  }
}
