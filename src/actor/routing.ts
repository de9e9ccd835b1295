/** Actors that hand what is sent to them on, on the way into the mailbox of another: no turn of their own is between. */
import { RuntimeError } from '../errors/index.ts';
import { type GroupOptions, toGroupPolicy } from '../supervision/index.ts';
import type { Clock, Random } from '../time/index.ts';
import type { ActorRef, TellResult, Termination } from './actor-ref.ts';
import { type ActorType, INTERNALS, type TypeInternals } from './actor-type.ts';
import { hear, unhear, unwatch, watch } from './bonds.ts';
import { Cell, type Runner, refusalError, TurnContext } from './cell.ts';
import { deadlockError } from './cell-errors.ts';
import type { EventSink } from './event-queue.ts';
import { Group } from './group.ts';
import type { Header } from './header.ts';
import { requestDrain, requestStop } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import { DRAIN_TIMEOUT_MS, type SpawnOptions } from './options.ts';
import type { Protocol } from './protocol.ts';
import { spawn } from './spawn.ts';

/** One that messages may go to, as its router sees it. */
export interface Routee {
  readonly ref: ActorRef;
  /** Whether it handles messages now: not while it starts, is started again, or stops. */
  readonly isReady: boolean;
  /** Whether it takes messages, now or later. */
  readonly isOpen: boolean;
  readonly hasRoom: boolean;
  /** Messages that wait, and the one that it is in the middle of. */
  readonly load: number;
  /** Messages given to a handler so far. */
  readonly handled: number;
}

/** Decides where messages go. Never throws. One object for each incarnation. */
export interface Router {
  /** The one that gets this message; `undefined`: nobody can have it now. */
  pick(op: string, payload: unknown): Routee | undefined;
  /** Whether nobody can have a message now. */
  readonly isEmpty: boolean;
  /** Those that each get every message; `null`: one does. A list that is never changed. */
  readonly everyone: readonly Routee[] | null;
  /** A routee has ended, dismissed or not. */
  onGone(routee: Routee): void;
  /** Nobody is to have a routee to himself any more: what was accepted is finished. */
  drain(): void;
  /** The incarnation is over. */
  dispose(): void;
}

