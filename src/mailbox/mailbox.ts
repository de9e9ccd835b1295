import { RingBuffer } from '../collections/index.ts';
import { MAILBOX_CAPACITY, type MailboxPolicy } from './options.ts';

/** A message and what travelled with it, out of its mailbox. */
export interface Lost<H> {
  readonly message: unknown;
  readonly header: H;
}

/** Messages of the first ring. Most actors have few messages at a time. */
const FIRST_MESSAGES = 4;

/** Messages up to which an empty ring is kept for the next burst; a larger one is given back. 64 messages are 1 KB. */
const KEPT_MESSAGES = 64;

/**
 * Rings that were given back, for whichever mailbox grows next: a mailbox that fills in bursts would else allocate and
 * copy its way up each time, which costs as much as the messages themselves. Empty arrays, nothing else; at most
 * {@link SPARES_MAX}, the rest is garbage.
 */
const SPARES: unknown[][] = [];
const SPARES_MAX = 16;

/** Messages of the largest ring that is handed on: a mailbox of the default capacity. 16 of them are 256 KB. */
const SPARE_MESSAGES_MAX = MAILBOX_CAPACITY;

/** The ring of every mailbox that holds nothing and never did, or gave its ring back. */
const EMPTY: unknown[] = [];

const CLOSED: MailboxPolicy = Object.freeze({ capacity: 0, overflow: 'reject' });

/**
 * The queue in front of one actor: a bounded user lane and a system lane.
 *
 * ```
 *            head                                    two slots a message, so that a message without anything special
 *             ▼                                      about it allocates nothing: its header is shared
 * [    |    ][ m0 | h0 ][ m1 | h1 ][    |    ]       length is a power of two; nothing until the first message
 * ```
 *
 * @typeParam H What travels with a message; never `undefined`.
 * @typeParam S A message of the system lane.
 */
export class Mailbox<H extends object, S> {
  private slots: unknown[] = EMPTY;
  /** Index of the oldest message's first slot. */
  private head = 0;
  private count = 0;
  private policy: MailboxPolicy;
  private system: RingBuffer<S> | null = null;

  constructor(policy: MailboxPolicy) {
    this.policy = policy;
  }

  /** Messages in the user lane. */
  get size(): number {
    return this.count;
  }

  /** Messages that the user lane takes; 0 once it is closed. */
  get capacity(): number {
    return this.policy.capacity;
  }

  /** Whether either lane holds something. */
  get hasWork(): boolean {
    return this.count > 0 || this.system !== null;
  }

  /** Whether the system lane holds something: the user lane gives nothing until it is empty. */
  get hasSystemWork(): boolean {
    return this.system !== null;
  }

  /** Adds to the user lane. `false`: it is full or closed, and nothing has changed; see {@link overflow}. */
  offer(message: unknown, header: H): boolean {
    if (this.count >= this.policy.capacity) return false;
    if (2 * this.count === this.slots.length) this.grow();
    const slots = this.slots;
    const tail = (this.head + 2 * this.count) & (slots.length - 1);
    slots[tail] = message;
    slots[tail + 1] = header;
    this.count++;
    return true;
  }

  /**
   * Decides by the overflow policy over a message that {@link offer} did not take.
   *
   * @returns What was lost: the message itself, or the oldest, whose place it took. `undefined`: it is refused.
   */
  overflow(message: unknown, header: H): Lost<H> | undefined {
    if (this.policy.overflow === 'reject') return undefined;
    if (this.policy.overflow === 'drop-newest') return { message, header };
    const oldest = this.takeRest();
    this.offer(message, header);
    return oldest;
  }

  /**
   * The header of the message that {@link take} will give; `undefined` when the user lane is empty or has to wait for
   * the system lane.
   */
  peekHeader(): H | undefined {
    if (this.count === 0 || this.system !== null) return undefined;
    return this.slots[this.head + 1] as H;
  }

  /** Takes the oldest message. Only after {@link peekHeader} gave its header. */
  take(): unknown {
    const slots = this.slots;
    const head = this.head;
    const message = slots[head];
    slots[head] = undefined;
    slots[head + 1] = undefined;
    this.head = (head + 2) & (slots.length - 1);
    this.count--;
    return message;
  }

  /** Adds to the system lane. What the runtime sends to an actor is bounded by what the actor watches and owns. */
  offerSystem(message: S): void {
    this.system ??= new RingBuffer();
    this.system.push(message);
  }

  /** Takes the oldest message of the system lane; `undefined` when there is none. */
  takeSystem(): S | undefined {
    const lane = this.system;
    if (lane === null) return undefined;
    const message = lane.shift();
    if (lane.size === 0) this.system = null;
    return message;
  }

  /** Refuses every further message of the user lane. What is in it stays. */
  close(): void {
    this.policy = CLOSED;
  }

  /** Empties the system lane. */
  clearSystem(): void {
    this.system = null;
  }

  /** Takes the oldest message even if the system lane is not empty; `undefined` when there is none. For closing down. */
  takeRest(): Lost<H> | undefined {
    if (this.count === 0) return undefined;
    const header = this.slots[this.head + 1] as H;
    return { message: this.take(), header };
  }

  /** Gives back a large ring, if it is empty. Called when the actor has nothing left to do. */
  trim(): void {
    if (this.count > 0 || this.slots.length <= 2 * KEPT_MESSAGES) return;
    if (SPARES.length < SPARES_MAX && this.slots.length <= 2 * SPARE_MESSAGES_MAX) SPARES.push(this.slots);
    this.slots = EMPTY;
    this.head = 0;
  }

  private grow(): void {
    const old = this.slots;
    const used = 2 * this.count;
    const next =
      takeSpare(2 * old.length) ?? new Array<unknown>(Math.max(2 * FIRST_MESSAGES, 2 * old.length)).fill(undefined);
    for (let i = 0; i < used; i++) next[i] = old[(this.head + i) & (old.length - 1)];
    this.slots = next;
    this.head = 0;
  }
}

/** A spare ring for a mailbox that outgrew its own; not for one that begins, which may never need as much. */
function takeSpare(length: number): unknown[] | undefined {
  if (length < 4 * FIRST_MESSAGES) return undefined;
  const spare = SPARES.pop();
  return spare !== undefined && spare.length >= length ? spare : undefined;
}
