import { RingBuffer } from '../collections/index.ts';
import { bytesOf } from './bytes.ts';
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

/** A message outside of the user lane. */
interface Held<H> extends Lost<H> {
  /** Bytes that it was counted with: it may be changed while it waits. */
  readonly bytes: number;
  /** Whether the actor sent it to itself, which is not counted. */
  readonly isOwn: boolean;
}

/**
 * What few mailboxes have at any moment, so that the others do not pay for it. Gone when it holds nothing. Each lane is
 * made when it is first used: most actors need one of them, once, for the one message that ends them.
 */
class Rare<H, S> {
  /** The oldest message of the system lane, and those after it; there is rarely a second one. */
  system: S | undefined = undefined;
  laterSystem: RingBuffer<S> | null = null;
  urgent: RingBuffer<Held<H>> | null = null;
  /** Of the urgent ones, those that the actor sent to itself. */
  own = 0;
  stashed: Held<H>[] | null = null;
  /** Whether what was stashed may be in the user lane. */
  isMixed = false;
  /** Bytes of payloads in all lanes, if they are bounded; and of each message of the user lane, by its place in the ring. */
  bytes = 0;
  sizes: number[] | null = null;

  get urgentSize(): number {
    return this.urgent === null ? 0 : this.urgent.size;
  }

  get stashedSize(): number {
    return this.stashed === null ? 0 : this.stashed.length;
  }

  get isEmpty(): boolean {
    const isStill = this.system === undefined && this.urgentSize === 0 && this.stashedSize === 0;
    return isStill && this.bytes === 0 && !this.isMixed;
  }

  pushUrgent(held: Held<H>): void {
    this.urgent ??= new RingBuffer();
    this.urgent.push(held);
    this.bytes += held.bytes;
    if (held.isOwn) this.own++;
  }

  /** Forgets the bytes of a message that is in no lane any more. */
  release({ bytes, isOwn }: Held<H>): void {
    this.bytes -= bytes;
    if (isOwn) this.own--;
  }

  setSize(place: number, bytes: number): void {
    if (bytes === 0 && this.sizes === null) return;
    this.sizes ??= [];
    this.sizes[place] = bytes;
  }

