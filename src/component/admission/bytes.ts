import { RuntimeError } from '../../errors/index.ts';

/**
 * A cursor over the bytes of a core module. Reading beyond `end` or a number that is too long ends in
 * `COMPONENT_INVALID` with the offset; nothing here allocates by what a count claims.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  fail(what: string): never {
    throw new RuntimeError('COMPONENT_INVALID', `Cannot read core module at byte ${this.at}: ${what}`, {
      details: { offset: this.at },
    });
  }

  u8(): number {
    if (this.at >= this.end) this.fail('unexpected end');
    return this.bytes[this.at++] as number;
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    const { bytes, end } = this;
    let result = 0;
    let scale = 1;
    for (let length = 0; length < 5; length++) {
      if (this.at >= end) this.fail('unexpected end in a number');
      const byte = bytes[this.at++] as number;
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (result > 0xffff_ffff) this.fail('number exceeds 32 bits');
        return result;
      }
      scale *= 128;
    }
    return this.fail('number is too long');
  }

  /** Unsigned LEB128 of at most 64 bits. */
  u64(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8();
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (result > 0xffff_ffff_ffff_ffffn) this.fail('number exceeds 64 bits');
        return result;
      }
    }
    return this.fail('number is too long');
  }

  /** Signed LEB128 of at most 33 bits, as block types and heap types use it. */
  s33(): number {
    let result = 0;
    let scale = 1;
    for (let length = 0; length < 5; length++) {
      const byte = this.u8();
      result += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? result - scale : result;
    }
    return this.fail('number is too long');
  }

  /** Passes over a LEB128 number of at most `bytesMax` bytes. */
  skipLeb(bytesMax: number): void {
    for (let length = 0; length < bytesMax; length++) if (this.u8() < 0x80) return;
    this.fail('number is too long');
  }

  skip(count: number): void {
    if (count > this.end - this.at) this.fail('unexpected end');
    this.at += count;
  }

  /** A length-prefixed UTF-8 name. */
  name(): string {
    const length = this.u32();
    const start = this.at;
    this.skip(length);
    try {
      return UTF8.decode(this.bytes.subarray(start, this.at));
    } catch {
      this.at = start;
      return this.fail('name is not valid UTF-8');
    }
  }

  /** A cursor over the next `length` bytes, which this one passes over. */
  slice(length: number): Cursor {
    const start = this.at;
    this.skip(length);
    return new Cursor(this.bytes, start, this.at);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const TO_UTF8 = new TextEncoder();

/** Length in bytes of `value` as unsigned LEB128. */
export function lebLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Bytes being written: grows by doubling, bounded by what was read. */
export class Emitter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(...values: number[]): void {
    this.reserve(values.length);
    for (const value of values) this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  u64(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.u8(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.u8(Number(rest));
  }

  /** Signed LEB128 of a 32-bit number, for `i32.const`. */
  s32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) {
        this.u8(byte);
        return;
      }
      this.u8(byte | 0x80);
    }
  }

  name(text: string): void {
    const encoded = TO_UTF8.encode(text);
    this.u32(encoded.length);
    this.copy(encoded, 0, encoded.length);
  }

  copy(source: Uint8Array, from: number, to: number): void {
    this.reserve(to - from);
    this.bytes.set(source.subarray(from, to), this.length);
    this.length += to - from;
  }

  append(other: Emitter): void {
    this.copy(other.bytes, 0, other.length);
  }

  /** Appends a section: its id, the length of `contents` together, `contents`. */
  section(id: number, ...contents: readonly Emitter[]): void {
    this.u8(id);
    this.u32(contents.reduce((sum, content) => sum + content.length, 0));
    for (const content of contents) this.append(content);
  }

  /** What was written. Nothing may be written after it. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length) as Uint8Array<ArrayBuffer>;
  }
}
