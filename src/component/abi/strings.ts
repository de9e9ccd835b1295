import { Buffer } from 'node:buffer';
import type { CanonOptions } from '../binary/index.ts';
import { STRING_BASE_BYTES, STRING_BYTES_MAX, TEXT_UNITS_MAX } from './limits.ts';
import { type CanonContext, charge } from './state.ts';
import { mismatch, trap } from './trap.ts';

/** Reads a string; `length` is the guest's count, tagged in the `latin1+utf16` encoding. Both are unsigned. */
type StringLift = (ctx: CanonContext, ptr: number, length: number) => string;

/** Writes a string, returns its pointer, and leaves the guest's count in `ctx.length`. */
type StringLower = (ctx: CanonContext, value: unknown) => number;

/** One character per byte up to here: `String.fromCharCode` beats every call into C++. Measured: 12 bytes 20 ns against 43. */
const INLINE_MAX = 16;

/** Testing for ASCII by hand, then copying, beats the decoder up to here. Measured: 100 bytes 78 ns against 104. */
const ASCII_TEST_MAX = 96;

/** Writing by hand beats a call into C++ up to here. Measured in calls of a guest: 9 units 23 ns less, 24 units even. */
const WRITE_INLINE_MAX = 16;

/** In the `latin1+utf16` encoding, set in the length of a string that is UTF-16. */
const UTF16_TAG = 2 ** 31;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Gives the two functions for strings of one encoding. */
export function stringCodec(encoding: CanonOptions['encoding']): { lift: StringLift; lower: StringLower } {
  switch (encoding) {
    case 'utf8':
      return { lift: liftUtf8, lower: lowerUtf8 };
    case 'utf16':
      return { lift: liftUtf16, lower: lowerUtf16 };
    default:
      return { lift: liftCompact, lower: lowerCompact };
  }
}

function checkString(ctx: CanonContext, ptr: number, sizeBytes: number): void {
  if (sizeBytes > STRING_BYTES_MAX) trap('string-length', `The component passed a string of ${sizeBytes} bytes`);
  if (ptr + sizeBytes > ctx.bytes.length) {
    trap('string-bounds', `The component passed a string of ${sizeBytes} bytes at ${ptr}, outside of its memory`);
  }
  charge(ctx.state, sizeBytes + STRING_BASE_BYTES);
}

function checkAligned(ptr: number): void {
  if ((ptr & 1) !== 0) trap('string-align', `The component passed a string at ${ptr}, which is not a multiple of 2`);
}

function liftUtf8(ctx: CanonContext, ptr: number, length: number): string {
  checkString(ctx, ptr, length);
  const { bytes } = ctx;
  if (length <= INLINE_MAX) {
    if (isAscii(bytes, ptr, ptr + length)) return readBytes(bytes, ptr, length);
  } else if (length <= ASCII_TEST_MAX && isAscii(bytes, ptr, ptr + length)) {
    return ctx.buffer.toString('latin1', ptr, ptr + length);
  }
  return decodeUtf8(ctx, ptr, length);
}

function decodeUtf8(ctx: CanonContext, ptr: number, length: number): string {
  let text: string;
  try {
    text = utf8.decode(ctx.bytes.subarray(ptr, ptr + length));
  } catch {
    // The decoder's only failure: what it says is less than the rule.
    trap('string-utf8', `The component passed a string at ${ptr} that is not valid UTF-8`);
  }
  // Beyond ASCII a character may take two bytes here for one there.
  if (text.length !== length) charge(ctx.state, length);
  return text;
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  let any = 0;
  for (let at = from; at < to; at++) any |= bytes[at]!;
  return any < 128;
}

function liftUtf16(ctx: CanonContext, ptr: number, units: number): string {
  checkString(ctx, ptr, 2 * units);
  checkAligned(ptr);
  const text = ctx.buffer.toString('utf16le', ptr, ptr + 2 * units);
  if (!text.isWellFormed()) trap('string-utf16', `The component passed a string at ${ptr} that is not valid UTF-16`);
  return text;
}

function liftCompact(ctx: CanonContext, ptr: number, tagged: number): string {
  if (tagged >= UTF16_TAG) return liftUtf16(ctx, ptr, tagged - UTF16_TAG);
  checkString(ctx, ptr, tagged);
  checkAligned(ptr);
  if (tagged <= INLINE_MAX) return readBytes(ctx.bytes, ptr, tagged);
  return ctx.buffer.toString('latin1', ptr, ptr + tagged);
}

