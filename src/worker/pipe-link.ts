import type { Duplex } from 'node:stream';
import { deserialize, serialize } from 'node:v8';
import { assert, RuntimeError } from '../errors/index.ts';
import { SentCredits } from './credits.ts';
import { CREDITS_MAX, FRAME_BYTES_MAX, type Frame, type LinkReceiver } from './link.ts';
import { garbage, otherGone } from './losses.ts';
import type { OwnLink } from './worker-life.ts';

/** Bytes that may be under way: as many as a ring holds. A frame that is larger goes when less than half of them are. */
const WINDOW_BYTES = 1_024 ** 2;

/** Bytes after which a reader says how far it has come: few acknowledgements, and a writer that never waits for the last one. */
const ACKNOWLEDGE_BYTES = WINDOW_BYTES / 8;

/** Bytes of a new buffer; it doubles as it must, and is given back when it has grown beyond the window. */
const BUFFER_BYTES = 64 * 1_024;

const HEADER_BYTES = 8;
const LENGTH_BITS = 26;

/** Bytes of the largest record: a control message may carry a whole component. */
const RECORD_BYTES_MAX = 2 ** LENGTH_BITS - 1;

const RECORDS = { data: 1, control: 2, credit: 3, acknowledge: 4, beat: 5, end: 6, hello: 7 } as const;

/** The stream under a link; a socket can also be kept from holding the process. */
export interface Pipe extends Duplex {
  ref?(): unknown;
  unref?(): unknown;
}

/** What a link needs besides its stream. */
export interface PipeLinkParts {
  readonly pipe: Pipe;
  /** Called with what the other side says first. */
  readonly onHello: (message: unknown) => void;
  /** The pipe has ended, whoever ended it. */
  readonly onPipeClosed: () => void;
  /** Called once, after the receiver: this end is closed, or was lost for this reason. */
  readonly onEnd?: ((reason: RuntimeError | undefined) => void) | undefined;
}

/** Bytes that grow at their end, for whole records: each begins at a multiple of 8. */
class RecordBuffer implements Frame {
  bytes = new Uint8Array(BUFFER_BYTES);
  view = new DataView(this.bytes.buffer);
  start = 0;
  end = 0;
  /** How many bytes are there. */
  used = 0;

  /** Makes room for so many bytes more. */
  grow(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return;
    this.#resize(Math.max(this.used + bytes, 2 * this.bytes.length));
  }

  /** Forgets the first bytes. */
  drop(bytes: number): void {
    this.bytes.copyWithin(0, bytes, this.used);
    this.used -= bytes;
    if (this.used === 0 && this.bytes.length > WINDOW_BYTES) this.#resize(BUFFER_BYTES);
  }

  #resize(bytes: number): void {
    const larger = new Uint8Array(bytes);
    larger.set(this.bytes.subarray(0, this.used));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** A link over a pipe: records in batches, one per flush, and acknowledgements that bound what is under way. */
export class PipeLink implements OwnLink {
  readonly credits: SentCredits;
  readonly #pipe: Pipe;
  readonly #onEnd: PipeLinkParts['onEnd'];
  readonly #onHello: (message: unknown) => void;
  readonly #out = new RecordBuffer();
  readonly #in = new RecordBuffer();
  #receiver: LinkReceiver | undefined;
  #ended = false;
  #beats = 0;
  /** Bytes that were written and not acknowledged; those that were read and not acknowledged. */
  #outstanding = 0;
  #unacknowledged = 0;
  #roomWanted = false;
  readonly #given = new Map<number, number>();

  constructor(parts: PipeLinkParts) {
    this.#pipe = parts.pipe;
    this.#onEnd = parts.onEnd;
    this.#onHello = parts.onHello;
    this.credits = new SentCredits((index, slots) => {
      this.#given.set(index, (this.#given.get(index) ?? 0) + slots);
    });
    this.#pipe.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    this.#pipe.on('error', () => this.#pipe.destroy());
    this.#pipe.on('close', () => parts.onPipeClosed());
  }

  get beats(): number {
    return this.#beats;
  }

