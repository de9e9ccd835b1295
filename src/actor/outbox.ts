import { randomUUID } from 'node:crypto';
import { open, seal } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';

import { openOperation } from './actor-type.ts';
import type { Cell, Deliveries, Services } from './cell.ts';
import type { Ack } from './cell-parts.ts';
import { assertMessageId, claimStore, releaseStore } from './deliveries.ts';
import { Header } from './header.ts';
import { KeptStates } from './kept-states.ts';
import { KeptSubscriptions, SUBSCRIPTIONS_BUCKET } from './kept-topics.ts';
import { LocalRef } from './local-ref.ts';
import type { DurableStore, DurableWrite, KeptMessage } from './ports.ts';

/** Buckets of messages that are kept, and of the ids of those that were handled; keys are `<actor>/<id>`. */
export const OUTBOX_BUCKET = 'actors/outbox';
export const HANDLED_BUCKET = 'actors/handled';

/** Deliveries of one message; then it is a dead letter. With the waits below, ten take about a minute. */
export const DELIVERIES_MAX = 10;
/** Milliseconds before the second delivery, doubled from one to the next, and the longest. */
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** Given ids that are remembered of each actor after their messages were handled; and of all, half of what a bucket of the store holds. */
export const WINDOW = 1_024;
const HANDLED_MAX = 524_288;
/** Deliveries after which a message goes alone: of those that were under way when a process ended, it may be the one that ended it. */
const SUSPECT = 3;
/** Messages of all actors that are kept, and their bytes: they are in memory too. */
const MESSAGES_MAX = 65_536;
const BYTES_MAX = 64 * 1_024 ** 2;
/** Bytes of one message. Larger things are files. */
const MESSAGE_BYTES_MAX = 1_024 ** 2;
/** Messages that are in the mailbox of one actor, or handled and not committed. Fewer than a mailbox holds by default. */
const IN_FLIGHT_MAX = 256;
/** Milliseconds until a mailbox that was full, or a store that failed, is tried again. */
const RETRY_MS = 20;
const STORE_RETRY_MS = 1_000;
/** Entries of one request to the store: with the largest messages, what a request takes. */
const PAGE = 15;
/** Messages of one write, and their bytes: what a request takes, less what it costs besides. */
const WRITE_MAX = 1_024;
const WRITE_BYTES_MAX = 15 * 1_024 ** 2;

/** Begins the ids that are made here: none that is given has it. */
const OWN = '~';

interface MessageRecord {
  readonly op: string;
  readonly payload: unknown;
  /** The concrete topic, if it was published. */
  readonly topic?: string | undefined;
  readonly deliveries: number;
}

/** One message, from its acceptance until it is acknowledged. */
interface Delivery {
  readonly key: string;
  /** In which order messages were accepted. */
  readonly order: number;
  readonly op: string;
  readonly bytes: number;
  /** A record, of which each delivery has a copy of its own. */
  record: Uint8Array;
  /** Deliveries so far. */
  deliveries: number;
  /** Whether the number of deliveries has to be on disk before the next: it may be the one that ends the process. */
  isCounted: boolean;
  /** The sender chose its id. */
  readonly id: string | undefined;
  writes: readonly DurableWrite[] | undefined;
}

/** What is kept for one actor. */
interface Receiver {
  /** Those that are not in the mailbox, in order. */
  readonly waiting: Delivery[];
  inFlight: number;
  isPumping: boolean;
  /** Whether it will be looked at again after some time. */
  hasRetry: boolean;
  /** Given ids of messages that were handled, the oldest first. */
  readonly handled: Set<string>;
}

/**
 * Messages that are delivered at least once: kept on disk from their acceptance until the state that they left is.
 *
 * ```
 *   deliver ──► on disk ──► mailbox ──► handled ──► state and acknowledgement on disk, in one write
 *                  ▲            │ failed    │ the state is lost
 *                  └──── wait ◄─┴───────────┘
 * ```
 */