/** What a router does with its routees, and what it needs of its system. */
export interface Team {
  /** The router's own reference. */
  readonly self: ActorRef;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes a routee, which is started soon, and again whenever it fails or ends. */
  hire(name: string): Routee;
  /** Whether an actor has the name that a routee would get, as one does that was dismissed and has not ended yet. */
  isTaken(name: string): boolean;
  /** Takes in an actor that somebody else looks after. */
  adopt(ref: ActorRef): Routee;
  /** Ends a routee that was hired, in order. */
  dismiss(routee: Routee): void;
  /** Somebody can have a message again: those who wait to `put` one are let in. */
  admit(): void;
  /** The router ends itself. */
  end(): void;
  /** Calls back after some time. Returns what calls that off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What makes an actor type a router's. */
export interface RouterDefinition<P extends Protocol> {
  readonly name: string;
  /** What it passes for: the type of its routees, or one of them. */
  readonly like: ActorType<P> | ActorRef<P>;
  /** How routees are made that it hires. */
  readonly hire?: { readonly type: ActorType<P>; readonly options: Omit<SpawnOptions, 'supervision'> | undefined };
  /** How often and when they are started again. */
  readonly supervision?: GroupOptions | undefined;
  /** Whether each message goes to all. */
  readonly isBroadcast: boolean;
  readonly create: (team: Team) => Router;
}

/**
 * Makes an actor type that hands its messages on. Its actors understand what their routees do; they supervise those that
 * they hire, and end with them.
 *
 * @throws {RangeError} An option of the supervision is out of range.
 */
export function defineRouterType<P extends Protocol>(definition: RouterDefinition<P>): ActorType<P> {
  const { name, like } = definition;
  const { protocol, operations, events, contract } = internalsOf(like);
  const runner = new RouterRunner(definition as unknown as RouterDefinition<Protocol>);
  const createCell = (...parts: ConstructorParameters<typeof Cell>): Cell => new RouterCell(...parts);
  // Routees that it hired end one after another, each within its own deadline.
  const stopTimeoutMs = Number.POSITIVE_INFINITY;
  const internals: TypeInternals = { protocol, operations, events, runner, contract, createCell, stopTimeoutMs };
  return { name, [INTERNALS]: internals as unknown as TypeInternals<P> };
}

/** Whether the actors behind two references, or of two types, take the very same messages. */
export function areAlike<P extends Protocol>(
  one: ActorType<P> | ActorRef<P>,
  other: ActorType<P> | ActorRef<P>,
): boolean {
  const { operations } = internalsOf(one);
  const { operations: others } = internalsOf(other);
  return operations === others || (operations.isOpen && others.isOpen);
}

/** How long to wait, and what ends the wait early. */
export interface Patience {
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * What decides for the router behind `ref`, when its start is done that is under way or to come, and the milliseconds that
 * are left then.
 *
 * Rejects as `ready` does, with `undefined` when its time is over, and with the signal's reason.
 *
 * @throws {TypeError} (rejects) It is no router.
 */
export async function routerSoon(ref: ActorRef, { timeoutMs, signal }: Patience): Promise<[Router, number]> {
  const cell = LocalRef.cellOf(ref);
  const { clock, wheel } = cell.profile.services;
  if (!(cell instanceof RouterCell)) throw new TypeError(`"${ref.name}" is no router`);
  if (cell.router !== null) return [cell.router, timeoutMs];
  const endsMs = clock.nowMs() + timeoutMs;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = (): void => reject(signal?.reason);
  const timer = wheel.after(timeoutMs, () => reject(undefined));
  signal?.addEventListener('abort', cancel, { once: true });
  ref.ready.then(resolve, reject);
  try {
    await promise;
  } finally {
    wheel.cancel(timer);
    signal?.removeEventListener('abort', cancel);
  }
  if (cell.router === null) throw refusalError(cell.stoppedRefusal());
  return [cell.router, Math.max(1, Math.ceil(endsMs - clock.nowMs()))];
}

/**
 * Calls back when the incarnation is over in whose name `ref` sends; never, if it sends in nobody's.
 *
 * @returns What calls that off.
 * @throws {RuntimeError} `ACTOR_STOPPED` — it is over.
 */
export function atSenderEnd(ref: ActorRef, callback: () => void): () => void {
  const sender = LocalRef.senderOf(ref);
  if (sender === null) return () => {};
  if (!sender.isLive) throw refusalError(sender.cell.stoppedRefusal());
  return sender.atEnd(callback);
}

function internalsOf<P extends Protocol>(like: ActorType<P> | ActorRef<P>): TypeInternals {
  return INTERNALS in like ? (like[INTERNALS] as unknown as TypeInternals) : LocalRef.internalsOf(like);
}

/** A cell whose messages go to others. Its own mailbox takes only what comes while no incarnation lives. */
class RouterCell extends Cell {
  router: Router | null = null;
  /** Whether what was accepted is being handed on: also when nothing more is taken. */
  private isHandingOn = false;

  override get isBroadcast(): boolean {
    return (this.profile.runner as RouterRunner).isBroadcast;
  }

  /** What routees emit is heard here too, while somebody listens. */
  override onHeard(event: string, isHeard: boolean): void {
    (this.context as RouterTurn | null)?.relay(event, isHeard);
  }

  override onDrain(deadlineMs: number): void {
    this.router?.drain();
    for (const routee of [...(this.children ?? [])]) requestDrain(routee, deadlineMs);
  }

  override get isDrained(): boolean {
    return (this.children?.length ?? 0) === 0;
  }

  override entry(op: string, payload: unknown): Cell {
    const routee = this.isRouting ? (this.router?.pick(op, payload) as Cell | undefined) : undefined;
    return routee === undefined ? this : routee.entry(op, payload);
  }

  override get everyone(): readonly Cell[] | null {
    const all = this.isRouting ? (this.router?.everyone as readonly Cell[] | null) : null;
    return all !== null && all.length > 0 ? all : null;
  }

