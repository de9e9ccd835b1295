import { RingBuffer } from '../collections/index.ts';
import { MAILBOX_CAPACITY, type MailboxPolicy } from './options.ts';

/** A message and what travelled with it, out of its mailbox. */
export interface Lost<H> {
  readonly message: unknown;
  readonly header: H;
}

/** Messages of the second ring. The first one holds a single message: of many actors that is all they ever have at a time. */
const FEW_MESSAGES = 4;

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

/**
 * What few mailboxes have at any moment, so that the others do not pay for it. Gone when it holds nothing. Each lane is
 * made when it is first used: most actors need one of them, once, for the one message that ends them.
 */
class Rare<H, S> {
  /** The oldest message of the system lane, and those after it; there is rarely a second one. */
  system: S | undefined = undefined;
  laterSystem: RingBuffer<S> | null = null;
  urgent: RingBuffer<Lost<H>> | null = null;
  stashed: Lost<H>[] | null = null;
  /** Bytes of payloads in all lanes, if they are bounded. */
  bytes = 0;

  get urgentSize(): number {
    return this.urgent === null ? 0 : this.urgent.size;
  }

  get stashedSize(): number {
    return this.stashed === null ? 0 : this.stashed.length;
  }

  get isEmpty(): boolean {
    return this.system === undefined && this.urgentSize === 0 && this.stashedSize === 0 && this.bytes === 0;
  }

  pushUrgent(lost: Lost<H>): void {
    this.urgent ??= new RingBuffer();
    this.urgent.push(lost);
  }
}

