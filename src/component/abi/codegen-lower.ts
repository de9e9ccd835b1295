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
  type Word,
} from './layout.ts';
import { LIST_BYTES_MAX } from './limits.ts';
import { isInherited, propertyNames } from './names.ts';
import { numericKind } from './numbers.ts';
import { address, Body, INLINE_WEIGHT_MAX, type Place, quote, shifted } from './program.ts';

/** A type with a discriminant and payloads. */
export type Choice = ValueType & { kind: 'variant' | 'option' | 'result' };

/** Alternatives up to which a tag is found by comparing; above, by a map. */
const COMPARE_MAX = 4;

/**
 * Gives the condition under which `name` is no value of a type that holds no other; `undefined` for types that need
 * more than a condition. None of them runs code of the value's.
 */
export function misfit(type: ValueType, name: string): string | undefined {
  switch (type.kind) {
    case 'bool':
      return `typeof ${name} !== 'boolean'`;
    case 'u8':
      return `typeof ${name} !== 'number' || (${name} & 255) !== ${name}`;
    case 's8':
      return `typeof ${name} !== 'number' || (${name} << 24 >> 24) !== ${name}`;
    case 'u16':
      return `typeof ${name} !== 'number' || (${name} & 65535) !== ${name}`;
    case 's16':
      return `typeof ${name} !== 'number' || (${name} << 16 >> 16) !== ${name}`;
    case 'u32':
      return `typeof ${name} !== 'number' || (${name} >>> 0) !== ${name}`;
    case 's32':
      return `typeof ${name} !== 'number' || (${name} | 0) !== ${name}`;
    case 'u64':
      return `typeof ${name} !== 'bigint' || BigInt.asUintN(64, ${name}) !== ${name}`;
    case 's64':
      return `typeof ${name} !== 'bigint' || BigInt.asIntN(64, ${name}) !== ${name}`;
    case 'f32':
    case 'f64':
      return `typeof ${name} !== 'number'`;
    default:
      return undefined;
  }
}

/** Gives the condition under which `name` has no properties to read. */
export function isNoObject(name: string): string {
  return `typeof ${name} !== 'object' || ${name} === null`;
}

/** Writes what {@link propertyOf} does. */
export function readProperty(name: string, property: string): string {
  const read = `${name}[${quote(property)}]`;
  return isInherited(property) ? `(hasOwn(${name}, ${quote(property)}) ? ${read} : undefined)` : read;
}

/** Gives the condition under which an untagged option is none. */
export function isNone(name: string): string {
  return `${name} === undefined || ${name} === null`;
}

/** Writes the expression for the number of the alternative that `tag` names, or −1. */
export function indexOfTag(body: Body, cases: readonly Alternative[], tag: string): string {
  if (cases.length > COMPARE_MAX) {
    return `indexOfCase(${body.program.constant(new Map(cases.map((entry, at) => [entry.tag, at])))}, ${tag})`;
  }
  return cases.reduceRight((rest, entry, at) => `${tag} === ${quote(entry.tag)} ? ${at} : ${rest}`, '-1');
}

/** Writes the code that stores the value `name` into memory. Code may run that makes the memory grow. */
export function store(body: Body, item: { type: ValueType; name: string }, place: Place): void {
  const { type, name } = item;
  const at = address(place);
  const wrong = misfit(type, name);
  if (wrong !== undefined) body.emit(`if (${wrong}) mismatch();`);
  switch (type.kind) {
    case 'bool':
      body.emit(`ctx.bytes[${at}] = ${name} ? 1 : 0;`);
      break;
    case 'u8':
    case 's8':
      body.emit(`ctx.bytes[${at}] = ${name};`);
      break;
    case 's16':
    case 'u16':
    case 's32':
    case 'u32':
    case 's64':
    case 'u64':
    case 'f32':
    case 'f64':
      body.emit(`ctx.data.set${numericKind(type)!.access}(${at}, ${name}, true);`);
      break;
    case 'string':
    case 'list': {
      const ptr = body.bind(`${sequenceFunction(body, type)}(ctx, ${name})`);
      body.emit(
        `ctx.data.setUint32(${at}, ${ptr}, true);`,
        `ctx.data.setUint32(${address(place, 4)}, ctx.length, true);`,
      );
      break;
    }
    case 'char':
    case 'own':
    case 'borrow':
    case 'flags':
    case 'enum':
      storeInt(body, layoutOf(type).sizeBytes, { at, value: lowerWord(body, type, name) });
      break;
    default:
      storeCompound(body, { type, name }, place);
  }
}

