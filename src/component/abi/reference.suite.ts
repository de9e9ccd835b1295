/**
 * The Canonical ABI as its specification states it: one slow function for each of its rules, without code generation.
 * The compiled code is compared with it. It shares nothing with that code but the types of the binary model, and the
 * JavaScript form of values.
 */
import type { CanonOptions, ValueType } from '../binary/index.ts';
import {
  alignment,
  alignTo,
  asRecord,
  asVariant,
  discriminantSize,
  elemSize,
  flattenType,
  maxCaseAlignment,
  type Variant,
} from './reference-types.suite.ts';

export class ReferenceTrap extends Error {}

function trapIf(condition: boolean, rule: string): void {
  if (condition) throw new ReferenceTrap(rule);
}

interface ReferenceHandle {
  readonly slot: number;
  readonly rep: unknown;
  readonly own: boolean;
  lends: number;
}

/** The part of an instance that lifting and lowering see. */
export class ReferenceContext {
  readonly memory: () => Uint8Array;
  readonly encoding: CanonOptions['encoding'];
  readonly allocate: (align: number, size: number) => number;
  readonly handles: (ReferenceHandle | undefined)[] = [undefined];
  readonly free: number[] = [];

  constructor(options: {
    memory: () => Uint8Array;
    encoding: CanonOptions['encoding'];
    allocate: (align: number, size: number) => number;
  }) {
    this.memory = options.memory;
    this.encoding = options.encoding;
    this.allocate = options.allocate;
  }

  get(index: number): ReferenceHandle {
    const handle = this.handles[index];
    trapIf(handle === undefined, 'no handle');
    return handle!;
  }

  remove(index: number): ReferenceHandle {
    const handle = this.get(index);
    this.handles[index] = undefined;
    this.free.push(index);
    return handle;
  }

  add(handle: ReferenceHandle): number {
    const index = this.free.pop() ?? this.handles.length;
    this.handles[index] = handle;
    return index;
  }
}

// ── the JavaScript form of values ──

function camel(label: string): string {
  return label.toLowerCase().replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function isTagged(type: ValueType): boolean {
  return type.kind !== 'option' || type.some.kind === 'option';
}

function makeVariant(type: ValueType, label: string, payload: { value: unknown } | undefined): unknown {
  if (type.kind === 'enum') return label;
  if (!isTagged(type)) return payload?.value;
  return payload === undefined ? { tag: label } : { tag: label, val: payload.value };
}

function matchVariant(type: ValueType, value: unknown): { label: string; payload: unknown } {
  if (type.kind === 'enum') return { label: value as string, payload: undefined };
  if (!isTagged(type))
    return value === undefined ? { label: 'none', payload: undefined } : { label: 'some', payload: value };
  const { tag, val } = value as { tag: string; val: unknown };
  return { label: tag, payload: val };
}

const ARRAYS: Readonly<Record<string, { from(values: Iterable<never>): unknown }>> = {
  s8: Int8Array,
  u8: Uint8Array,
  s16: Int16Array,
  u16: Uint16Array,
  s32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  s64: BigInt64Array as never,
  u64: BigUint64Array as never,
};

// ── loading ──

function loadInt(cx: ReferenceContext, ptr: number, size: number): bigint {
  const bytes = cx.memory();
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[ptr + index]!);
  return value;
}

