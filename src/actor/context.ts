import { type ErrorDetails, RuntimeError } from '../errors/index.ts';
import type { ActorRef, DeliverOptions, Termination } from './actor-ref.ts';
import type { ActorType } from './actor-type.ts';
import { link, unlink, unwatch, watch } from './bonds.ts';
import { type Cell, TurnContext } from './cell.ts';
import { LocalRef } from './local-ref.ts';
import type { SpawnOptions } from './options.ts';
import { type AnyIterator, type Outcome, OwnMessages } from './own-messages.ts';
import type { Asks, Events, Protocol, Tells } from './protocol.ts';
import type { Received, Sent } from './schema.ts';
import { spawn } from './spawn.ts';
import { publishDurably, subscribe } from './subscribe.ts';
import type { SubscribeOptions } from './subscription.ts';
import { isThenable } from './thenable.ts';
import { Verdict } from './verdict.ts';

/** What a handler knows and can do. Valid, also after an `await`, until its incarnation ends. */
export interface Context<P extends Protocol = Protocol<Record<never, never>>, S = unknown> {
  /** What `init` returned. May be replaced. */
  state: S;
  /** The actor itself, in nobody's name: give this one to others. */
  readonly self: ActorRef<P>;
  /** The actor that sent the message being handled; `undefined` if none did. */
  readonly sender: ActorRef | undefined;
  /** The topic to which the message being handled was published. */
  readonly topic: string | undefined;
  /** Milliseconds until the asker stops waiting, 0 when it is too late; `undefined` if nobody waits. */
  readonly remainingMs: number | undefined;
  /** Reports events to those who listen. Costs nothing when nobody does. */
  readonly emit: { readonly [K in keyof Events<P>]: (event: Received<Events<P>[K]>) => void };
  /**
   * The same actor, reached in this actor's name: messages carry the sender, asks made while a message is handled
   * inherit what is left of its deadline and are refused with `ASK_DEADLOCK` when they would wait in a circle. Keep the
   * result for as long as this incarnation lives.
   */
  ref<Q extends Protocol>(ref: ActorRef<Q>): ActorRef<Q>;
  /** The actor of that name, reached in this actor's name. Errors as of `ActorSystem.lookup`. */
  lookup<Q extends Protocol = Protocol<Record<never, never>>>(name: string, protocol?: Q): ActorRef<Q> | undefined;
  /** Spawns a child: it stops when this actor stops, restarts or fails. Its name is `<own name>/<name>`. */
  spawn<Q extends Protocol>(type: ActorType<Q>, name?: string, options?: SpawnOptions): ActorRef<Q>;
  /** From now on `terminated` is called when that actor ends; at once, if it has ended. Forgotten on a restart. */
  watch(ref: ActorRef): void;
  /** From now on `terminated` is not called for that actor, not even if it has ended and the notice is on its way. */
  unwatch(ref: ActorRef): void;
  /**
   * From now on a failure of either is a failure of both, after the message that the other is handling; each is dealt with
   * by its own supervision. An end in order is no failure. Holds for the present incarnation of both. To one that has
   * stopped: this actor fails.
   */
  link(ref: ActorRef): void;
  /** Undoes {@link link}, from either side. */
  unlink(ref: ActorRef): void;
  /** Hands `payload` to every subscriber of `topic`; returns how many mailboxes took it. Throws `TOPIC_INVALID`. */
  publish(topic: string, payload: unknown): number;
  /** As `ActorSystem.publishDurably`, in this actor's name. Rejects with `ACTOR_STOPPED` when the incarnation is over. */
  publishDurably(topic: string, payload: unknown, options?: DeliverOptions): Promise<number>;
  /**
   * Lets this actor take what is published, as `ActorSystem.subscribe` does: for as long as the actor lives, also after a
   * restart, since its name and its mailbox are kept too. To say it again, as `init` does after a restart, changes nothing.
   *
   * @throws {RuntimeError} As of `ActorSystem.subscribe`; `ACTOR_STOPPED` when the incarnation is over.
   */
  subscribe<K extends keyof Tells<P> & string>(pattern: string, op: K, options?: Omit<SubscribeOptions, 'op'>): void;
  /** Ends the subscriptions of this actor to `pattern`, or that of one operation. Returns whether there was one. */
  unsubscribe<K extends keyof Tells<P> & string>(pattern: string, op?: K): boolean;
  /**
   * Keeps the state as it is now, in the middle of the message being handled, and resolves when it is on disk: await it
   * before you answer what must not be lost. Where there is no store, or the actor has no name, it is kept in memory.
   *
   * Rejects with `STATE_INVALID`, with `ACTOR_STOPPED` when the incarnation is over, with what `durable.snapshot` throws,
   * or as a write of the store; then it is tried again, and what was kept before stays.
   *
   * @throws {TypeError} (rejects) The implementation has no `durable`.
   */
  save(): Promise<void>;
  /** Ends this actor in order, after the current message. Its restart type decides what follows. */
  stop(): void;
  /** Messages of this actor to itself. */
  readonly timers: Timers<P>;
  /**
   * Sends this actor the operation `op` when `promise` settles, with what `toPayload` makes of the outcome; meanwhile other
   * messages are handled. It comes before messages that are not urgent, and never to a later incarnation. At most 1,024
   * are awaited or wait to be handled. An ask that is awaited so is not what the handler waits for: it closes no circle.
   */
  pipe<T, K extends keyof Tells<P>>(
    promise: PromiseLike<T>,
    op: K,
    toPayload: (outcome: PipeOutcome<T>) => Sent<Tells<P>[K]>,
  ): void;
  /**
   * Aborts when whoever asked stops waiting for the reply to the message being handled, and when this incarnation ends:
   * for what a handler starts and need not finish then. Take it before the first `await`.
   */
  readonly signal: AbortSignal;
  /**
   * Answers the message being handled with an error, by throwing: nothing after it runs. It is not a failure of the actor.
   *
   * @param reason An error of this package, or a text: then the code is `MESSAGE_REFUSED`.
   * @param details What the asker may act on; plain data. Only with a text.
   *
   * @example `if (cents > limit) ctx.refuse('Cannot charge: the limit is reached', { limit });`
   */
  refuse(reason: RuntimeError | string, details?: ErrorDetails): never;
  /**
   * Hands the message being handled on, by throwing: nothing after it runs. `to` gets `payload` from the same sender, and
   * answers in this actor's place, within the same deadline. An ask becomes an ask, a tell a tell. What `to` does not
   * take, the asker is told, as of an ask.
   */
  forward<Q extends Protocol>(to: ActorRef<Q>, op: keyof Tells<Q> | keyof Asks<Q>, payload: unknown): never;
  /**
   * Puts the message being handled aside until {@link unstash}, by throwing: nothing after it runs. It keeps its place in
   * the mailbox's bounds. A restart brings back what is put aside.
   */
  stash(): never;
  /** Puts everything that was put aside back into the mailbox, before what came later. */
  unstash(): void;
}