const read = String.fromCharCode;

/** Makes a string of at most {@link INLINE_MAX} bytes, one character each. A call with all of them makes it in one piece. */
function readBytes(b: Uint8Array, p: number, length: number): string {
  if (length > 8) {
    const head = read(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!);
    return head + readUpTo8(b, p + 8, length - 8);
  }
  return readUpTo8(b, p, length);
}

function readUpTo8(b: Uint8Array, p: number, length: number): string {
  switch (length) {
    case 0:
      return '';
    case 1:
      return read(b[p]!);
    case 2:
      return read(b[p]!, b[p + 1]!);
    case 3:
      return read(b[p]!, b[p + 1]!, b[p + 2]!);
    case 4:
      return read(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!);
    case 5:
      return read(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!);
    case 6:
      return read(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!);
    case 7:
      return read(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!);
    default:
      return read(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!);
  }
}

function checkText(value: unknown): asserts value is string {
  if (typeof value !== 'string' || value.length > TEXT_UNITS_MAX) mismatch();
}

function lowerUtf8(ctx: CanonContext, value: unknown): number {
  checkText(value);
  const { length } = value;
  if (length <= WRITE_INLINE_MAX && isAsciiText(value)) {
    const ptr = ctx.allocate(1, length);
    const { bytes } = ctx;
    for (let at = 0; at < length; at++) bytes[ptr + at] = value.charCodeAt(at);
    ctx.length = length;
    return ptr;
  }
  // A lone surrogate counts three bytes and is written as U+FFFD, which takes three.
  const sizeBytes = Buffer.byteLength(value, 'utf8');
  const ptr = ctx.allocate(1, sizeBytes);
  ctx.buffer.write(value, ptr, sizeBytes, 'utf8');
  ctx.length = sizeBytes;
  return ptr;
}

function isAsciiText(value: string): boolean {
  let any = 0;
  for (let at = 0; at < value.length; at++) any |= value.charCodeAt(at);
  return any < 128;
}

function lowerUtf16(ctx: CanonContext, value: unknown): number {
  checkText(value);
  const text = value.toWellFormed();
  const { length } = text;
  const ptr = ctx.allocate(2, 2 * length);
  writeUtf16(ctx, ptr, text);
  ctx.length = length;
  return ptr;
}

function writeUtf16(ctx: CanonContext, ptr: number, text: string): void {
  if (text.length <= WRITE_INLINE_MAX) {
    const { data } = ctx;
    for (let at = 0; at < text.length; at++) data.setUint16(ptr + 2 * at, text.charCodeAt(at), true);
  } else {
    ctx.buffer.write(text, ptr, 2 * text.length, 'utf16le');
  }
}

function lowerCompact(ctx: CanonContext, value: unknown): number {
  checkText(value);
  if (!isLatin1(value)) {
    const ptr = lowerUtf16(ctx, value);
    ctx.length += UTF16_TAG;
    return ptr;
  }
  const { length } = value;
  const ptr = ctx.allocate(2, length);
  if (length <= WRITE_INLINE_MAX) {
    for (let at = 0; at < length; at++) ctx.bytes[ptr + at] = value.charCodeAt(at);
  } else {
    ctx.buffer.write(value, ptr, length, 'latin1');
  }
  ctx.length = length;
  return ptr;
}

function isLatin1(value: string): boolean {
  for (let at = 0; at < value.length; at++) if (value.charCodeAt(at) > 0xff) return false;
  return true;
}

/** Reads a Unicode scalar value. */
export function liftChar(code: number): string {
  if (code < 0x80) return read(code);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    trap('char-range', `The component passed ${code} as a char, which is no Unicode scalar value`);
  }
  return String.fromCodePoint(code);
}

/** Gives the code point of a string that is exactly one Unicode scalar value. */
export function lowerChar(value: unknown): number {
  const code = scalarValueOf(value);
  return code === undefined ? mismatch() : code;
}

/** Gives the code point of a string that is exactly one Unicode scalar value; `undefined` for anything else. */
export function scalarValueOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > 2) return undefined;
  const code = value.codePointAt(0)!;
  const units = code > 0xffff ? 2 : 1;
  return units !== value.length || (code >= 0xd800 && code <= 0xdfff) ? undefined : code;
}
