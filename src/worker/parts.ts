import { assert } from '../errors/index.ts';
import { FRAME_BYTES_MAX, type Frame } from './link.ts';

/** Bytes in front of each part: how long the frame is, and where in it the part belongs. */
const HEADER_BYTES = 8;

/** A frame in memory of its own. */
class LooseFrame implements Frame {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly start = 0;
  readonly end: number;

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
    this.end = bytes;
  }
}

/** A frame that is too large for a ring at once: written elsewhere, then sent in parts. One at a time. */
export class PartsWriter {
  #frame: LooseFrame | undefined;
  /** Bytes of the frame; 0 until it is committed. */
  #total = 0;
  #sent = 0;

  /** Whether a frame is being written that was not committed yet. */
  get reserved(): boolean {
    return this.#frame !== undefined && this.#total === 0;
  }

  /** Whether parts are left to send. */
  get pending(): boolean {
    return this.#total > 0;
  }

  /** Bytes of the next part, with its header, if there were room for all that is left. */
  get nextBytes(): number {
    return HEADER_BYTES + this.#total - this.#sent;
  }

  reserve(bytes: number): Frame | undefined {
    assert(bytes <= FRAME_BYTES_MAX, 'a frame is no larger than any may be');
    if (this.pending) return undefined;
    this.#frame = new LooseFrame(bytes);
    return this.#frame;
  }

  commit(bytes: number): void {
    assert(this.#frame !== undefined && bytes <= this.#frame.end, 'a frame is written where room was reserved for it');
    this.#total = bytes;
    this.#sent = 0;
    if (bytes === 0) this.#frame = undefined;
  }

  /** Forgets a frame that was not committed. */
  forget(): void {
    if (this.reserved) this.#frame = undefined;
  }

  /** Writes the next part, as large as the place. */
  writeTo({ bytes, view, start, end }: Frame): void {
    assert(this.#frame !== undefined, 'there is a frame to send');
    const from = this.#sent;
    this.#sent += end - start - HEADER_BYTES;
    view.setInt32(start, this.#total, true);
    view.setInt32(start + 4, from, true);
    bytes.set(this.#frame.bytes.subarray(from, this.#sent), start + HEADER_BYTES);
    if (this.#sent === this.#total) this.clear();
  }

  clear(): void {
    this.#frame = undefined;
    this.#total = 0;
  }
}

/** Puts a frame together that came in parts. Holds one at a time. */
export class PartsReader {
  #frame: LooseFrame | undefined;
  #filled = 0;

  /** Adds a part. Returns the frame when it is whole; `'garbage'` when the part does not fit. */
  add({ bytes, view, start, end }: Frame): Frame | 'garbage' | undefined {
    const size = end - start - HEADER_BYTES;
    if (size <= 0) return 'garbage';
    const total = view.getInt32(start, true);
    const offset = view.getInt32(start + 4, true);
    if (this.#frame === undefined) {
      if (total <= 0 || total > FRAME_BYTES_MAX) return 'garbage';
      this.#frame = new LooseFrame(total);
      this.#filled = 0;
    }
    const frame = this.#frame;
    if (total !== frame.end || offset !== this.#filled || size > total - offset) return 'garbage';
    frame.bytes.set(bytes.subarray(start + HEADER_BYTES, end), offset);
    this.#filled += size;
    if (this.#filled < total) return undefined;
    this.#frame = undefined;
    return frame;
  }

  clear(): void {
    this.#frame = undefined;
  }
}