/** What a promise came to. */
export type PipeOutcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/**
 * Messages that an actor sends to itself after some time. They are not counted against its mailbox and come before
 * messages that are not urgent; those of a timer that was cancelled never come, nor those of an incarnation that is over.
 * A timer is known by a key, by default the name of its operation; one of the same key takes its place. At most 1,024 at a
 * time. Delays are from 1 to 86,400,000 ms, and up to 4 ms late.
 */
export interface Timers<P extends Protocol> {
  /** Once, after `afterMs`. */
  once<K extends keyof Tells<P> & string>(
    op: K,
    payload: Sent<Tells<P>[K]>,
    time: { readonly afterMs: number; readonly key?: string },
  ): void;
  /** Again and again, at a fixed rate; what was missed while the actor was busy is one message, and others have their turn between two. */
  every<K extends keyof Tells<P> & string>(
    op: K,
    payload: Sent<Tells<P>[K]>,
    time: { readonly everyMs: number; readonly key?: string },
  ): void;
  /** When no message has been handled for `afterMs`; again after as long. An actor has one such timer. */
  whenIdle<K extends keyof Tells<P> & string>(
    op: K,
    payload: Sent<Tells<P>[K]>,
    time: { readonly afterMs: number; readonly key?: string },
  ): void;
  /** Returns whether there was something to forget. */
  cancel(key: string): boolean;
}

