import { Dispatcher } from '../dispatch/index.ts';
import { SystemRandom, systemClock, TimerWheel } from '../time/index.ts';

import { type ActorInfo, infoOfAll, toActorInfo } from './actor-info.ts';
import type { ActorRef, DeliverOptions, StopOptions } from './actor-ref.ts';
import type { ActorType } from './actor-type.ts';
import type { Cell, Services } from './cell.ts';
import { lookup } from './context.ts';
import { DeadLetters } from './dead-letters.ts';
import { type Health, HealthMonitor } from './health.ts';
import { GuardedMailbox, type Intervention, turnOf } from './intervention.ts';
import type { KeptMessages } from './kept-messages.ts';
import type { KeptStates } from './kept-states.ts';
import { requestStop } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import { createMeasures, type TypeTotals, totalsOf } from './measures.ts';
import type { ActorMeter } from './meter.ts';
import {
  type ActorSystemOptions,
  checkTimeoutMs,
  DRAIN_TIMEOUT_MS,
  type SpawnOptions,
  type StopPhase,
  SYSTEM_STOP_TIMEOUT_MS,
} from './options.ts';
import { Outbox } from './outbox.ts';
import type { ActorSubscription, Names, Subscription, Topics } from './ports.ts';
import type { Protocol } from './protocol.ts';
import { finish, type StopTaskOptions, StopTasks } from './shutdown.ts';
import { spawn } from './spawn.ts';
import { publishDurably, subscribe } from './subscribe.ts';
import type { SubscribeOptions } from './subscription.ts';

/** What a system is put together from, besides itself. */
export interface SystemParts {
  readonly names: Names;
  readonly topics: Topics;
  /** Where actors of a type live, as the type of what stands for them here. Default: here, all of them. */
  readonly place?: ((type: ActorType) => ActorType) | undefined;
  /** Comes between the actors and what they do; for tests. */
  readonly intervention?: Intervention;
  /** Whether a few of its operations are timed, for all. Default false. */
  readonly isTimed?: boolean;
}

/**
 * One runtime of actors in one process: names, topics, time and the run queue that its actors share.
 *
 * Applications make one by `ActorSystem.create` of the package; the constructor is for putting it together from parts.
 */
export class ActorSystem implements AsyncDisposable {
  /** What nobody handled. */
  readonly deadLetters = new DeadLetters();
  /** The states of named durable actors, in the store; `undefined`: the system has none. */
  readonly states: KeptStates | undefined;
  /** The messages that are kept until they are handled; `undefined`: the system has no store. */
  readonly outbox: KeptMessages | undefined;
  readonly #services: Services;
  readonly #outbox: Outbox | undefined;
  readonly #tasks: StopTasks;
  readonly #monitor: HealthMonitor;
  #stopped: Promise<void> | undefined;
  /** On the system's clock; a stop ends a drain. */
  #drainsUntilMs = Number.POSITIVE_INFINITY;