function storeInt(body: Body, sizeBytes: number, word: { at: string; value: string }): void {
  if (sizeBytes === 1) body.emit(`ctx.bytes[${word.at}] = ${word.value};`);
  else body.emit(`ctx.data.setUint${sizeBytes * 8}(${word.at}, ${word.value}, true);`);
}

/** Writes what makes a 32-bit word of a value that is one, and gives its name. */
function lowerWord(body: Body, type: Word, name: string): string {
  switch (type.kind) {
    case 'own':
      return body.bind(`lowerOwn(ctx.state, ${type.resource.slot}, ${name})`);
    case 'borrow':
      return body.bind(`lowerBorrow(ctx.state, ${type.resource.slot}, ${name})`);
    case 'enum': {
      const index = body.bind(indexOfTag(body, alternativesOf(type), name));
      body.emit(`if (${index} < 0) mismatch();`);
      return index;
    }
    case 'flags':
      return lowerFlags(body, type.names, name);
    default:
      return body.bind(`lowerChar(${name})`);
  }
}

function lowerFlags(body: Body, names: readonly string[], name: string): string {
  body.emit(`if (${isNoObject(name)}) mismatch();`);
  const bits = body.declare('0');
  for (const [at, property] of propertyNames(names).entries()) {
    const flag = body.bind(readProperty(name, property));
    body.emit(
      `if (${flag} === true) ${bits} |= ${1 << at}; else if (${flag} !== undefined && ${flag} !== false) mismatch();`,
    );
  }
  return bits;
}

type Compound = (ValueType & { kind: 'record' | 'tuple' }) | Choice;

function storeCompound(body: Body, item: { type: Compound; name: string }, place: Place): void {
  const { type, name } = item;
  if (layoutOf(type).weight <= INLINE_WEIGHT_MAX) {
    storeInPlace(body, item, place);
    return;
  }
  const shared = body.program.share('store', type, () => {
    const inner = new Body(body.program);
    storeInPlace(inner, { type, name: 'v' }, { base: 'p', offset: 0 });
    return `(ctx, v, p) {\n${inner}\n}`;
  });
  body.emit(`${shared}(ctx, ${name}, ${address(place)});`);
}

function storeInPlace(body: Body, item: { type: Compound; name: string }, place: Place): void {
  const { type, name } = item;
  if (type.kind === 'record' || type.kind === 'tuple') {
    const offsets = offsetsOf(partsOf(type));
    for (const [at, part] of readParts(body, type, name).entries()) {
      store(body, { type: part.type, name: body.bind(part.expression) }, shifted(place, offsets[at]!));
    }
    return;
  }
  const cases = alternativesOf(type);
  const payload = shifted(place, payloadOffset(cases));
  const index = readIndex(body, type, name);
  storeInt(body, discriminantBytes(cases.length), { at: address(place), value: index });
  eachPayload(body, { type, name, index }, (entry) => store(body, entry, payload));
}

/** Checks that `name` can be a record or tuple, and gives the expression for each part. */
function readParts(
  body: Body,
  type: ValueType & { kind: 'record' | 'tuple' },
  name: string,
): readonly { type: ValueType; expression: string }[] {
  if (type.kind === 'tuple') {
    body.emit(`if (lengthOfList(${name}) !== ${type.types.length}) mismatch();`);
    return type.types.map((part, at) => ({ type: part, expression: `${name}[${at}]` }));
  }
  body.emit(`if (${isNoObject(name)}) mismatch();`);
  const properties = propertyNames(type.fields.map((field) => field.name));
  return type.fields.map((field, at) => ({ type: field.type, expression: readProperty(name, properties[at]!) }));
}

/** Writes what finds the number of the alternative of the value `name`, and gives that number's name. */
function readIndex(body: Body, type: Choice, name: string): string {
  if (type.kind === 'option' && !isTaggedOption(type)) return body.bind(`${isNone(name)} ? 0 : 1`);
  body.emit(`if (${isNoObject(name)}) mismatch();`);
  const index = body.bind(indexOfTag(body, alternativesOf(type), body.bind(`${name}.tag`)));
  body.emit(`if (${index} < 0) mismatch();`);
  return index;
}

/** Writes one branch for each alternative that has a payload. */
export function eachPayload(
  body: Body,
  choice: { type: Choice; name: string; index: string },
  write: (item: { type: ValueType; name: string }) => void,
): void {
  const { type, name, index } = choice;
  const untagged = type.kind === 'option' && !isTaggedOption(type);
  body.block(`switch (${index})`, () => {
    for (const [at, entry] of alternativesOf(type).entries()) {
      const { type: payload } = entry;
      if (payload === undefined) continue;
      body.block(`case ${at}:`, () => {
        write({ type: payload, name: untagged ? name : body.bind(`${name}.val`) });
        body.emit('break;');
      });
    }
  });
}

