import { invalid } from './failure.ts';
import { NAME_BYTES_MAX } from './limits.ts';

/** Strict: what is not UTF-8 is refused. A byte order mark is a character like any other. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A cursor over a window of the binary. Positions are those of the whole input, so that messages name the right byte.
 * Reading beyond the window is a failure, never `undefined`.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get offset(): number {
    return this.#position;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** Throws: what was read last is wrong. */
  fail(problem: string): never {
    return invalid(this.#position, problem);
  }

  peek(): number {
    if (this.#position >= this.#end) this.fail('the binary ends too early');
    return this.#bytes[this.#position] as number;
  }

  u8(): number {
    const byte = this.peek();
    this.#position += 1;
    return byte;
  }

  /** Unsigned LEB128 of 32 bits: at most 5 bytes, with no bit set above the 32nd. */
  u32(): number {
    const start = this.#position;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) invalid(start, 'a 32-bit number is too large or too long');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return invalid(start, 'a 32-bit number is too long');
  }

  /** Unsigned LEB128 of 64 bits. */
  u64(): bigint {
    const start = this.#position;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8();
      if (shift === 63n && byte > 1) invalid(start, 'a 64-bit number is too large or too long');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return invalid(start, 'a 64-bit number is too long');
  }

  /** Signed LEB128 of 33 bits, as type indices are written where a type code may stand instead. */
  s33(): number {
    const start = this.#position;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && (byte & 0x80) !== 0) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (shift < 28) return (byte & 0x40) === 0 ? value : value - 2 ** (shift + 7);
      const high = byte & 0x7f; // bits 28 to 34; 32 is the sign, and the two above repeat it
      if (high < 0x10) return value;
      if (high >= 0x70) return value - 2 ** 35;
      break;
    }
    return invalid(start, 'a 33-bit number is too large or too long');
  }

  /** Skips a signed or unsigned LEB128 of at most `bytes` bytes. */
  skipLeb(bytes: number): void {
    for (let count = 0; count < bytes; count += 1) if (this.u8() < 0x80) return;
    this.fail('a number is too long');
  }

  skip(length: number): void {
    if (length > this.#end - this.#position) this.fail('the binary ends too early');
    this.#position += length;
  }

  /** What is left of the window, without a copy. The position stays. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#position, this.#end);
  }

  /** A reader of the next `length` bytes, which this one skips. */
  window(length: number): Reader {
    const start = this.#position;
    this.skip(length);
    return new Reader(this.#bytes, start, start + length);
  }

  name(): string {
    const start = this.#position;
    const length = this.u32();
    if (length > NAME_BYTES_MAX) invalid(start, `a name is longer than ${NAME_BYTES_MAX} bytes`);
    const from = this.#position;
    this.skip(length);
    try {
      return UTF8.decode(this.#bytes.subarray(from, from + length));
    } catch {
      return invalid(from, 'a name is not valid UTF-8'); // the decoder throws for nothing else
    }
  }

  /** A count of things that follow. Nothing is allocated by it: each thing takes at least one byte of input. */
  count(max: number, things: string): number {
    const start = this.#position;
    const count = this.u32();
    if (count > max) invalid(start, `${count} ${things} are more than the ${max} that are allowed`);
    return count;
  }

  /** Reads a count and then so many things. */
  vector<T>(max: number, things: string, read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.count(max, things); left > 0; left -= 1) items.push(read());
    return items;
  }

  /** Throws unless the window was read to its end. */
  finish(what: string): void {
    if (!this.done) this.fail(`${what} has bytes left over at its end`);
  }
}
