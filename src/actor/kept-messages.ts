import { systemClock } from '../time/index.ts';
import { claimStore, releaseStore } from './deliveries.ts';
import { actorOf, messageOf, OUTBOX_BUCKET, PAGE, WRITE_MAX } from './outbox-records.ts';
import type { DurableStore } from './ports.ts';

/** Messages that are kept for one name. */
export interface KeptQueue {
  /** Of the actor for which they are, whether it is there or not. */
  readonly name: string;
  readonly messages: number;
  /** Bytes of their records. */
  readonly bytes: number;
  /** Milliseconds since the oldest was accepted, by the wall clock; `undefined`: an earlier version had not noted it. */
  readonly oldestMs: number | undefined;
  /** How often the one was delivered in vain that was so most often. */
  readonly attempts: number;
  /** Of the messages: in the mailbox, being handled, or handled and not acknowledged yet. */
  readonly underWay: number;
  /** Of the messages: damaged. As long as there is one, no system delivers anything. */
  readonly damaged: number;
}

/** The messages that are kept until they are handled: for operators, and for tests. */
export interface KeptMessages {
  /** Those for whom there are any, the most messages first. Rejects as a read of the store, and of a system with `OUTBOX_CORRUPT`. */
  list(): Promise<readonly KeptQueue[]>;
  /**
   * Forgets the messages that are kept for `name`, whether an actor of that name is there or not. Of a system each is a dead
   * letter (`removed`), once; those that are under way stay. Their ids can be used again.
   *
   * Rejects as a write of the store, of a system with `OUTBOX_CORRUPT`, otherwise with `STORE_LOCKED` when a system uses the
   * store. Then those stay that were not forgotten yet.
   *
   * @returns How many they were.
   */
  remove(name: string): Promise<number>;
}

/** One message, for counting. */
export interface KeptItem {
  readonly key: string;
  readonly bytes: number;
  /** `undefined`: it is damaged. */
  readonly deliveries: number | undefined;
  readonly atMs: number | undefined;
  readonly isTaken: boolean;
}

/** Counts messages by their receivers. */
export function queuesOf(items: Iterable<KeptItem>, wallMs: number): KeptQueue[] {
  const byName = new Map<string, KeptQueue>();
  for (const item of items) {
    const name = actorOf(item.key);
    const queue = byName.get(name) ?? { name, ...EMPTY };
    byName.set(name, plus(queue, item, wallMs));
  }
  return [...byName.values()].sort((left, right) => right.messages - left.messages);
}

const EMPTY = { messages: 0, bytes: 0, oldestMs: undefined, attempts: 0, underWay: 0, damaged: 0 } as const;

function plus(queue: KeptQueue, { bytes, deliveries, atMs, isTaken }: KeptItem, wallMs: number): KeptQueue {
  return {
    name: queue.name,
    messages: queue.messages + 1,
    bytes: queue.bytes + bytes,
    // The wall clock may have been set back: never less than 0.
    oldestMs: atMs === undefined ? queue.oldestMs : Math.max(queue.oldestMs ?? 0, wallMs - atMs),
    attempts: Math.max(queue.attempts, deliveries ?? 0),
    underWay: queue.underWay + (isTaken ? 1 : 0),
    damaged: queue.damaged + (deliveries === undefined ? 1 : 0),
  };
}

/** The keys of a bucket, page by page. */
export async function* pagesOf(store: DurableStore, bucket: string): AsyncIterable<readonly string[]> {
  let after: number | undefined;
  do {
    const { keys, next } = await store.list(bucket, after);
    yield keys;
    after = next;
  } while (after !== undefined);
}

/** A key, and its record. */
export type KeyedRecord = readonly [key: string, record: Uint8Array];

/** The messages of one page of keys, as many at once as a request takes. */
export async function* recordsOf(store: DurableStore, keys: readonly string[]): AsyncIterable<KeyedRecord[]> {
  for (let at = 0; at < keys.length; at += PAGE) {
    const part = keys.slice(at, at + PAGE);
    const entries = await store.read(OUTBOX_BUCKET, part);
    yield part.flatMap((key, i): KeyedRecord[] => (entries[i] === undefined ? [] : [[key, entries[i].value]]));
  }
}

/** What `keys` are of is kept no more. */
export async function forgetKeys(store: DurableStore, keys: readonly string[]): Promise<void> {
  await store.write(keys.map((key) => ({ bucket: OUTBOX_BUCKET, key })));
}

/** Items in parts, each of which one request takes. */
export function inParts<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / WRITE_MAX);
  return Array.from({ length: count }, (_, i) => items.slice(i * WRITE_MAX, (i + 1) * WRITE_MAX));
}

function toItem([key, record]: KeyedRecord): KeptItem {
  const { deliveries, atMs } = messageOf(record) ?? {};
  return { key, bytes: record.length, deliveries, atMs, isTaken: false };
}

/** Messages in a store that nobody delivers from. */
class StoredMessages implements KeptMessages {
  readonly #store: DurableStore;

  constructor(store: DurableStore) {
    this.#store = store;
  }

  async list(): Promise<readonly KeptQueue[]> {
    const items: KeptItem[] = [];
    for await (const keys of pagesOf(this.#store, OUTBOX_BUCKET)) {
      for await (const records of recordsOf(this.#store, keys)) items.push(...records.map(toItem));
    }
    return queuesOf(items, systemClock.wallMs());
  }

  async remove(name: string): Promise<number> {
    // A system has them in memory too, and would go on delivering them.
    claimStore(this.#store);
    try {
      const found: string[] = [];
      for await (const keys of pagesOf(this.#store, OUTBOX_BUCKET)) {
        found.push(...keys.filter((key) => actorOf(key) === name));
      }
      for (const part of inParts(found)) await forgetKeys(this.#store, part);
      return found.length;
    } finally {
      releaseStore(this.#store);
    }
  }
}

/**
 * The messages in a store that no actor system uses now; nobody hears of those that are removed. Of one that does:
 * `system.outbox`.
 *
 * @example For whom a stopped application keeps messages
 * ```ts
 * await using store = await openStore({ directory: './data' });
 * for (const { name, messages } of await keptMessages(store).list()) console.log(name, messages);
 * ```
 */
export function keptMessages(store: DurableStore): KeptMessages {
  return new StoredMessages(store);
}
