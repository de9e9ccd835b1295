import { type CoreValueType, flatten, type ValueType } from '../binary/index.ts';
import {
  type Alternative,
  alternativesOf,
  discriminantBytes,
  isTaggedOption,
  layoutOf,
  offsetsOf,
  partsOf,
  payloadOffset,
  type Sequence,
} from './layout.ts';
import { ARRAY_BASE_BYTES, LIST_BYTES_MAX, TYPED_ARRAY_BASE_BYTES } from './limits.ts';
import { propertyNames } from './names.ts';
import { numericKind } from './numbers.ts';
import { address, Body, INLINE_WEIGHT_MAX, key, type Place, quote, shifted } from './program.ts';

/** A type with a discriminant. */
type Choice = ValueType & { kind: 'variant' | 'option' | 'result' };

/**
 * Writes the code that reads a value from memory.
 *
 * @param body Has `ctx`, and `u` and `dv`, its bytes and data view: lifting runs no guest code, so they stay current.
 * @returns An expression for the value, to be used once.
 */
export function load(body: Body, type: ValueType, place: Place): string {
  const at = address(place);
  switch (type.kind) {
    case 'bool':
      return `u[${at}] !== 0`;
    case 'u8':
      return `u[${at}]`;
    case 's8':
      return `dv.getInt8(${at})`;
    case 'f32':
    case 'f64':
      return canonicalNaN(body.bind(`dv.get${numericKind(type)!.access}(${at}, true)`));
    case 's16':
    case 'u16':
    case 's32':
    case 'u32':
    case 's64':
    case 'u64':
      return `dv.get${numericKind(type)!.access}(${at}, true)`;
    case 'char':
      return `liftChar(dv.getUint32(${at}, true))`;
    case 'own':
      return body.bind(`liftOwn(ctx.state, dv.getInt32(${at}, true), ${type.resource.slot})`);
    case 'borrow':
      return body.bind(`liftBorrow(ctx.state, dv.getInt32(${at}, true), ${type.resource.slot})`);
    case 'string':
    case 'list':
      return sequenceAt(body, type, `dv.getUint32(${at}, true), dv.getUint32(${address(place, 4)}, true)`);
    case 'flags':
      return flagsOf(type.names, body.bind(loadInt(layoutOf(type).sizeBytes, at)));
    case 'enum':
      return enumOf(body, type.names, loadInt(layoutOf(type).sizeBytes, at));
    default:
      return loadCompound(body, type, place);
  }
}

function loadCompound(body: Body, type: (ValueType & { kind: 'record' | 'tuple' }) | Choice, place: Place): string {
  if (layoutOf(type).weight > INLINE_WEIGHT_MAX) {
    const name = body.program.share('load', type, () => {
      const inner = withViews(new Body(body.program));
      inner.emit(`return ${loadInPlace(inner, type, { base: 'p', offset: 0 })};`);
      return `(ctx, p) {\n${inner}\n}`;
    });
    return body.bind(`${name}(ctx, ${address(place)})`);
  }
  return loadInPlace(body, type, place);
}

function loadInPlace(body: Body, type: (ValueType & { kind: 'record' | 'tuple' }) | Choice, place: Place): string {
  if (type.kind === 'record' || type.kind === 'tuple') {
    const types = partsOf(type);
    const offsets = offsetsOf(types);
    return compose(
      type,
      types.map((part, index) => load(body, part, shifted(place, offsets[index]!))),
    );
  }
  const cases = alternativesOf(type);
  const payload = shifted(place, payloadOffset(cases));
  const discriminant = loadInt(discriminantBytes(cases.length), address(place));
  return choose(body, type, { discriminant, payload: (entry) => load(body, entry, payload) });
}

/** Reads the values of a spilled parameter list or result. */
export function loadAll(body: Body, types: readonly ValueType[], base: string): string[] {
  const offsets = offsetsOf(types);
  return types.map((type, index) => load(body, type, { base, offset: offsets[index]! }));
}

/** Gives a body the views that {@link load} uses. */
export function withViews(body: Body): Body {
  body.emit('const u = ctx.bytes, dv = ctx.data;');
  return body;
}