export class Outbox implements Deliveries {
  /** What is kept besides, of the same actors. */
  readonly states: KeptStates;
  readonly topics: KeptSubscriptions;
  readonly #services: Services;
  readonly #store: DurableStore;
  readonly #epoch = randomUUID();
  readonly #receivers = new Map<string, Receiver>();
  /** Accepted and not acknowledged; of those that are being written, what to wait for. */
  readonly #known = new Map<string, Promise<void> | undefined>();
  #order = 0;
  #bytes = 0;
  /** Given ids that are remembered, of all actors. */
  #handledIds = 0;
  #isClosed = false;
  #opened: Promise<void> | undefined;
  #isOpen = false;

  constructor(services: Services, store: DurableStore) {
    claimStore(store);
    this.states = new KeptStates(store, (name) => services.names.lookup(name) !== undefined);
    this.#services = services;
    this.#store = store;
    this.topics = new KeptSubscriptions(services, store);
  }

  /** Reads what an earlier process left. Rejects with `OUTBOX_CORRUPT`, or as a read of the store. */
  open(): Promise<void> | undefined {
    if (this.#isOpen) return undefined;
    this.#opened ??= this.#load().then(
      () => {
        this.#isOpen = true;
      },
      (error: unknown) => {
        // Nothing was accepted before: the next who asks reads it all again.
        this.#opened = undefined;
        this.#bytes = 0;
        this.#handledIds = 0;
        this.#receivers.clear();
        throw error;
      },
    );
    return this.#opened;
  }

  async accept(messages: readonly KeptMessage[]): Promise<void> {
    const sealed = sealAll(messages);
    const opening = this.open();
    if (opening !== undefined) await opening;
    const written: (Promise<void> | undefined)[] = [];
    const fresh: Delivery[] = [];
    for (const { to, op, id, record } of sealed) {
      const key = `${to}/${id ?? `${OWN}${this.#epoch}:${this.#order + 1}`}`;
      if (this.#known.has(key)) written.push(this.#known.get(key));
      else if (id === undefined || this.#receivers.get(to)?.handled.has(id) !== true) {
        fresh.push(this.#delivery({ key, op, record, deliveries: 0, id, isCounted: true }));
      }
    }
    this.#assertRoom(fresh);
    for (const part of inRequests(fresh)) written.push(this.#keep(part));
    await Promise.all(written);
  }

  /** Writes messages down, all or none, and has them delivered. */
  #keep(deliveries: readonly Delivery[]): Promise<void> {
    const writes = deliveries.map(({ key, record }) => ({ bucket: OUTBOX_BUCKET, key, value: record }));
    const written = this.#store.write(writes).then(
      () => {
        for (const delivery of deliveries) {
          this.#known.set(delivery.key, undefined);
          this.#deliverNow(delivery);
        }
      },
      (error: unknown) => {
        for (const delivery of deliveries) this.#forget(delivery);
        throw error;
      },
    );
    for (const delivery of deliveries) this.#remember(delivery, written);
    return written;
  }

  countOf(actor: string): number {
    const receiver = this.#receivers.get(actor);
    return receiver === undefined ? 0 : receiver.waiting.length + receiver.inFlight;
  }

  onStarted(cell: Cell): void {
    const receiver = this.#receivers.get(cell.name);
    if (receiver !== undefined) void this.#pump(cell.name, receiver);
  }

  /** The system has stopped: nothing is tried again. What is being written is written. */
  close(): void {
    this.#isClosed = true;
    releaseStore(this.#store);
  }

  async #load(): Promise<void> {
    for await (const keys of this.#pages(HANDLED_BUCKET)) {
      for (const key of keys) this.#receiver(actorOf(key)).handled.add(idOf(key));
      this.#handledIds += keys.length;
    }
    const damaged: string[] = [];
    const found: Delivery[] = [];
    for await (const keys of this.#pages(OUTBOX_BUCKET)) {
      for (let at = 0; at < keys.length; at += PAGE) {
        const page = keys.slice(at, at + PAGE);
        const entries = await this.#store.read(OUTBOX_BUCKET, page);
        for (const [i, key] of page.entries()) {
          const record = entries[i]?.value;
          const message = record && messageOf(record);
          if (record === undefined || message === undefined) damaged.push(key);
          else {
            const { op, deliveries } = message;
            found.push(this.#delivery({ key, op, deliveries, record, id: givenId(key), isCounted: false }));
          }
        }
      }
    }
    await this.#loadSubscriptions(damaged);
    if (damaged.length > 0) throw corrupt(damaged);
    for (const delivery of found) {
      this.#remember(delivery, undefined);
      this.#receiver(actorOf(delivery.key)).waiting.push(delivery);
    }
    for (const [to, receiver] of this.#receivers) void this.#pump(to, receiver);
  }

  /** @param damaged Gets the keys of those that could not be read. */
  async #loadSubscriptions(damaged: string[]): Promise<void> {
    for await (const keys of this.#pages(SUBSCRIPTIONS_BUCKET)) {
      for (const actor of keys) {
        const [entry] = await this.#store.read(SUBSCRIPTIONS_BUCKET, [actor]);
        if (entry !== undefined && !this.topics.restore(actor, entry.value)) damaged.push(actor);
      }
    }
  }

  async *#pages(bucket: string): AsyncIterable<readonly string[]> {
    let after: number | undefined;
    do {
      const { keys, next } = await this.#store.list(bucket, after);
      yield keys;
      after = next;
    } while (after !== undefined);
  }

  #delivery(parts: Pick<Delivery, 'key' | 'op' | 'record' | 'deliveries' | 'id' | 'isCounted'>): Delivery {
    this.#order++;
    return { ...parts, order: this.#order, bytes: parts.record.length, writes: undefined };
  }

  #remember({ key, bytes }: Delivery, written: Promise<void> | undefined): void {
    this.#bytes += bytes;
    this.#known.set(key, written);
  }

  #forget({ key, bytes }: Delivery): void {
    this.#bytes -= bytes;
    this.#known.delete(key);
  }