export function load(cx: ReferenceContext, ptr: number, type: ValueType): unknown {
  if (ptr % alignment(type) !== 0 || ptr + elemSize(type) > cx.memory().length) throw new Error('caller has to check');
  const record = asRecord(type);
  if (record !== undefined) {
    const values: unknown[] = [];
    let at = ptr;
    for (const field of record) {
      at = alignTo(at, alignment(field.type));
      values.push(load(cx, at, field.type));
      at += elemSize(field.type);
    }
    return makeRecord(type, values);
  }
  const variant = asVariant(type);
  if (variant !== undefined) {
    const size = discriminantSize(variant);
    const entry = caseAt(variant, Number(loadInt(cx, ptr, size)));
    const at = alignTo(ptr + size, maxCaseAlignment(variant));
    return makeVariant(type, entry.label, entry.type && { value: load(cx, at, entry.type) });
  }
  if (type.kind === 'string') return loadString(cx, Number(loadInt(cx, ptr, 4)), Number(loadInt(cx, ptr + 4, 4)));
  if (type.kind === 'list') {
    return loadList(cx, { ptr: Number(loadInt(cx, ptr, 4)), length: Number(loadInt(cx, ptr + 4, 4)) }, type.element);
  }
  return fromBits(cx, loadInt(cx, ptr, elemSize(type)), type);
}

function caseAt(variant: Variant, index: number): Variant['cases'][number] {
  trapIf(index >= variant.cases.length, 'discriminant');
  return variant.cases[index]!;
}

function makeRecord(type: ValueType, values: readonly unknown[]): unknown {
  if (type.kind !== 'record') return values;
  return Object.fromEntries(type.fields.map((field, index) => [camel(field.name), values[index]]));
}

/** Makes a scalar of its bits, of which those that it does not have are dropped. */
function fromBits(cx: ReferenceContext, bits: bigint, type: ValueType): unknown {
  switch (type.kind) {
    case 'bool':
      return bits !== 0n;
    case 's8':
    case 's16':
    case 's32':
      return Number(BigInt.asIntN(elemSize(type) * 8, bits));
    case 'u8':
    case 'u16':
    case 'u32':
      return Number(BigInt.asUintN(elemSize(type) * 8, bits));
    case 's64':
      return BigInt.asIntN(64, bits);
    case 'u64':
      return BigInt.asUintN(64, bits);
    case 'f32':
      return canonicalNaN(new Float32Array(new Uint32Array([Number(BigInt.asUintN(32, bits))]).buffer)[0]!);
    case 'f64':
      return canonicalNaN(new Float64Array(new BigUint64Array([bits]).buffer)[0]!);
    case 'char':
      trapIf(bits >= 0x110000n || (bits >= 0xd800n && bits <= 0xdfffn), 'char');
      return String.fromCodePoint(Number(bits));
    case 'flags':
      return Object.fromEntries(type.names.map((name, index) => [camel(name), ((bits >> BigInt(index)) & 1n) === 1n]));
    case 'own':
      return liftOwn(cx, Number(bits), type.resource.slot);
    case 'borrow':
      return liftBorrow(cx, Number(bits), type.resource.slot);
    default:
      throw new Error(`no scalar: ${type.kind}`);
  }
}

function canonicalNaN(value: number): number {
  return Number.isNaN(value) ? new Float64Array(new BigUint64Array([0x7ff8000000000000n]).buffer)[0]! : value;
}

function liftOwn(cx: ReferenceContext, index: number, slot: number): unknown {
  const handle = cx.get(index);
  trapIf(handle.slot !== slot || handle.lends !== 0 || !handle.own, 'own');
  cx.remove(index);
  return handle.rep;
}

function liftBorrow(cx: ReferenceContext, index: number, slot: number): unknown {
  const handle = cx.get(index);
  trapIf(handle.slot !== slot, 'borrow');
  handle.lends++;
  return handle.rep;
}

const MAX_BYTE_LENGTH = 2 ** 28 - 1;
const UTF16_TAG = 2 ** 31;