/** Hands out flat values by name, in order. */
export class FlatReader {
  private at = 0;
  private readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  next(): string {
    return this.names[this.at++]!;
  }
}

/** Writes the code that makes a value of flat core values. Returns an expression, to be used once. */
export function liftFlat(body: Body, type: ValueType, flats: FlatReader): string {
  switch (type.kind) {
    case 'bool':
      return `${flats.next()} !== 0`;
    case 'u8':
      return `${flats.next()} & 255`;
    case 's8':
      return `${flats.next()} << 24 >> 24`;
    case 'u16':
      return `${flats.next()} & 65535`;
    case 's16':
      return `${flats.next()} << 16 >> 16`;
    case 's32':
      return `${flats.next()} | 0`;
    case 'u32':
      return `${flats.next()} >>> 0`;
    case 's64':
      return `BigInt.asIntN(64, ${flats.next()})`;
    case 'u64':
      return `BigInt.asUintN(64, ${flats.next()})`;
    case 'f32':
    case 'f64':
      return canonicalNaN(flats.next());
    case 'char':
      return `liftChar(${flats.next()} >>> 0)`;
    case 'own':
      return body.bind(`liftOwn(ctx.state, ${flats.next()}, ${type.resource.slot})`);
    case 'borrow':
      return body.bind(`liftBorrow(ctx.state, ${flats.next()}, ${type.resource.slot})`);
    case 'string':
    case 'list':
      return sequenceAt(body, type, `${flats.next()} >>> 0, ${flats.next()} >>> 0`);
    case 'flags':
      return flagsOf(type.names, flats.next());
    case 'enum':
      return enumOf(body, type.names, `${flats.next()} >>> 0`);
    case 'record':
    case 'tuple':
      return compose(
        type,
        partsOf(type).map((part) => liftFlat(body, part, flats)),
      );
    default:
      return liftFlatChoice(body, type, flats);
  }
}

function liftFlatChoice(body: Body, type: Choice, flats: FlatReader): string {
  const joined = flatten(type);
  const names = joined.map(() => flats.next());
  if (layoutOf(type).weight <= INLINE_WEIGHT_MAX) return liftFlatInPlace(body, type, names);
  const name = body.program.share('liftFlat', type, () => {
    const inner = new Body(body.program);
    const params = joined.map((_, at) => `p${at}`);
    inner.emit(`return ${liftFlatInPlace(inner, type, params)};`);
    return `(ctx, ${params.join(', ')}) {\n${inner}\n}`;
  });
  return body.bind(`${name}(ctx, ${names.join(', ')})`);
}

function liftFlatInPlace(body: Body, type: Choice, names: readonly string[]): string {
  const joined = flatten(type);
  const payload = (entry: ValueType): string => {
    const own = flatten(entry).map((want, at) => body.bind(narrow(names[at + 1]!, joined[at + 1]!, want)));
    return liftFlat(body, entry, new FlatReader(own));
  };
  return choose(body, type, { discriminant: `${names[0]} >>> 0`, payload });
}

/** Takes a flat value out of the place that it shares with those of other cases. */
function narrow(name: string, have: CoreValueType, want: CoreValueType): string {
  if (have === want) return name;
  if (have === 'i32') return `f32OfBits(${name})`;
  if (want === 'f64') return `f64OfBits(${name})`;
  const low = `Number(BigInt.asIntN(32, ${name}))`;
  return want === 'f32' ? `f32OfBits(${low})` : low;
}

function canonicalNaN(name: string): string {
  return `(${name} === ${name} ? ${name} : NaN)`;
}

function loadInt(sizeBytes: number, at: string): string {
  if (sizeBytes === 1) return `u[${at}]`;
  return `dv.getUint${sizeBytes * 8}(${at}, true)`;
}

function sequenceAt(body: Body, type: Sequence, range: string): string {
  const name = type.kind === 'list' ? listFunction(body, type.element) : 'liftString';
  return body.bind(`${name}(ctx, ${range})`);
}