  #receiver(to: string): Receiver {
    let receiver = this.#receivers.get(to);
    if (receiver === undefined) {
      receiver = { waiting: [], inFlight: 0, isPumping: false, hasRetry: false, handled: new Set() };
      this.#receivers.set(to, receiver);
    }
    return receiver;
  }

  /** Forgets a receiver of which there is nothing to know. */
  #tidy(to: string, { waiting, handled, inFlight, isPumping, hasRetry }: Receiver): void {
    if (waiting.length + handled.size + inFlight === 0 && !isPumping && !hasRetry) this.#receivers.delete(to);
  }

  #assertRoom(messages: readonly Delivery[]): void {
    const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
    if (this.#known.size + messages.length <= MESSAGES_MAX && this.#bytes + bytes <= BYTES_MAX) return;
    const text = `Cannot keep ${messages.length === 1 ? 'one more message' : `${messages.length} more messages`}: ${this.#known.size} with ${this.#bytes} bytes are kept; try again later`;
    throw new RuntimeError('OUTBOX_FULL', text, { details: { messages: this.#known.size, bytes: this.#bytes } });
  }

  /** Puts what waits into the mailbox, in order, as long as there is room. Never rejects. */
  async #pump(to: string, receiver: Receiver): Promise<void> {
    if (receiver.isPumping) return;
    receiver.isPumping = true;
    try {
      for (let next = receiver.waiting[0]; next !== undefined; next = receiver.waiting[0]) {
        if (receiver.inFlight >= (next.deliveries >= SUSPECT ? 1 : IN_FLIGHT_MAX)) return;
        const ref = this.#services.names.lookup(to);
        const cell = ref === undefined ? undefined : LocalRef.cellOf(ref);
        if (cell === undefined || !cell.mailbox.isOpen) return;
        if (next.isCounted || next.deliveries >= DELIVERIES_MAX) {
          if (!this.#post(cell, next, receiver)) return this.#pumpIn(to, RETRY_MS);
        } else if (!(await this.#count(receiver.waiting))) {
          return this.#pumpIn(to, STORE_RETRY_MS);
        }
      }
    } finally {
      receiver.isPumping = false;
    }
  }

  /** Looks again after some time: once, however many wait. */
  #pumpIn(to: string, delayMs: number): void {
    const receiver = this.#receiver(to);
    if (receiver.hasRetry) return;
    receiver.hasRetry = true;
    this.#after(delayMs, () => {
      receiver.hasRetry = false;
      void this.#pump(to, receiver);
    });
  }

  #after(delayMs: number, callback: () => void): void {
    if (!this.#isClosed) this.#services.wheel.after(delayMs, callback);
  }

  /** Puts it in its place among those that wait. */
  #deliverNow(delivery: Delivery): void {
    const to = actorOf(delivery.key);
    const receiver = this.#receiver(to);
    insert(receiver.waiting, delivery);
    void this.#pump(to, receiver);
  }

  /** Writes down that the first of `waiting` are about to be delivered again. Returns whether it was written. */
  #count(waiting: readonly Delivery[]): Promise<boolean> {
    const [first, ...rest] = waiting.slice(0, PAGE) as [Delivery, ...Delivery[]];
    const others = rest.filter(({ isCounted, deliveries }) => !isCounted && deliveries < SUSPECT);
    const counted = first.deliveries < SUSPECT ? [first, ...others] : [first];
    return this.#write(counted.map((delivery) => ({ delivery, deliveries: delivery.deliveries + 1 })));
  }

  async #write(counts: readonly { delivery: Delivery; deliveries: number }[]): Promise<boolean> {
    const records = counts.map(({ delivery: { record }, deliveries }) =>
      seal({ ...(messageOf(record) as MessageRecord), deliveries } satisfies MessageRecord),
    );
    const entries = records.map((value, i) => ({
      bucket: OUTBOX_BUCKET,
      key: counts[i]?.delivery.key as string,
      value,
    }));
    try {
      await this.#store.write(entries);
    } catch {
      // All stays as it is, and is tried again.
      return false;
    }
    for (const [i, { delivery, deliveries }] of counts.entries()) {
      Object.assign(delivery, { record: records[i], deliveries, isCounted: true });
    }
    return true;
  }

  /** Returns whether the mailbox took the message, or it is none any more. */
  #post(cell: Cell, delivery: Delivery, receiver: Receiver): boolean {
    const known = LocalRef.internalsOf(cell.ref).operations.tell(delivery.op);
    const { payload: sent, topic } = messageOf(delivery.record) as MessageRecord;
    // Who published it did not know what the actor takes: it may not have been there.
    const checked =
      known instanceof RuntimeError
        ? { error: known }
        : ((topic === undefined ? undefined : known.operation.validateIn?.(sent)) ?? { value: sent });
    const payload = 'error' in checked ? sent : checked.value;
    // Of a router, the routee that gets it.
    const entry = cell.entry(delivery.op, payload);
    const never = 'error' in checked ? checked.error : whyNever(entry, delivery, payload);
    if (known instanceof RuntimeError || never !== undefined) {
      const header = new Header(openOperation('tell', delivery.op), undefined, topic);
      receiver.waiting.shift();
      this.#bury(cell, delivery, { payload: sent, header, error: never });
      return true;
    }
    const header = new Header(known.operation, undefined, topic);
    // A router that starts hands it on: what it leaves is the state of whoever had it.
    header.keep(entry, {
      done: () => this.#handled(header.askedActor as Cell, delivery, receiver),
      failed: (error) => this.#failed(header.askedActor as Cell, delivery, { receiver, payload: sent, header, error }),
    });
    // Not by the overflow policy: what is kept can wait, and takes nobody's place.
    if (!entry.offer(payload, header)) return false;
    receiver.waiting.shift();
    receiver.inFlight++;
    return true;
  }

  #handled(cell: Cell, delivery: Delivery, receiver: Receiver): void {
    const writesOf = (): readonly DurableWrite[] => {
      delivery.writes ??= this.#writesOf(delivery);
      return delivery.writes;
    };
    const ack: Ack = {
      get writes() {
        return writesOf();
      },
      done: () => {
        receiver.inFlight--;
        this.#forget(delivery);
        this.#tidy(actorOf(delivery.key), receiver);
        void this.#pump(actorOf(delivery.key), receiver);
      },
      lost: () => this.#giveBack(delivery, receiver),
    };
    const keeper = cell.extras?.keeper ?? null;
    if (keeper === null) this.#commit(ack);
    else keeper.acknowledge(ack);
  }

  /** Acknowledges what leaves no state that has to be kept. */
  #commit(ack: Ack): void {
    this.#store.write(ack.writes).then(
      () => ack.done(),
      () => this.#after(STORE_RETRY_MS, () => this.#commit(ack)),
    );
  }

  /** What makes it handled: it is kept no more; its id is, if it was given, in the place of the oldest. */
  #writesOf({ key, id }: Delivery): DurableWrite[] {
    const writes: DurableWrite[] = [{ bucket: OUTBOX_BUCKET, key }];
    if (id === undefined) return writes;
    const to = actorOf(key);
    const receiver = this.#receiver(to);
    // In the order in which they last handled one with an id.
    this.#receivers.delete(to);
    this.#receivers.set(to, receiver);
    if (!receiver.handled.has(id)) this.#handledIds++;
    receiver.handled.add(id);
    writes.push({ bucket: HANDLED_BUCKET, key, value: NOTHING });
    const forgotten = receiver.handled.size > WINDOW ? to : this.#leastRecent();
    const [oldest] = (forgotten !== undefined && this.#receivers.get(forgotten)?.handled) || [];
    if (forgotten === undefined || oldest === undefined) return writes;
    this.#receivers.get(forgotten)?.handled.delete(oldest);
    this.#handledIds--;
    writes.push({ bucket: HANDLED_BUCKET, key: `${forgotten}/${oldest}` });
    return writes;
  }

  /** The actor that has not handled a message with an id for longest, if too many ids are remembered. */
  #leastRecent(): string | undefined {
    if (this.#handledIds <= HANDLED_MAX) return undefined;
    for (const [to, { handled }] of this.#receivers) if (handled.size > 0) return to;
    return undefined;
  }

  #failed(cell: Cell, delivery: Delivery, failure: Failure): void {
    const { receiver, error } = failure;
    // It was not delivered, or not to the end, by no fault of its own.
    if (RuntimeError.is(error, 'ACTOR_STOPPED') || RuntimeError.is(error, 'MAILBOX_FULL')) {
      this.#giveBack(delivery, receiver);
      return;
    }
    const deliveries = Math.max(1, delivery.deliveries);
    if (deliveries >= DELIVERIES_MAX) {
      receiver.inFlight--;
      this.#bury(cell, delivery, failure);
      return;
    }
    delivery.deliveries = deliveries;
    delivery.isCounted = false;
    receiver.inFlight--;
    const delayMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (deliveries - 1));
    this.#after(delayMs, () => this.#deliverNow(delivery));
  }

  /** It was not handled, or in vain; whoever takes messages next has it again. */
  #giveBack(delivery: Delivery, receiver: Receiver): void {
    receiver.inFlight--;
    insert(receiver.waiting, delivery);
    // A process that ends in order has not failed at what it did not come to.
    const { deliveries } = delivery;
    if (deliveries > 0 && !this.#services.isAccepting) void this.#write([{ delivery, deliveries: deliveries - 1 }]);
    // The incarnation may be over only after this, and of a router another may start.
    this.#pumpIn(actorOf(delivery.key), RETRY_MS);
  }

  /** It is a dead letter, and is told before it is forgotten. */
  #bury(cell: Cell, delivery: Delivery, { payload, header, error }: Omit<Failure, 'receiver'>): void {
    const often = `it failed, or ended the process, ${delivery.deliveries} times`;
    const cause = RuntimeError.is(error) && error.code !== 'ACTOR_FAILED' ? error.message : often;
    const text = `Cannot deliver "${delivery.op}" to "${cell.name}": ${cause}; it is not delivered again`;
    const details = { actor: cell.name, deliveries: delivery.deliveries };
    const why = new RuntimeError('MESSAGE_UNDELIVERABLE', text, { details, cause: error });
    cell.bury('failed', { message: payload, header: new Header(header.operation, undefined, header.topic) }, why);
    this.#commit({
      writes: [{ bucket: OUTBOX_BUCKET, key: delivery.key }],
      done: () => this.#forget(delivery),
      lost: () => {},
    });
  }
}

