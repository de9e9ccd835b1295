import { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import type { ActorRef, Termination } from './actor-ref.ts';
import { type ActorType, INTERNALS, Operations } from './actor-type.ts';
import type { Cell, Runner, TurnContext } from './cell.ts';
import { type Context, defineContextType, EmitStub, HandlerContext, type TerminatedEvent } from './context.ts';
import { type AnyDurable, beginSaved, type Durable, toKeepPlan } from './durable-state.ts';
import type { BatchHandler, Handler, Header, Operation } from './header.ts';
import type { KeepPlan } from './keeper.ts';
import { fail, leave } from './lifecycle.ts';
import { nearestNames } from './name.ts';
import type { AskSpec, Asks, Protocol, Streams, Tells } from './protocol.ts';
import { type PayloadSpec, type Received, type Sent, toValidator } from './schema.ts';
import { streamOperation } from './streams.ts';
import { isThenable } from './thenable.ts';
import { afterHandler, buryRest, carryOut, carryOutAll, complete, dropExpired, isExpired } from './turn.ts';
import { Verdict } from './verdict.ts';

type Awaitable<T> = T | Promise<T>;

/** What they return is awaited if it is a promise, and ignored. */
type TellHandlers<P extends Protocol, S> = {
  readonly [K in keyof Tells<P>]:
    | ((context: Context<P, S>, payload: Received<Tells<P>[K]>) => unknown)
    | Batch<Context<P, S>, Received<Tells<P>[K]>>;
};

/**
 * Handles messages that follow one another in the mailbox together, as many as are there. They are handled as one message
 * without a sender: if that fails, all are lost.
 */
export interface Batch<C, T> {
  batch(context: C, payloads: readonly T[]): unknown;
  /** Messages at a time. Integer, 1 to 65,536. Default 64. */
  readonly max?: number;
}

/** What a handler of an operation with an answer gets, and what it has to give. */
type Question<O> = O extends AskSpec ? Received<O['in']> : never;
type Answer<O> = O extends AskSpec ? Sent<O['out']> : never;

type StreamHandlers<P extends Protocol, S> = {
  readonly [K in keyof Streams<P>]: (
    context: Context<P, S>,
    payload: Question<Streams<P>[K]>,
  ) => Iterable<Answer<Streams<P>[K]>> | AsyncIterable<Answer<Streams<P>[K]>>;
};

type AskHandlers<P extends Protocol, S> = {
  readonly [K in keyof Asks<P>]: (
    context: Context<P, S>,
    payload: Question<Asks<P>[K]>,
  ) => Awaitable<Answer<Asks<P>[K]>>;
};

/** That handlers are there for every kind of operation that the protocol has. Names no state: see {@link Implementation}. */
type Needed<P> =
  P extends Protocol<infer Spec> ? { readonly [K in keyof Spec as K & ('tell' | 'ask' | 'stream')]: unknown } : never;

/** How an actor does what its protocol says. */
export type Implementation<P extends Protocol, S, D = S> = {
  /** Makes the state, before the first message of every incarnation. A throw or rejection fails the start. */
  readonly init: (context: Context<P, unknown>) => Awaitable<S>;
  /** What is kept of the state, and when. Default: nothing is. */
  readonly durable?: Durable<Context<P, unknown>, S, D>;
  /** An actor that this one watches has ended. */
  readonly terminated?: (context: Context<P, S>, event: TerminatedEvent) => unknown;
  /** After the last message of a stop; not after a failure or a kill. */
  readonly stop?: (context: Context<P, S>) => unknown;
  /** Operations whose messages come before all others, among themselves in order. */
  readonly urgent?: readonly (keyof Tells<P> | keyof Asks<P>)[];
  // No conditional type here names `S`: the compiler would take it for unknown before it has looked at `init`.
  readonly tell?: TellHandlers<P, S>;
  readonly ask?: AskHandlers<P, S>;
  readonly stream?: StreamHandlers<P, S>;
} & Needed<P>;

/**
 * Makes an actor type: `protocol` says what it understands, `implementation` how it does it.
 *
 * A handler that returns a promise suspends its actor, and only it, until the promise settles: one message at a time,
 * always. A handler that throws is a failure of the actor, which its supervisor decides about; to answer an ask with an
 * error without failing, use `ctx.refuse(error)`.
 *
 * @throws {RuntimeError} `PROTOCOL_INVALID` — an operation has no handler, a handler has no operation, `init` is missing,
 *   a migration of `durable` is of no version before the present one.
 * @throws {RangeError} A number of `durable` or of a batch is out of range.
 *
 * @example
 * ```ts
 * const counter = implement(Counter, {
 *   init: () => ({ n: 0 }),
 *   tell: { add(ctx, { by }) { ctx.state.n += by; ctx.emit.changed({ n: ctx.state.n }); } },
 *   ask: { get: (ctx) => ctx.state.n },
 * });
 * ```
 */
export function implement<P extends Protocol, S, D = S>(
  protocol: P,
  implementation: Implementation<P, S, D>,
): ActorType<P> {
  const { spec, name } = protocol;
  const handlers = implementation as unknown as AnyImplementation;
  const operations: Operation[] = [];
  const urgent = urgentOperations(protocol, handlers);
  for (const [operation, payload] of Object.entries(spec.tell ?? {})) {
    const handler = findHandler(protocol, handlers, { kind: 'tell', name: operation });
    const isUrgent = urgent.has(operation);
    operations.push(makeOperation({ kind: 'tell', name: operation, handler, payload, reply: undefined, isUrgent }));
  }
  for (const [operation, ask] of Object.entries(spec.ask ?? {})) {
    const handler = findHandler(protocol, handlers, { kind: 'ask', name: operation });
    const isUrgent = urgent.has(operation);
    operations.push(
      makeOperation({ kind: 'ask', name: operation, handler, payload: ask.in, reply: ask.out, isUrgent }),
    );
  }
  const streams = Object.entries(spec.stream ?? {}).map(([operation, stream]) => {
    const handler = findHandler(protocol, handlers, { kind: 'stream', name: operation }) as Handler;
    const validateIn = toValidator(stream.in, `what opens "${operation}"`);
    return streamOperation(operation, handler, { validateIn, validateOut: toValidator(stream.out, `"${operation}"`) });
  });
  refuseSpareHandlers(protocol, handlers);
  assertHooks(protocol, handlers);
  const events = Object.keys(spec.event ?? {});
  const runner = new HandlerRunner(handlers, events, toKeepPlan(name, handlers.durable));
  return { name, [INTERNALS]: { protocol, operations: new Operations(name, operations, streams), events, runner } };
}

/** An implementation whose types have been checked. */
interface AnyImplementation {
  readonly init: (context: never) => unknown;
  readonly tell?: Readonly<Record<string, Handler | BatchHandler>>;
  readonly ask?: Readonly<Record<string, Handler>>;
  readonly stream?: Readonly<Record<string, Handler>>;
  readonly terminated?: (context: never, event: TerminatedEvent) => unknown;
  readonly stop?: (context: never) => unknown;
  readonly urgent?: readonly string[];
  readonly durable?: AnyDurable;
}

interface OperationParts {
  readonly kind: 'tell' | 'ask';
  readonly name: string;
  readonly handler: Handler | BatchHandler;
  readonly payload: PayloadSpec;
  readonly reply: PayloadSpec | undefined;
  readonly isUrgent: boolean;
}

function makeOperation({ kind, name, handler, payload, reply, isUrgent }: OperationParts): Operation {
  const validateIn = toValidator(payload, `the payload of "${name}"`);
  const validateOut = reply === undefined ? undefined : toValidator(reply, `the reply of "${name}"`);
  const isBatch = typeof handler !== 'function';
  return {
    kind,
    name,
    handler: isBatch ? undefined : handler,
    batch: isBatch ? handler : undefined,
    validateIn,
    validateOut,
    isUrgent,
  };
}

interface OperationName {
  readonly kind: 'tell' | 'ask' | 'stream';
  readonly name: string;
}

/** Messages of one batch, unless told otherwise: those of a turn. */
const BATCH = 64;

/** The most, as of a turn. */
const BATCH_MAX = 65_536;

function findHandler(
  protocol: Protocol,
  implementation: AnyImplementation,
  { kind, name }: OperationName,
): Handler | BatchHandler {
  const handlers = implementation[kind] ?? {};
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (typeof handler === 'function') return handler;
  if (kind === 'tell' && typeof handler?.batch === 'function') {
    const { max = BATCH } = handler;
    if (Number.isInteger(max) && max >= 1 && max <= BATCH_MAX) return handler;
    throw new RangeError(`Batches of "${name}" have from 1 to ${BATCH_MAX} messages, not ${max}`);
  }
  throw new RuntimeError('PROTOCOL_INVALID', `Cannot implement "${protocol.name}": ${kind} "${name}" has no handler`);
}

function refuseSpareHandlers(protocol: Protocol, { tell, ask, stream }: AnyImplementation): void {
  const kinds = Object.entries({ tell, ask, stream }) as [OperationName['kind'], object | undefined][];
  for (const [kind, handlers] of kinds) {
    const known = Object.keys(protocol.spec[kind] ?? {});
    const spare = Object.keys(handlers ?? {}).find((name) => !known.includes(name));
    if (spare === undefined) continue;
    const near = nearestNames(spare, known)[0];
    const help = near === undefined ? '' : `; did you mean "${near}"?`;
    const why = `the protocol has no ${kind} "${spare}"${help}`;
    throw new RuntimeError('PROTOCOL_INVALID', `Cannot implement "${protocol.name}": ${why}`);
  }
}

/** @throws {RuntimeError} `PROTOCOL_INVALID` — the protocol has no such operation. */
function urgentOperations(protocol: Protocol, { urgent = [] }: AnyImplementation): ReadonlySet<string> {
  const known = [...Object.keys(protocol.spec.tell ?? {}), ...Object.keys(protocol.spec.ask ?? {})];
  const unknown = urgent.find((name) => !known.includes(name));
  if (unknown === undefined) return new Set(urgent);
  throw new RuntimeError(
    'PROTOCOL_INVALID',
    `Cannot implement "${protocol.name}": there is no operation ${JSON.stringify(unknown)} to be urgent`,
  );
}

function assertHooks(protocol: Protocol, { init, terminated, stop }: AnyImplementation): void {
  for (const [name, hook] of Object.entries({ init, terminated, stop })) {
    if (typeof hook === 'function' || (hook === undefined && name !== 'init')) continue;
    const why = hook === undefined ? `"${name}" is missing` : `"${name}" is not a function`;
    throw new RuntimeError('PROTOCOL_INVALID', `Cannot implement "${protocol.name}": ${why}`);
  }
}

/** The messages that go with `first`: those that follow it and are of the same operation. */
function takeBatch({ mailbox }: Cell, first: Lost<Header>): Lost<Header>[] {
  const { operation } = first.header;
  // One that somebody waits for is told of by itself.
  const max = first.header.isPending ? 1 : (operation.batch?.max ?? BATCH);
  const batch = [first];
  for (
    let header = mailbox.peekHeader();
    header?.operation === operation && !header.isPending && batch.length < max;
  ) {
    batch.push({ message: mailbox.take(), header });
    header = mailbox.peekHeader();
  }
  return batch;
}

/** Runs actors whose operations are handlers: the fast path. */
class HandlerRunner implements Runner {
  readonly #implementation: AnyImplementation;
  readonly #plan: KeepPlan | undefined;
  readonly endsSilently: boolean;

  constructor(implementation: AnyImplementation, events: readonly string[], plan: KeepPlan | undefined) {
    this.#implementation = implementation;
    this.#plan = plan;
    this.endsSilently = implementation.stop === undefined;
    const Emit = class extends EmitStub {};
    for (const event of events) EmitStub.define(Emit.prototype, event);
    defineContextType(this, { Emit, takesTerminated: implementation.terminated !== undefined });
  }

  createContext(cell: Cell): TurnContext {
    return new HandlerContext(cell);
  }

  start(cell: Cell): unknown {
    if (this.#plan !== undefined) return beginSaved(cell, this.#plan, (saved) => this.#begin(cell, saved));
    return this.#begin(cell, undefined);
  }

  #begin(cell: Cell, saved: { readonly state: unknown } | undefined): unknown {
    const context = cell.context as HandlerContext;
    const { init, durable } = this.#implementation;
    const restore = durable?.restore ?? ((_: never, kept: unknown) => kept);
    const state = saved === undefined ? init(context as never) : restore(context as never, saved.state);
    if (!isThenable(state)) {
      context.state = state;
      return undefined;
    }
    return Promise.resolve(state).then((value) => {
      context.state = value;
    });
  }

  run(cell: Cell, quota: number): void {
    const { mailbox } = cell;
    const context = cell.context as TurnContext;
    let header: Header | undefined;
    let message: unknown;
    let handled = 0;
    try {
      while (handled < quota) {
        header = mailbox.peekHeader();
        if (header === undefined) break;
        message = mailbox.take();
        if (isExpired(cell, header)) {
          dropExpired(cell, { message, header });
          continue;
        }
        handled++;
        const { handler } = header.operation;
        if (handler === undefined) {
          const batch = takeBatch(cell, { message, header });
          handled += batch.length - 1;
          if (this.#runBatch(cell, batch)) continue;
          cell.handled += handled;
          return;
        }
        context.header = header;
        const result = handler(context, message);
        if (result === undefined && !header.isPending && !context.hasAsked) continue;
        if (isThenable(result)) {
          leave(cell, result, afterHandler(cell, { message, header }));
          cell.handled += handled;
          return;
        }
        complete(cell, { message, header }, result);
        if (context.hasAsked) context.endMessage();
      }
    } catch (error) {
      cell.handled += handled;
      this.#failed(cell, error, { message, header: header as Header });
      return;
    }
    cell.handled += handled;
    context.endMessage();
  }

  /** Returns whether the cell goes on; else it waits, or has failed. */
  #runBatch(cell: Cell, batch: readonly Lost<Header>[]): boolean {
    const [first, ...rest] = batch as [Lost<Header>, ...Lost<Header>[]];
    const context = cell.context as TurnContext;
    // Of one that is kept, whoever keeps it hears what becomes of it, also if the actor is killed meanwhile.
    context.header = first.header.isPending ? first.header : null;
    try {
      const { operation } = first.header;
      const payloads = batch.map(({ message }) => message);
      const result = (operation.batch as BatchHandler).batch(context, payloads);
      if (!isThenable(result)) {
        first.header.settle(undefined);
        context.endMessage();
        return true;
      }
      leave(cell, result, afterHandler(cell, first, rest));
      return false;
    } catch (error) {
      if (Verdict.is(error) && error.decided.kind !== 'stash') {
        context.endMessage();
        carryOutAll(cell, batch, error);
        return true;
      }
      buryRest(cell, rest, error);
      fail(cell, error, first);
      return false;
    }
  }

  onTerminated(cell: Cell, ref: ActorRef, termination: Termination): unknown {
    return this.#implementation.terminated?.(cell.context as never, { ref, termination });
  }

  stop(cell: Cell): unknown {
    return this.#implementation.stop?.(cell.context as never);
  }

  snapshot(cell: Cell): unknown {
    const { state } = cell.context as HandlerContext;
    const { snapshot } = this.#implementation.durable ?? {};
    return snapshot === undefined ? state : snapshot(state as never);
  }

  /** Nothing to release: what a handler holds, its own code lets go. */
  dispose(): void {}

  #failed(cell: Cell, error: unknown, lost: { readonly message: unknown; readonly header: Header }): void {
    if (!Verdict.is(error)) {
      fail(cell, error, lost);
      return;
    }
    cell.context?.endMessage();
    carryOut(cell, lost, error);
  }
}
