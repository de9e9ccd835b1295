import type { RuntimeError } from '../errors/index.ts';
import type { Asks, Events, Protocol, Streams, Tells } from './protocol.ts';
import type { Received, Sent } from './schema.ts';

/**
 * What became of a `tell`. `ok` means that the message is in the mailbox; nothing is said of its handling. The values
 * are shared and frozen: compare, do not keep them apart.
 */
export type TellResult = { readonly ok: true } | { readonly ok: false; readonly error: RuntimeError };

/** How long to wait for a reply, and what ends the wait early. */
export interface AskOptions {
  /** Milliseconds from this call, on the system's clock. Integer, 1 to 3_600_000. Default 5_000, as OTP's `gen_server:call`. */
  readonly timeoutMs?: number;
  /** Ends the wait early with `ASK_CANCELLED`. The receiver is not told; if it has not begun, the message is dropped unread. */
  readonly signal?: AbortSignal;
}

/** How long to wait for room, and what ends the wait early. */
export interface PutOptions {
  /** Milliseconds. Integer, 1 to 3_600_000. Default 5_000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How a message is delivered at least once. */
export interface DeliverOptions {
  /**
   * Names the message among those to this actor: 1 to 128 letters, digits and `_.:-`. A second one of the same id is taken
   * for the first, while that is kept, and until 1,024 more with ids were handled. Default: each message is one of its own.
   */
  readonly id?: string;
}

/** How to listen to an event. */
export interface EventOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Events kept for a slow reader; then the oldest is dropped and counted. Integer, 1 to 65_536. Default 256. */
  readonly capacity?: number;
}

/**
 * Events of one kind, in the order in which they were emitted, from the moment of the call on. Ends when the actor stops.
 *
 * It takes events, up to its capacity, also while nobody reads: end it by leaving the loop, by `return()` or by a signal.
 */
export interface EventStream<T> extends AsyncIterableIterator<T, undefined> {
  /** Events that were dropped so far because the reader was slow. */
  readonly dropped: number;
  return(): Promise<IteratorResult<T, undefined>>;
}

/** Why an actor is no more. */
export interface Termination {
  /**
   * `stopped`: it was asked to, or ended itself. `killed`: without finishing. `failed`: it failed and was not to be
   * restarted. `escalated`: it failed more often than its supervision allows.
   */
  readonly kind: 'stopped' | 'killed' | 'failed' | 'escalated';
  /** The last failure, for `failed` and `escalated`; why, for `killed` after a deadline. */
  readonly error?: RuntimeError;
}

/** How to stop an actor. */
export interface StopOptions {
  /** Milliseconds for the current message, the children and the stop hook together; then it is killed. Default: the actor's `stopTimeoutMs`. */
  readonly deadlineMs?: number;
}

/**
 * The only way to reach an actor. Valid for ever: after the actor has stopped, it answers `ACTOR_STOPPED`. There may be
 * several of one actor, which are different objects: compare their `name`, which no other living actor of the system has.
 *
 * A reference that a context gave out (`ctx.ref(other)`) sends in that actor's name: its messages carry the sender, its
 * asks inherit the deadline of the message being handled and are refused when they would wait in a circle.
 *
 * One of an actor that understands more passes for one of an actor that understands less.
 */
