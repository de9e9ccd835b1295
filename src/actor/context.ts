import { RuntimeError } from '../errors/index.ts';
import type { ActorRef, Termination } from './actor-ref.ts';
import type { ActorType } from './actor-type.ts';
import { type Cell, TurnContext } from './cell.ts';
import { link, unlink, unwatch, watch } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import type { SpawnOptions } from './options.ts';
import type { Events, Protocol } from './protocol.ts';
import { Refusal } from './refusal.ts';
import type { Received } from './schema.ts';
import { spawn } from './spawn.ts';

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
  /** Ends this actor in order, after the current message. Its restart type decides what follows. */
  stop(): void;
  /** Answers the message being handled with `error`, by throwing: nothing after it runs. It is not a failure of the actor. */
  refuse(error: RuntimeError): never;
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

/** The context of one incarnation of a TypeScript actor. */
export class HandlerContext extends TurnContext implements Context {
  state: unknown = undefined;
  private readonly type: ContextType;
  private emitStub: EmitStub | null = null;

  constructor(cell: Cell, type: ContextType) {
    super(cell);
    this.type = type;
  }

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
    this.emitStub ??= new this.type.Emit(this);
    return this.emitStub;
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
    if (!this.type.takesTerminated) {
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

  stop(): void {
    if (this.isLive) this.cell.endSelf();
  }

  refuse(error: RuntimeError): never {
    throw new Refusal(error);
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