/** Writes the code that makes flat core values of the value `name`. Gives the names that hold them. */
export function lowerFlat(body: Body, type: ValueType, name: string): string[] {
  const wrong = misfit(type, name);
  if (wrong !== undefined) {
    body.emit(`if (${wrong}) mismatch();`);
    return [type.kind === 'bool' ? body.bind(`${name} ? 1 : 0`) : name];
  }
  switch (type.kind) {
    case 'string':
    case 'list':
      return [body.bind(`${sequenceFunction(body, type)}(ctx, ${name})`), body.bind('ctx.length')];
    case 'char':
    case 'own':
    case 'borrow':
    case 'flags':
    case 'enum':
      return [lowerWord(body, type, name)];
    case 'record':
    case 'tuple':
      return readParts(body, type, name).flatMap((part) => lowerFlat(body, part.type, body.bind(part.expression)));
    default:
      return lowerFlatChoice(body, type as Choice, name);
  }
}

function lowerFlatChoice(body: Body, type: Choice, name: string): string[] {
  if (layoutOf(type).weight <= INLINE_WEIGHT_MAX) return lowerFlatInPlace(body, type, name);
  const count = flatten(type).length;
  const shared = body.program.share('lowerFlat', type, () => {
    const inner = new Body(body.program);
    const names = lowerFlatInPlace(inner, type, 'v');
    inner.emit(...names.map((flat, at) => `registers[${at}] = ${flat};`));
    return `(ctx, v) {\n${inner}\n}`;
  });
  body.emit(`${shared}(ctx, ${name});`);
  return Array.from({ length: count }, (_, at) => body.bind(`registers[${at}]`));
}

function lowerFlatInPlace(body: Body, type: Choice, name: string): string[] {
  const joined = flatten(type);
  const index = readIndex(body, type, name);
  const slots = joined.slice(1).map((want) => body.declare(want === 'i64' ? '0n' : '0'));
  eachPayload(body, { type, name, index }, (item) => {
    const own = flatten(item.type);
    for (const [at, flat] of lowerFlat(body, item.type, item.name).entries()) {
      body.emit(`${slots[at]} = ${widen(flat, own[at]!, joined[at + 1]!)};`);
    }
  });
  return [index, ...slots];
}

/** Puts a flat value into the place that it shares with those of other cases. */
function widen(name: string, have: CoreValueType, want: CoreValueType): string {
  if (have === want) return name;
  if (have === 'f64') return `bitsOfF64(${name})`;
  const bits = have === 'f32' ? `bitsOfF32(${name})` : name;
  return want === 'i64' ? `BigInt(${bits} >>> 0)` : bits;
}

function sequenceFunction(body: Body, type: Sequence): string {
  return type.kind === 'list' ? listFunction(body, type.element) : 'lowerString';
}

/** Gives the name of the function `(ctx, value)` that writes a list of `element`, and returns what a string's does. */
function listFunction(body: Body, element: ValueType): string {
  return body.program.share('storeList', element, () => {
    const inner = new Body(body.program);
    const numeric = numericKind(element);
    const { sizeBytes, hostBytes } = layoutOf(element);
    if (numeric !== undefined) {
      inner.block(`if (v instanceof ${numeric.array})`, () => {
        emitAllocate(inner, element, 'lengthOfTyped(v)');
        if (sizeBytes === 1) inner.emit('ctx.bytes.set(v, p);');
        else inner.emit(`new ${numeric.array}(ctx.bytes.buffer, p, n).set(v);`);
        inner.emit('ctx.length = n;', 'return p;');
      });
    }
    emitAllocate(inner, element, 'lengthOfList(v)');
    inner.emit(`ctx.state.debt.units += n * ${hostBytes};`);
    inner.block(`for (let i = 0, q = p; i < n; i++, q += ${sizeBytes})`, () => {
      store(inner, { type: element, name: inner.bind('v[i]') }, { base: 'q', offset: 0 });
    });
    inner.emit('ctx.length = n;', 'return p;');
    return `(ctx, v) {\n${inner}\n}`;
  });
}

function emitAllocate(body: Body, element: ValueType, length: string): void {
  const { sizeBytes, align } = layoutOf(element);
  body.emit(
    `const n = ${length};`,
    `if (n < 0 || n * ${sizeBytes} > ${LIST_BYTES_MAX}) mismatch();`,
    `const p = ctx.allocate(${align}, n * ${sizeBytes});`,
  );
}
