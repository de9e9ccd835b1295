import assert from 'node:assert/strict';
import {
  type ActorRef,
  type ActorSystemOptions,
  type Behavior,
  type Context,
  type DeadLetter,
  type FailureReport,
  implement,
  type Protocol,
  protocol,
  type Type,
  type,
} from '../../src/actor/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { createActorSystem } from '../../src/runtime/index.ts';
import { TestSystem } from '../../src/testing/index.ts';
import { ManualClock, SeededRandom } from '../../src/time/index.ts';

/**
 * A system whose time is in the test's hands, and what it reported.
 *
 * @param meddle Called by every observer, with the actor that was observed: to do what observers had better not do.
 * @param seed Decides whose turn it is. Default: first come, first served.
 * @param options Of a system without a seed, besides what the test observes it by.
 */
export function manualSystem(
  meddle: (actor: ActorRef) => void = () => {},
  seed?: number,
  options: ActorSystemOptions = {},
) {
  const clock = new ManualClock();
  const letters: DeadLetter[] = [];
  const failures: FailureReport[] = [];
  const started: string[] = [];
  const observers = {
    onDeadLetter: (letter: DeadLetter) => {
      letters.push(letter);
      if (letter.to !== undefined) meddle(letter.to);
    },
    onFailure: (report: FailureReport) => {
      failures.push(report);
      meddle(report.actor);
    },
    onStarted: (actor: ActorRef) => {
      started.push(actor.name);
      meddle(actor);
    },
  };
  const system =
    seed === undefined
      ? createActorSystem({ ...options, ...observers, clock, random: new SeededRandom(1) })
      : TestSystem.create({ ...observers, clock, seed });
  /** Stops the system and checks that nothing is left: actors, timers, callbacks. */
  const close = async (): Promise<void> => {
    const stopped = system.stop();
    await clock.elapse(20_000);
    await stopped;
    assert.equal(system.size, 0);
    assert.equal(system.pendingTimers, 0);
    assert.equal(clock.pendingTimers, 0);
    assert.equal(clock.pendingCallbacks, 0);
  };
  return { clock, system, letters, failures, started, close };
}

/** What a promise came to. */
export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => value,
    (error: unknown) => (RuntimeError.is(error) ? error.code : error),
  );
}

/** A promise that the test settles. */
export function gate(): PromiseWithResolvers<void> {
  return Promise.withResolvers<void>();
}

/** What {@link scripted} actors understand: whatever a test wants them to do. */
export const Scripted = protocol('test:scripted@1.0.0', {
  tell: { run: type<(context: ScriptContext) => void | Promise<void>>() },
  ask: { call: { in: type<(context: ScriptContext) => unknown>(), out: type<unknown>() } },
  event: { happened: type<unknown>() },
});

/** The context that a script gets. */
export type ScriptContext = Context<Protocol<{ event: { happened: Type<unknown> } }>, ScriptState>;

export interface ScriptState {
  readonly incarnation: number;
  readonly log: unknown[];
}

interface ScriptHooks {
  readonly init?: () => void | Promise<void>;
  readonly stop?: (context: ScriptContext) => void | Promise<void>;
}

/** An actor type whose messages say what to do; `incarnations` counts its starts. */
export function scripted({ init, stop }: ScriptHooks = {}) {
  let incarnations = 0;
  return implement(Scripted, {
    init: (): ScriptState | Promise<ScriptState> => {
      incarnations += 1;
      const state = { incarnation: incarnations, log: [] };
      const waits = init?.();
      return waits === undefined ? state : waits.then(() => state);
    },
    tell: { run: (context, script) => script(context) },
    ask: { call: (context, script) => script(context) },
    terminated: (context, event) => {
      context.state.log.push(event);
    },
    // Left out if there is none: an actor without a stop hook may end in a simpler way.
    ...(stop !== undefined && { stop }),
  });
}

/** A behavior that does nothing except what is given. */
export function behavior(parts: Partial<Behavior>): Behavior {
  return { start() {}, run() {}, stop() {}, dispose() {}, ...parts };
}