  beat(): void {
    if (this.#ended) return;
    this.#append(RECORDS.beat, 0);
    this.flush();
  }

  open(receiver: LinkReceiver): void {
    assert(this.#receiver === undefined, 'a link is opened once');
    this.#receiver = receiver;
    if (!this.#ended) this.#read();
  }

  reserve(bytes: number): Frame | undefined {
    if (this.#ended) return undefined;
    assert(bytes <= FRAME_BYTES_MAX, 'a frame is no larger than any may be');
    const waiting = this.#outstanding + this.#out.used;
    if (waiting + HEADER_BYTES + bytes > WINDOW_BYTES && waiting > WINDOW_BYTES / 2) {
      this.#roomWanted = true;
      // What is not sent is never acknowledged.
      this.flush();
      return undefined;
    }
    this.#out.grow(HEADER_BYTES + padded(bytes));
    this.#out.start = this.#out.used + HEADER_BYTES;
    this.#out.end = this.#out.start + bytes;
    return this.#out;
  }

  commit(bytes: number): void {
    if (!this.#ended) this.#append(RECORDS.data, bytes);
  }

  flush(): void {
    if (this.#ended) return;
    for (const [index, slots] of this.#given) {
      this.#out.grow(2 * HEADER_BYTES);
      this.#out.view.setInt32(this.#out.used + HEADER_BYTES, index, true);
      this.#out.view.setInt32(this.#out.used + HEADER_BYTES + 4, slots, true);
      this.#append(RECORDS.credit, 8);
    }
    this.#given.clear();
    if (this.#out.used === 0) return;
    this.#outstanding += this.#out.used;
    const batch = this.#out.bytes.slice(0, this.#out.used);
    // Before it is written: a pipe within one thread may answer at once.
    this.#out.drop(this.#out.used);
    this.#pipe.write(batch);
  }

  post(message: unknown): void {
    this.#postAs(RECORDS.control, message);
  }

  /** Says what the other side is to know before its link is open. */
  hello(message: unknown): void {
    this.#postAs(RECORDS.hello, message);
  }

  #postAs(kind: number, message: unknown): void {
    if (this.#ended) return;
    const bytes = serialize(message);
    assert(bytes.length <= RECORD_BYTES_MAX, 'a control message is no larger than any may be');
    this.#out.grow(HEADER_BYTES + padded(bytes.length));
    this.#out.bytes.set(bytes, this.#out.used + HEADER_BYTES);
    this.#append(kind, bytes.length);
    this.flush();
  }

  hold(keepAlive: boolean): void {
    if (keepAlive) this.#pipe.ref?.();
    else this.#pipe.unref?.();
  }

  close(): void {
    if (this.#ended) return;
    this.#append(RECORDS.end, 0);
    this.flush();
    this.#end();
  }

  /** Ends this end: the other side is of no use any more, for this reason. Does nothing when it has ended. */
  lose(reason: RuntimeError): void {
    if (!this.#ended) this.#end(reason);
  }

  /** The same when the other side is gone; what had arrived of it is delivered already. */
  finish(reason: RuntimeError): void {
    this.lose(reason);
  }

  #end(reason?: RuntimeError): void {
    this.#ended = true;
    if (reason === undefined) this.#pipe.end();
    else this.#pipe.destroy();
    this.#given.clear();
    if (reason !== undefined) this.#receiver?.onLost(reason);
    this.#onEnd?.(reason);
  }

  /** Adds a record whose body stands in the buffer already. */
  #append(kind: number, bodyBytes: number): void {
    this.#out.grow(HEADER_BYTES + padded(bodyBytes));
    this.#out.view.setInt32(this.#out.used, (kind << LENGTH_BITS) | bodyBytes, true);
    this.#out.view.setInt32(this.#out.used + 4, 0, true);
    this.#out.used += HEADER_BYTES + padded(bodyBytes);
  }

  #onData(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#in.grow(chunk.length);
    this.#in.bytes.set(chunk, this.#in.used);
    this.#in.used += chunk.length;
    this.#read();
    if (this.#receiver === undefined && this.#in.used > 0) this.#pipe.pause();
  }

  /** Delivers the whole records that are there. What the other side wrote, or the receiver makes of it, ends the link when it throws. */
  #read(): void {
    try {
      const read = this.#readRecords();
      if (this.#ended) return;
      this.#in.drop(read);
      this.#unacknowledged += read;
    } catch (error) {
      this.lose(RuntimeError.from(error));
      return;
    }
    if (this.#unacknowledged >= ACKNOWLEDGE_BYTES) this.#acknowledge();
    if (this.#roomWanted && this.#outstanding + this.#out.used <= WINDOW_BYTES / 2) {
      this.#roomWanted = false;
      this.#receiver?.onRoom();
    }
    this.flush();
    if (this.#receiver !== undefined) this.#pipe.resume();
  }

  #readRecords(): number {
    const { view, used } = this.#in;
    let at = 0;
    while (!this.#ended && at + HEADER_BYTES <= used) {
      const word = view.getInt32(at, true);
      const length = word & RECORD_BYTES_MAX;
      const kind = word >> LENGTH_BITS;
      if (kind < RECORDS.data || kind > RECORDS.hello) throw garbage('a record of no known kind');
      if (length > (kind === RECORDS.control || kind === RECORDS.hello ? RECORD_BYTES_MAX : FRAME_BYTES_MAX))
        throw garbage('a record that is too long');
      const next = at + HEADER_BYTES + padded(length);
      if (next > used || (this.#receiver === undefined && kind <= RECORDS.credit)) break;
      this.#in.start = at + HEADER_BYTES;
      this.#in.end = this.#in.start + length;
      this.#deliver(kind, this.#in);
      at = next;
    }
    return at;
  }

  #deliver(kind: number, frame: Frame): void {
    const { bytes, view, start, end } = frame;
    if (kind === RECORDS.data) this.#receiver?.onFrame(frame);
    else if (kind === RECORDS.control) this.#receiver?.onControl(toMessage(bytes.slice(start, end)));
    else if (kind === RECORDS.hello) this.#onHello(toMessage(bytes.slice(start, end)));
    else if (kind === RECORDS.beat) this.#beats++;
    else if (kind === RECORDS.end) this.lose(otherGone());
    else if (kind === RECORDS.acknowledge && end - start === 8) this.#onAcknowledged(view.getInt32(start, true));
    else if (kind === RECORDS.credit && end - start === 8) {
      const index = view.getInt32(start, true);
      const slots = view.getInt32(start + 4, true);
      if (index < 0 || index >= CREDITS_MAX || slots < 1) throw garbage('slots of no mailbox');
      if (this.credits.receive(index, slots)) this.#receiver?.onCredit(index);
    } else throw garbage('a record of the wrong length');
  }

  #onAcknowledged(bytes: number): void {
    if (bytes < 0 || bytes > this.#outstanding) throw garbage('an acknowledgement of what was not sent');
    this.#outstanding -= bytes;
  }

  #acknowledge(): void {
    this.#out.grow(2 * HEADER_BYTES);
    this.#out.view.setInt32(this.#out.used + HEADER_BYTES, this.#unacknowledged, true);
    this.#append(RECORDS.acknowledge, 8);
    this.#unacknowledged = 0;
  }
}

function toMessage(bytes: Uint8Array): unknown {
  try {
    return deserialize(bytes);
  } catch (error) {
    throw garbage('a control message that is none', error);
  }
}