interface Failure {
  readonly receiver: Receiver;
  readonly payload: unknown;
  readonly header: Header;
  readonly error: unknown;
}

/** A message as bytes, and for whom. */
interface Sealed extends Pick<KeptMessage, 'to' | 'op' | 'id'> {
  readonly record: Uint8Array;
}

/** @throws {RangeError} An id is not well-formed. @throws {RuntimeError} `MESSAGE_UNSERIALIZABLE`. */
function sealAll(messages: readonly KeptMessage[]): Sealed[] {
  let last: { readonly message: KeptMessage; readonly record: Uint8Array } | undefined;
  return messages.map((message) => {
    const { to, op, id, payload, topic } = message;
    assertMessageId(id);
    // What is published to many is made into bytes once.
    const isSame = last?.message.op === op && last.message.payload === payload && last.message.topic === topic;
    const record = isSame && last !== undefined ? last.record : sealMessage(message);
    last = { message, record };
    return { to, op, id, record };
  });
}

function sealMessage({ to, op, payload, topic }: KeptMessage): Uint8Array {
  const details = { actor: to, op };
  let record: Uint8Array;
  try {
    record = seal({ op, payload, ...(topic !== undefined && { topic }), deliveries: 0 } satisfies MessageRecord);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `Cannot keep "${op}" for "${to}": ${why}; send plain data`;
    throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { details, cause });
  }
  if (record.length <= MESSAGE_BYTES_MAX) return record;
  const text = `Cannot keep "${op}" for "${to}": it has ${record.length} bytes, at most ${MESSAGE_BYTES_MAX} are kept`;
  throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { details });
}