/** What a `terminated` handler is told. */
export interface TerminatedEvent {
  readonly ref: ActorRef;
  readonly termination: Termination;
}

/** Key of what an emit stub knows. Every text may be the name of an event. */
const SOURCE: unique symbol = Symbol('source');

/** Base of `ctx.emit`: a method for each event is on the prototype of the type's own subclass. */
export class EmitStub {
  readonly [SOURCE]: TurnContext;

  constructor(source: TurnContext) {
    this[SOURCE] = source;
  }

  /** Adds the method of `event` to the prototype of a subclass. */
  static define(prototype: object, event: string): void {
    const emit = function (this: EmitStub, payload: unknown): void {
      const { cell, isLive } = this[SOURCE];
      if (!isLive) return;
      for (const queue of cell.extras?.events?.get(event) ?? []) queue.push(payload);
    };
    Object.defineProperty(prototype, event, { value: emit, enumerable: true });
  }
}

/** What the contexts of one type share. */
export interface ContextType {
  readonly Emit: typeof EmitStub;
  readonly takesTerminated: boolean;
}

/** By the runner of the type, so that a context need not keep it. */
const CONTEXT_TYPES = new WeakMap<object, ContextType>();

/** Says what the contexts have in common that `runner` makes. */
export function defineContextType(runner: object, type: ContextType): void {
  CONTEXT_TYPES.set(runner, type);
}

function contextTypeOf(cell: Cell): ContextType {
  return CONTEXT_TYPES.get(cell.profile.runner) as ContextType;
}

/** The context of one incarnation of a TypeScript actor. */
export class HandlerContext extends TurnContext implements Context {
  state: unknown = undefined;

  get self(): ActorRef {
    return this.cell.ref;
  }

  get sender(): ActorRef | undefined {
    return this.header?.sender;
  }

  get topic(): string | undefined {
    return this.header?.topic;
  }

  get remainingMs(): number | undefined {
    const { clock } = this.cell.profile.services;
    const deadlineMs = this.header?.deadline(clock) ?? 0;
    return deadlineMs === 0 ? undefined : Math.max(0, deadlineMs - clock.nowMs());
  }

  get emit(): Record<never, never> {
    // Not kept: it lives for one call, which costs less than a place for it in every actor.
    return new (contextTypeOf(this.cell).Emit)(this);
  }

  ref<Q extends Protocol>(ref: ActorRef<Q>): ActorRef<Q> {
    return LocalRef.bind(ref, this) as unknown as ActorRef<Q>;
  }

  lookup<Q extends Protocol>(name: string, protocol?: Q): ActorRef<Q> | undefined {
    const ref = lookup(this.cell.profile.services.names, name, protocol);
    return ref === undefined ? undefined : this.ref(ref);
  }

  spawn<Q extends Protocol>(type: ActorType<Q>, name?: string, options?: SpawnOptions): ActorRef<Q> {
    this.assertLive('spawn');
    const request = { type: type as unknown as ActorType, name, options };
    return this.ref(spawn(this.cell.profile.services, this.cell, request)) as unknown as ActorRef<Q>;
  }

  watch(ref: ActorRef): void {
    if (!contextTypeOf(this.cell).takesTerminated) {
      throw new TypeError('Cannot watch: the implementation has no "terminated" handler to be told by');
    }
    this.assertLive('watch');
    watch(this.cell, LocalRef.cellOf(ref));
  }

  unwatch(ref: ActorRef): void {
    if (this.isLive) unwatch(this.cell, LocalRef.cellOf(ref));
  }

  link(ref: ActorRef): void {
    this.assertLive('link');
    link(this.cell, LocalRef.cellOf(ref));
  }

  unlink(ref: ActorRef): void {
    if (this.isLive) unlink(this.cell, LocalRef.cellOf(ref));
  }

  publish(topic: string, payload: unknown): number {
    if (!this.isLive) return 0;
    return this.cell.profile.services.topics.publish(topic, payload, this.cell.ref);
  }