function flagsOf(names: readonly string[], bits: string): string {
  const entries = propertyNames(names).map((name, at) => `${key(name)}: (${bits} & ${1 << at}) !== 0`);
  return `{ ${entries.join(', ')} }`;
}

function enumOf(body: Body, names: readonly string[], discriminant: string): string {
  const index = body.bind(discriminant);
  body.emit(`if (${index} >= ${names.length}) badDiscriminant(${index}, ${names.length});`);
  return `${body.program.constant(names)}[${index}]`;
}

function compose(type: ValueType & { kind: 'record' | 'tuple' }, values: readonly string[]): string {
  if (type.kind === 'tuple') return `[${values.join(', ')}]`;
  const names = propertyNames(type.fields.map((field) => field.name));
  return `{ ${values.map((value, at) => `${key(names[at]!)}: ${value}`).join(', ')} }`;
}

interface ChoiceSource {
  readonly discriminant: string;
  /** Writes the code for a payload and returns its expression. */
  readonly payload: (type: ValueType) => string;
}

/** Writes the choice between alternatives. Those without payload are shared frozen objects. */
function choose(body: Body, type: Choice, source: ChoiceSource): string {
  const cases = alternativesOf(type);
  const plain = type.kind === 'option' && !isTaggedOption(type);
  const index = body.bind(source.discriminant);
  body.emit(`if (${index} >= ${cases.length}) badDiscriminant(${index}, ${cases.length});`);
  const value = body.declare();
  body.block(`switch (${index})`, () => {
    for (const [at, entry] of cases.entries()) {
      const { type: payload } = entry;
      if (payload === undefined) continue;
      body.block(`case ${at}:`, () => {
        const inner = source.payload(payload);
        body.emit(plain ? `${value} = ${inner};` : `${value} = { tag: ${quote(entry.tag)}, val: ${inner} };`, 'break;');
      });
    }
    if (!plain) emitBare(body, cases, { index, value });
  });
  return value;
}

function emitBare(body: Body, cases: readonly Alternative[], names: { index: string; value: string }): void {
  if (cases.every((entry) => entry.type !== undefined)) return;
  const bare = cases.map((entry) => (entry.type === undefined ? Object.freeze({ tag: entry.tag }) : undefined));
  body.emit(`default: ${names.value} = ${body.program.constant(bare)}[${names.index}];`);
}

/** Gives the name of the function `(ctx, ptr, length)` that reads a list of `element`. */
function listFunction(body: Body, element: ValueType): string {
  return body.program.share('loadList', element, () => {
    const inner = new Body(body.program);
    const { sizeBytes, align, hostBytes } = layoutOf(element);
    const shape = body.program.constant({ sizeBytes, align });
    inner.emit(
      `const size = n * ${sizeBytes};`,
      `if (size > ${LIST_BYTES_MAX} || (p & ${align - 1}) !== 0 || p + size > ctx.bytes.length) badList(p, n, ${shape});`,
    );
    const numeric = numericKind(element);
    if (numeric === undefined) emitElements(inner, element, hostBytes);
    else emitTypedArray(inner, numeric.array);
    return `(ctx, p, n) {\n${inner}\n}`;
  });
}

function emitTypedArray(body: Body, array: string): void {
  body.emit(`charge(ctx.state, size + ${TYPED_ARRAY_BASE_BYTES});`);
  if (array === 'Uint8Array') {
    body.emit('return ctx.bytes.slice(p, p + size);');
    return;
  }
  const copy = `new ${array}(ctx.bytes.buffer, p, n).slice()`;
  body.emit(`return ${array.startsWith('Float') ? `canonicalizeNaNs(${copy})` : copy};`);
}

function emitElements(body: Body, element: ValueType, hostBytes: number): void {
  withViews(body);
  body.emit(`charge(ctx.state, n * ${hostBytes} + ${ARRAY_BASE_BYTES});`, 'const list = new Array(n);');
  body.block(`for (let i = 0; i < n; i++, p += ${layoutOf(element).sizeBytes})`, () => {
    body.emit(`list[i] = ${load(body, element, { base: 'p', offset: 0 })};`);
  });
  body.emit('return list;');
}
