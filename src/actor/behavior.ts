import type { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { ActorRef, TellResult } from './actor-ref.ts';
import type { Condition } from './condition.ts';

/**
 * Below protocols: how a cell runs anything. TypeScript actors have a built-in fast path; component actors implement
 * this. One object per incarnation: a restart disposes of it and creates the next.
 *
 * A cell calls it in this order: `start`, then `run` any number of times (never two at once), then `stop` if it ends in
 * order, then `dispose` in every case.
 */
export interface Behavior {
  /** Before the first message of every incarnation; a throw or rejection fails the start, and the supervisor decides. `saved`: what {@link snapshot} gave. */
  start(context: BehaviorContext, saved?: Uint8Array): void | Promise<void>;
  /**
   * Runs one turn: calls `turn.take()` until it gives `undefined` (mailbox empty, throughput or time used up, stop
   * requested). Between takes it must settle what it took. Returns a promise if it suspended; a throw or rejection
   * fails the message being handled and goes to the supervisor.
   */
  run(turn: Turn): void | Promise<void>;
  /**
   * The whole state, for `start` of a later incarnation; empty: there is nothing to keep. Between two messages, and before
   * `stop`. A throw or rejection is a failure of the actor. Only where the type is defined with `keep`.
   */
  snapshot?(context: BehaviorContext): Uint8Array | Promise<Uint8Array>;
  /** After `context.requestCheck()`, between two messages. A throw or rejection is a failure of the actor. */
  check?(context: BehaviorContext): void | Promise<void>;
  /** After the last message of a stop; not after a failure or a kill. A throw or rejection is reported, nothing else. */
  stop(context: BehaviorContext): void | Promise<void>;
  /**
   * No more code of it may run: release everything, settle nothing for callers (the cell does). Called once, on a kill,
   * after a failure (before a restart) and after a stop; a promise that `start`, `run` or `stop` still owes is not
   * waited for. Never throws.
   *
   * @param reason Why, unless it ended in order.
   */
  dispose(reason: RuntimeError | undefined): void;
}

/** One message, as a behavior sees it. The object is reused: read it before the next `take`. */
export interface Incoming {
  /** `topic`: published to a topic that this actor subscribes to. Only an `ask` has somebody waiting. */
  readonly kind: 'tell' | 'ask' | 'topic';
  /** The operation; for a topic what the subscription names, else the concrete topic. */
  readonly op: string;
  readonly payload: unknown;
  /** The actor that sent it; `undefined` if none did. */
  readonly sender: ActorRef | undefined;
  /** When the sender stops waiting, on the system's clock; 0: nobody waits. */
  readonly deadlineMs: number;
  /** The concrete topic, for `topic`. */
  readonly topic: string | undefined;
}

/** The messages of one turn, one at a time. */
export interface Turn {
  /** The next message, or `undefined`: the turn is over, and `run` must return. Expired messages are not seen. */
  take(): Incoming | undefined;
  /** Settles the ask taken last; does nothing for a tell or a topic, or when it is settled. */
  reply(value: unknown): void;
  /**
   * The operation taken last is answered with a failure: an asker gets it; for a tell or a topic it is counted and
   * published as a dead letter. It is not a failure of the actor.
   */
  refuse(error: RuntimeError): void;
}

/** What somebody has to close. */
export interface Closing {
  /** Never throws. */
  close(): void;
}

/** What a behavior may use from `start` on until `dispose`; afterwards sending answers `ACTOR_STOPPED`. */
export interface BehaviorContext {
  readonly self: ActorRef;
  readonly clock: Clock;
  /** The actor of that name, or behind that reference, reached in this actor's name; `undefined` if no actor has the name. */
  ref(target: string | ActorRef): ActorRef | undefined;
  /** Sends in this actor's name to the actor called `toName`. Errors as of `tell`, and `ACTOR_NOT_FOUND`. */
  tell(toName: string, op: string, payload: unknown): TellResult;
  /**
   * Asks in this actor's name. Within a message, the deadline of that message shortens `timeoutMs`, and an ask that would
   * wait in a circle is refused. Rejects as `ask` does, and with `ACTOR_NOT_FOUND`. If the turn ends first, the
   * promise still settles.
   *
   * @param timeoutMs Integer, 1 to 3_600_000; else a `RangeError`.
   */
  ask(toName: string, op: string, payload: unknown, timeoutMs: number): Promise<unknown>;
  /** Hands `payload` to every subscriber of `topic`; returns how many mailboxes took it. Throws `TOPIC_INVALID`. */
  publish(topic: string, payload: unknown): number;
  /** Milliseconds until the sender of the message being handled stops waiting; `undefined` if nobody waits. 0: too late. */
  remainingMs(): number | undefined;
  /** Has `check` called between two messages, before those that wait. */
  requestCheck(): void;
  /** Says how this incarnation is, for whoever asks after the health of the system. `undefined`: well. */
  report(condition: Pick<Condition, 'status' | 'text'> | undefined): void;
  /**
   * What the actors of this system have in common under `key`: made when first asked for, and closed when the system has
   * stopped, unless `forget`, which `make` is given, was called before.
   */
  shared<T extends Closing>(key: object, make: (forget: () => void) => T): T;
  /** Ends this actor in order, after the current message, as if it had nothing left to do. Its restart type decides what follows. */
  stop(): void;
}
