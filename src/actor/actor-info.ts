import type { ActorRef } from './actor-ref.ts';
import type { Cell, Services } from './cell.ts';
import type { Condition } from './condition.ts';
import { everyCell } from './family.ts';
import { handlingMs, oldestMs } from './health.ts';
import type { SubscriptionInfo } from './ports.ts';

/** What an actor is doing, as tools show it. */
export type ActorState = 'starting' | 'running' | 'restarting' | 'quarantined' | 'stopped';

/** One actor, as tools show it. Counters count since it was spawned, over all incarnations, and only grow. */
export interface ActorInfo {
  readonly ref: ActorRef;
  readonly name: string;
  readonly type: string;
  /** `starting`: before its first message. `restarting`: failed, and not back yet. `running`: also while it is stopping.
   * `quarantined`: failed too often, refuses messages, and is tried again later. */
  readonly state: ActorState;
  /** Whether it is handling a message, or has its turn coming. */
  readonly busy: boolean;
  /** Messages in the mailbox. */
  readonly queued: number;
  /** Milliseconds for which the oldest message has waited at least, since the first look that found it; `undefined`: none. */
  readonly oldestMs: number | undefined;
  /** Milliseconds for which it has waited in the handler of one message; `undefined`: it does not. */
  readonly handlingMs: number | undefined;
  /** Messages that fit into the mailbox. */
  readonly capacity: number;
  /** Messages that were given to a handler. */
  readonly handled: number;
  /** Failures, those of starts included. */
  readonly failed: number;
  readonly restarts: number;
  /** Messages that were not accepted. */
  readonly refused: number;
  /** Messages that were accepted and not handled, or handled in vain. */
  readonly deadLetters: number;
  /** What it says of its health; `undefined`: nothing, or that it is well. */
  readonly condition: Condition | undefined;
  /** What it is subscribed to, in the order in which that was said. */
  readonly subscriptions: readonly SubscriptionInfo[];
  /** Milliseconds since 1970-01-01 UTC at which the present incarnation started; `undefined` before the first. */
  readonly startedAtMs: number | undefined;
}

/** What is to be known of every living actor, in no order. One that ends or begins meanwhile may be left out. */
export function* infoOfAll(services: Services): IterableIterator<ActorInfo> {
  for (const cell of everyCell(services)) yield toActorInfo(cell);
}

/** What is to be known of a cell. */
export function toActorInfo(cell: Cell): ActorInfo {
  const { extras, mailbox, profile, status } = cell;
  const { clock } = profile.services;
  return {
    ref: cell.ref,
    name: cell.name,
    type: profile.typeName,
    state: stateOf(cell),
    busy:
      cell.elsewhere > 0 ||
      (status !== 'idle' && status !== 'stopped' && status !== 'backing-off' && status !== 'held'),
    queued: mailbox.size + cell.elsewhere,
    oldestMs: oldestMs(cell, clock.nowMs()),
    handlingMs: handlingMs(cell, clock.nowMs()),
    capacity: profile.mailbox.capacity,
    handled: cell.handled,
    failed: extras?.failed ?? 0,
    restarts: extras?.restarts ?? 0,
    refused: extras?.refused ?? 0,
    deadLetters: extras?.deadLetters ?? 0,
    condition: extras?.condition ?? undefined,
    subscriptions:
      extras?.isSubscribed === true && cell.status !== 'stopped' ? profile.services.topics.of(cell.name) : [],
    startedAtMs: cell.hasStarted ? Math.round(clock.wallMs() - (clock.nowMs() - cell.startedMs)) : undefined,
  };
}

/** What a cell is doing. */
export function stateOf(cell: Cell): ActorState {
  const { status, context, extras } = cell;
  if (status === 'stopped') return 'stopped';
  if (extras?.isQuarantined === true) return 'quarantined';
  const isReady = context !== null && status !== 'starting';
  const isEnding = extras?.ending?.termination !== undefined;
  if (isReady || isEnding) return 'running';
  return extras !== null && extras.failed > 0 ? 'restarting' : 'starting';
}
