import { assert } from '../errors/index.ts';
import type { Frame } from './link.ts';

/**
 * One direction of a link between threads: a queue of records in shared memory, with one writer and one reader.
 *
 * ```
 *   words   head  ‥  tail  ‥  asleep  ‥  waiting  ‥  beats      each on a cache line of its own
 *   bytes   ┌──────────────┬────────┬────────┬───────────────┐
 *           │ free         │ record │ record │ free          │
 *           └──────────────┴────────┴────────┴───────────────┘
 *                          ▲ tail            ▲ head
 *   record  kind and length (4) · stamp (4) · body, to the next multiple of 8
 * ```
 *
 * Positions count bytes modulo twice the capacity, so that full and empty differ, and no number ever grows large. A record does not
 * wrap: what is left at the end of the ring is skipped.
 */
const WORDS = { head: 0, tail: 16, asleep: 32, waiting: 48, beats: 64 } as const;

/** Bytes before those of the ring: five cache lines, and what makes them a round number. */
const WORDS_BYTES = 512;

const HEADER_BYTES = 8;

/** Bits of a record's first word that hold its length: 2²⁶ is more than a ring has. */
const LENGTH_BITS = 26;
const LENGTH_MASK = 2 ** LENGTH_BITS - 1;

/** Bytes of a ring: a thousand messages of a kilobyte, and little beside the 8 MB of a thread. A power of two. */
export const RING_BYTES = 1_024 ** 2;

/** What a record is. */
export const RECORDS = { data: 1, part: 2, credit: 3, skip: 4 } as const;

/** Shared memory for one direction. */
export function createRingMemory(capacity: number = RING_BYTES): SharedArrayBuffer {
  assert(capacity >= 1_024 && (capacity & (capacity - 1)) === 0, 'the capacity of a ring is a power of two');
  return new SharedArrayBuffer(WORDS_BYTES + capacity);
}

/** What writer and reader have in common: the memory, seen in four ways. */
class RingView implements Frame {
  readonly words: Int32Array;
  /** The bytes of the ring as whole words, for headers. */
  readonly cells: Int32Array;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly capacity: number;
  start = 0;
  end = 0;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - WORDS_BYTES;
    this.words = new Int32Array(memory, 0, WORDS_BYTES / 4);
    this.cells = new Int32Array(memory, WORDS_BYTES);
    this.bytes = new Uint8Array(memory, WORDS_BYTES);
    this.view = new DataView(memory, WORDS_BYTES);
  }
}

function recordBytes(bodyBytes: number): number {
  return HEADER_BYTES + ((bodyBytes + 7) & ~7);
}

