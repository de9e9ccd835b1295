import type { ActorRef } from './actor-ref.ts';
import type { SubscribeOptions } from './subscription.ts';

/** Where names are kept; `registry/` implements it. */
export interface Names {
  /** Gives `name` to `ref`; `false` when it is taken. */
  claim(name: string, ref: ActorRef): boolean;
  /** Takes the name back from `ref`, if it has it. */
  release(name: string, ref: ActorRef): void;
  /** The actor of that name. O(1). */
  lookup(name: string): ActorRef | undefined;
}

/** One entry of a {@link DurableStore} to be written or, without a value, deleted. */
export interface DurableWrite {
  readonly bucket: string;
  readonly key: string;
  readonly value?: Uint8Array;
  /** 0: only if there is no such entry. */
  readonly ifVersion?: number;
}

/** Where states and messages outlast the process. What `openStore` of the package opens fits. */
export interface DurableStore {
  /** The entries of some keys, in their order. */
  read(bucket: string, keys: readonly string[]): Promise<readonly ({ readonly value: Uint8Array } | undefined)[]>;
  /** A page of keys, in the order in which the entries came into being. */
  list(bucket: string, after?: number): Promise<{ readonly keys: readonly string[]; readonly next?: number }>;
  /** Writes all of it or nothing; resolves when it is on disk. */
  write(writes: readonly DurableWrite[]): Promise<'written' | 'conflict'>;
}

/** A subscription to a topic or a pattern of topics, and what became of its messages so far. */
export interface SubscriptionInfo {
  readonly pattern: string;
  /** The operation that a message becomes; `undefined`: the concrete topic. */
  readonly op: string | undefined;
  /** The group of which its actor is a member here. */
  readonly group: string | undefined;
  /** Messages that the mailbox took. One that several subscriptions would bring counts for one of them. */
  readonly delivered: number;
  /** Messages that were lost: a full mailbox, or a payload that its schema refuses. Each is a dead letter. */
  readonly dropped: number;
  /** Messages that wait for room. */
  readonly waiting: number;
}

/** A subscription that can be ended. */
export interface Subscription extends SubscriptionInfo {
  /** Ends it; messages that it has brought already are still handled. */
  cancel(): void;
}

/** Who gets what is published; `broker/` implements it. */
export interface Topics {
  /**
   * Hands `payload` to every subscriber of `topic`; returns how many mailboxes took it.
   * @throws {RuntimeError} `TOPIC_INVALID`.
   */
  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number;
  /** @throws {RuntimeError} `TOPIC_INVALID`, `OPERATION_UNKNOWN`, `NAME_INVALID` (the group), `CONFIG_INVALID`. */
  subscribe(pattern: string, ref: ActorRef, options: SubscribeOptions): Subscription;
  /** The subscriptions of an actor, in the order in which they were made. */
  of(ref: ActorRef): readonly SubscriptionInfo[];
  /** Ends all subscriptions of an actor that is no more. */
  forget(ref: ActorRef): void;
}
