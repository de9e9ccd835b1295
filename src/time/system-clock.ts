import type { Clock, TimerHandle } from './ports.ts';

/** Milliseconds; the longest delay that Node.js's timers take (2³¹ − 1). A longer one is slept in parts. */
const LONGEST_SLEEP_MS = 2_147_483_647;

/** Node.js's own clocks and queues. It has no state, so one instance serves the whole process: {@link systemClock}. */
export class SystemClock implements Clock {
  nowMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void, keepAlive = false): TimerHandle {
    return new SystemTimer(delayMs, callback, keepAlive);
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  next(callback: () => void): void {
    queueMicrotask(callback);
  }
}

/** The clock of this process. */
export const systemClock: Clock = new SystemClock();

/**
 * One sleep, or more when Node.js wakes early (its timers count whole milliseconds of the loop's own clock) or cannot
 * sleep that long at once.
 */
class SystemTimer implements TimerHandle {
  readonly #dueMs: number;
  readonly #callback: () => void;
  #timeout: NodeJS.Timeout;
  #keepAlive: boolean;

  constructor(delayMs: number, callback: () => void, keepAlive: boolean) {
    this.#dueMs = performance.now() + delayMs;
    this.#callback = callback;
    this.#keepAlive = keepAlive;
    this.#timeout = this.#sleep(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  hold(keepAlive: boolean): void {
    this.#keepAlive = keepAlive;
    if (keepAlive) this.#timeout.ref();
    else this.#timeout.unref();
  }

  readonly #wake = (): void => {
    const restMs = this.#dueMs - performance.now();
    if (restMs > 0) this.#timeout = this.#sleep(restMs);
    else this.#callback();
  };

  #sleep(delayMs: number): NodeJS.Timeout {
    const timeout = setTimeout(this.#wake, Math.ceil(Math.min(delayMs, LONGEST_SLEEP_MS)));
    if (!this.#keepAlive) timeout.unref();
    return timeout;
  }
}

/**
 * Milliseconds by which the machine's monotonic clock, which all threads and processes share, is ahead of `clock`: the difference
 * between two of these is that between two clocks.
 */
export function machineOffsetMs(clock: Clock): number {
  return Number(process.hrtime.bigint()) / 1e6 - clock.nowMs();
}