/** The end of a ring that writes. */
export class RingWriter {
  readonly #ring: RingView;
  readonly #mask: number;
  /** Where the next record begins; the other side sees it from `publish` on. */
  #head = 0;
  #published = 0;
  /** The last tail that was seen; the real one may be further. */
  #tail = 0;
  #reserved = -1;
  #skip = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new RingView(memory);
    this.#mask = 2 * this.#ring.capacity - 1;
  }

  /** Bytes of the largest body that an empty ring takes wherever its end lies. */
  get bodyBytesMax(): number {
    return this.#ring.capacity / 4;
  }

  /** Where to write a body of at most so many bytes; `undefined` when there is no room. */
  reserve(bodyBytes: number): Frame | undefined {
    const ring = this.#ring;
    const needed = recordBytes(bodyBytes);
    const at = this.#head & (ring.capacity - 1);
    const rest = ring.capacity - at;
    const skip = needed > rest ? rest : 0;
    if (needed + skip > this.#free()) {
      this.#tail = Atomics.load(ring.words, WORDS.tail) & this.#mask;
      if (needed + skip > this.#free()) return undefined;
    }
    this.#skip = skip;
    this.#reserved = bodyBytes;
    ring.start = (skip === 0 ? at : 0) + HEADER_BYTES;
    ring.end = ring.start + bodyBytes;
    return ring;
  }

  /** Adds the record that was reserved. `stamp` is any integer of 32 bits. */
  commit(kind: number, bodyBytes: number, stamp: number): void {
    assert(bodyBytes <= this.#reserved, 'a frame is written where room was reserved for it');
    const ring = this.#ring;
    if (this.#skip > 0) ring.cells[(this.#head & (ring.capacity - 1)) >> 2] = RECORDS.skip << LENGTH_BITS;
    const cell = (ring.start - HEADER_BYTES) >> 2;
    ring.cells[cell] = (kind << LENGTH_BITS) | bodyBytes;
    ring.cells[cell + 1] = stamp;
    this.#head = (this.#head + this.#skip + recordBytes(bodyBytes)) & this.#mask;
    this.#reserved = -1;
  }

  /** Lets the reader see what was committed. Tells whether it has to be woken for that. */
  publish(): boolean {
    if (this.#published === this.#head) return false;
    this.#published = this.#head;
    const { words } = this.#ring;
    Atomics.store(words, WORDS.head, this.#head);
    // The reader sets the flag and then looks at the head once more: one of the two sees what the other did.
    return Atomics.load(words, WORDS.asleep) === 1 && Atomics.compareExchange(words, WORDS.asleep, 1, 0) === 1;
  }

  /** Whether half of the ring is free: room for whatever is written at once, wherever the end of the ring lies. */
  isRoomy(): boolean {
    this.#tail = Atomics.load(this.#ring.words, WORDS.tail) & this.#mask;
    return this.#free() >= this.#ring.capacity / 2;
  }

  /** Asks to be woken when there is room. To be followed by another `reserve`: it may have been made meanwhile. */
  awaitRoom(): void {
    Atomics.store(this.#ring.words, WORDS.waiting, 1);
  }

  /** Says that this side's event loop turns. */
  beat(): void {
    Atomics.add(this.#ring.words, WORDS.beats, 1);
  }

  #free(): number {
    return this.#ring.capacity - ((this.#head - this.#tail) & this.#mask);
  }
}

/** The end of a ring that reads. It believes nothing that the memory says. */
export class RingReader {
  readonly #ring: RingView;
  readonly #mask: number;
  #tail = 0;
  #released = 0;
  /** The last head that was seen. */
  #head = 0;
  /** Of the record that `next` found: what it is, what its writer stamped it with, and the bytes up to the one behind it. */
  kind = 0;
  stamp = 0;
  #size = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new RingView(memory);
    this.#mask = 2 * this.#ring.capacity - 1;
  }

  /** The last record that `next` found. */
  get frame(): Frame {
    return this.#ring;
  }

  /** How often the other side said that its event loop turns. */
  get beats(): number {
    return Atomics.load(this.#ring.words, WORDS.beats);
  }

  /**
   * Looks at the next record, which stays until `take`.
   *
   * @returns Whether there is one; `'garbage'` when what is there is none.
   */
  next(): boolean | 'garbage' {
    const ring = this.#ring;
    for (;;) {
      if (this.#tail === this.#head) {
        this.#head = Atomics.load(ring.words, WORDS.head);
        if (this.#tail === this.#head) return false;
        if ((this.#head & ~this.#mask) !== 0 || (this.#head & 7) !== 0) return 'garbage';
      }
      const used = (this.#head - this.#tail) & this.#mask;
      const at = this.#tail & (ring.capacity - 1);
      const rest = Math.min(used, ring.capacity - at);
      const word = ring.cells[at >> 2] as number;
      this.kind = word >> LENGTH_BITS;
      const bodyBytes = word & LENGTH_MASK;
      this.#size = this.kind === RECORDS.skip ? ring.capacity - at : recordBytes(bodyBytes);
      if (used > ring.capacity || this.#size > rest) return 'garbage';
      if (this.kind !== RECORDS.skip) {
        this.stamp = ring.cells[(at >> 2) + 1] as number;
        ring.start = at + HEADER_BYTES;
        ring.end = ring.start + bodyBytes;
        return true;
      }
      this.take();
    }
  }

  /** Goes on behind the record that `next` found. */
  take(): void {
    this.#tail = (this.#tail + this.#size) & this.#mask;
  }

  /** Gives the room of what was taken back. Tells whether the writer has to be woken for that. */
  release(): boolean {
    const { words, capacity } = this.#ring;
    if (this.#released !== this.#tail) {
      this.#released = this.#tail;
      Atomics.store(words, WORDS.tail, this.#tail);
    }
    if (Atomics.load(words, WORDS.waiting) === 0) return false;
    // Half a ring has room for whatever is written at once. The writer would otherwise be woken for every record.
    const used = (Atomics.load(words, WORDS.head) - this.#tail) & this.#mask;
    return used <= capacity / 2 && Atomics.compareExchange(words, WORDS.waiting, 1, 0) === 1;
  }

  /** Has itself woken for the next record. Tells whether that is in order: if not, there is one. */
  sleep(): boolean {
    const { words } = this.#ring;
    Atomics.store(words, WORDS.asleep, 1);
    if (Atomics.load(words, WORDS.head) === this.#tail) return true;
    Atomics.store(words, WORDS.asleep, 0);
    return false;
  }
}
