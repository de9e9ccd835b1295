import { randomUUID } from 'node:crypto';
import { open, seal } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Cell, Deliveries, Services } from './cell.ts';
import type { Ack } from './cell-parts.ts';
import { Header, type Operation } from './header.ts';
import { KeptStates } from './kept-states.ts';
import { LocalRef } from './local-ref.ts';
import type { DurableStore, DurableWrite } from './ports.ts';

/** Buckets of messages that are kept, and of the ids of those that were handled; keys are `<actor>/<id>`. */
export const OUTBOX_BUCKET = 'actors/outbox';
export const HANDLED_BUCKET = 'actors/handled';

/** Deliveries of one message; then it is a dead letter. With the waits below, ten take about a minute. */
export const DELIVERIES_MAX = 10;
/** Milliseconds before the second delivery, doubled from one to the next, and the longest. */
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** Given ids that are remembered of each actor after their messages were handled. */
export const WINDOW = 1_024;
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

/** What may be an id: nothing that separates it from a name. */
const ID = /^[A-Za-z0-9_.:-]{1,128}$/;

interface MessageRecord {
  readonly op: string;
  readonly payload: unknown;
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
  readonly #services: Services;
  readonly #store: DurableStore;
  readonly #epoch = randomUUID();
  readonly #receivers = new Map<string, Receiver>();
  /** Accepted and not acknowledged; of those that are being written, what to wait for. */
  readonly #known = new Map<string, Promise<void> | undefined>();
  #order = 0;
  #bytes = 0;
  #opened: Promise<void> | undefined;

  constructor(services: Services, store: DurableStore) {
    this.states = new KeptStates(store, (name) => services.names.lookup(name) !== undefined);
    this.#services = services;
    this.#store = store;
  }