  /** @throws {RangeError} An option is out of range. */
  constructor(options: ActorSystemOptions, { names, topics, intervention, place, isTimed = false }: SystemParts) {
    const clock = options.clock ?? systemClock;
    if (options.onDeadLetter !== undefined) this.deadLetters.subscribe(options.onDeadLetter);
    const wheel = new TimerWheel(clock);
    // The time of an ask begins to count at a look: most are answered before it, and cost neither look nor timer.
    const onLook = (): void => {
      if (wheel.hasSoon) wheel.startSoon(clock.nowMs());
    };
    const queue = intervention?.createQueue<Cell>(() => dispatcher.nudge());
    const measures = createMeasures(clock, isTimed);
    const turn = turnOf(intervention, measures.meter);
    const dispatcher = new Dispatcher<Cell>(clock, turn, { ...options, onLook, queue });
    this.#services = {
      clock,
      random: options.random ?? new SystemRandom(),
      dispatcher,
      wheel,
      deadLetters: this.deadLetters,
      ...measures,
      names,
      topics,
      store: options.store,
      onFailure: options.onFailure,
      onStarted: options.onStarted,
      place: place as Services['place'],
      shared: new Map(),
      roots: [],
      size: 0,
      nextId: 1,
      isAccepting: true,
      isDraining: false,
      outbox: null,
      onRetired: () => {},
      createMailbox: intervention === undefined ? null : (cell) => new GuardedMailbox(cell, intervention),
    };
    if (options.store !== undefined) {
      this.#outbox = new Outbox(this.#services, options.store);
      this.#services.outbox = this.#outbox;
      this.states = this.#outbox.states;
      this.outbox = this.#outbox.messages;
    }
    this.#tasks = new StopTasks(clock, options.onStopTaskFailed);
    this.#monitor = new HealthMonitor(this.#services, options.health);
  }

  /**
   * Makes an actor. The reference is good at once: what is sent waits until `init` is done.
   *
   * @param type Made by `implement`, or of a component.
   * @param name Segments of `a–z 0–9 _ . -`, joined by `/`, at most 255 characters. Without one the actor is reached only
   *   by its reference.
   *
   * @throws {RuntimeError} `NAME_INVALID`, `NAME_TAKEN` — choose another name.
   * @throws {RuntimeError} `SYSTEM_STOPPED` — the system has stopped, or is stopping.
   * @throws {RuntimeError} `TOPIC_INVALID`, `OPERATION_UNKNOWN`, `CONFIG_INVALID` — an option is wrong.
   * @throws {RangeError} An option is out of range.
   *
   * @example
   * ```ts
   * const ref = system.spawn(counter, 'counter', { mailbox: { capacity: 100 } });
   * await ref.ready;
   * ```
   */
  spawn<P extends Protocol>(type: ActorType<P>, name?: string, options?: SpawnOptions): ActorRef<P> {
    const request = { type: type as unknown as ActorType, name, options };
    return spawn(this.#services, null, request) as unknown as ActorRef<P>;
  }

  /**
   * The living actor of that name. O(1); for what is sent often, keep the reference instead.
   *
   * @param protocol Types the reference, after a check that the actor speaks it.
   * @throws {RuntimeError} `PROTOCOL_INVALID` — it speaks another.
   */
  lookup<P extends Protocol = Protocol<Record<never, never>>>(name: string, protocol?: P): ActorRef<P> | undefined {
    return lookup(this.#services.names, name, protocol);
  }

  /**
   * Hands `payload`, by reference, to every subscriber of `topic`.
   *
   * @param topic Segments of letters, digits, `_` and `-`, joined by `.`; at most 255 characters and 16 segments.
   * For those that take it at least once it is written down soon, which `publish` does not wait for: what could not be is a
   * dead letter. See {@link publishDurably}.
   *
   * @returns How many took it. What a full mailbox refuses is a dead letter.
   * @throws {RuntimeError} `TOPIC_INVALID`.
   */
  publish(topic: string, payload: unknown): number {
    return this.#services.topics.publish(topic, payload, undefined);
  }

  /**
   * As {@link publish}, and resolves when the message is on disk for every subscriber that takes it at least once: it is
   * kept for all of them or, unless they are more than 1,024 or it makes more than 15 MiB in all, for none. The others have
   * it then. Of those that are not there the subscriptions count that an earlier process left.
   *
   * Rejects with `DELIVERY_UNAVAILABLE` (the system has no store), `TOPIC_INVALID`, `MESSAGE_UNSERIALIZABLE` (no plain
   * data, or more than 1 MiB), `OUTBOX_FULL`, `OUTBOX_CORRUPT`, with a `RangeError` for an id, or as a write of the store.
   *
   * @param options.id Names the message among those of its topic; a second one of the same id is taken for the first, as
   *   by `deliver`.
   * @returns How many took it.
   */
  publishDurably(topic: string, payload: unknown, options?: DeliverOptions): Promise<number> {
    return publishDurably(this.#services, { topic, payload, id: options?.id }, undefined);
  }

  /**
   * Lets an actor take what is published. It gets each message once, even if several of its patterns match, unless they
   * name different operations. A subscription of the same actor, pattern, operation and group takes the place of the one
   * before, whose handle does nothing any more.
   *
   * @param pattern A topic; `*` in the place of a segment matches any one, `>` at the end one or more.
   * @param options The `tell` operation that a message becomes, or all options. Both may be left out for actors that take
   *   any operation.
   * @throws {RuntimeError} `TOPIC_INVALID`, `OPERATION_UNKNOWN`, `ACTOR_STOPPED`, `NAME_INVALID` (the group), `CONFIG_INVALID`,
   *   `DELIVERY_UNAVAILABLE` (at least once, and there is no store, or the actor has no name).
   * @throws {RangeError} An option is out of range.
   * @throws {TypeError} The actor is of another system.
   *
   * @example Each line to one of the parsers
   * ```ts
   * for (const parser of parsers) system.subscribe('lines.*', parser, { op: 'parse', group: 'parsers' });
   * ```
   */
  subscribe(pattern: string, ref: ActorRef, options: string | SubscribeOptions = {}): Subscription {
    const cell = LocalRef.cellOf(ref);
    if (cell.profile.services !== this.#services) {
      throw new TypeError(`Cannot subscribe "${cell.name}": it is an actor of another system`);
    }
    const chosen = typeof options === 'string' ? { op: options } : options;
    const [subscription] = subscribe(cell, [{ ...chosen, topic: pattern }]);
    return subscription as Subscription;
  }

  /**
   * Ends subscriptions of the actor called `actor`, also of one that is not there: those to `pattern`, or all. What they
   * have brought is still handled.
   *
   * @returns How many there were.
   */
  unsubscribe(actor: string, pattern?: string): number {
    return this.#services.topics.unsubscribe(actor, { pattern });
  }

  /** All subscriptions there are; also those of actors that are not there, for whom messages are kept. */
  subscriptions(): ActorSubscription[] {
    const { topics } = this.#services;
    return [...topics.subscribers()].flatMap((actor) => topics.of(actor).map((info) => ({ ...info, actor })));
  }

  /** Every living actor, in no order. One that ends or begins meanwhile may be left out. */
  actors(): IterableIterator<ActorInfo> {
    return infoOfAll(this.#services);
  }

  /** @internal What it has timed; `undefined`: nothing is. */
  get meter(): ActorMeter | undefined {
    return this.#services.meter ?? undefined;
  }

  /** What all actors have done, and how those that live are, by type. Looks at each: some 20 ms for a million. */
  totals(): TypeTotals[] {
    return totalsOf(this.#services);
  }

  /** What is to be known of one actor, also after its end. */
  info(ref: ActorRef): ActorInfo {
    return toActorInfo(LocalRef.cellOf(ref));
  }

  /** Actors that live. */
  get size(): number {
    return this.#services.size;
  }

  /** Timers that are pending: asks, restarts, deadlines. 0 after a stop. */
  get pendingTimers(): number {
    return this.#services.wheel.size;
  }

  /**
   * Reads the messages that an earlier process kept, and begins to deliver them; otherwise the first `deliver` does.
   *
   * Rejects with `OUTBOX_CORRUPT` when some are damaged, and as a read of the store; then nothing is delivered.
   */
  async openOutbox(): Promise<void> {
    await this.#outbox?.open();
  }

  /** Whether everything gets on, and what does not. Looks at every actor. */
  health(): Health {
    return this.#monitor.health();
  }

  /**
   * Lets `task` be part of the stop of the system, in its phase; see {@link StopPhase}. Returns what takes it out again.
   *
   * @throws {RangeError} The deadline is out of range, there is no such phase, or there are 1,024 tasks already.
   * @throws {RuntimeError} `SYSTEM_STOPPED` — the stop has come to that phase.
   */
  onStop(phase: StopPhase, task: () => unknown, options?: StopTaskOptions): () => void {
    return this.#tasks.add(phase, task, options);
  }

  /**
   * Stops in order, and finishes first what was accepted: from now on only actors may send, to each other. Stops when
   * nobody has anything left to do, or at the deadline; then as by `stop()`. What actors await besides messages, and
   * messages to come from timers, is not waited for. Never rejects.
   *
   * @param options.deadlineMs Milliseconds for finishing, 1 to 3_600_000. Default 20_000.
   * @throws {RangeError} The deadline is out of range.
   */
  drain(options?: StopOptions): Promise<void> {
    const deadlineMs = checkTimeoutMs('deadlineMs', options?.deadlineMs ?? DRAIN_TIMEOUT_MS);
    return this.#stopOnce(SYSTEM_STOP_TIMEOUT_MS, deadlineMs);
  }

  /**
   * Stops all actors, those spawned last first, and resolves when none is left. Each finishes its message and runs its
   * stop hook, within its own `stopTimeoutMs`; the rest of its mailbox becomes dead letters. Never rejects; calling it
   * again gives the same promise. A drain that is under way ends: what is not finished is not waited for.
   *
   * @param options.deadlineMs Milliseconds, 1 to 3_600_000, after which what is left is killed. Default 10_000.
   * @throws {RangeError} The deadline is out of range.
   */
  stop(options?: StopOptions): Promise<void> {
    const deadlineMs = checkTimeoutMs('deadlineMs', options?.deadlineMs ?? SYSTEM_STOP_TIMEOUT_MS);
    this.#drainsUntilMs = this.#services.clock.nowMs();
    return this.#stopOnce(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#stopped ?? this.stop());
  }

  #stopOnce(deadlineMs: number, drainMs?: number): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped;
    const { promise, resolve } = Promise.withResolvers<void>();
    // Known before anything is done: a task of the stop may ask for it as well.
    this.#stopped = promise;
    resolve(this.#stop(deadlineMs, drainMs));
    return promise;
  }

  async #stop(deadlineMs: number, drainMs?: number): Promise<void> {
    const services = this.#services;
    services.isAccepting = false;
    const closing = this.#tasks.run('close');
    if (closing !== undefined) await closing;
    if (drainMs !== undefined)
      await finish(services, this.#tasks, { deadlineMs: drainMs, untilMs: () => this.#drainsUntilMs });
    const stopping = this.#tasks.run('stop');
    if (stopping !== undefined) await stopping;
    await this.#stopActors(deadlineMs);
    for (const common of services.shared.values()) common.close();
    services.shared.clear();
    this.#monitor.stop();
    this.#outbox?.close();
    services.wheel.clear();
    await this.#tasks.run('release');
  }

  async #stopActors(deadlineMs: number): Promise<void> {
    const services = this.#services;
    const { promise, resolve } = Promise.withResolvers<void>();
    services.onRetired = () => {
      if (services.size === 0) resolve();
    };
    services.onRetired();
    const roots = [...services.roots].sort((left, right) => right.id - left.id);
    // No longer than its own time, so that one that hangs does not take everybody's.
    for (const root of roots) requestStop(root, Math.min(deadlineMs, root.profile.stopTimeoutMs));
    await promise;
  }
}
