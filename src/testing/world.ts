import type { ActorInfo } from '../actor/index.ts';
import type { Draw } from './draw.ts';
import type { MessageMatch } from './message.ts';
import type { TestSystem } from './test-system.ts';

/** Actors that a fault may befall: all, those of these names, or those for which a function returns `true`. */
export type Whom = true | readonly string[] | ((actor: ActorInfo) => boolean);

/** Messages that a fault may befall. */
export type Which = true | MessageMatch;

/** What may go wrong. Nothing, unless it is named here. */
export interface SimulationFaults {
  /** Failures at any moment, also in the middle of a message. */
  readonly crash?: Whom;
  /** No turns for some time. */
  readonly pause?: Whom;
  /** A message at a time, with waits between, until the end of the run. */
  readonly slow?: Whom;
  /** A full mailbox for some time. */
  readonly fill?: Whom;
  /** The distance of a network: messages that are lost, late, there twice, in another order. */
  readonly drop?: Which;
  readonly delay?: Which;
  readonly duplicate?: Which;
  readonly reorder?: Which;
}

/** What is simulated. `W` is what the test knows of it: references, and what it counts. */
export interface World<W> {
  /** Makes the actors of one run, all of them anew: what runs share makes them differ. No time passes but what it waits for. */
  readonly setup: (system: TestSystem) => W | Promise<W>;
  /**
   * What clients do, by name; each step of a run is one, or a fault, or some time. They are begun, not waited for: several
   * are under way at the same time. That an ask fails with a code (`RuntimeError`) is an answer; anything else that is thrown
   * fails the run.
   */
  readonly actions: Readonly<Record<string, (world: W, draw: Draw, system: TestSystem) => unknown>>;
  /** What holds after every step, by name. They throw when it does not, and do not wait: actors are in the middle of things. */
  readonly invariants?: Readonly<Record<string, (world: W, system: TestSystem) => void>>;
  /** What holds when the faults are over and everything has come to rest. They may ask actors. */
  readonly eventually?: Readonly<Record<string, (world: W, system: TestSystem) => void | Promise<void>>>;
  readonly faults?: SimulationFaults;
  /** Milliseconds of the run's clock in which everything comes to rest. Default 60_000. */
  readonly restMs?: number;
}

/** One step of a run, and every choice that was made in it. Plain data. */
export interface TraceStep {
  readonly kind: 'action' | 'fault' | 'wait';
  readonly name: string;
  /** What was drawn. */
  readonly draws: readonly number[];
  /** How far the actors came after it, and whose turn it was. */
  readonly turns: readonly number[];
}

/** A run, to be run again: plain data, which may be kept as JSON. */
export interface Trace {
  readonly seed: number;
  readonly steps: readonly TraceStep[];
}