  async publishDurably(topic: string, payload: unknown, options?: DeliverOptions): Promise<number> {
    this.assertLive('publish');
    const { services } = this.cell.profile;
    return publishDurably(services, { topic, payload, id: options?.id }, this.cell.ref);
  }

  subscribe(topic: string, op: string, options?: Omit<SubscribeOptions, 'op'>): void {
    this.assertLive('subscribe');
    subscribe(this.cell, [{ ...options, op, topic }]);
  }

  unsubscribe(pattern: string, op?: string): boolean {
    return this.isLive && this.cell.profile.services.topics.unsubscribe(this.cell.name, { pattern, op }) > 0;
  }

  stop(): void {
    if (this.isLive) this.cell.endSelf();
  }

  async save(): Promise<void> {
    this.assertLive('keep the state');
    const { cell } = this;
    const keeper = cell.extras?.keeper ?? null;
    if (keeper === null) throw new TypeError(`Cannot keep the state of "${cell.name}": it is not declared "durable"`);
    const state = cell.profile.runner.snapshot?.(cell);
    if (isThenable(state)) keeper.take(await this.stillLive(state));
    else keeper.take(state);
    await keeper.written();
  }

  get timers(): Timers<Protocol> {
    this.assertLive('use timers');
    return this.own;
  }

  pipe<T>(promise: PromiseLike<T>, op: PropertyKey, toPayload: (outcome: PipeOutcome<T>) => unknown): void {
    this.assertLive('await a promise');
    this.own.pipe(promise, String(op), toPayload as (outcome: Outcome) => unknown);
  }

  get hasStreamRoom(): boolean {
    return this.own.hasStreamRoom;
  }

  override atEnd(callback: () => void): () => void {
    return this.own.atEnd(callback);
  }

  addStream(iterator: AnyIterator): void {
    this.own.addStream(iterator);
  }

  forgetStream(iterator: AnyIterator): void {
    this.own.forgetStream(iterator);
  }

  get signal(): AbortSignal {
    return this.own.signalOf(this.header);
  }

  forward(to: ActorRef, op: PropertyKey, payload: unknown): never {
    // What is no actor is a failure of the handler, here, and not of whoever carries the message there.
    LocalRef.cellOf(to);
    throw new Verdict({ kind: 'forward', to, op: String(op), payload });
  }

  stash(): never {
    throw new Verdict({ kind: 'stash' });
  }

  unstash(): void {
    if (this.isLive) this.cell.mailbox.unstash();
  }

  refuse(reason: RuntimeError | string, details?: ErrorDetails): never {
    const error =
      typeof reason === 'string' ? new RuntimeError('MESSAGE_REFUSED', reason, details && { details }) : reason;
    throw new Verdict({ kind: 'refuse', error });
  }

  private get own(): OwnMessages {
    this.extras ??= new OwnMessages(this, (op) => {
      const known = LocalRef.internalsOf(this.cell.ref).operations.tell(op);
      if (known instanceof RuntimeError) throw known;
      return known.operation;
    });
    return this.extras as OwnMessages;
  }

  private async stillLive<T>(promise: PromiseLike<T>): Promise<T> {
    const value = await promise;
    this.assertLive('keep the state');
    return value;
  }

  private assertLive(action: string): void {
    if (this.isLive) return;
    throw new RuntimeError('ACTOR_STOPPED', `Cannot ${action} as "${this.cell.name}": that incarnation is over`);
  }
}

/**
 * The actor of that name; `undefined` when there is none.
 * @throws {RuntimeError} `PROTOCOL_INVALID` — it does not speak `protocol`.
 */
export function lookup<Q extends Protocol>(
  names: { lookup(name: string): ActorRef | undefined },
  name: string,
  protocol: Q | undefined,
): ActorRef<Q> | undefined {
  const ref = names.lookup(name);
  if (ref === undefined || protocol === undefined || LocalRef.speaks(ref, protocol)) {
    return ref as unknown as ActorRef<Q> | undefined;
  }
  throw new RuntimeError('PROTOCOL_INVALID', `Cannot use "${name}" as "${protocol.name}": it speaks "${ref.type}"`);
}
