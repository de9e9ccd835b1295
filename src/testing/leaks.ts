import { type ActorRef, type ActorSystem, type Termination, type Work, workOf } from '../actor/index.ts';
import type { ManualClock } from '../time/index.ts';
import type { TestMessage } from './message.ts';
import { showMessage, showWork } from './show.ts';

/** What is looked at when a test's system is closed. */
export interface Suspects {
  readonly system: ActorSystem;
  readonly clock: ManualClock;
  readonly openAsks: readonly TestMessage[];
  /** Subscriptions to topics. */
  readonly subscriptions: number;
  /** Actors that had not ended when they should. */
  readonly killed: readonly string[];
}

/** Who is alive and what it is in the middle of, before a stop. */
export class LastWords {
  readonly #actors: { readonly ref: ActorRef; readonly work: Work | undefined; end: Termination | undefined }[];

  constructor(system: ActorSystem) {
    this.#actors = [...system.actors()].map(({ ref }) => ({ ref, work: workOf(ref), end: undefined }));
    for (const actor of this.#actors) {
      void actor.ref.terminated.then((end) => {
        actor.end = end;
      });
    }
  }

  /** Those that had to be killed, one a line. */
  killed(): string[] {
    return this.#actors
      .filter(({ end }) => end?.kind === 'killed')
      .map(
        ({ ref, work }) =>
          `actor "${ref.name}" did not end and was killed${work === undefined ? '' : `: it ${showWork(work)}`}`,
      );
  }
}

/** What is left of a system that has stopped, one a line. */
export function leaksOf({ system, clock, openAsks, subscriptions, killed }: Suspects): string[] {
  const leaks = [...killed];
  for (const { name, state } of system.actors()) leaks.push(`actor "${name}" is ${state}`);
  for (const ask of openAsks) leaks.push(`${showMessage(ask)} to "${ask.to.name}" is pending`);
  if (subscriptions > 0) leaks.push(count(subscriptions, 'subscription to topics', 'subscriptions to topics'));
  if (system.pendingTimers > 0) leaks.push(count(system.pendingTimers, 'timer of actors', 'timers of actors'));
  if (clock.pendingTimers > 0) {
    const inMs = (clock.nextTimerMs ?? 0) - clock.nowMs();
    leaks.push(`${count(clock.pendingTimers, 'timer', 'timers')} of the clock, the next due in ${Math.ceil(inMs)} ms`);
  }
  if (clock.pendingCallbacks > 0)
    leaks.push(count(clock.pendingCallbacks, 'callback of the clock', 'callbacks of the clock'));
  return leaks;
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
