/** How long to wait before each further try. */
export interface Backoff {
  /** Milliseconds before the first further try. */
  readonly minMs: number;
  /** Milliseconds that no wait exceeds. */
  readonly maxMs: number;
  /** What each wait is multiplied by to give the next; 1 or more. */
  readonly factor: number;
  /** Share of the wait that chance may take away, 0 to 1: it keeps those that failed together from returning together. */
  readonly jitter: number;
}

/**
 * The wait before further try number `attempt`.
 *
 * @param backoff The policy. `minMs` 0 gives 0 always.
 * @param attempt 0 for the first further try. Any size; the wait stays within `maxMs`.
 * @param chance A number in [0, 1), from a `Random`.
 * @returns Milliseconds, between `(1 − jitter) × wait` and `wait`.
 */
export function backoffDelayMs(backoff: Backoff, attempt: number, chance: number): number {
  if (backoff.minMs === 0) return 0;
  const waitMs = Math.min(backoff.maxMs, backoff.minMs * backoff.factor ** attempt);
  return waitMs * (1 - backoff.jitter * chance);
}
