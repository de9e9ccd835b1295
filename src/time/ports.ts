/** A pending callback of a {@link Clock}. */
export interface TimerHandle {
  /** Forgets the callback; does nothing when it has run. */
  cancel(): void;
  /** Changes whether the pending callback keeps the process alive; does nothing when it has run. */
  hold(keepAlive: boolean): void;
}

/**
 * The only source of time and of "later". Production uses {@link SystemClock}; tests and simulation a
 * {@link ManualClock}. Nothing outside `time/` may call `Date.now`, `performance.now`, `setTimeout`,
 * `setImmediate` or `queueMicrotask`; the tidy test sees to it.
 */
export interface Clock {
  /** Milliseconds since some fixed moment, fractional, never going back. For durations and deadlines. */
  nowMs(): number;
  /** Milliseconds since 1970-01-01 UTC, integer; may jump. For records that people read. */
  wallMs(): number;
  /** Runs `callback` once, `delayMs` or more from now. Does not keep the process alive unless `keepAlive` is true. */
  after(delayMs: number, callback: () => void, keepAlive?: boolean): TimerHandle;
  /** Runs `callback` after I/O had its turn (`setImmediate`). Keeps the process alive. */
  soon(callback: () => void): void;
  /** Runs `callback` when the current job ends, before any I/O (`queueMicrotask`). */
  next(callback: () => void): void;
}

/** The only source of randomness that is not for secrets: back-off jitter, sampling, seeds. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}
