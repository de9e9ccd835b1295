import { backoffDelayMs } from '../time/index.ts';
import type { SupervisionPolicy } from './options.ts';

/** What a supervisor remembers of one actor: at most `intensity` moments. */
export interface SupervisionState {
  /** When it was restarted, within the last period; oldest first, in milliseconds of the system's clock. */
  readonly restartsMs: readonly number[];
  /** Restarts since it was last healthy for a period: the number of the next wait. */
  readonly attempt: number;
}

/** `failed`: it threw, trapped or could not start. `ended`: it says that it has finished. */
export interface SupervisionEvent {
  readonly kind: 'failed' | 'ended';
  /** Milliseconds, on the system's clock. */
  readonly atMs: number;
  /** A number in [0, 1) for the jitter: decisions themselves are not left to chance. */
  readonly chance: number;
}

/** What is to be done. `escalate`: it is stopped, and whoever owns it has to deal with that. */
export type Directive =
  | { readonly kind: 'restart'; readonly delayMs: number }
  /** It is held, and tried again after the delay. */
  | { readonly kind: 'quarantine'; readonly delayMs: number; readonly restarts: number; readonly periodMs: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'escalate'; readonly restarts: number; readonly periodMs: number };

/** What a supervisor decides, and what it remembers from then on. */
export interface Decision {
  readonly state: SupervisionState;
  readonly directive: Directive;
}

/** Nothing has happened yet. */
export const UNHARMED: SupervisionState = Object.freeze({ restartsMs: Object.freeze([]), attempt: 0 });

const STOP: Directive = Object.freeze({ kind: 'stop' });

/**
 * One-for-one supervision: what happens to the one actor that failed or ended. A pure function.
 *
 * More than `intensity` restarts within `periodMs` escalate, as in OTP: a restart that would be one too many is not made.
 */
export function decide(policy: SupervisionPolicy, state: SupervisionState, event: SupervisionEvent): Decision {
  if (policy.restart === 'temporary') return { state, directive: STOP };
  if (policy.restart === 'transient' && event.kind === 'ended') return { state, directive: STOP };

  const { intensity, periodMs } = policy;
  const recentMs = state.restartsMs.filter((restartMs) => event.atMs - restartMs < periodMs);
  if (recentMs.length >= intensity && policy.quarantineMs > 0) {
    const directive = {
      kind: 'quarantine',
      delayMs: policy.quarantineMs,
      restarts: recentMs.length,
      periodMs,
    } as const;
    return { state: UNHARMED, directive };
  }
  if (recentMs.length >= intensity) {
    return { state, directive: { kind: 'escalate', restarts: recentMs.length, periodMs } };
  }
  // The wait before a restart counts as part of it: healthy time begins only when the actor is back.
  const attempt = recentMs.length === 0 ? 0 : state.attempt;
  const delayMs = backoffDelayMs(policy.backoff, attempt, event.chance);
  return {
    state: { restartsMs: [...recentMs, event.atMs + delayMs], attempt: attempt + 1 },
    directive: { kind: 'restart', delayMs },
  };
}