function loadString(cx: ReferenceContext, ptr: number, tagged: number): string {
  const isWide = cx.encoding === 'utf16' || (cx.encoding === 'latin1+utf16' && tagged >= UTF16_TAG);
  const units = cx.encoding === 'latin1+utf16' ? tagged % UTF16_TAG : tagged;
  const byteLength = isWide ? 2 * units : units;
  trapIf(byteLength > MAX_BYTE_LENGTH, 'string length');
  trapIf(cx.encoding !== 'utf8' && ptr % 2 !== 0, 'string alignment');
  trapIf(ptr + byteLength > cx.memory().length, 'string bounds');
  const bytes = cx.memory().slice(ptr, ptr + byteLength);
  if (isWide) return decodeUtf16(bytes);
  return cx.encoding === 'utf8' ? decodeUtf8(bytes) : Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

function decodeUtf16(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const unit = bytes[at]! | (bytes[at + 1]! << 8);
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const next = at + 3 < bytes.length ? bytes[at + 2]! | (bytes[at + 3]! << 8) : 0;
      trapIf(unit >= 0xdc00 || next < 0xdc00 || next > 0xdfff, 'utf-16');
      text += String.fromCharCode(unit, next);
      at += 2;
    } else {
      text += String.fromCharCode(unit);
    }
  }
  return text;
}

function decodeUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at]!;
    const extra =
      lead < 0x80
        ? 0
        : lead >= 0xc2 && lead < 0xe0
          ? 1
          : (lead & 0xf0) === 0xe0
            ? 2
            : lead >= 0xf0 && lead < 0xf5
              ? 3
              : -1;
    trapIf(extra < 0 || at + extra >= bytes.length, 'utf-8');
    let code = extra === 0 ? lead : lead & (0x3f >> extra);
    for (let index = 1; index <= extra; index++) {
      trapIf((bytes[at + index]! & 0xc0) !== 0x80, 'utf-8');
      code = (code << 6) | (bytes[at + index]! & 0x3f);
    }
    const least = [0, 0x80, 0x800, 0x10000][extra]!;
    trapIf(code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff), 'utf-8');
    text += String.fromCodePoint(code);
    at += extra + 1;
  }
  return text;
}

function loadList(cx: ReferenceContext, range: { ptr: number; length: number }, element: ValueType): unknown {
  const size = elemSize(element);
  trapIf(range.length * size > MAX_BYTE_LENGTH, 'list length');
  trapIf(range.ptr % alignment(element) !== 0, 'list alignment');
  trapIf(range.ptr + range.length * size > cx.memory().length, 'list bounds');
  const values: unknown[] = [];
  for (let index = 0; index < range.length; index++) values.push(load(cx, range.ptr + index * size, element));
  return ARRAYS[element.kind] === undefined ? values : ARRAYS[element.kind]!.from(values as never[]);
}

// ── storing ──

function storeInt(cx: ReferenceContext, bits: bigint, place: { ptr: number; size: number }): void {
  for (let index = 0; index < place.size; index++) {
    cx.memory()[place.ptr + index] = Number((bits >> BigInt(8 * index)) & 0xffn);
  }
}

export function store(cx: ReferenceContext, item: { value: unknown; type: ValueType }, ptr: number): void {
  const { value, type } = item;
  const record = asRecord(type);
  const variant = asVariant(type);
  if (record !== undefined) {
    let at = ptr;
    for (const [index, field] of record.entries()) {
      at = alignTo(at, alignment(field.type));
      store(cx, { value: partOf(type, value, index), type: field.type }, at);
      at += elemSize(field.type);
    }
  } else if (variant !== undefined) {
    const { label, payload } = matchVariant(type, value);
    const index = variant.cases.findIndex((entry) => entry.label === label);
    const size = discriminantSize(variant);
    storeInt(cx, BigInt(index), { ptr, size });
    const inner = variant.cases[index]!.type;
    if (inner !== undefined) store(cx, { value: payload, type: inner }, alignTo(ptr + size, maxCaseAlignment(variant)));
  } else if (type.kind === 'string' || type.kind === 'list') {
    const [begin, length] = storeRange(cx, value, type);
    storeInt(cx, BigInt(begin!), { ptr, size: 4 });
    storeInt(cx, BigInt(length!), { ptr: ptr + 4, size: 4 });
  } else {
    storeInt(cx, toBits(cx, value, type), { ptr, size: elemSize(type) });
  }
}

