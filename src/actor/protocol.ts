import { RuntimeError } from '../errors/index.ts';
import { isPayloadSpec, type PayloadSpec } from './schema.ts';

/** An `ask` operation: what is sent and what comes back. */
export interface AskSpec {
  readonly in: PayloadSpec;
  readonly out: PayloadSpec;
}

/** What an actor understands (`tell`, `ask`, `stream`) and reports (`event`), by name. */
export interface ProtocolSpec {
  readonly tell?: Readonly<Record<string, PayloadSpec>>;
  readonly ask?: Readonly<Record<string, AskSpec>>;
  /** What is sent, and what comes back again and again. */
  readonly stream?: Readonly<Record<string, AskSpec>>;
  readonly event?: Readonly<Record<string, PayloadSpec>>;
}

/** The typed contract of an actor; made by {@link protocol}. */
export interface Protocol<S extends ProtocolSpec = ProtocolSpec> {
  /** Name and version, `demo:counter@1.0.0` for example; the label under which actors are counted. */
  readonly name: string;
  readonly spec: S;
}

/** The protocol of which nothing is known. */
export type NoProtocol = Protocol<Record<never, never>>;

type NoOperations = Readonly<Record<never, never>>;

/** The `tell` operations of a protocol. */
export type Tells<P> = P extends Protocol<infer S> ? (S extends { tell: infer T } ? T : NoOperations) : never;
/** The `ask` operations of a protocol. */
export type Asks<P> = P extends Protocol<infer S> ? (S extends { ask: infer A } ? A : NoOperations) : never;
/** The `stream` operations of a protocol. */
export type Streams<P> = P extends Protocol<infer S> ? (S extends { stream: infer T } ? T : NoOperations) : never;
/** The events of a protocol. */
export type Events<P> = P extends Protocol<infer S> ? (S extends { event: infer E } ? E : NoOperations) : never;

/** Characters of the name of a protocol or an operation. They become metric labels and parts of messages. */
export const OPERATION_NAME_MAX = 255;

const PROTOCOL_NAME = /^[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,254}$/;

/** They would change what a plain object is: `then` makes it awaitable, the others reach its prototype. */
const RESERVED_NAMES = new Set(['then', 'constructor', '__proto__', 'prototype']);

/**
 * Declares what an actor understands, apart from how it does it: senders need only this.
 *
 * @param name Name and version: letters, digits and `_ . : / @ + -`, at most 255.
 * @param spec Operations by kind. Payloads are named by `type<T>()` or by a Standard Schema, which is then checked.
 *
 * @throws {RuntimeError} `PROTOCOL_INVALID` — a name is not well-formed or reserved, or a payload is not named.
 *
 * @example
 * ```ts
 * const Counter = protocol('demo:counter@1.0.0', {
 *   tell: { add: type<{ by: number }>() },
 *   ask: { get: { in: type<void>(), out: type<number>() } },
 *   event: { changed: type<{ n: number }>() },
 * });
 * ```
 */
export function protocol<const S extends ProtocolSpec>(name: string, spec: S): Protocol<S> {
  if (!PROTOCOL_NAME.test(name)) {
    const rule = 'use letters, digits and "_.:/@+-", at most 255 characters';
    throw new RuntimeError('PROTOCOL_INVALID', `Cannot declare protocol ${JSON.stringify(name)}: ${rule}`);
  }
  for (const kind of ['tell', 'ask', 'stream', 'event'] as const) {
    for (const [operation, payload] of Object.entries(spec[kind] ?? {})) {
      assertOperationName(name, operation);
      const isAsked = kind === 'ask' || kind === 'stream';
      if (isAsked ? isAskSpec(payload) : isPayloadSpec(payload)) continue;
      const rule = isAsked ? '"in" and "out" are' : 'its payload is';
      throw new RuntimeError(
        'PROTOCOL_INVALID',
        `Cannot declare ${kind} ${JSON.stringify(operation)} of "${name}": ${rule} named by "type<T>()" or a Standard Schema`,
      );
    }
  }
  return Object.freeze({ name, spec });
}

function isAskSpec(spec: unknown): boolean {
  return (
    typeof spec === 'object' && spec !== null && ['in', 'out'].every((key) => isPayloadSpec(Reflect.get(spec, key)))
  );
}

/** Whether an operation of that name cannot be declared. */
export function isReservedName(operation: string): boolean {
  return RESERVED_NAMES.has(operation);
}

/** Throws `PROTOCOL_INVALID` unless `operation` can name an operation of `owner`. */
export function assertOperationName(owner: string, operation: string): void {
  const sized = operation.length > 0 && operation.length <= OPERATION_NAME_MAX;
  if (sized && !isReservedName(operation)) return;
  const why = sized ? 'the name is reserved' : `a name has 1 to ${OPERATION_NAME_MAX} characters`;
  throw new RuntimeError(
    'PROTOCOL_INVALID',
    `Cannot declare operation ${JSON.stringify(operation.slice(0, 40))} of "${owner}": ${why}`,
  );
}
