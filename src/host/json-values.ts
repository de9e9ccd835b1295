import { type FuncType, propertyNames, type ValueType } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';

/**
 * WIT values as JSON, for the command line and the control port. Where JSON has no such value:
 *
 * | WIT | JSON |
 * | --- | --- |
 * | s64, u64 | a number if it is exact, else a decimal string |
 * | f32, f64 | a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
 * | list<u8> | a base64 string; an array of numbers is taken too |
 * | option | the value or `null`; nested: `{"tag":"some","val":…}`, `{"tag":"none"}` |
 * | variant, result | `{"tag":…,"val":…}` |
 * | flags | an array of names |
 * | record | an object with the names as in WIT, or as in JavaScript (camel case) |
 */

const NAN_WORDS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

type Json = unknown;

/**
 * Turns JSON arguments into WIT values.
 *
 * @param value An array with one element per parameter, in order.
 * @throws {RuntimeError} `MESSAGE_INVALID` — the path, what is expected there and what is there.
 */
export function argumentsFromJson(type: FuncType, value: Json): unknown[] {
  if (!Array.isArray(value)) return bad('the arguments', `an array of ${type.params.length}`, value);
  if (value.length !== type.params.length) {
    const names = type.params.map((param) => param.name).join(', ');
    const expected = `${type.params.length}${names && ` (${names})`}`;
    const isList = type.params.length === 1 && type.params[0]?.type.kind === 'list';
    const help = isList ? ["a list as the only argument is an array in an array: '[[1, 2]]'"] : [];
    throw invalid(`Cannot read the arguments: expected ${expected}, got ${value.length}`, help);
  }
  return type.params.map((param, index) => fromJson(param.type, value[index], param.name));
}

function invalid(message: string, help: readonly string[] = []): RuntimeError {
  return new RuntimeError('MESSAGE_INVALID', message, help.length > 0 ? { details: { help } } : {});
}

function bad(path: string, expected: string, value: Json): never {
  throw invalid(`Cannot read ${path}: expected ${expected}, got ${shown(value)}`);
}

/** What is there, in a few words: it may be long, or nested deeper than anything that writes it out can go. */
function shown(value: Json): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return value === undefined ? 'nothing' : String(value);
}

/** Turns JSON into one WIT value of `type`; ranges are the engine's to check. */
export function fromJson(type: ValueType, value: Json, path: string): unknown {
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean' ? value : bad(path, 'true or false', value);
    case 's64':
    case 'u64':
      return bigFromJson(value, path);
    case 'f32':
    case 'f64':
      return typeof value === 'string' && Object.hasOwn(NAN_WORDS, value)
        ? NAN_WORDS[value]
        : numberFromJson(value, path);
    case 'char':
    case 'string':
      return typeof value === 'string' ? value : bad(path, 'a string', value);
    case 'enum':
      return typeof value === 'string' && type.names.includes(value) ? value : bad(path, oneOf(type.names), value);
    case 'flags':
      return flagsFromJson(type, value, path);
    case 'own':
    case 'borrow':
      return bad(path, 'a resource, which JSON cannot say', value);
    case 'list':
      return listFromJson(type.element, value, path);
    case 'tuple':
      if (!Array.isArray(value) || value.length !== type.types.length)
        return bad(path, `an array of ${type.types.length}`, value);
      return type.types.map((item, index) => fromJson(item, value[index], `${path}[${index}]`));
    case 'record':
    case 'option':
    case 'variant':
    case 'result':
      return structuredFromJson(type, value, path);
    default:
      return numberFromJson(value, path);
  }
}

type Structured = Extract<ValueType, { kind: 'record' | 'option' | 'variant' | 'result' }>;

function structuredFromJson(type: Structured, value: Json, path: string): unknown {
  if (type.kind === 'record') return recordFromJson(type, objectFromJson(value, path), path);
  if (type.kind === 'option' && type.some.kind !== 'option') {
    return value === null || value === undefined ? undefined : fromJson(type.some, value, path);
  }
  const cases = casesOf(type);
  const object = objectFromJson(value, path);
  const { tag, val } = object;
  const found = cases.find((item) => item.name === tag);
  if (found === undefined) return bad(`${path}.tag`, oneOf(cases.map((item) => item.name)), tag);
  const { name, type: payload } = found;
  const allowed = payload === undefined ? ['tag'] : ['tag', 'val'];
  for (const key of Object.keys(object))
    if (!allowed.includes(key)) bad(path, `nothing but ${allowed.join(' and ')} for "${name}"`, key);
  return payload === undefined ? { tag } : { tag, val: fromJson(payload, val, `${path}.${name}`) };
}

function recordFromJson(
  type: Extract<ValueType, { kind: 'record' }>,
  object: Readonly<Record<string, Json>>,
  path: string,
): Record<string, unknown> {
  const labels = type.fields.map((field) => field.name);
  const { properties, positions } = namesOf(type, labels);
  const given = new Map<number, Json>();
  for (const [key, value] of Object.entries(object)) {
    const at = positions.get(key);
    if (at === undefined) return bad(path, `no field but ${listed(labels)}`, key);
    if (given.has(at)) return bad(path, `the field "${labels[at]}" once`, key);
    given.set(at, value);
  }
  return Object.fromEntries(
    type.fields.map((field, at) => [properties[at], fromJson(field.type, given.get(at), `${path}.${field.name}`)]),
  );
}

