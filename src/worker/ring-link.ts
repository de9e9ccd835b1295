import type { Transferable } from 'node:worker_threads';
import { RingBuffer } from '../collections/index.ts';
import { assert, RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { type CreditMemory, createCreditMemory, SharedCredits } from './credits.ts';
import { CREDITS_MAX, type Frame, type Link, type LinkReceiver } from './link.ts';
import { garbage, otherGone } from './losses.ts';
import { PartsReader, PartsWriter } from './parts.ts';
import { createRingMemory, RECORDS, RingReader, RingWriter } from './ring.ts';

/** Milliseconds of reading before I/O gets its turn: as the dispatcher's. */
const BUDGET_MS = 0.5;

/** Frames between two looks at the clock, and between two times at which their room is given back. */
const FRAMES_PER_LOOK = 64;

/** What one end of a link between threads needs; both ends have the same memory, crosswise. Structured-cloneable. */
export interface RingMemory {
  readonly outbound: SharedArrayBuffer;
  readonly inbound: SharedArrayBuffer;
  readonly credits: CreditMemory;
}

/** Memory for both ends. `ringBytes`: of each direction; a power of two. */
export function createRingMemories(ringBytes?: number): readonly [RingMemory, RingMemory] {
  const [there, back] = [createRingMemory(ringBytes), createRingMemory(ringBytes)];
  const [taken, given] = [createCreditMemory(), createCreditMemory()];
  return [
    { outbound: there, inbound: back, credits: { taken, given } },
    { outbound: back, inbound: there, credits: { taken: given, given: taken } },
  ];
}

/** What goes from bell to bell: nothing but a wake-up; a control message, and the frames before it; the end. */
export type BellMessage = null | readonly [framesBefore: number, message: unknown] | readonly [framesBefore: number];

/** What wakes the other end, and carries what is rare: a `MessagePort`. Delivers in order, each by a job of its own. */
export interface Bell {
  onMessage: (message: BellMessage) => void;
  post(message: BellMessage, transfer?: readonly Transferable[]): void;
  hold(keepAlive: boolean): void;
  close(): void;
}

/** What a link needs besides memory. */
export interface RingLinkParts {
  readonly memory: RingMemory;
  readonly bell: Bell;
  readonly clock: Clock;
  /** Called once, after the receiver: this end is closed, or was lost for this reason. */
  readonly onEnd?: ((reason: RuntimeError | undefined) => void) | undefined;
}

/** A link between threads: a ring of shared memory per direction, and a bell for an end that sleeps. */
export class RingLink implements Link {
  readonly credits: SharedCredits;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #bell: Bell;
  readonly #clock: Clock;
  readonly #onEnd: RingLinkParts['onEnd'];
  #receiver: LinkReceiver | undefined;
  #ended = false;
  /** Frames and control messages, modulo 2³²: what each was stamped with says what comes before it. */
  #framesOut = 0;
  #framesIn = 0;
  #controlsOut = 0;
  #controlsIn = 0;
  readonly #controls = new RingBuffer<Exclude<BellMessage, null>>();
  readonly #partsOut = new PartsWriter();
  /** What their records are stamped with. */
  #partsStamp = 0;
  readonly #partsIn = new PartsReader();
  /** Counters whose taker is to be told, once there is room for it. */
  readonly #granted = new Set<number>();
  #roomWanted = false;
  /** What comes next is stamped with a control message that has not arrived. */
  #awaitsControl = false;
  /** Whether a pass of the event loop is asked for already. */
  #continuing = false;

  constructor(parts: RingLinkParts) {
    this.#writer = new RingWriter(parts.memory.outbound);
    this.#reader = new RingReader(parts.memory.inbound);
    this.#bell = parts.bell;
    this.#clock = parts.clock;
    this.#onEnd = parts.onEnd;
    this.credits = new SharedCredits(parts.memory.credits, (index) => this.#granted.add(index));
    this.#bell.onMessage = (message) => this.#onBell(message);
  }

  /** How often the other side said that its event loop turns. */
  get beats(): number {
    return this.#reader.beats;
  }

  /** Says that this side's event loop turns. */
  beat(): void {
    this.#writer.beat();
  }

  open(receiver: LinkReceiver): void {
    assert(this.#receiver === undefined, 'a link is opened once');
    this.#receiver = receiver;
    if (!this.#ended) this.#continue();
  }

  reserve(bytes: number): Frame | undefined {
    if (this.#ended) return undefined;
    this.#partsOut.forget();
    const frame = bytes > this.#writer.bodyBytesMax ? this.#partsOut.reserve(bytes) : this.#reserve(bytes);
    if (frame === undefined) this.#roomWanted = true;
    return frame;
  }

  commit(bytes: number): void {
    if (this.#ended) return;
    this.#framesOut = (this.#framesOut + 1) | 0;
    if (!this.#partsOut.reserved) this.#writer.commit(RECORDS.data, bytes, this.#controlsOut);
    else {
      this.#partsOut.commit(bytes);
      this.#partsStamp = this.#controlsOut;
      this.#writeParts();
    }
  }

  flush(): void {
    if (this.#ended) return;
    if (this.#granted.size > 0) this.#writeGrants();
    this.#publish();
  }

  post(message: unknown, transfer?: readonly Transferable[]): void {
    if (this.#ended) return;
    // First, so that whom the message wakes finds the frames before it; and rings, should it be one that cannot be cloned.
    this.#publish();
    this.#bell.post([this.#framesOut, message], transfer);
    this.#controlsOut = (this.#controlsOut + 1) | 0;
  }

  hold(keepAlive: boolean): void {
    if (!this.#ended) this.#bell.hold(keepAlive);
  }

  close(): void {
    if (this.#ended) return;
    this.flush();
    // What is not in the ring by now will never be.
    this.#bell.post([(this.#framesOut - (this.#partsOut.pending ? 1 : 0)) | 0]);
    this.#end();
  }

  /** Ends this end: the other side is of no use any more, for this reason. Does nothing when it has ended. */
  lose(reason: RuntimeError): void {
    if (!this.#ended) this.#end(reason);
  }

  /** The same when the other side is gone: what it had sent is delivered first. */
  finish(reason: RuntimeError): void {
    if (this.#receiver !== undefined) {
      // Bounded by the ring: nobody writes any more.
      while (!this.#ended && this.#deliverSafely() === FRAMES_PER_LOOK);
    }
    this.lose(reason);
  }

  #end(reason?: RuntimeError): void {
    this.#ended = true;
    this.#bell.close();
    this.#granted.clear();
    this.#controls.clear();
    this.#partsOut.clear();
    this.#partsIn.clear();
    if (reason !== undefined) this.#receiver?.onLost(reason);
    this.#onEnd?.(reason);
  }

  #onBell(message: BellMessage): void {
    if (this.#ended) return;
    if (message !== null) this.#controls.push(message);
    if (this.#receiver !== undefined && !this.#continuing) this.#receive();
  }

  #continue(): void {
    if (this.#continuing) return;
    this.#continuing = true;
    this.#clock.soon(() => {
      this.#continuing = false;
      if (!this.#ended) this.#receive();
    });
  }

  /** Delivers what is there, within a budget of time; then sleeps. */
  #receive(): void {
    const untilMs = this.#clock.nowMs() + BUDGET_MS;
    for (;;) {
      const delivered = this.#deliverSafely();
      if (this.#ended) return;
      if (this.#reader.release()) this.#bell.post(null);
      this.#afterDelivery();
      if (this.#ended) return;
      // One more look after this pass of the event loop, when there was something: whoever answers at once need not ring.
      const pause = delivered === FRAMES_PER_LOOK ? this.#clock.nowMs() >= untilMs : delivered > 0;
      if (pause) this.#continue();
      if (pause || (delivered === 0 && (this.#awaitsControl || this.#reader.sleep()))) return;
    }
  }

  /** What the other side wrote, or the receiver makes of it, is nothing to go on with when it throws. */
  #deliverSafely(): number {
    try {
      return this.#deliver();
    } catch (error) {
      this.lose(RuntimeError.from(error));
      return 0;
    }
  }

  /** Delivers so many records and control messages at most, and says how many. */
  #deliver(): number {
    this.#awaitsControl = false;
    for (let delivered = 0; delivered < FRAMES_PER_LOOK; delivered++) {
      if (this.#ended) return delivered;
      const control = this.#controls.peek();
      if (control !== undefined && control[0] === this.#framesIn) {
        this.#controls.shift();
        this.#deliverControl(control);
        continue;
      }
      const found = this.#reader.next();
      if (found === 'garbage') throw garbage('records that overlap');
      if (!found) return delivered;
      if (this.#reader.kind !== RECORDS.credit && this.#reader.stamp !== this.#controlsIn) {
        // It was posted before this was written, so that it is on its way; it will ring.
        this.#awaitsControl = true;
        return delivered;
      }
      this.#deliverRecord(this.#reader.frame);
      this.#reader.take();
    }
    return FRAMES_PER_LOOK;
  }

  #deliverControl(control: Exclude<BellMessage, null>): void {
    this.#controlsIn = (this.#controlsIn + 1) | 0;
    if (control.length === 1) this.lose(otherGone());
    else this.#receiver?.onControl(control[1]);
  }

  #deliverRecord(frame: Frame): void {
    const { kind, stamp } = this.#reader;
    if (kind === RECORDS.data) this.#deliverFrame(frame);
    else if (kind === RECORDS.part) {
      const whole = this.#partsIn.add(frame);
      if (whole === 'garbage') throw garbage('parts that do not fit');
      if (whole !== undefined) this.#deliverFrame(whole);
    } else if (kind === RECORDS.credit && stamp >= 0 && stamp < CREDITS_MAX) this.#receiver?.onCredit(stamp);
    else throw garbage('a record of no known kind');
  }

  #deliverFrame(frame: Frame): void {
    this.#framesIn = (this.#framesIn + 1) | 0;
    this.#receiver?.onFrame(frame);
  }

  /** Writes what waited for room, and tells whoever waits for some. */
  #afterDelivery(): void {
    if (this.#partsOut.pending) this.#writeParts();
    if (this.#roomWanted && !this.#partsOut.pending && this.#hasRoom()) {
      this.#roomWanted = false;
      this.#receiver?.onRoom();
    }
    this.flush();
  }

  /** Whether there is room for whatever is written at once; if not, the other side rings when there is. */
  #hasRoom(): boolean {
    if (this.#writer.isRoomy()) return true;
    this.#publish();
    this.#writer.awaitRoom();
    return this.#writer.isRoomy();
  }

  #reserve(bytes: number): Frame | undefined {
    if (this.#partsOut.pending) return undefined;
    return this.#writer.reserve(bytes) ?? (this.#hasRoom() ? this.#writer.reserve(bytes) : undefined);
  }

  #publish(): void {
    if (this.#writer.publish()) this.#bell.post(null);
  }

  #writeParts(): void {
    while (this.#partsOut.pending) {
      if (!this.#hasRoom()) return;
      const bytes = Math.min(this.#partsOut.nextBytes, this.#writer.bodyBytesMax);
      const frame = this.#writer.reserve(bytes);
      assert(frame !== undefined, 'a ring that has room takes the largest record');
      this.#partsOut.writeTo(frame);
      this.#writer.commit(RECORDS.part, bytes, this.#partsStamp);
    }
  }

  #writeGrants(): void {
    for (const index of this.#granted) {
      if (this.#writer.reserve(0) === undefined && !(this.#hasRoom() && this.#writer.reserve(0) !== undefined)) return;
      this.#writer.commit(RECORDS.credit, 0, index);
      this.#granted.delete(index);
    }
  }
}
