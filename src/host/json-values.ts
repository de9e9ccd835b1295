import type { FuncType, ValueType } from '../component/index.ts';
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
 * | record | an object with the names as in WIT, or in camel case |
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
    const isList = type.params.length === 1 && type.params[0]?.type.kind === 'list';
    const help = isList ? ["a list as the only argument is an array in an array: '[[1, 2]]'"] : [];
    throw invalid(`Cannot read the arguments: expected ${type.params.length} (${names}), got ${value.length}`, help);
  }
  return type.params.map((param, index) => fromJson(param.type, value[index], param.name));
}

function invalid(message: string, help: readonly string[] = []): RuntimeError {
  return new RuntimeError('MESSAGE_INVALID', message, help.length > 0 ? { details: { help } } : {});
}

function bad(path: string, expected: string, value: Json): never {
  const text = JSON.stringify(value) ?? String(value);
  throw invalid(`Cannot read ${path}: expected ${expected}, got ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`);
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
      return typeof value === 'string' && type.names.includes(value)
        ? value
        : bad(path, `one of ${type.names.join(', ')}`, value);
    case 'flags':
      return flagsFromJson(type.names, value, path);
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
  if (type.kind === 'record') {
    const object = objectFromJson(value, path);
    const known = new Set(type.fields.flatMap((field) => [field.name, camel(field.name)]));
    for (const key of Object.keys(object))
      if (!known.has(key)) bad(path, `only the fields ${type.fields.map((field) => field.name).join(', ')}`, value);
    return Object.fromEntries(
      type.fields.map((field) => [
        camel(field.name),
        fromJson(field.type, object[field.name] ?? object[camel(field.name)], `${path}.${field.name}`),
      ]),
    );
  }
  if (type.kind === 'option' && type.some.kind !== 'option') {
    return value === null || value === undefined ? undefined : fromJson(type.some, value, path);
  }
  const cases = casesOf(type);
  const { tag, val } = objectFromJson(value, path) as { tag?: unknown; val?: unknown };
  const found = cases.find((item) => item.name === tag);
  if (found === undefined) return bad(path, `{"tag": one of ${cases.map((item) => item.name).join(', ')}}`, value);
  return found.type === undefined ? { tag } : { tag, val: fromJson(found.type, val, `${path}.${found.name}`) };
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

function flagsFromJson(names: readonly string[], value: Json, path: string): Record<string, boolean> {
  const known = Array.isArray(value) && value.every((item) => names.includes(item as string));
  if (!known) return bad(path, `an array of some of ${names.join(', ')}`, value);
  return Object.fromEntries(names.map((name) => [camel(name), (value as Json[]).includes(name)]));
}

function listFromJson(element: ValueType, value: Json, path: string): unknown {
  if (element.kind === 'u8' && typeof value === 'string') {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 !== 0) return bad(path, 'base64', value);
    return new Uint8Array(Buffer.from(value, 'base64'));
  }
  if (!Array.isArray(value)) return bad(path, 'an array', value);
  return value.map((item, index) => fromJson(element, item, `${path}[${index}]`));
}

function camel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
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
      return type.names.filter((name) => (value as Record<string, boolean>)[camel(name)]);
    case 'record':
      return Object.fromEntries(
        type.fields.map((field) => [
          field.name,
          toJson(field.type, (value as Record<string, unknown>)[camel(field.name)]),
        ]),
      );
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

function taggedToJson(cases: readonly { name: string; type: ValueType | undefined }[], value: unknown): Json {
  const { tag, val } = value as { tag: string; val?: unknown };
  const type = cases.find((item) => item.name === tag)?.type;
  return type === undefined ? { tag } : { tag, val: toJson(type, val) };
}
