import type { ActorRef } from './actor-ref.ts';

/** Where names are kept; `registry/` implements it. */
export interface Names {
  /** Gives `name` to `ref`; `false` when it is taken. */
  claim(name: string, ref: ActorRef): boolean;
  /** Takes the name back from `ref`, if it has it. */
  release(name: string, ref: ActorRef): void;
  /** The actor of that name. O(1). */
  lookup(name: string): ActorRef | undefined;
}

/** A subscription to a topic or a pattern of topics. */
export interface Subscription {
  readonly pattern: string;
  /** Ends it; messages that are in the mailbox already stay there. */
  cancel(): void;
}

/** Who gets what is published; `broker/` implements it. */
export interface Topics {
  /**
   * Hands `payload` to every subscriber of `topic`; returns how many mailboxes took it.
   * @throws {RuntimeError} `TOPIC_INVALID`.
   */
  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number;
  /**
   * @param op The `tell` operation that a matching message becomes; may be left out for actors that take any operation.
   * @throws {RuntimeError} `TOPIC_INVALID`, `OPERATION_UNKNOWN`.
   */
  subscribe(pattern: string, ref: ActorRef, op: string | undefined): Subscription;
  /** Ends all subscriptions of an actor that is no more. */
  forget(ref: ActorRef): void;
}