/**
 * The queue in front of one actor: a bounded user lane, and before it a lane for urgent messages and one for the runtime.
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
  /**
   * Messages that the user lane may hold now: what is stashed takes its place. −1: closed. Less: −2 minus what it may hold
   * when the gate is opened. So that the one comparison of {@link offer} is about all of it.
   */
  private room: number;
  private readonly policy: MailboxPolicy;
  private rare: Rare<H, S> | null = null;

  constructor(policy: MailboxPolicy) {
    this.policy = policy;
    this.room = policy.capacity;
  }

  /** Messages that wait: in the user lane, urgent, and stashed. */
  get size(): number {
    const { rare } = this;
    return rare === null ? this.count : this.count + rare.urgentSize + rare.stashedSize;
  }

  /** Bytes of payloads that wait; 0 unless they are bounded. */
  get sizeBytes(): number {
    return this.rare?.bytes ?? 0;
  }

  get isClosed(): boolean {
    return this.room === -1;
  }

  /** Whether it takes messages, if there is room. */
  get isOpen(): boolean {
    return this.room >= 0;
  }

  /** Whether the user lane takes no message more. */
  get isFull(): boolean {
    return this.count >= this.room;
  }

  /** Whether there is something to take. */
  get hasWork(): boolean {
    const { rare } = this;
    return this.count > 0 || (rare !== null && (rare.system !== undefined || rare.urgentSize > 0));
  }

  /** Whether the system lane holds something: the other lanes give nothing until it is empty. */
  get hasSystemWork(): boolean {
    return this.rare !== null && this.rare.system !== undefined;
  }

  /** Whether there could ever be room for a message of this size. */
  canHold(message: unknown): boolean {
    return this.policy.capacityBytes === 0 || bytesOf(message) <= this.policy.capacityBytes;
  }

  /** Adds to the user lane. `false`: it is full or closed, and nothing has changed; see {@link overflow}. */
  offer(message: unknown, header: H): boolean {
    if (this.count >= this.room) return false;
    if (this.policy.capacityBytes !== 0 && !this.reserve(message)) return false;
    if (2 * this.count === this.slots.length) this.grow();
    const slots = this.slots;
    const tail = (this.head + 2 * this.count) & (slots.length - 1);
    slots[tail] = message;
    slots[tail + 1] = header;
    this.count++;
    return true;
  }

  /** Adds to the urgent lane, which takes as many messages as the user lane. */
  offerUrgent(message: unknown, header: H): boolean {
    if (!this.isOpen || (this.rare?.urgentSize ?? 0) >= this.policy.capacity) return false;
    if (this.policy.capacityBytes !== 0 && !this.reserve(message)) return false;
    this.ensureRare().pushUrgent({ message, header });
    return true;
  }

  /** Adds to the urgent lane what the actor sends to itself, full or not: whoever lets it do so bounds it. */
  offerOwn(message: unknown, header: H): void {
    if (this.isClosed) return;
    const rare = this.ensureRare();
    rare.pushUrgent({ message, header });
    if (this.policy.capacityBytes !== 0) rare.bytes += bytesOf(message);
  }

  /**
   * Decides by the overflow policy over a message that {@link offer} did not take.
   *
   * @returns What was lost: the message itself, or the oldest ones, whose place it took. `undefined`: it is refused.
   */
  overflow(message: unknown, header: H): Lost<H>[] | undefined {
    const { overflow } = this.policy;
    if (!this.isOpen || overflow === 'reject' || overflow === 'wait') return undefined;
    if (overflow === 'drop-newest' || this.room === 0 || !this.canHold(message)) return [{ message, header }];
    const lost: Lost<H>[] = [];
    while (!this.offer(message, header)) {
      if (this.count === 0) return [...lost, { message, header }];
      lost.push(this.takeOldest());
    }
    return lost;
  }

  /**
   * The header of the message that {@link take} will give; `undefined` when there is none, or it has to wait for the
   * system lane.
   */
  peekHeader(): H | undefined {
    if (this.rare !== null) {
      if (this.rare.system !== undefined) return undefined;
      const urgent = this.rare.urgent?.peek();
      if (urgent !== undefined) return urgent.header;
    }
    if (this.count === 0) return undefined;
    return this.slots[this.head + 1] as H;
  }

  /** Takes the next message. Only after {@link peekHeader} gave its header. */
  take(): unknown {
    if (this.rare !== null) return this.takeRare(this.rare);
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
    const rare = this.ensureRare();
    if (rare.system === undefined) {
      rare.system = message;
      return;
    }
    rare.laterSystem ??= new RingBuffer();
    rare.laterSystem.push(message);
  }

  /** The message that {@link takeSystem} will give. */
  peekSystem(): S | undefined {
    return this.rare === null ? undefined : this.rare.system;
  }

  /** Takes the oldest message of the system lane; `undefined` when there is none. */
  takeSystem(): S | undefined {
    const { rare } = this;
    if (rare === null) return undefined;
    const message = rare.system;
    rare.system = rare.laterSystem?.shift();
    this.tidy();
    return message;
  }

  /** Takes out every urgent message whose header `isUnwanted`. Returns whether there was one. */
  withdraw(isUnwanted: (header: H) => boolean): boolean {
    const { rare } = this;
    if (rare === null || rare.urgent === null) return false;
    const before = rare.urgent.size;
    rare.urgent.remove(({ message, header }) => {
      const goes = isUnwanted(header);
      if (goes) this.release(rare, message);
      return goes;
    });
    this.tidy();
    return rare.urgentSize < before;
  }

  /**
   * Puts a message aside that was just taken. It keeps its place among those that the mailbox may hold.
   *
   * @returns `false`: others have taken the place meanwhile, and nothing has changed.
   */
  stash(message: unknown, header: H): boolean {
    if (this.isOpen && this.count >= this.room) return false;
    const rare = this.ensureRare();
    rare.stashed ??= [];
    rare.stashed.push({ message, header });
    this.makeRoom(-1);
    if (this.policy.capacityBytes !== 0) rare.bytes += bytesOf(message);
    return true;
  }

  /** Puts all that was stashed back, before everything else in the user lane, in the order in which it came. */
  unstash(): void {
    const stashed = this.rare?.stashed ?? null;
    if (stashed === null) return;
    (this.rare as Rare<H, S>).stashed = null;
    this.makeRoom(stashed.length);
    while (this.slots.length < 2 * (this.count + stashed.length)) this.grow();
    for (const { message, header } of stashed.reverse()) {
      this.head = (this.head - 2) & (this.slots.length - 1);
      this.slots[this.head] = message;
      this.slots[this.head + 1] = header;
      this.count++;
    }
    this.tidy();
  }

  /** Refuses every further message. What is in it stays. */
  close(): void {
    this.room = -1;
  }

  /** Refuses every further message but the actor's own, until {@link openGate}. What is in it stays. */
  closeGate(): void {
    if (this.isOpen) this.room = -2 - this.room;
  }

  openGate(): void {
    if (!this.isOpen && !this.isClosed) this.room = -2 - this.room;
  }

  /** Empties the system lane. */
  clearSystem(): void {
    if (this.rare === null) return;
    this.rare.system = undefined;
    this.rare.laterSystem = null;
    this.tidy();
  }

  /** Takes the oldest message of any lane but the system lane; `undefined` when there is none. For closing down. */
  takeRest(): Lost<H> | undefined {
    const urgent = this.rare?.urgent?.peek();
    if (urgent !== undefined) {
      this.take();
      return urgent;
    }
    this.unstash();
    return this.count === 0 ? undefined : this.takeOldest();
  }

  /** Gives back a large ring, if it is empty. Called when the actor has nothing left to do. */
  trim(): void {
    if (this.count > 0 || this.slots.length <= 2 * KEPT_MESSAGES) return;
    if (SPARES.length < SPARES_MAX && this.slots.length <= 2 * SPARE_MESSAGES_MAX) SPARES.push(this.slots);
    this.slots = EMPTY;
    this.head = 0;
  }

  /** Changes what the user lane may hold. */
  private makeRoom(messages: number): void {
    if (!this.isClosed) this.room += this.isOpen ? messages : -messages;
  }

  private ensureRare(): Rare<H, S> {
    this.rare ??= new Rare();
    return this.rare;
  }

  private tidy(): void {
    if (this.rare?.isEmpty === true) this.rare = null;
  }

  /** Counts the bytes of a message, if they fit. */
  private reserve(message: unknown): boolean {
    const bytes = bytesOf(message);
    if (bytes === 0) return true;
    if (this.sizeBytes + bytes > this.policy.capacityBytes) return false;
    this.ensureRare().bytes += bytes;
    return true;
  }

  /** Gives back the bytes of a message. One that was changed while it waited must not take the place of others for ever. */
  private release(rare: Rare<H, S>, message: unknown): void {
    if (rare.bytes === 0) return;
    rare.bytes = this.size === 0 ? 0 : Math.max(0, rare.bytes - bytesOf(message));
  }

  private takeRare(rare: Rare<H, S>): unknown {
    const urgent = rare.urgent?.shift();
    if (urgent === undefined) return this.takeOldest().message;
    this.release(rare, urgent.message);
    this.tidy();
    return urgent.message;
  }

  private takeOldest(): Lost<H> {
    const { slots, head, rare } = this;
    const lost = { message: slots[head], header: slots[head + 1] as H };
    slots[head] = undefined;
    slots[head + 1] = undefined;
    this.head = (head + 2) & (slots.length - 1);
    this.count--;
    if (rare !== null) this.release(rare, lost.message);
    this.tidy();
    return lost;
  }

  private grow(): void {
    const old = this.slots;
    const used = 2 * this.count;
    const next =
      old.length === 0 ? newRing(1) : (takeSpare(2 * old.length) ?? newRing(Math.max(FEW_MESSAGES, old.length)));
    for (let i = 0; i < used; i++) next[i] = old[(this.head + i) & (old.length - 1)];
    this.slots = next;
    this.head = 0;
  }
}

function newRing(messages: number): unknown[] {
  // Filled, so that all rings are of one kind to V8: with rings of several kinds `tell` takes twice as long.
  return new Array<unknown>(2 * messages).fill(undefined);
}

/** A spare ring for a mailbox that outgrew its own; not for one that begins, which may never need as much. */
function takeSpare(length: number): unknown[] | undefined {
  if (length < 4 * FEW_MESSAGES) return undefined;
  const spare = SPARES.pop();
  return spare !== undefined && spare.length >= length ? spare : undefined;
}

/** Bytes of a payload, as far as they are known without walking through it. */
function bytesOf(message: unknown): number {
  if (!Array.isArray(message)) return bytesOfValue(message);
  let bytes = 0;
  for (const value of message) bytes += bytesOfValue(value);
  return bytes;
}

function bytesOfValue(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  return 0;
}
