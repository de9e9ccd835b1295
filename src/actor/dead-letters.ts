import type { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Header } from './header.ts';
import { observe } from './observe.ts';

/**
 * Why nobody handled a message that was accepted. `stopped`: its actor ended first. `failed`: its actor failed on it.
 * `expired`: its sender had stopped waiting. `overflow`: the mailbox gave it up, by its policy or for a topic.
 * `refused`: the actor answered it with a failure and nobody waited. `invalid`: published, and not what the subscriber takes.
 * `removed`: an operator took it out of the outbox. `lost`: its worker was lost, and had not taken it for certain.
 */
export type DeadLetterReason =
  | 'stopped'
  | 'failed'
  | 'expired'
  | 'overflow'
  | 'refused'
  | 'invalid'
  | 'removed'
  | 'lost';

/** A message that nobody handled, or handled in vain. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  /** Of the actor to which it was sent. */
  readonly name: string;
  /** The actor; `undefined`: it was kept for a name that nobody has now. */
  readonly to: ActorRef | undefined;
  readonly kind: 'tell' | 'ask' | 'topic';
  readonly op: string;
  readonly topic: string | undefined;
  readonly payload: unknown;
  readonly sender: ActorRef | undefined;
  /** For `failed`, `refused` and `invalid`. */
  readonly error: RuntimeError | undefined;
}

/**
 * Hears of dead letters as they arise, in the middle of other work: it should be quick. What it throws or rejects with is
 * ignored. What becomes a dead letter by its own doing, while it is told of one, is counted and not told: a listener that
 * forwards to an actor would otherwise feed itself.
 */
export type DeadLetterListener = (letter: DeadLetter) => void;

/**
 * Counts dead letters and tells whoever listens. None is kept: what a stopped or flooded actor loses must not live on.
 */
export class DeadLetters {
  readonly #counts: Record<DeadLetterReason, number> = {
    stopped: 0,
    failed: 0,
    expired: 0,
    overflow: 0,
    refused: 0,
    invalid: 0,
    removed: 0,
    lost: 0,
  };
  /** Never changed, but replaced: whoever comes while a letter is told hears of the next. */
  #listeners: readonly DeadLetterListener[] = [];
  #isTelling = false;

  /** Dead letters so far. */
  get total(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  /** Dead letters so far, by reason. */
  get counts(): Readonly<Record<DeadLetterReason, number>> {
    return { ...this.#counts };
  }

  /** Whether anybody listens: without, no letter needs to be written. */
  get isHeard(): boolean {
    return this.#listeners.length > 0 && !this.#isTelling;
  }

  /** Calls `listener` for every dead letter from now on. Returns what ends that. */
  subscribe(listener: DeadLetterListener): () => void {
    // A function of its own for each subscription: the same listener may subscribe twice.
    const own: DeadLetterListener = (letter) => listener(letter);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }

  /** Counts one, of an actor of a type if there is one. */
  count(reason: DeadLetterReason, tally?: { noteDeadLetter(reason: DeadLetterReason): void }): void {
    this.#counts[reason]++;
    tally?.noteDeadLetter(reason);
  }

  /** Counts and tells of one that was kept for a name that nobody has. */
  buryFor(name: string, { message, header }: Lost<Header>, why: Pick<DeadLetter, 'reason' | 'error'>): void {
    this.count(why.reason);
    if (!this.isHeard) return;
    const { operation, topic, sender } = header;
    const kind = topic === undefined ? operation.kind : 'topic';
    this.publish({ ...why, name, to: undefined, kind, op: operation.name, topic, payload: message, sender });
  }

  /** Tells of one that was counted. */
  publish(letter: DeadLetter): void {
    this.#isTelling = true;
    for (const listener of this.#listeners) observe(listener, letter);
    this.#isTelling = false;
  }
}
