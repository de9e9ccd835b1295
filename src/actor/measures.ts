import { ByName } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { type ActorState, stateOf } from './actor-info.ts';
import type { Cell, Services } from './cell.ts';
import type { DeadLetterReason } from './dead-letters.ts';
import { everyCell } from './family.ts';
import { oldestMs } from './health.ts';
import { ActorMeter } from './meter.ts';
import { Tally } from './tally.ts';

/** What all actors of one type have done, and how those that live are. Counters count since the system began, and only grow. */
export interface TypeTotals {
  /** The label of the type; `other` for those beyond the first 1,000. */
  readonly type: string;
  readonly spawned: number;
  readonly living: Readonly<Record<Exclude<ActorState, 'stopped'>, number>>;
  /** Messages in their mailboxes. */
  readonly queued: number;
  /** How full the fullest of their mailboxes is, from 0 to 1. */
  readonly fullest: number;
  /** Milliseconds for which the oldest message has waited at least, in any of their mailboxes; 0: none waits. */
  readonly oldestMs: number;
  /** Messages that were given to a handler. */
  readonly handled: number;
  readonly refused: number;
  readonly restarts: number;
  /** Asks without a reply in time. */
  readonly askTimeouts: number;
  /** Failures by the code of what they failed of. */
  readonly failures: Readonly<Record<string, number>>;
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] extends number ? number : Writable<T[Key]> };

/** What a system counts with, and times with if it is to. */
export function createMeasures(clock: Clock, isTimed: boolean): Pick<Services, 'tallies' | 'meter'> {
  const tallies = new ByName(() => new Tally());
  return { tallies, meter: isTimed ? new ActorMeter(clock, (type) => tallies.has(type)) : null };
}

/** What is to be known of all actors, by type. Looks at each that lives: some 20 ms for a million. */
export function totalsOf(services: Services): TypeTotals[] {
  const byTally = new Map<object, Writable<TypeTotals>>();
  for (const [type, tally] of services.tallies) {
    byTally.set(tally, {
      type,
      spawned: tally.ended,
      living: { starting: 0, running: 0, restarting: 0, quarantined: 0 },
      queued: 0,
      fullest: 0,
      oldestMs: 0,
      handled: tally.handled,
      refused: tally.refused,
      restarts: tally.restarts,
      askTimeouts: tally.overdue,
      failures: Object.fromEntries(tally.failures),
      deadLetters: Object.fromEntries(tally.deadLetters),
    });
  }
  const nowMs = services.clock.nowMs();
  for (const cell of everyCell(services)) {
    addCell(byTally.get(cell.profile.tally) as Writable<TypeTotals>, cell, nowMs);
  }
  return [...byTally.values()];
}

function addCell(totals: Writable<TypeTotals>, cell: Cell, nowMs: number): void {
  const state = stateOf(cell);
  totals.spawned++;
  // One that is in the middle of its end.
  if (state !== 'stopped') totals.living[state]++;
  totals.handled += cell.handled;
  const queued = cell.mailbox.size + cell.elsewhere;
  totals.queued += queued;
  totals.fullest = Math.max(totals.fullest, Math.min(1, queued / cell.profile.mailbox.capacity));
  totals.oldestMs = Math.max(totals.oldestMs, oldestMs(cell, nowMs) ?? 0);
}
