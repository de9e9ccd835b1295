import { RuntimeError } from '../errors/index.ts';
import type { ActorRef, Termination } from './actor-ref.ts';
import { type ActorType, INTERNALS, Operations } from './actor-type.ts';
import type { Cell, Runner, TurnContext } from './cell.ts';
import { type Context, EmitStub, HandlerContext, type TerminatedEvent } from './context.ts';
import type { Handler, Header, Operation } from './header.ts';
import { fail, leave } from './lifecycle.ts';
import { nearestNames } from './name.ts';
import type { Asks, Protocol, Tells } from './protocol.ts';
import { Refusal } from './refusal.ts';
import { type PayloadSpec, type Received, type Sent, toValidator } from './schema.ts';
import { isThenable } from './thenable.ts';
import { afterHandler, complete, dropExpired, isExpired, refuse } from './turn.ts';

type Awaitable<T> = T | Promise<T>;

type TellHandlers<P extends Protocol, S> = {
  readonly [K in keyof Tells<P>]: (context: Context<P, S>, payload: Received<Tells<P>[K]>) => Awaitable<void>;
};

type AskHandlers<P extends Protocol, S> = {
  readonly [K in keyof Asks<P>]: Asks<P>[K] extends { in: infer I; out: infer O }
    ? (context: Context<P, S>, payload: Received<I>) => Awaitable<Sent<O>>
    : never;
};

/** A property that may be left out when there is nothing to put into it. */
type Needed<Name extends string, Handlers> = [keyof Handlers] extends [never]
  ? { readonly [K in Name]?: Handlers }
  : { readonly [K in Name]: Handlers };

/** How an actor does what its protocol says. */
export type Implementation<P extends Protocol, S> = {
  /** Makes the state, before the first message of every incarnation. A throw or rejection fails the start. */
  readonly init: (context: Context<P, unknown>) => Awaitable<S>;
  /** An actor that this one watches has ended. */
  readonly terminated?: (context: Context<P, S>, event: TerminatedEvent) => Awaitable<void>;
  /** After the last message of a stop; not after a failure or a kill. */
  readonly stop?: (context: Context<P, S>) => Awaitable<void>;
} & Needed<'tell', TellHandlers<P, S>> &
  Needed<'ask', AskHandlers<P, S>>;

/**
 * Makes an actor type: `protocol` says what it understands, `implementation` how it does it.
 *
 * A handler that returns a promise suspends its actor, and only it, until the promise settles: one message at a time,
 * always. A handler that throws is a failure of the actor, which its supervisor decides about; to answer an ask with an
 * error without failing, use `ctx.refuse(error)`.
 *
 * @throws {RuntimeError} `PROTOCOL_INVALID` — an operation has no handler, a handler has no operation, `init` is missing.
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
export function implement<P extends Protocol, S>(protocol: P, implementation: Implementation<P, S>): ActorType<P> {
  const { spec, name } = protocol;
  const handlers = implementation as unknown as AnyImplementation;
  const operations: Operation[] = [];
  for (const [operation, payload] of Object.entries(spec.tell ?? {})) {
    const handler = findHandler(protocol, handlers, { kind: 'tell', name: operation });
    operations.push(makeOperation({ kind: 'tell', name: operation, handler, payload, reply: undefined }));
  }
  for (const [operation, ask] of Object.entries(spec.ask ?? {})) {
    const handler = findHandler(protocol, handlers, { kind: 'ask', name: operation });
    operations.push(makeOperation({ kind: 'ask', name: operation, handler, payload: ask.in, reply: ask.out }));
  }
  refuseSpareHandlers(protocol, handlers);
  assertHooks(protocol, handlers);
  const events = Object.keys(spec.event ?? {});
  const runner = new HandlerRunner(handlers, events);
  return { name, [INTERNALS]: { protocol, operations: new Operations(name, operations), events, runner } };
}

/** An implementation whose types have been checked. */
interface AnyImplementation {
  readonly init: (context: never) => unknown;
  readonly tell?: Readonly<Record<string, Handler>>;
  readonly ask?: Readonly<Record<string, Handler>>;
  readonly terminated?: (context: never, event: TerminatedEvent) => unknown;
  readonly stop?: (context: never) => unknown;
}

