import { RuntimeError } from '../../errors/index.ts';
import type { ValueType } from '../binary/index.ts';

/** What is known of a list element that JavaScript has a typed array for. */
interface NumericKind {
  /** Name of the array's constructor. */
  readonly array: string;
  /** Method of `DataView` behind `get` and `set`. */
  readonly access: string;
}

const NUMERIC: Readonly<Record<string, NumericKind>> = {
  s8: { array: 'Int8Array', access: 'Int8' },
  u8: { array: 'Uint8Array', access: 'Uint8' },
  s16: { array: 'Int16Array', access: 'Int16' },
  u16: { array: 'Uint16Array', access: 'Uint16' },
  s32: { array: 'Int32Array', access: 'Int32' },
  u32: { array: 'Uint32Array', access: 'Uint32' },
  s64: { array: 'BigInt64Array', access: 'BigInt64' },
  u64: { array: 'BigUint64Array', access: 'BigUint64' },
  f32: { array: 'Float32Array', access: 'Float32' },
  f64: { array: 'Float64Array', access: 'Float64' },
};

/** Tells how lists of `type` are kept, if as typed arrays. */
export function numericKind(type: ValueType): NumericKind | undefined {
  return Object.hasOwn(NUMERIC, type.kind) ? NUMERIC[type.kind] : undefined;
}

const float32 = new Float32Array(1);
const int32 = new Int32Array(float32.buffer);
const float64 = new Float64Array(1);
const int64 = new BigInt64Array(float64.buffer);

/** The bits of a 32-bit float, as a signed integer. */
export function bitsOfF32(value: number): number {
  float32[0] = value;
  return int32[0]!;
}

/** The bits of a 64-bit float. */
export function bitsOfF64(value: number): bigint {
  float64[0] = value;
  return int64[0]!;
}

/** The 32-bit float with these bits. */
export function f32OfBits(bits: number): number {
  int32[0] = bits;
  return float32[0]!;
}

/** The 64-bit float with these bits. */
export function f64OfBits(bits: bigint): number {
  int64[0] = bits;
  return float64[0]!;
}

/** Gives every NaN of a lifted array the one bit pattern that the Canonical ABI names. */
export function canonicalizeNaNs<T extends Float32Array | Float64Array>(array: T): T {
  for (let at = 0; at < array.length; at++) {
    if (Number.isNaN(array[at])) array[at] = Number.NaN;
  }
  return array;
}

/** Refuses to compile where numbers in memory are not little-endian: lists are copied as they are. */
export function assertLittleEndian(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return;
  throw new RuntimeError('RUNTIME_UNSUPPORTED', 'Cannot run components on a machine whose byte order is big-endian');
}