  sizeAt(place: number): number {
    return this.sizes?.[place] ?? 0;
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

  /** Messages that the actor sent to itself and has not taken. */
  get ownSize(): number {
    return this.rare?.own ?? 0;
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
    const { capacityBytes } = this.policy;
    return capacityBytes === 0 || bytesOf(message, capacityBytes) <= capacityBytes;
  }

  /** Adds to the user lane. `false`: it is full or closed, and nothing has changed; see {@link overflow}. */
  offer(message: unknown, header: H): boolean {
    if (this.count >= this.room) return false;
    if (2 * this.count === this.slots.length) this.grow();
    if (this.policy.capacityBytes !== 0 && !this.reserve(message)) return false;
    const slots = this.slots;
    const tail = (this.head + 2 * this.count) & (slots.length - 1);
    slots[tail] = message;
    slots[tail + 1] = header;
    this.count++;
    return true;
  }

  /** Adds to the lane of the message, full or not, unless it is closed: whoever gave the sender leave to send it bounds it. */
  offerGranted(message: unknown, header: H, isUrgent: boolean): boolean {
    if (this.isClosed) return false;
    if (isUrgent) {
      this.ensureRare().pushUrgent({ message, header, bytes: 0, isOwn: false });
      return true;
    }
    if (2 * this.count === this.slots.length) this.grow();
    const slots = this.slots;
    const tail = (this.head + 2 * this.count) & (slots.length - 1);
    slots[tail] = message;
    slots[tail + 1] = header;
    this.count++;
    return true;
  }

  /** Keeps places of the user lane for messages that are on their way elsewhere; less than 0: gives them back. */
  hold(messages: number): void {
    this.makeRoom(-messages);
  }

  /** Adds to the urgent lane, which takes as many messages as the user lane. */
  offerUrgent(message: unknown, header: H): boolean {
    const { rare } = this;
    if (!this.isOpen || (rare !== null && rare.urgentSize - rare.own >= this.policy.capacity)) return false;
    const bytes = this.measure(message);
    if (bytes === undefined) return false;
    this.ensureRare().pushUrgent({ message, header, bytes, isOwn: false });
    return true;
  }

  /** Adds to the urgent lane what the actor sends to itself, full or not: whoever lets it do so bounds it. */
  offerOwn(message: unknown, header: H): void {
    if (this.isClosed) return;
    this.ensureRare().pushUrgent({ message, header, bytes: 0, isOwn: true });
  }

  /**
   * Decides by the overflow policy over a message that {@link offer} did not take.
   *
   * @returns What was lost: the message itself, or the oldest ones, whose place it took. `undefined`: it is refused.
   */
  overflow(message: unknown, header: H): Lost<H>[] | undefined {
    const { overflow } = this.policy;
    if (!this.isOpen || overflow === 'reject' || overflow === 'wait') return undefined;
    if (overflow === 'drop-newest' || this.room === 0 || !this.couldHold(message)) return [{ message, header }];
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

  /** Takes out every message of the actor's own, put aside or not, whose header `isUnwanted`. Returns whether there was one. */
  withdraw(isUnwanted: (header: H) => boolean): boolean {
    const { rare } = this;
    if (rare === null) return false;
    const before = this.size;
    rare.urgent?.remove((held) => {
      const goes = isUnwanted(held.header);
      if (goes) rare.release(held);
      return goes;
    });
    if (rare.stashed !== null) this.withdrawStashed(rare, isUnwanted);
    if (rare.isMixed) this.withdrawMixed(rare, isUnwanted);
    const isFewer = this.size < before;
    this.tidy();
    return isFewer;
  }

  /**
   * Puts a message aside that was just taken. It keeps its place among those that the mailbox may hold.
   *
   * @returns `false`: others have taken the place meanwhile, and nothing has changed.
   */
  stash(message: unknown, header: H): boolean {
    if (this.isOpen && this.count >= this.room) return false;
    const bytes = this.measure(message);
    if (bytes === undefined) return false;
    const rare = this.ensureRare();
    rare.stashed ??= [];
    rare.stashed.push({ message, header, bytes, isOwn: false });
    rare.bytes += bytes;
    this.makeRoom(-1);
    return true;
  }

  /** Puts all that was stashed back, before everything else in the user lane, in the order in which it came. */
  unstash(): void {
    const { rare } = this;
    if (rare === null || rare.stashed === null) return;
    const { stashed } = rare;
    rare.stashed = null;
    this.makeRoom(stashed.length);
    while (this.slots.length < 2 * (this.count + stashed.length)) this.grow();
    for (const { message, header, bytes } of stashed.reverse()) {
      this.head = (this.head - 2) & (this.slots.length - 1);
      this.slots[this.head] = message;
      this.slots[this.head + 1] = header;
      rare.setSize(this.head >> 1, bytes);
      this.count++;
    }
    rare.isMixed = this.count > 0;
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

  private withdrawStashed(rare: Rare<H, S>, isUnwanted: (header: H) => boolean): void {
    const stashed = rare.stashed ?? [];
    const kept = stashed.filter((held) => {
      const goes = isUnwanted(held.header);
      if (goes) rare.release(held);
      return !goes;
    });
    this.makeRoom(stashed.length - kept.length);
    rare.stashed = kept.length === 0 ? null : kept;
  }

  /** From the user lane: turns it round once. */
  private withdrawMixed(rare: Rare<H, S>, isUnwanted: (header: H) => boolean): void {
    for (let left = this.count; left > 0; left--) {
      const { message, header, bytes } = this.takeHeld(rare);
      if (isUnwanted(header)) continue;
      const at = (this.head + 2 * this.count) & (this.slots.length - 1);
      this.slots[at] = message;
      this.slots[at + 1] = header;
      rare.setSize(at >> 1, bytes);
      rare.bytes += bytes;
      this.count++;
    }
    rare.isMixed = this.count > 0;
  }

  /** The bytes of a message, 0 if they are not bounded; `undefined`: they do not fit. */
  private measure(message: unknown): number | undefined {
    const { capacityBytes } = this.policy;
    if (capacityBytes === 0) return 0;
    const left = capacityBytes - this.sizeBytes;
    const bytes = bytesOf(message, left);
    return bytes <= left ? bytes : undefined;
  }

  /** Whether a message would fit if the user lane were empty. */
  private couldHold(message: unknown): boolean {
    const { rare } = this;
    if (rare === null || this.policy.capacityBytes === 0) return this.canHold(message);
    const inLane = rare.sizes?.reduce((sum, bytes) => sum + bytes, 0) ?? 0;
    const left = this.policy.capacityBytes - (rare.bytes - inLane);
    return bytesOf(message, left) <= left;
  }

  /** Counts the bytes of a message that is about to come into the user lane, if they fit. */
  private reserve(message: unknown): boolean {
    const bytes = this.measure(message);
    if (bytes === undefined) return false;
    if (bytes === 0) return true;
    const rare = this.ensureRare();
    rare.bytes += bytes;
    rare.setSize(((this.head >> 1) + this.count) & ((this.slots.length >> 1) - 1), bytes);
    return true;
  }

  private takeRare(rare: Rare<H, S>): unknown {
    const urgent = rare.urgent?.shift();
    if (urgent === undefined) return this.takeOldest().message;
    rare.release(urgent);
    this.tidy();
    return urgent.message;
  }

  private takeOldest(): Lost<H> {
    const { rare, slots, head } = this;
    if (rare === null) return { header: slots[head + 1] as H, message: this.take() };
    const held = this.takeHeld(rare);
    if (this.count === 0) rare.isMixed = false;
    this.tidy();
    return held;
  }

  private takeHeld(rare: Rare<H, S>): Held<H> {
    const { slots, head } = this;
    const held = { message: slots[head], header: slots[head + 1] as H, bytes: rare.sizeAt(head >> 1), isOwn: false };
    slots[head] = undefined;
    slots[head + 1] = undefined;
    rare.setSize(head >> 1, 0);
    this.head = (head + 2) & (slots.length - 1);
    this.count--;
    rare.release(held);
    return held;
  }

  private grow(): void {
    const old = this.slots;
    const used = 2 * this.count;
    const next =
      old.length === 0 ? newRing(1) : (takeSpare(2 * old.length) ?? newRing(Math.max(FEW_MESSAGES, old.length)));
    for (let i = 0; i < used; i++) next[i] = old[(this.head + i) & (old.length - 1)];
    const { rare, head } = this;
    if (rare !== null && rare.sizes !== null) {
      const places = (old.length >> 1) - 1;
      rare.sizes = Array.from({ length: this.count }, (_, i) => rare.sizeAt(((head >> 1) + i) & places));
    }
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