  /** Reads what an earlier process left. Rejects with `OUTBOX_CORRUPT`, or as a read of the store. */
  open(): Promise<void> {
    this.#opened ??= this.#load().catch((error: unknown) => {
      // Nothing was accepted before: the next who asks reads it all again.
      this.#opened = undefined;
      this.#bytes = 0;
      this.#receivers.clear();
      throw error;
    });
    return this.#opened;
  }

  async accept(to: string, operation: Operation, message: { payload: unknown; id: string | undefined }): Promise<void> {
    const { payload, id } = message;
    if (id !== undefined && !ID.test(id)) {
      throw new RangeError(`An id has 1 to 128 letters, digits and "_.:-", unlike ${JSON.stringify(id.slice(0, 140))}`);
    }
    const record = sealMessage(to, { op: operation.name, payload, deliveries: 0 });
    await this.open();
    const key = `${to}/${id ?? `${this.#epoch}:${this.#order + 1}`}`;
    const receiver = this.#receiver(to);
    if (this.#known.has(key)) return this.#known.get(key);
    if (id !== undefined && receiver.handled.has(id)) return undefined;
    this.#assertRoom(record.length);
    const delivery = this.#add({ key, op: operation.name, record, deliveries: 0, id, isCounted: true });
    const written = this.#store.write([{ bucket: OUTBOX_BUCKET, key, value: record }]).then(
      () => {
        this.#known.set(key, undefined);
        receiver.waiting.push(delivery);
        void this.#pump(to, receiver);
      },
      (error: unknown) => {
        this.#forget(delivery);
        throw error;
      },
    );
    this.#known.set(key, written);
    return written;
  }

  onStarted(cell: Cell): void {
    const receiver = this.#receivers.get(cell.name);
    if (receiver !== undefined) void this.#pump(cell.name, receiver);
  }

  async #load(): Promise<void> {
    for await (const keys of this.#pages(HANDLED_BUCKET)) {
      for (const key of keys) this.#receiver(actorOf(key)).handled.add(idOf(key));
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
            this.#assertRoom(record.length);
            found.push(this.#add({ key, ...message, record, id: givenId(key), isCounted: false }));
          }
        }
      }
    }
    if (damaged.length > 0) throw corrupt(damaged);
    for (const delivery of found) {
      this.#known.set(delivery.key, undefined);
      this.#receiver(actorOf(delivery.key)).waiting.push(delivery);
    }
    for (const [to, receiver] of this.#receivers) void this.#pump(to, receiver);
  }

  async *#pages(bucket: string): AsyncIterable<readonly string[]> {
    let after: number | undefined;
    do {
      const { keys, next } = await this.#store.list(bucket, after);
      yield keys;
      after = next;
    } while (after !== undefined);
  }

  #add(parts: Pick<Delivery, 'key' | 'op' | 'record' | 'deliveries' | 'id' | 'isCounted'>): Delivery {
    this.#order++;
    this.#bytes += parts.record.length;
    return { ...parts, order: this.#order, bytes: parts.record.length, writes: undefined };
  }

  #forget({ key, bytes }: Delivery): void {
    this.#bytes -= bytes;
    this.#known.delete(key);
  }

  #receiver(to: string): Receiver {
    let receiver = this.#receivers.get(to);
    if (receiver === undefined) {
      receiver = { waiting: [], inFlight: 0, isPumping: false, handled: new Set() };
      this.#receivers.set(to, receiver);
    }
    return receiver;
  }

  #assertRoom(bytes: number): void {
    if (this.#known.size < MESSAGES_MAX && this.#bytes + bytes <= BYTES_MAX) return;
    const text = `Cannot keep one more message: ${this.#known.size} with ${this.#bytes} bytes are kept; try again later`;
    throw new RuntimeError('OUTBOX_FULL', text, { details: { messages: this.#known.size, bytes: this.#bytes } });
  }

  /** Puts what waits into the mailbox, in order, as long as there is room. Never rejects. */
  async #pump(to: string, receiver: Receiver): Promise<void> {
    if (receiver.isPumping) return;
    receiver.isPumping = true;
    try {
      while (receiver.waiting.length > 0 && receiver.inFlight < IN_FLIGHT_MAX) {
        const delivery = receiver.waiting[0] as Delivery;
        const ref = this.#services.names.lookup(to);
        const cell = ref === undefined ? undefined : LocalRef.cellOf(ref);
        if (cell === undefined || !cell.mailbox.isOpen) return;
        if (!delivery.isCounted) {
          const written = await this.#count(delivery);
          if (!written) return this.#pumpIn(to, STORE_RETRY_MS);
          continue;
        }
        const isTaken = this.#post(cell, delivery, receiver);
        if (!isTaken) return this.#pumpIn(to, RETRY_MS);
      }
    } finally {
      receiver.isPumping = false;
    }
  }

  #pumpIn(to: string, delayMs: number): void {
    this.#services.wheel.after(delayMs, () => void this.#pump(to, this.#receiver(to)));
  }

  /** Writes down that the message is about to be delivered again. Returns whether it was written. */
  async #count(delivery: Delivery): Promise<boolean> {
    const { key } = delivery;
    const deliveries = delivery.deliveries + 1;
    const message = messageOf(delivery.record) as MessageRecord;
    const record = seal({ ...message, deliveries } satisfies MessageRecord);
    try {
      await this.#store.write([{ bucket: OUTBOX_BUCKET, key, value: record }]);
    } catch {
      // It stays as it is, and is tried again.
      return false;
    }
    delivery.record = record;
    delivery.deliveries = deliveries;
    delivery.isCounted = true;
    return true;
  }

  /** Returns whether the mailbox took the message, or it is none any more. */
  #post(cell: Cell, delivery: Delivery, receiver: Receiver): boolean {
    const known = LocalRef.internalsOf(cell.ref).operations.tell(delivery.op);
    const { payload } = messageOf(delivery.record) as MessageRecord;
    if (known instanceof RuntimeError) {
      receiver.waiting.shift();
      this.#bury(cell, delivery, { payload, header: new Header(UNKNOWN, undefined, undefined), error: known });
      return true;
    }
    // Of a router, the routee that gets it.
    const entry = cell.entry(delivery.op, payload);
    const header = new Header(known.operation, undefined, undefined);
    header.keep({
      done: () => this.#handled(entry, delivery, receiver),
      failed: (error) => this.#failed(entry, delivery, { receiver, payload, header, error }),
    });
    if (!entry.accept(payload, header)) return false;
    receiver.waiting.shift();
    receiver.inFlight++;
    return true;
  }

  #handled(cell: Cell, delivery: Delivery, receiver: Receiver): void {
    const ack: Ack = {
      get writes() {
        delivery.writes ??= writesOf(delivery, receiver);
        return delivery.writes;
      },
      done: () => {
        receiver.inFlight--;
        this.#forget(delivery);
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
      () => this.#services.wheel.after(STORE_RETRY_MS, () => this.#commit(ack)),
    );
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
    this.#services.wheel.after(delayMs, () => {
      insert(receiver.waiting, delivery);
      void this.#pump(actorOf(delivery.key), receiver);
    });
  }

  /** It was not handled, or in vain; whoever takes messages next has it again. */
  #giveBack(delivery: Delivery, receiver: Receiver): void {
    receiver.inFlight--;
    insert(receiver.waiting, delivery);
    // The incarnation may be over only after this, and of a router another may start.
    this.#pumpIn(actorOf(delivery.key), RETRY_MS);
  }

  /** It is a dead letter, and is told before it is forgotten. */
  #bury(cell: Cell, delivery: Delivery, { payload, header, error }: Omit<Failure, 'receiver'>): void {
    const text = `"${cell.name}" failed at "${delivery.op}" ${delivery.deliveries} times; it is not delivered again`;
    const details = { actor: cell.name, deliveries: delivery.deliveries };
    const why = new RuntimeError('MESSAGE_UNDELIVERABLE', text, { details, cause: error });
    cell.bury('failed', { message: payload, header: new Header(header.operation, undefined, undefined) }, why);
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