  override post(payload: unknown, header: Header): TellResult {
    const all = this.everyone;
    if (all !== null) return this.postToAll(all, payload, header);
    const routee = this.entry(header.operation.name, payload);
    if (routee !== this) return routee.post(payload, header);
    return this.isRouting ? this.refusal() : super.post(payload, header);
  }

  override postUrgent(payload: unknown, header: Header): TellResult {
    const all = this.everyone;
    if (all !== null) return this.postToAll(all, payload, header);
    const routee = this.entry(header.operation.name, payload);
    if (routee !== this) return routee.postUrgent(payload, header);
    return this.isRouting ? this.refusal() : super.postUrgent(payload, header);
  }

  override offer(payload: unknown, header: Header): boolean {
    return !this.isRouting && super.offer(payload, header);
  }

  override accept(payload: unknown, header: Header): boolean {
    return !this.isRouting && super.accept(payload, header);
  }

  /** Nobody is let in for whom there is no routee; the others wait at whoever is to have their message. */
  override admit(): void {
    const { waiting } = this.rare;
    if (waiting === null || this.router?.isEmpty === true) return;
    if (!this.isRouting || this.everyone !== null) {
      super.admit();
      return;
    }
    this.rare.waiting = null;
    waiting.end(refusalError(this.fullRefusal()) as RuntimeError);
  }

  /** Hands on what came before there was somebody to have it. */
  handOn(): void {
    const { mailbox } = this;
    this.isHandingOn = true;
    for (let header = mailbox.peekHeader(); header !== undefined; header = mailbox.peekHeader()) {
      const payload = mailbox.take();
      const { name, isUrgent } = header.operation;
      // Of an ask that was given up nobody waits for the reply.
      if (header.hasDeadline && !header.isPending) {
        this.bury('expired', { message: payload, header });
        continue;
      }
      const routee = header.isPending ? this.entry(name, payload) : this;
      const circle = routee === this ? undefined : header.handOver(routee, header.operation);
      if (circle !== undefined) {
        header.fail(deadlockError(circle));
        continue;
      }
      const told = isUrgent ? routee.postUrgent(payload, header) : routee.post(payload, header);
      if (told.ok) continue;
      header.fail(refusalError(told));
      this.bury('overflow', { message: payload, header }, refusalError(told));
    }
    this.isHandingOn = false;
  }

  private get isRouting(): boolean {
    return this.router !== null && !this.mailbox.isClosed && (this.isHandingOn || this.extras?.isDraining !== true);
  }

  /** The sender is told only if nobody took it; what some did not take is a dead letter. */
  private postToAll(all: readonly Cell[], payload: unknown, header: Header): TellResult {
    const { isUrgent } = header.operation;
    const told = all.map((cell) => (isUrgent ? cell.postUrgent(payload, header) : cell.post(payload, header)));
    const taken = told.find(({ ok }) => ok);
    if (taken === undefined) return told[0] as TellResult;
    for (const [i, result] of told.entries()) {
      if (!result.ok) all[i]?.bury('overflow', { message: payload, header }, result.error);
    }
    return taken;
  }
}

/** The context of one incarnation of a router, and what its router does with routees. */
class RouterTurn extends TurnContext implements Team {
  readonly #group: Group;
  readonly #definition: RouterDefinition<Protocol>;
  readonly #timers = new Set<() => void>();
  readonly #routees = new Set<Cell>();
  /** What hears an event of all routees, for those who listen here. */
  readonly #relays = new Map<string, EventSink>();