/** Names of the parts of a record or flags in JavaScript, by position; and the position by either name. */
interface Names {
  readonly properties: readonly string[];
  readonly positions: ReadonlyMap<string, number>;
}

const NAMES = new WeakMap<object, Names>();

/** Worked out once for each type. */
function namesOf(type: ValueType, labels: readonly string[]): Names {
  const known = NAMES.get(type);
  if (known !== undefined) return known;
  const properties = propertyNames(labels);
  const positions = new Map([...labels, ...properties].map((name, at) => [name, at % labels.length]));
  const names = { properties, positions };
  NAMES.set(type, names);
  return names;
}

/** Alternatives that a message lists; a type may have ten thousand. */
const LISTED_MAX = 20;

function oneOf(names: readonly string[]): string {
  return `one of ${listed(names)}`;
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, LISTED_MAX).join(', ');
  return names.length > LISTED_MAX ? `${some} and ${names.length - LISTED_MAX} more` : some;
}

function casesOf(
  type: Exclude<Structured, { kind: 'record' }>,
): readonly { name: string; type: ValueType | undefined }[] {
  if (type.kind === 'variant') return type.cases;
  if (type.kind === 'option')
    return [
      { name: 'none', type: undefined },
      { name: 'some', type: type.some },
    ];
  return [
    { name: 'ok', type: type.ok },
    { name: 'err', type: type.error },
  ];
}

function numberFromJson(value: Json, path: string): number {
  return typeof value === 'number' ? value : bad(path, 'a number', value);
}

function bigFromJson(value: Json, path: string): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  return bad(path, 'an integer, as a string if it is beyond 2^53', value);
}

function objectFromJson(value: Json, path: string): Readonly<Record<string, Json>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(path, 'an object', value);
  return value as Record<string, Json>;
}

function flagsFromJson(
  type: Extract<ValueType, { kind: 'flags' }>,
  value: Json,
  path: string,
): Record<string, boolean> {
  const labels = type.names;
  if (!Array.isArray(value)) return bad(path, `an array of some of ${labels.join(', ')}`, value);
  for (const [index, item] of value.entries())
    if (!labels.includes(item as string)) bad(`${path}[${index}]`, oneOf(labels), item);
  const { properties } = namesOf(type, labels);
  return Object.fromEntries(properties.map((name, at) => [name, value.includes(labels[at])]));
}

function listFromJson(element: ValueType, value: Json, path: string): unknown {
  if (element.kind === 'u8' && typeof value === 'string') {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 !== 0) return bad(path, 'base64', value);
    return new Uint8Array(Buffer.from(value, 'base64'));
  }
  if (!Array.isArray(value)) return bad(path, 'an array', value);
  return value.map((item, index) => fromJson(element, item, `${path}[${index}]`));
}

/** Turns a WIT value into JSON; `null` for a function without a result. */
export function toJson(type: ValueType | undefined, value: unknown): Json {
  switch (type?.kind) {
    case undefined:
      return null;
    case 's64':
    case 'u64': {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : String(value);
    }
    case 'f32':
    case 'f64':
      return Number.isFinite(value) ? value : String(value);
    case 'flags':
      return flagsToJson(type, value as Record<string, boolean>);
    case 'record':
      return recordToJson(type, value as Record<string, unknown>);
    case 'tuple':
      return type.types.map((item, index) => toJson(item, (value as unknown[])[index]));
    case 'list':
      if (type.element.kind === 'u8') return Buffer.from(value as Uint8Array).toString('base64');
      return Array.from(value as ArrayLike<unknown>, (item) => toJson(type.element, item));
    case 'option':
      if (type.some.kind !== 'option') return value === undefined ? null : toJson(type.some, value);
      return taggedToJson(casesOf(type), value);
    case 'variant':
    case 'result':
      return taggedToJson(casesOf(type), value);
    default:
      return value;
  }
}

function recordToJson(type: Extract<ValueType, { kind: 'record' }>, value: Record<string, unknown>): Json {
  const labels = type.fields.map((field) => field.name);
  const { properties } = namesOf(type, labels);
  return Object.fromEntries(
    type.fields.map((field, at) => [field.name, toJson(field.type, value[properties[at] as string])]),
  );
}

function flagsToJson(type: Extract<ValueType, { kind: 'flags' }>, value: Record<string, boolean>): Json {
  const { properties } = namesOf(type, type.names);
  return type.names.filter((_, at) => value[properties[at] as string]);
}

function taggedToJson(cases: readonly { name: string; type: ValueType | undefined }[], value: unknown): Json {
  const { tag, val } = value as { tag: string; val?: unknown };
  const type = cases.find((item) => item.name === tag)?.type;
  return type === undefined ? { tag } : { tag, val: toJson(type, val) };
}