/** Stands for an operation that the actor does not have any more. */
const UNKNOWN: Operation = Object.freeze({
  kind: 'tell',
  name: '',
  handler: undefined,
  batch: undefined,
  validateIn: undefined,
  validateOut: undefined,
  isUrgent: false,
});

function sealMessage(to: string, message: MessageRecord): Uint8Array {
  const details = { actor: to, op: message.op };
  let record: Uint8Array;
  try {
    record = seal(message);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `Cannot keep "${message.op}" for "${to}": ${why}; send plain data`;
    throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { details, cause });
  }
  if (record.length <= MESSAGE_BYTES_MAX) return record;
  const text = `Cannot keep "${message.op}" for "${to}": it has ${record.length} bytes, at most ${MESSAGE_BYTES_MAX} are kept`;
  throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { details });
}

function messageOf(record: Uint8Array): MessageRecord | undefined {
  const message = open(record)?.value as Partial<MessageRecord> | null | undefined;
  if (typeof message?.op !== 'string' || !Number.isInteger(message.deliveries)) return undefined;
  return message as MessageRecord;
}

/** What makes it handled: it is kept no more; its id is, if it was given, in the place of the oldest. */
function writesOf({ key, id }: Delivery, { handled }: Receiver): DurableWrite[] {
  const writes: DurableWrite[] = [{ bucket: OUTBOX_BUCKET, key }];
  if (id === undefined) return writes;
  handled.add(id);
  writes.push({ bucket: HANDLED_BUCKET, key, value: NOTHING });
  const [oldest] = handled;
  if (handled.size > WINDOW && oldest !== undefined) {
    handled.delete(oldest);
    writes.push({ bucket: HANDLED_BUCKET, key: `${actorOf(key)}/${oldest}` });
  }
  return writes;
}

const NOTHING = new Uint8Array(0);

/** Names may have slashes, ids have none. */
function actorOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

function idOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** Ids that are made here have a form that tells. */
function givenId(key: string): string | undefined {
  const id = idOf(key);
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d+$/.test(id) ? undefined : id;
}

function insert(waiting: Delivery[], delivery: Delivery): void {
  const at = waiting.findIndex(({ order }) => order > delivery.order);
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
