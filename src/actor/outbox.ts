import { randomUUID } from 'node:crypto';
import { seal } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';

import { openOperation } from './actor-type.ts';
import type { Cell, Deliveries, Services } from './cell.ts';
import type { Ack } from './cell-parts.ts';
import { claimStore, releaseStore } from './deliveries.ts';
import { Header } from './header.ts';
import {
  forgetKeys,
  inParts,
  type KeptMessages,
  type KeptQueue,
  pagesOf,
  queuesOf,
  recordsOf,
} from './kept-messages.ts';
import { KeptStates } from './kept-states.ts';
import { KeptSubscriptions, SUBSCRIPTIONS_BUCKET } from './kept-topics.ts';
import { LocalRef } from './local-ref.ts';
import {
  actorOf,
  corrupt,
  givenId,
  HANDLED_BUCKET,
  idOf,
  inRequests,
  type MessageRecord,
  messageOf,
  OUTBOX_BUCKET,
  OWN,
  PAGE,
  sealAll,
} from './outbox-records.ts';
import type { DurableStore, DurableWrite, KeptMessage } from './ports.ts';

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
/** Messages that are in the mailbox of one actor, or handled and not committed. Fewer than a mailbox holds by default. */
const IN_FLIGHT_MAX = 256;
/** Milliseconds until a mailbox that was full, or a store that failed, is tried again. */
const RETRY_MS = 20;
const STORE_RETRY_MS = 1_000;
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
  /** When it was accepted, by the wall clock. */
  readonly atMs: number | undefined;
  /** What to wait for until it is on disk. */
  written: Promise<void> | undefined;
  /** It is with its actor, or is about to be forgotten. */
  isTaken: boolean;
  /** It has failed, and waits for its time. */
  isResting: boolean;
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
  readonly messages: KeptMessages = { list: () => this.#list(), remove: (name) => this.#remove(name) };
  readonly topics: KeptSubscriptions;
  readonly #services: Services;
  readonly #store: DurableStore;
  readonly #epoch = randomUUID();
  readonly #receivers = new Map<string, Receiver>();
  /** Accepted and not acknowledged, by their keys. */
  readonly #known = new Map<string, Delivery>();
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
    const atMs = Math.round(this.#services.clock.wallMs());
    const sealed = sealAll(messages, atMs);
    const opening = this.open();
    if (opening !== undefined) await opening;
    this.#assertOpen();
    const written: (Promise<void> | undefined)[] = [];
    const fresh: Delivery[] = [];
    for (const { to, op, id, record } of sealed) {
      const key = `${to}/${id ?? `${OWN}${this.#epoch}:${this.#order + 1}`}`;
      const known = this.#known.get(key);
      if (known !== undefined) written.push(known.written);
      else if (id === undefined || this.#receivers.get(to)?.handled.has(id) !== true) {
        fresh.push(this.#delivery({ key, op, record, deliveries: 0, id, isCounted: true, atMs }));
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
          delivery.written = undefined;
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
    for await (const keys of pagesOf(this.#store, HANDLED_BUCKET)) {
      for (const key of keys) this.#receiver(actorOf(key)).handled.add(idOf(key));
      this.#handledIds += keys.length;
    }
    const damaged: string[] = [];
    const found: Delivery[] = [];
    for await (const keys of pagesOf(this.#store, OUTBOX_BUCKET)) {
      for await (const records of recordsOf(this.#store, keys)) {
        for (const [key, record] of records) {
          const message = messageOf(record);
          if (message === undefined) damaged.push(key);
          else {
            const { op, deliveries, atMs } = message;
            found.push(this.#delivery({ key, op, deliveries, record, id: givenId(key), isCounted: false, atMs }));
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
    for await (const keys of pagesOf(this.#store, SUBSCRIPTIONS_BUCKET)) {
      for (const actor of keys) {
        const [entry] = await this.#store.read(SUBSCRIPTIONS_BUCKET, [actor]);
        if (entry !== undefined && !this.topics.restore(actor, entry.value)) damaged.push(actor);
      }
    }
  }

  #delivery(parts: Pick<Delivery, 'key' | 'op' | 'record' | 'deliveries' | 'id' | 'isCounted' | 'atMs'>): Delivery {
    this.#order++;
    const bytes = parts.record.length;
    const rest = { writes: undefined, written: undefined, isTaken: false, isResting: false };
    return { ...parts, ...rest, order: this.#order, bytes };
  }

  #remember(delivery: Delivery, written: Promise<void> | undefined): void {
    delivery.written = written;
    this.#bytes += delivery.bytes;
    this.#known.set(delivery.key, delivery);
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

  /** The store may be another system's by now, which would not know of what is written here. */
  #assertOpen(): void {
    if (!this.#isClosed) return;
    throw new RuntimeError('SYSTEM_STOPPED', 'Cannot change what is kept: the actor system has stopped');
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
    delivery.isResting = false;
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
    delivery.isTaken = true;
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
    Object.assign(delivery, { isCounted: false, isTaken: false, isResting: true });
    receiver.inFlight--;
    const delayMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (deliveries - 1));
    this.#after(delayMs, () => {
      if (delivery.isResting) this.#deliverNow(delivery);
    });
  }

  /** It was not handled, or in vain; whoever takes messages next has it again. */
  #giveBack(delivery: Delivery, receiver: Receiver): void {
    receiver.inFlight--;
    delivery.isTaken = false;
    insert(receiver.waiting, delivery);
    // A process that ends in order has not failed at what it did not come to.
    const { deliveries } = delivery;
    if (deliveries > 0 && !this.#services.isAccepting) void this.#write([{ delivery, deliveries: deliveries - 1 }]);
    // The incarnation may be over only after this, and of a router another may start.
    this.#pumpIn(actorOf(delivery.key), RETRY_MS);
  }

  /** It is a dead letter, and is told before it is forgotten. */
  #bury(cell: Cell, delivery: Delivery, { payload, header, error }: Omit<Failure, 'receiver'>): void {
    delivery.isTaken = true;
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

  // ── for operators ──

  async #list(): Promise<readonly KeptQueue[]> {
    await this.open();
    return queuesOf(this.#known.values(), this.#services.clock.wallMs());
  }

  /** What is being written when it is called comes after it. */
  async #remove(name: string): Promise<number> {
    await this.open();
    this.#assertOpen();
    const receiver = this.#receiver(name);
    const chosen = [...this.#known.values()].filter(
      ({ key, written, isTaken }) => written === undefined && !isTaken && actorOf(key) === name,
    );
    // At once, so that nobody delivers them meanwhile; what is being written of them is written before they are forgotten.
    receiver.waiting.length = 0;
    for (const delivery of chosen) Object.assign(delivery, { isTaken: true, isResting: false });
    const left = new Set(chosen);
    try {
      for (const part of inParts(chosen)) {
        await forgetKeys(
          this.#store,
          part.map(({ key }) => key),
        );
        for (const delivery of part) {
          left.delete(delivery);
          this.#forget(delivery);
          this.#lose(name, delivery);
        }
      }
    } finally {
      for (const delivery of left) {
        delivery.isTaken = false;
        this.#deliverNow(delivery);
      }
      this.#tidy(name, receiver);
    }
    return chosen.length;
  }

  /** It was removed. Whoever has its name now is no less to be told of than one who is not there. */
  #lose(name: string, { op, record }: Delivery): void {
    const { payload, topic } = messageOf(record) as MessageRecord;
    const ref = this.#services.names.lookup(name);
    const lost = { message: payload, header: new Header(openOperation('tell', op), undefined, topic) };
    if (ref !== undefined) LocalRef.cellOf(ref).bury('removed', lost);
    else this.#services.deadLetters.buryFor(name, lost, { reason: 'removed', error: undefined });
  }
}

interface Failure {
  readonly receiver: Receiver;
  readonly payload: unknown;
  readonly header: Header;
  readonly error: unknown;
}

/** Why the actor of `entry` can never take it; `undefined`: it can. */
function whyNever(entry: Cell, { deliveries, isCounted }: Delivery, payload: unknown): RuntimeError | undefined {
  if (!entry.mailbox.canHold(payload))
    return new RuntimeError('MAILBOX_FULL', 'its mailbox never has room for as much');
  if (isCounted || deliveries < DELIVERIES_MAX) return undefined;
  return new RuntimeError('ACTOR_FAILED', `"${entry.name}" did not come to the end of it`);
}

const NOTHING = new Uint8Array(0);

function insert(waiting: Delivery[], delivery: Delivery): void {
  const last = waiting.at(-1);
  const at =
    last === undefined || last.order < delivery.order ? -1 : waiting.findIndex(({ order }) => order > delivery.order);
  waiting.splice(at === -1 ? waiting.length : at, 0, delivery);
}
