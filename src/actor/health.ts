import type { Clock, TimerHandle } from '../time/index.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Cell, Services } from './cell.ts';
import type { Condition } from './condition.ts';
import { everyCell } from './family.ts';
import type { HealthOptions } from './options.ts';

/** Why a system is not well. */
export interface HealthReason {
  /**
   * `event-loop`: something holds the thread. The others are of one actor: `handler`, `start` and `stop` wait too long in a
   * message, in `init`, in the stop hook; in its `mailbox` a message does; `degraded` and `unhealthy` it says itself.
   */
  readonly kind:
    | 'event-loop'
    | 'handler'
    | 'start'
    | 'stop'
    | 'mailbox'
    | 'restarting'
    | 'quarantined'
    | Condition['status'];
  readonly actor?: ActorRef;
  /** How long already. */
  readonly ms: number;
  /** What the actor says. */
  readonly text?: string;
}

/** Whether what a system has to do makes progress. */
export interface Health {
  readonly status: 'healthy' | 'degraded';
  /** At most 100. */
  readonly reasons: readonly HealthReason[];
  /** Milliseconds that the event loop was late at the last look; `undefined`: nobody looks. */
  readonly eventLoopDelayMs: number | undefined;
}

const REASONS_MAX = 100;
const DEFAULTS = { everyMs: 1_000, slowMs: 5_000, delayMs: 200 } as const;

/** A message that was in the mailbox at `ms` is in it until `gone` have left it. */
interface Mark {
  readonly gone: number;
  readonly ms: number;
}

/** By cell, for those whose mailbox was not empty at the last look. */
const MARKS = new WeakMap<Cell, Mark>();

/**
 * Milliseconds for which the oldest message has waited at least; `undefined`: none waits. Nothing is noted of a message
 * when it is sent: its age counts from the first look that found it.
 */
export function oldestMs(cell: Cell, nowMs: number): number | undefined {
  const { size } = cell.mailbox;
  if (size === 0) {
    MARKS.delete(cell);
    return undefined;
  }
  const gone = cell.handled + (cell.extras?.deadLetters ?? 0);
  const mark = MARKS.get(cell);
  if (mark !== undefined && gone < mark.gone) return Math.max(0, nowMs - mark.ms);
  MARKS.set(cell, { gone: gone + size, ms: nowMs });
  return 0;
}

/** Milliseconds for which the actor has waited in the handler of one message; `undefined`: it is in none that waits. */
export function handlingMs(cell: Cell, nowMs: number): number | undefined {
  const wait = cell.context?.waitsFor ?? null;
  return wait === null || wait.status !== 'suspended' ? undefined : Math.max(0, nowMs - wait.sinceMs);
}

/** Looks after a system: what does not get on, and how late the event loop is. */
export class HealthMonitor {
  readonly #clock: Clock;
  readonly #services: Services;
  readonly #options: Required<HealthOptions>;
  readonly #isWatching: boolean;
  #timer: TimerHandle | undefined;
  #delayMs: number | undefined;

  /** @throws {RangeError} An option is out of range. */
  constructor(services: Services, options: HealthOptions | undefined) {
    this.#clock = services.clock;
    this.#services = services;
    this.#isWatching = options !== undefined;
    this.#options = { ...DEFAULTS, ...options };
    const { everyMs, slowMs, delayMs } = this.#options;
    if (!(everyMs >= 10 && everyMs <= 3_600_000)) {
      throw new RangeError(`Health option "everyMs" must be from 10 to 3600000, not ${everyMs}`);
    }
    if (!(slowMs >= 1 && delayMs >= 1)) throw new RangeError('Health options "slowMs" and "delayMs" must be 1 or more');
    if (this.#isWatching) this.#lookAgain();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  health(): Health {
    const nowMs = this.#clock.nowMs();
    const { slowMs, delayMs } = this.#options;
    const reasons: HealthReason[] = [];
    const late = this.#delayMs ?? 0;
    if (late >= delayMs) reasons.push({ kind: 'event-loop', ms: late });
    for (const cell of everyCell(this.#services)) {
      if (reasons.length >= REASONS_MAX) break;
      const reason = reasonOf(cell, nowMs, slowMs);
      if (reason !== undefined) reasons.push(reason);
    }
    return { status: reasons.length === 0 ? 'healthy' : 'degraded', reasons, eventLoopDelayMs: this.#delayMs };
  }

  #lookAgain(): void {
    const { everyMs } = this.#options;
    const dueMs = this.#clock.nowMs() + everyMs;
    this.#timer = this.#clock.after(everyMs, () => {
      const nowMs = this.#clock.nowMs();
      this.#delayMs = Math.max(0, nowMs - dueMs);
      for (const cell of everyCell(this.#services)) oldestMs(cell, nowMs);
      this.#lookAgain();
    });
  }
}

const WAITS = { suspended: 'handler', starting: 'start', stopping: 'stop' } as const;

function reasonOf(cell: Cell, nowMs: number, slowMs: number): HealthReason | undefined {
  const actor = cell.ref;
  const { status, extras } = cell;
  const wait = cell.context?.waitsFor ?? null;
  // What a supervisor waits for is its children, which are looked at themselves.
  const waitsMs = wait === null || extras?.group != null ? 0 : nowMs - wait.sinceMs;
  if (wait !== null && waitsMs >= slowMs) return { kind: WAITS[wait.status], actor, ms: waitsMs };
  if (extras !== null && (status === 'backing-off' || (status === 'held' && extras.restarts > 0))) {
    const ms = Math.max(0, nowMs - extras.overSinceMs);
    return { kind: extras.isQuarantined ? 'quarantined' : 'restarting', actor, ms };
  }
  if (extras !== null && extras.condition !== null) {
    const { status: kind, text, sinceMs } = extras.condition;
    return { kind, actor, ms: Math.max(0, nowMs - sinceMs), text };
  }
  const oldest = oldestMs(cell, nowMs);
  return oldest !== undefined && oldest >= slowMs ? { kind: 'mailbox', actor, ms: oldest } : undefined;
}
