import { backoffDelayMs } from '../time/index.ts';
import type { Directive } from './decide.ts';
import type { GroupPolicy, RestartType, Strategy } from './options.ts';

/** What a supervisor remembers of its restarts: at most `intensity` moments, however many children it has. */
export interface GroupState {
  /** When it restarted, within the last period; oldest first, in milliseconds of the system's clock. */
  readonly restartsMs: readonly number[];
}

/** What a supervisor remembers of one child. */
export interface MemberState {
  /** Restarts since it was last healthy for a period: the number of the next wait. */
  readonly attempt: number;
  /** When it was last restarted; −Infinity before. */
  readonly restartedMs: number;
}

/** One child's failure, or end, as its supervisor sees it. */
export interface MemberEvent {
  /** `failed`: it threw, trapped or could not start. `ended`: it says that it has finished. */
  readonly kind: 'failed' | 'ended';
  readonly restart: RestartType;
  /** Milliseconds, on the system's clock. */
  readonly atMs: number;
  /** A number in [0, 1) for the jitter. */
  readonly chance: number;
}

/** What a supervisor decides over one child, and what it remembers from then on. */
export interface GroupDecision {
  readonly group: GroupState;
  readonly member: MemberState;
  /** `restart` goes for all that {@link affectedBy} names; `escalate` for the supervisor itself. */
  readonly directive: Directive;
}

/** Nothing has happened yet. */
export const UNHARMED_GROUP: GroupState = Object.freeze({ restartsMs: Object.freeze([]) });
export const UNHARMED_MEMBER: MemberState = Object.freeze({ attempt: 0, restartedMs: Number.NEGATIVE_INFINITY });

const STOP: Directive = Object.freeze({ kind: 'stop' });

/**
 * What happens when a child of a supervisor fails or ends. A pure function.
 *
 * Restarts are counted over all children together, as in OTP (`supervisor`, `intensity`); one that takes siblings along
 * is one restart. Waits grow with the failing child's own, so that a child that loops does not slow the others' return.
 */
export function decideInGroup(
  policy: GroupPolicy,
  states: { readonly group: GroupState; readonly member: MemberState },
  event: MemberEvent,
): GroupDecision {
  const { group, member } = states;
  const { kind, restart, atMs, chance } = event;
  if (restart === 'temporary' || (restart === 'transient' && kind === 'ended')) {
    return { group, member, directive: STOP };
  }
  const { intensity, periodMs } = policy;
  const recentMs = group.restartsMs.filter((restartMs) => atMs - restartMs < periodMs);
  if (recentMs.length >= intensity) {
    return { group, member, directive: { kind: 'escalate', restarts: recentMs.length, periodMs } };
  }
  const attempt = atMs - member.restartedMs < periodMs ? member.attempt : 0;
  const delayMs = backoffDelayMs(policy.backoff, attempt, chance);
  // The wait counts as part of the restart: healthy time begins only when the child is back.
  const backMs = atMs + delayMs;
  return {
    group: { restartsMs: [...recentMs, backMs] },
    member: { attempt: attempt + 1, restartedMs: backMs },
    directive: { kind: 'restart', delayMs },
  };
}

/**
 * Which of `members`, in the order of their start, are ended and started again when `failed` is: with `one-for-one`
 * itself, with `one-for-all` all, with `rest-for-one` itself and those that were started after it.
 */
export function affectedBy<T>(strategy: Strategy, members: readonly T[], failed: T): readonly T[] {
  if (strategy === 'one-for-all') return members;
  if (strategy === 'one-for-one') return [failed];
  return members.slice(members.indexOf(failed));
}