export interface ActorRef<out P extends Protocol = Protocol<Record<never, never>>> {
  /** The name in the registry; `~` and a number for an actor without one. */
  readonly name: string;
  /** The name of the actor's protocol. */
  readonly type: string;
  /**
   * Sends and does not wait. Each operation returns at once whether the mailbox took the message; it never throws.
   *
   * Errors: `MAILBOX_FULL` (retry after a pause), `ACTOR_STOPPED`, `MESSAGE_INVALID` (where the protocol has a schema).
   */
  readonly tell: { readonly [K in keyof Tells<P>]: (payload: Sent<Tells<P>[K]>) => TellResult };
  /**
   * Sends, and waits for room in a full mailbox; what waits is in order. Resolves when the message is in the mailbox.
   *
   * Rejects with `MAILBOX_FULL` (no room in time, or 1,024 wait already), `ASK_CANCELLED` (the signal), `ACTOR_STOPPED`,
   * `MESSAGE_INVALID`.
   *
   * @example `for (const row of rows) await ref.put.add(row);` is as fast as the actor, and no faster.
   */
  readonly put: {
    readonly [K in keyof Tells<P>]: (payload: Sent<Tells<P>[K]>, options?: PutOptions) => Promise<void>;
  };
  /**
   * Sends so that nothing of it is lost: resolves when the message is on disk, from where it is delivered to whoever has
   * this actor's name, until it was handled and, where that is durable, the state that it left is on disk too. A handler
   * that fails gets it again, after 100 ms and twice as long each time (30 s at most); after ten deliveries it is a dead
   * letter. It may be handled more than once, and after later ones: make it idempotent, or the actor durable.
   *
   * Rejects with `DELIVERY_UNAVAILABLE` (no store, or the actor has no name), `MESSAGE_UNSERIALIZABLE` (no plain data, or
   * more than 1 MiB), `OUTBOX_FULL`, `OUTBOX_CORRUPT`, `MESSAGE_INVALID`, with a `RangeError` for an id, or as a write of
   * the store; after `STORE_TIMEOUT` and `STORE_LOST` it may have been kept: send it again with the same id.
   */
  readonly deliver: {
    readonly [K in keyof Tells<P>]: (payload: Sent<Tells<P>[K]>, options?: DeliverOptions) => Promise<void>;
  };
  /**
   * Sends and resolves with the reply.
   *
   * Rejects with `ASK_TIMEOUT` (no reply in time, outcome unknown), `ASK_CANCELLED`, `ASK_DEADLOCK`, `MAILBOX_FULL`,
   * `ACTOR_STOPPED`, `ACTOR_FAILED` (it failed on this message), `MESSAGE_INVALID`, what the actor refused it with, or
   * with a `RangeError` when `timeoutMs` is out of range.
   */
  readonly ask: {
    readonly [K in keyof Asks<P>]: Asks<P>[K] extends { in: infer I; out: infer O }
      ? (payload: Sent<I>, options?: AskOptions) => Promise<Received<O>>
      : never;
  };
  /**
   * Reads what the actor makes, one step at a time: each is an ask, and is made when the reader wants it, so that nothing
   * is dropped and nothing piles up. Leaving the loop ends it. Options and errors as of `ask`, for each step; `ACTOR_STOPPED`
   * too when the actor was restarted in between.
   */
  readonly stream: {
    readonly [K in keyof Streams<P>]: Streams<P>[K] extends { in: infer I; out: infer O }
      ? (payload: Sent<I>, options?: AskOptions) => AsyncIterableIterator<Received<O>, undefined>
      : never;
  };
  /** Listens to what the actor emits. */
  readonly on: { readonly [K in keyof Events<P>]: (options?: EventOptions) => EventStream<Received<Events<P>[K]>> };
  /** `tell` by the operation's name, for tools. Also answers `OPERATION_UNKNOWN`, with the names that come close. */
  tellOp(op: string, payload: unknown): TellResult;
  /** `ask` by the operation's name, for tools. Also rejects with `OPERATION_UNKNOWN`, with the names that come close. */
  askOp(op: string, payload: unknown, options?: AskOptions): Promise<unknown>;
  /** Settles when the start now under way is done: rejects with `ACTOR_START_FAILED`, or `ACTOR_STOPPED` if it is too late. */
  readonly ready: Promise<void>;
  /** Resolves when the actor is no more; it never rejects. */
  readonly terminated: Promise<Termination>;
  /**
   * Lets it finish the current message, stops its children, runs its stop hook. Resolves when it is no more; rejects only
   * with a `RangeError`. An actor that awaits its own end waits for its deadline: it uses `ctx.stop()` instead.
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Takes nothing more, handles what it has accepted, then stops as by `stop()`. At the deadline it stops with what is left,
   * which becomes dead letters. Refuses with `ACTOR_STOPPED` meanwhile. What it sends itself is taken, and not waited for.
   *
   * @param options.deadlineMs Milliseconds, 1 to 3_600_000. Default 20_000.
   */
  drain(options?: StopOptions): Promise<void>;
  /** No more code of it runs, except what a TypeScript handler is in the middle of. Its children are killed with it. */
  kill(): void;
}
