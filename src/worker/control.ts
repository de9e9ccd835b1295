import type { DeadLetter, FailureReport, SubscribeOptions, Termination } from '../actor/index.ts';
import type { WireError } from '../errors/index.ts';

/** How an actor is made where it is run: the kind of its recipe is registered there, the data is what that takes. */
export interface Recipe {
  readonly kind: string;
  /** As the structured clone of Node.js has it. */
  readonly data: unknown;
}

/** What is said beside messages and in order with them, by whoever knows what it means. */
export interface Aside {
  /** Says something to the other side. Set by the side of the link that it belongs to, before anything is heard. */
  say: (data: never) => void;
  hear(data: unknown): void;
  /** Says what it would say later; called before it is said that an actor has ended. */
  settle?(): void;
}

/** What those who run an actor for a cell elsewhere need to know. */
export interface SpawnOrder {
  readonly id: number;
  readonly name: string;
  readonly recipe: Recipe;
  readonly restartsAtEnd: boolean;
  readonly capacity: number;
  readonly stuckAfterMs: number;
  readonly stopTimeoutMs: number;
  readonly heard: readonly string[];
}

/** How an actor ended, without what stays where it arose. */
export interface WireTermination {
  readonly kind: Termination['kind'];
  readonly error?: WireError | undefined;
}

/** A message that nobody handled, on its way to who counts it. */
export interface WireLetter {
  readonly reason: DeadLetter['reason'];
  readonly kind: 'tell' | 'ask' | 'topic';
  readonly op: string;
  readonly topic: string | undefined;
  /** Left out where it cannot be copied. */
  readonly payload: unknown;
  readonly error: WireError | undefined;
}

/**
 * What is said besides messages, in order with them. An `id` is of an actor of the side that is told, but in what that side is
 * told of actors that are not its own: `own…`.
 */
export type Control =
  // to who runs an actor
  | { readonly kind: 'spawn'; readonly order: SpawnOrder }
  | { readonly kind: 'begin'; readonly id: number }
  | { readonly kind: 'hold'; readonly id: number }
  | { readonly kind: 'fail'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'stop'; readonly id: number; readonly deadlineMs: number }
  | { readonly kind: 'kill'; readonly id: number }
  | { readonly kind: 'hear'; readonly id: number; readonly event: string; readonly isHeard: boolean }
  | { readonly kind: 'close-stream'; readonly id: number; readonly stream: number }
  // from who runs it
  | { readonly kind: 'started'; readonly ownId: number }
  | {
      readonly kind: 'failed';
      readonly ownId: number;
      readonly phase: FailureReport['phase'];
      readonly error: WireError;
      /** What the failure is about. */
      readonly cause?: WireError | undefined;
    }
  | {
      readonly kind: 'reported';
      readonly ownId: number;
      readonly phase: FailureReport['phase'];
      readonly error: WireError;
      /** What the failure is about. */
      readonly cause?: WireError | undefined;
    }
  | { readonly kind: 'unplaced'; readonly ownId: number; readonly error: WireError }
  | { readonly kind: 'ended-self'; readonly ownId: number }
  | { readonly kind: 'held'; readonly ownId: number }
  | { readonly kind: 'ended'; readonly ownId: number; readonly termination: WireTermination }
  | { readonly kind: 'buried'; readonly ownId: number; readonly name: string; readonly letter: WireLetter }
  // of names and actors that are referred to
  | { readonly kind: 'exported'; readonly ownId: number; readonly name: string; readonly type: string }
  | { readonly kind: 'named'; readonly id: number; readonly name: string }
  | { readonly kind: 'names'; readonly added: readonly string[]; readonly removed: readonly string[] }
  | { readonly kind: 'claimed'; readonly ownId: number; readonly name: string; readonly type: string }
  // of topics
  | { readonly kind: 'subscribe'; readonly ownId: number; readonly pattern: string; readonly options: SubscribeOptions }
  | {
      readonly kind: 'unsubscribe';
      readonly ownId: number;
      readonly pattern?: string | undefined;
      readonly op?: string | undefined;
    }
  // between what is no actor
  | { readonly kind: 'other'; readonly topic: string; readonly data: unknown };