function partOf(type: ValueType, value: unknown, index: number): unknown {
  if (type.kind !== 'record') return (value as unknown[])[index];
  return (value as Record<string, unknown>)[camel(type.fields[index]!.name)];
}

function toBits(cx: ReferenceContext, value: unknown, type: ValueType): bigint {
  switch (type.kind) {
    case 'bool':
      return value === true ? 1n : 0n;
    case 'f32':
      return BigInt(new Uint32Array(new Float32Array([value as number]).buffer)[0]!);
    case 'f64':
      return new BigUint64Array(new Float64Array([value as number]).buffer)[0]!;
    case 'char':
      return BigInt((value as string).codePointAt(0)!);
    case 'flags':
      return type.names.reduce(
        (bits, name, index) => bits | ((value as Record<string, boolean>)[camel(name)] ? 1n << BigInt(index) : 0n),
        0n,
      );
    case 'own':
    case 'borrow':
      return BigInt(cx.add({ slot: type.resource.slot, rep: value, own: type.kind === 'own', lends: 0 }));
    default:
      return BigInt(value as number);
  }
}

function allocateChecked(cx: ReferenceContext, align: number, size: number): number {
  const ptr = cx.allocate(align, size);
  trapIf(ptr % align !== 0 || ptr + size > cx.memory().length, 'realloc');
  return ptr;
}

function storeRange(cx: ReferenceContext, value: unknown, type: ValueType): number[] {
  if (type.kind === 'list') {
    const values = Array.from(value as unknown[]);
    const size = elemSize(type.element);
    const ptr = allocateChecked(cx, alignment(type.element), values.length * size);
    for (const [index, item] of values.entries()) store(cx, { value: item, type: type.element }, ptr + index * size);
    return [ptr, values.length];
  }
  const { bytes, align, length } = encode((value as string).toWellFormed(), cx.encoding);
  const ptr = allocateChecked(cx, align, bytes.length);
  cx.memory().set(bytes, ptr);
  return [ptr, length];
}

function encode(
  text: string,
  encoding: CanonOptions['encoding'],
): { bytes: Uint8Array; align: number; length: number } {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  if (encoding === 'utf8') {
    const bytes = new TextEncoder().encode(text);
    return { bytes, align: 1, length: bytes.length };
  }
  if (encoding === 'latin1+utf16' && units.every((unit) => unit < 256)) {
    return { bytes: Uint8Array.from(units), align: 2, length: units.length };
  }
  const bytes = Uint8Array.from(units.flatMap((unit) => [unit & 0xff, unit >> 8]));
  return { bytes, align: 2, length: encoding === 'utf16' ? units.length : units.length + UTF16_TAG };
}

// ── flat values; every i32 is unsigned here ──

export type Flat = number | bigint;

class FlatIterator {
  private at = 0;
  private readonly values: readonly Flat[];

  constructor(values: readonly Flat[]) {
    this.values = values;
  }

  next(): Flat {
    return this.values[this.at++]!;
  }
}

interface FlatSource {
  next(want: string): Flat;
}

function liftFlat(cx: ReferenceContext, source: FlatSource, type: ValueType): unknown {
  const record = asRecord(type);
  if (record !== undefined)
    return makeRecord(
      type,
      record.map((field) => liftFlat(cx, source, field.type)),
    );
  const variant = asVariant(type);
  if (variant !== undefined) return liftFlatVariant(cx, source, { type, variant });
  if (type.kind === 'string') return loadString(cx, Number(source.next('i32')), Number(source.next('i32')));
  if (type.kind === 'list') {
    return loadList(cx, { ptr: Number(source.next('i32')), length: Number(source.next('i32')) }, type.element);
  }
  const value = source.next(flattenType(type)[0]!);
  return type.kind === 'f32' || type.kind === 'f64' ? canonicalNaN(value as number) : fromBits(cx, BigInt(value), type);
}