interface OperationParts {
  readonly kind: 'tell' | 'ask';
  readonly name: string;
  readonly handler: Handler;
  readonly payload: PayloadSpec;
  readonly reply: PayloadSpec | undefined;
}

function makeOperation({ kind, name, handler, payload, reply }: OperationParts): Operation {
  const validateIn = toValidator(payload, `the payload of "${name}"`);
  const validateOut = reply === undefined ? undefined : toValidator(reply, `the reply of "${name}"`);
  return { kind, name, handler, validateIn, validateOut };
}

interface OperationName {
  readonly kind: 'tell' | 'ask';
  readonly name: string;
}

function findHandler(protocol: Protocol, { tell, ask }: AnyImplementation, { kind, name }: OperationName): Handler {
  const handlers = (kind === 'tell' ? tell : ask) ?? {};
  if (Object.hasOwn(handlers, name) && typeof handlers[name] === 'function') return handlers[name];
  throw new RuntimeError('PROTOCOL_INVALID', `Cannot implement "${protocol.name}": ${kind} "${name}" has no handler`);
}

function refuseSpareHandlers(protocol: Protocol, { tell, ask }: AnyImplementation): void {
  for (const [kind, handlers] of Object.entries({ tell, ask }) as ['tell' | 'ask', object | undefined][]) {
    const known = Object.keys(protocol.spec[kind] ?? {});
    const spare = Object.keys(handlers ?? {}).find((name) => !known.includes(name));
    if (spare === undefined) continue;
    const near = nearestNames(spare, known)[0];
    const help = near === undefined ? '' : `; did you mean "${near}"?`;
    const why = `the protocol has no ${kind} "${spare}"${help}`;
    throw new RuntimeError('PROTOCOL_INVALID', `Cannot implement "${protocol.name}": ${why}`);
  }
}

function assertHooks(protocol: Protocol, { init, terminated, stop }: AnyImplementation): void {
  for (const [name, hook] of Object.entries({ init, terminated, stop })) {
    if (typeof hook === 'function' || (hook === undefined && name !== 'init')) continue;
    const why = hook === undefined ? `"${name}" is missing` : `"${name}" is not a function`;
    throw new RuntimeError('PROTOCOL_INVALID', `Cannot implement "${protocol.name}": ${why}`);
  }
}

/** Runs actors whose operations are handlers: the fast path. */
class HandlerRunner implements Runner {
  readonly #implementation: AnyImplementation;
  readonly #contextType: { readonly Emit: typeof EmitStub; readonly takesTerminated: boolean };

  constructor(implementation: AnyImplementation, events: readonly string[]) {
    this.#implementation = implementation;
    const Emit = class extends EmitStub {};
    for (const event of events) EmitStub.define(Emit.prototype, event);
    this.#contextType = { Emit, takesTerminated: implementation.terminated !== undefined };
  }

  createContext(cell: Cell): TurnContext {
    return new HandlerContext(cell, this.#contextType);
  }

  start(cell: Cell): unknown {
    const context = cell.context as HandlerContext;
    const state = this.#implementation.init(context as never);
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
        context.header = header;
        const result = (header.operation.handler as Handler)(context, message);
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

  onTerminated(cell: Cell, ref: ActorRef, termination: Termination): unknown {
    return this.#implementation.terminated?.(cell.context as never, { ref, termination });
  }

  stop(cell: Cell): unknown {
    return this.#implementation.stop?.(cell.context as never);
  }

  /** Nothing to release: what a handler holds, its own code lets go. */
  dispose(): void {}

  #failed(cell: Cell, error: unknown, lost: { readonly message: unknown; readonly header: Header }): void {
    if (!Refusal.is(error)) {
      fail(cell, error, lost);
      return;
    }
    refuse(cell, lost, error.error);
    cell.context?.endMessage();
  }
}