/** Messages in parts, each of which one request of the store takes. */
function inRequests(deliveries: readonly Delivery[]): Delivery[][] {
  const parts: Delivery[][] = [];
  let bytes = 0;
  for (const delivery of deliveries) {
    const part = parts.at(-1);
    bytes += delivery.bytes;
    if (part !== undefined && part.length < WRITE_MAX && bytes <= WRITE_BYTES_MAX) {
      part.push(delivery);
      continue;
    }
    parts.push([delivery]);
    bytes = delivery.bytes;
  }
  return parts;
}

function messageOf(record: Uint8Array): MessageRecord | undefined {
  const message = open(record)?.value as Partial<MessageRecord> | null | undefined;
  if (typeof message?.op !== 'string' || !Number.isInteger(message.deliveries)) return undefined;
  return message as MessageRecord;
}

/** Why the actor of `entry` can never take it; `undefined`: it can. */
function whyNever(entry: Cell, { deliveries, isCounted }: Delivery, payload: unknown): RuntimeError | undefined {
  if (!entry.mailbox.canHold(payload))
    return new RuntimeError('MAILBOX_FULL', 'its mailbox never has room for as much');
  if (isCounted || deliveries < DELIVERIES_MAX) return undefined;
  return new RuntimeError('ACTOR_FAILED', `"${entry.name}" did not come to the end of it`);
}

const NOTHING = new Uint8Array(0);

/** Names may have slashes, ids have none. */
function actorOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

function idOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function givenId(key: string): string | undefined {
  const id = idOf(key);
  return id.startsWith(OWN) ? undefined : id;
}

function insert(waiting: Delivery[], delivery: Delivery): void {
  const last = waiting.at(-1);
  const at =
    last === undefined || last.order < delivery.order ? -1 : waiting.findIndex(({ order }) => order > delivery.order);
  waiting.splice(at === -1 ? waiting.length : at, 0, delivery);
}

function corrupt(keys: readonly string[]): RuntimeError {
  const shown = keys
    .slice(0, 3)
    .map((key) => `"${key}"`)
    .join(', ');
  const more = keys.length > 3 ? ` and ${keys.length - 3} more` : '';
  const text = `Cannot read the outbox: ${shown}${more} ${keys.length === 1 ? 'is' : 'are'} damaged; put back a copy of the store`;
  return new RuntimeError('OUTBOX_CORRUPT', text, { details: { damaged: keys.length } });
}
