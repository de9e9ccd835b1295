import { RuntimeError } from '../errors/index.ts';
import { assertKeys, type KeysOf } from './known-keys.ts';

/**
 * What becomes of a published message that finds no room in its subscriber's mailbox. `reject`: it is lost. `drop-oldest`
 * and `drop-newest`: it waits for room, with up to `capacity` others of its subscription; beyond that the oldest of them,
 * or the new one, is lost. What is lost is a dead letter. There is no `wait`: publishing never waits.
 */
export type TopicOverflow = 'reject' | 'drop-oldest' | 'drop-newest';

/** How a subscription is made. */
export interface SubscribeOptions {
  /** The `tell` operation that a message becomes; may be left out for actors that take any operation. */
  readonly op?: string;
  /**
   * Makes the actor a member of this group: each message goes to one of the members whose patterns match, in turn.
   * Letters, digits, `_`, `-` and `.`, at most 255.
   */
  readonly group?: string;
  /** Default `reject`. */
  readonly overflow?: TopicOverflow;
  /** Messages that may wait for room, with `drop-oldest` and `drop-newest`. Integer, 1 to 65_536. Default 256. */
  readonly capacity?: number;
  /** Default `at-most-once`. */
  readonly delivery?: TopicDelivery;
}

/**
 * What a subscription promises. `at-most-once`: a message reaches the mailbox of a living actor, or is lost.
 * `at-least-once`: a message is kept on disk until it was handled, as by `deliver`, for the name of the actor: also while it
 * restarts, when it has ended, and from process to process, until the subscription is cancelled. It needs a system with a
 * store and an actor with a name, and has no overflow policy: what is kept waits.
 */
export type TopicDelivery = 'at-most-once' | 'at-least-once';

/** A subscription in a list of them. */
export interface TopicSpec extends SubscribeOptions {
  /** A topic; `*` stands for one segment, `>` at the end for one or more. */
  readonly topic: string;
}

const KEYS: KeysOf<SubscribeOptions> = { op: true, group: true, overflow: true, capacity: true, delivery: true };

/** Messages: as many as an event stream keeps for a slow reader. */
const CAPACITY = 256;

/** Messages: a megabyte of slots. */
const CAPACITY_MAX = 65_536;

const GROUP = /^[A-Za-z0-9_.-]{1,255}$/;

/** Checked options, with their defaults. */
export interface SubscriptionPolicy {
  readonly op: string | undefined;
  readonly group: string | undefined;
  readonly overflow: TopicOverflow;
  readonly capacity: number;
  readonly delivery: TopicDelivery;
}

/**
 * Fills in the defaults.
 *
 * @throws {RuntimeError} `NAME_INVALID` — of the group. `CONFIG_INVALID` — an overflow policy or a guarantee is not ours,
 *   or they do not go together.
 * @throws {RangeError} The capacity is out of range.
 */
export function toSubscriptionPolicy(options: SubscribeOptions): SubscriptionPolicy {
  assertKeys('options of a subscription', options, KEYS);
  const { op, group, overflow = 'reject', capacity = CAPACITY, delivery = 'at-most-once' } = options;
  if (group !== undefined && !GROUP.test(group)) {
    const text = `Cannot join group ${JSON.stringify(group.slice(0, 60))}: use letters, digits and "_.-", at most 255 characters`;
    throw new RuntimeError('NAME_INVALID', text);
  }
  assertOneOf('overflow policy', overflow, ['reject', 'drop-oldest', 'drop-newest']);
  assertOneOf('delivery guarantee', delivery, ['at-most-once', 'at-least-once']);
  if (delivery === 'at-least-once' && overflow !== 'reject') {
    const text = `Cannot subscribe with "${delivery}" and "${overflow}": what is delivered at least once waits on disk, and is not dropped`;
    throw new RuntimeError('CONFIG_INVALID', text);
  }
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > CAPACITY_MAX) {
    throw new RangeError(
      `Subscription option "capacity" must be an integer from 1 to ${CAPACITY_MAX}, not ${capacity}`,
    );
  }
  return { op, group, overflow, capacity, delivery };
}

function assertOneOf(what: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const choice = known.map((name) => `"${name}"`).join(', ');
  const text = `Cannot subscribe with the ${what} ${JSON.stringify(value)}: there are ${choice}`;
  throw new RuntimeError('CONFIG_INVALID', text);
}
