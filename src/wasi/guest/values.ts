import { RuntimeError } from '../../errors/index.ts';

/** A WIT `result` in its JavaScript form. */
export type Result<T, E> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val: E };

/** What a host function returns that may have to wait; a plain value costs no suspension of the guest. */
export type Eventually<T> = T | Promise<T>;

export type Ok<T> = Extract<Result<T, never>, { tag: 'ok' }>;
export type Err<E> = Extract<Result<never, E>, { tag: 'err' }>;

/** `result<_, E>`'s success. */
export const OK: Ok<undefined> = Object.freeze({ tag: 'ok', val: undefined });

export function ok<T>(val: T): Ok<T> {
  return { tag: 'ok', val };
}

export function err<E>(val: E): Err<E> {
  return { tag: 'err', val };
}

/** Ends the guest with a trap that it cannot catch. */
export function trap(message: string): never {
  throw new RuntimeError('COMPONENT_TRAPPED', message);
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise;
}

/*
 * A component declares the types of what it imports itself, so a hostile one can have a host function called with
 * values of other types than WASI gives it. Every argument passes one of these before it is used.
 */

export function asU64(value: unknown): bigint {
  return typeof value === 'bigint' && value >= 0n ? value : mistyped('u64');
}

export function asS64(value: unknown): bigint {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? value : mistyped('s64');
}

/** As a number, at most `max`: what a guest asks for is never more than what the host is ready to give. */
export function asLength(value: unknown, max: number): number {
  const length = asU64(value);
  return length > BigInt(max) ? max : Number(length);
}

export function asU32(value: unknown): number {
  return Number.isInteger(value) && (value as number) >= 0 ? (value as number) : mistyped('u32');
}

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : mistyped('string');
}

export function asBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : mistyped('list<u8>');
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : mistyped('list');
}

/** Each element is read, a hole too, which `map` would pass over. */
export function asListOf<T>(value: unknown, read: (element: unknown) => T): readonly T[] {
  return Array.from(asList(value), (element) => read(element));
}

/** A record, variant or set of flags. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : mistyped('record');
}

/** A handle's representation. */
export function asResource<T extends object>(value: unknown, type: abstract new (...args: never[]) => T): T {
  return value instanceof type ? value : mistyped('resource');
}

function mistyped(expected: string): never {
  return trap(`Cannot call the WASI function: an argument is not the ${expected} that the interface declares`);
}
