import type { ActorRef } from './actor-ref.ts';
import type { Header } from './header.ts';
import type { SubscribeOptions, SubscriptionPolicy, TopicDelivery } from './subscription.ts';

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
  readonly delivery: TopicDelivery;
  /**
   * Messages that the mailbox took or, at least once, that are on disk. One that several subscriptions would bring counts
   * for one of them.
   */
  readonly delivered: number;
  /** Messages that were lost: a full mailbox, a payload that its schema refuses, a write that failed. Each is a dead letter. */
  readonly dropped: number;
  /** Messages that wait for room or, at least once, all that are kept for its actor. */
  readonly waiting: number;
}

/** A subscription, and whose it is. */
export interface ActorSubscription extends SubscriptionInfo {
  /** The name of the actor. */
  readonly actor: string;
}

/** A subscription that can be ended. */
export interface Subscription extends SubscriptionInfo {
  /** Ends it; messages that it has brought already are still handled. */
  cancel(): void;
}

/** What a broker holds of a subscription: the way in for what is published. */
export interface TopicInlet {
  /** The same for two inlets exactly when a message through both would reach the same operation of the same actor. */
  readonly key: string;
  /** Inlets of the same form can share headers: it is the operation, or the name of it. */
  readonly form: unknown;
  /** Whether its actor handles messages now: not while it starts, is started again, or stops. */
  readonly isReady: boolean;
  /** Whether its actor takes messages, now or later. */
  readonly isOpen: boolean;
  /** Whether the subscription outlives its actor. */
  readonly outlives: boolean;
  /** Messages that the mailbox took. */
  readonly delivered: number;
  /** Messages that were lost. */
  readonly dropped: number;
  /** Messages that wait for room. */
  readonly waiting: number;
  /** What travels with messages of `topic`; may be kept and used for all of them. */
  header(topic: string, sender: ActorRef | undefined): Header;
  /** Puts a message into the mailbox if there is room for it, at nobody's cost. Else nothing has happened. */
  offer(payload: unknown, header: Header): boolean;
  /** Takes a message, or lets it wait, or loses it, as the subscription says. Returns whether it was taken. */
  post(payload: unknown, header: Header): boolean;
  /** Makes a dead letter of a message that nobody is there to take. */
  lose(payload: unknown, header: Header): void;
  /** The subscription has been cancelled. */
  ended(): void;
}

/** A message that is kept until it has been handled. */
export interface KeptMessage {
  /** The name of its actor. */
  readonly to: string;
  readonly op: string;
  readonly payload: unknown;
  /** The concrete topic, if it was published. Then its payload is validated when it is delivered. */
  readonly topic?: string;
  readonly id: string | undefined;
}

/** What tells a subscription from the others of its actor. */
export interface KeptTopic {
  readonly pattern: string;
  readonly op: string | undefined;
  readonly group: string | undefined;
}

/** Subscriptions that outlast their actors. */
export interface KeptTopics {
  has(actor: string, topic: KeptTopic): boolean;
  /** @throws {RangeError} The actor has as many as there may be. */
  assertRoom(actor: string): void;
  add(actor: string, topic: KeptTopic): void;
  remove(actor: string, topic: KeptTopic): void;
}

/** What is published, to whoever it is kept for. */
export interface Publication {
  readonly topic: string;
  readonly payload: unknown;
  /** Chosen by the publisher, so that a second one is taken for the first. */
  readonly id: string | undefined;
}

/** The way in for what is kept until it was handled. */
export interface KeptTopicInlet extends TopicInlet {
  /** Keeps a publication for this subscription and others of the same system; resolves when it is on disk for all. */
  keep(publication: Publication, others: readonly KeptTopicInlet[]): Promise<void>;
}

/** Who gets what is published; `broker/` implements it. */
export interface Topics {
  /**
   * Hands `payload` to every subscriber of `topic`; returns how many mailboxes took it.
   * @throws {RuntimeError} `TOPIC_INVALID`.
   */
  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number;
  /** As {@link publish}, when it is on disk for all who take it at least once. */
  publishDurably(publication: Publication, sender: ActorRef | undefined): Promise<number>;
  /**
   * A subscription of the same actor, pattern, operation and group takes the place of the one before.
   * @throws {RuntimeError} `TOPIC_INVALID`, `OPERATION_UNKNOWN`, `NAME_INVALID` (the group), `CONFIG_INVALID`.
   */
  subscribe(pattern: string, ref: ActorRef, options: SubscribeOptions): Subscription;
  /** Takes over a subscription that an earlier process left, of an actor that may not be there. */
  resume(
    pattern: string,
    actor: string,
    how: { readonly policy: SubscriptionPolicy; readonly inlet: KeptTopicInlet },
  ): void;
  /** Actors that have subscriptions, by their names. */
  subscribers(): Iterable<string>;
  /** The subscriptions of the actor of that name, in the order in which they were made. */
  of(actor: string): readonly SubscriptionInfo[];
  /** Ends those subscriptions of the actor of that name that are chosen; returns how many. */
  unsubscribe(
    actor: string,
    chosen: { readonly pattern?: string | undefined; readonly op?: string | undefined },
  ): number;
  /** Ends the subscriptions of an actor that is no more, but those that outlive it. */
  forget(actor: string): void;
}