function liftFlatVariant(
  cx: ReferenceContext,
  source: FlatSource,
  item: { type: ValueType; variant: Variant },
): unknown {
  const types = flattenType(item.type).slice(1);
  const entry = caseAt(item.variant, Number(source.next('i32')));
  const values = types.map((have) => ({ have, value: source.next(have) }));
  let at = 0;
  const coerced: FlatSource = {
    next(want) {
      const { have, value } = values[at++]!;
      return have === want ? value : reinterpret(BigInt(value), want);
    },
  };
  return makeVariant(item.type, entry.label, entry.type && { value: liftFlat(cx, coerced, entry.type) });
}

function reinterpret(bits: bigint, want: string): Flat {
  const word = BigInt.asUintN(32, bits);
  if (want === 'i32') return Number(word);
  if (want === 'f32') return new Float32Array(new Uint32Array([Number(word)]).buffer)[0]!;
  return new Float64Array(new BigUint64Array([BigInt.asUintN(64, bits)]).buffer)[0]!;
}

function lowerFlat(cx: ReferenceContext, value: unknown, type: ValueType): Flat[] {
  const record = asRecord(type);
  if (record !== undefined)
    return record.flatMap((field, index) => lowerFlat(cx, partOf(type, value, index), field.type));
  const variant = asVariant(type);
  if (variant !== undefined) {
    const { label, payload } = matchVariant(type, value);
    const index = variant.cases.findIndex((entry) => entry.label === label);
    const inner = variant.cases[index]!.type;
    const own = inner === undefined ? [] : lowerFlat(cx, payload, inner);
    const have = inner === undefined ? [] : flattenType(inner);
    const rest = flattenType(type)
      .slice(1)
      .map((want, at) => (at < own.length ? widen(own[at]!, have[at]!, want) : want === 'i64' ? 0n : 0));
    return [index, ...rest];
  }
  if (type.kind === 'string' || type.kind === 'list') return storeRange(cx, value, type);
  if (type.kind === 'f32' || type.kind === 'f64') return [value as number];
  const bits = toBits(cx, value, type);
  return flattenType(type)[0] === 'i64' ? [BigInt.asUintN(64, bits)] : [Number(BigInt.asUintN(32, bits))];
}

function widen(value: Flat, have: string, want: string): Flat {
  if (have === want) return value;
  if (have === 'f64') return new BigUint64Array(new Float64Array([value as number]).buffer)[0]!;
  const bits = have === 'f32' ? new Uint32Array(new Float32Array([value as number]).buffer)[0]! : Number(value);
  return want === 'i64' ? BigInt(bits) : bits;
}

// ── parameter lists and results ──

export function liftValues(
  cx: ReferenceContext,
  max: number,
  item: { flats: readonly Flat[]; types: readonly ValueType[] },
): unknown[] {
  const source = new FlatIterator(item.flats);
  if (item.types.flatMap(flattenType).length <= max) return item.types.map((type) => liftFlat(cx, source, type));
  const tuple: ValueType = { kind: 'tuple', types: item.types };
  const ptr = Number(source.next());
  trapIf(ptr % alignment(tuple) !== 0 || ptr + elemSize(tuple) > cx.memory().length, 'pointer');
  return load(cx, ptr, tuple) as unknown[];
}

export function lowerValues(
  cx: ReferenceContext,
  max: number,
  item: { values: readonly unknown[]; types: readonly ValueType[]; out?: number },
): Flat[] {
  const { values, types, out } = item;
  if (types.flatMap(flattenType).length <= max)
    return types.flatMap((type, index) => lowerFlat(cx, values[index], type));
  const tuple: ValueType = { kind: 'tuple', types };
  const ptr = out ?? cx.allocate(alignment(tuple), elemSize(tuple));
  trapIf(ptr % alignment(tuple) !== 0 || ptr + elemSize(tuple) > cx.memory().length, 'pointer');
  store(cx, { value: values, type: tuple }, ptr);
  return out === undefined ? [ptr] : [];
}