  constructor(cell: Cell, definition: RouterDefinition<Protocol>) {
    super(cell);
    this.#definition = definition;
    this.#group = new Group(cell, toGroupPolicy(definition.supervision));
    this.extras = { onMessageEnd() {}, dispose: () => this.#dispose() };
  }

  get self(): ActorRef {
    return this.cell.ref;
  }

  get clock(): Clock {
    return this.cell.profile.services.clock;
  }

  get random(): Random {
    return this.cell.profile.services.random;
  }

  start(): Promise<void> | undefined {
    const { cell } = this;
    const { create, hire } = this.#definition;
    if (hire !== undefined) cell.rare.group = this.#group;
    (cell as RouterCell).router = create(this);
    (cell as RouterCell).handOn();
    // Of a drain that began before: its deadline is the router's own.
    if (cell.extras?.isDraining === true) cell.onDrain(DRAIN_TIMEOUT_MS);
    return hire === undefined ? undefined : this.#group.start();
  }

  hire(name: string): Routee {
    const { type, options } = this.#definition.hire as NonNullable<RouterDefinition<Protocol>['hire']>;
    const { services } = this.cell.profile;
    const request = { type: type as unknown as ActorType, name, options, isHeld: true };
    const routee = LocalRef.cellOf(spawn(services, this.cell, request));
    this.#group.add(routee, 'permanent');
    this.#take(routee);
    if ((this.cell as RouterCell).router !== null) this.#group.startHeld();
    return routee;
  }

  adopt(ref: ActorRef): Routee {
    const routee = LocalRef.cellOf(ref);
    this.#take(routee);
    return routee;
  }

  isTaken(name: string): boolean {
    return this.cell.profile.services.names.lookup(`${this.cell.name}/${name}`) !== undefined;
  }

  #take(routee: Cell): void {
    watch(this.cell, routee);
    this.#routees.add(routee);
    for (const [event, { size }] of this.cell.extras?.events ?? [])
      if (size > 0) hear(routee, event, this.#relayOf(event));
  }

  /** A routee has ended. */
  lose(routee: Cell): void {
    this.#routees.delete(routee);
  }

  /** Begins to listen to an event of all routees, or ends it. */
  relay(event: string, isHeard: boolean): void {
    for (const routee of this.#routees) (isHeard ? hear : unhear)(routee, event, this.#relayOf(event));
  }

  #relayOf(event: string): EventSink {
    const push = (payload: unknown): void => {
      for (const sink of this.cell.extras?.events?.get(event) ?? []) sink.push(payload);
    };
    const relay = this.#relays.get(event) ?? { push, end() {} };
    this.#relays.set(event, relay);
    return relay;
  }

  dismiss(routee: Routee): void {
    const cell = routee as Cell;
    unwatch(this.cell, cell);
    this.#routees.delete(cell);
    requestStop(cell, cell.profile.stopTimeoutMs);
  }

  admit(): void {
    this.cell.admit();
    this.cell.wake();
  }

  end(): void {
    if (this.isLive) this.cell.endSelf();
  }

  after(delayMs: number, callback: () => void): () => void {
    const { wheel } = this.cell.profile.services;
    const timer = wheel.after(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    const cancel = (): void => {
      this.#timers.delete(cancel);
      wheel.cancel(timer);
    };
    this.#timers.add(cancel);
    return cancel;
  }

  #dispose(): void {
    const cell = this.cell as RouterCell;
    const { router } = cell;
    for (const event of this.#relays.keys()) this.relay(event, false);
    cell.router = null;
    router?.dispose();
    for (const cancel of this.#timers) cancel();
  }
}

class RouterRunner implements Runner {
  readonly #definition: RouterDefinition<Protocol>;

  constructor(definition: RouterDefinition<Protocol>) {
    toGroupPolicy(definition.supervision);
    this.#definition = definition;
  }

  get isBroadcast(): boolean {
    return this.#definition.isBroadcast;
  }

  createContext(cell: Cell): TurnContext {
    return new RouterTurn(cell, this.#definition);
  }

  start(cell: Cell): unknown {
    return (cell.context as RouterTurn).start();
  }

  run(cell: Cell): void {
    (cell as RouterCell).handOn();
    cell.context?.endMessage();
  }

  onTerminated(cell: Cell, ref: ActorRef, termination: Termination): void {
    (cell.context as RouterTurn).lose(LocalRef.cellOf(ref));
    // Of a pool that drains its routees end, and no others are made.
    if (cell.extras?.isDraining !== true) (cell as RouterCell).router?.onGone(LocalRef.cellOf(ref));
    if (termination.kind !== 'escalated' || LocalRef.cellOf(ref).parent !== cell) return;
    const text = `its routee "${ref.name}" failed too often`;
    throw new RuntimeError('ACTOR_FAILED', text, { details: { routee: ref.name }, cause: termination.error });
  }

  stop(): undefined {}

  /** Its context lets go of everything. */
  dispose(): void {}
}
