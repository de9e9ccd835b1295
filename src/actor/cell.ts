import type { Dispatcher, Pace, Paced } from '../dispatch/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type Lost, Mailbox, type MailboxPolicy } from '../mailbox/index.ts';
import {
  type Directive,
  type MemberState,
  type RestartType,
  type SupervisionPolicy,
  type SupervisionState,
  UNHARMED,
} from '../supervision/index.ts';
import type { ByName } from '../telemetry/index.ts';
import type { Clock, Random, TimerNode, TimerWheel } from '../time/index.ts';
import type { ActorRef, TellResult, Termination } from './actor-ref.ts';
import type { Closing } from './behavior.ts';
import type { CellStatus, Ending, Keeper, TurnExtras, Wait, Waiter, Waiting } from './cell-parts.ts';
import type { Condition } from './condition.ts';
import type { DeadLetterReason, DeadLetters } from './dead-letters.ts';
import type { EventSink } from './event-queue.ts';
import type { Asker, AskTarget, Header } from './header.ts';
import type { ActorMeter } from './meter.ts';
import { observe } from './observe.ts';
import type { FailureReport } from './options.ts';

import type { DurableStore, KeptMessage, KeptTopics, Names, Topics } from './ports.ts';
import type { Tally } from './tally.ts';
/** What all cells of a system share. */
export interface Services {
  readonly clock: Clock;
  readonly random: Random;
  readonly dispatcher: Dispatcher<Cell>;
  readonly wheel: TimerWheel;
  readonly deadLetters: DeadLetters;
  /** What is counted of the actors of each type. */
  readonly tallies: ByName<Tally>;
  /** Times a few of all operations; `null`: none. */
  readonly meter: ActorMeter | null;
  readonly names: Names;
  readonly topics: Topics;
  readonly store: DurableStore | undefined;
  /** `null`: there is no store to keep messages in. */
  outbox: Deliveries | null;
  readonly onFailure: ((report: FailureReport) => void) | undefined;
  readonly onStarted: ((actor: ActorRef) => void) | undefined;
  /** What stands here for actors of a type that live elsewhere; as it is, of those that live here. */
  readonly place: (<Type extends object>(type: Type) => Type) | undefined;
  /** What behaviors have in common, by whoever knows what it is; see `BehaviorContext.shared`. */
  readonly shared: Map<object, Closing>;
  /** Living cells without a parent; see `family.ts`. */
  readonly roots: Cell[];
  /** Living cells. */
  size: number;
  /** Number of the next cell. */
  nextId: number;
  /** Whether actors may still be spawned. */
  isAccepting: boolean;
  /** Whether only actors may still send: what was accepted is being finished. */
  isDraining: boolean;
  /** Called when a cell lives no more. */
  onRetired: () => void;
  /** Makes mailboxes that somebody stands before; `null`: nobody does. */
  readonly createMailbox: ((cell: Cell) => Mailbox<Header, SystemMessage>) | null;
}

/** What all actors of one type that were spawned with the same options share. */
export interface Profile {
  readonly services: Services;
  readonly typeName: string;
  /** What references of these actors share; only they know what it is. Here, so that none of them has to keep it. */
  readonly stubs: object;
  readonly runner: Runner;
  readonly mailbox: MailboxPolicy;
  readonly supervision: SupervisionPolicy;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** Of starts, with what is handled in the same turn, and of all other turns. */
  readonly startPace: Pace;
  readonly pace: Pace;
  readonly tally: Tally;
}

/** How the actors of a type run; one object per type. What it returns may be a promise: the cell waits for it. */
export interface Runner {
  /** Makes what one incarnation knows. */
  createContext(cell: Cell): TurnContext;
  start(cell: Cell): unknown;
  /** Handles up to `quota` messages. Leaves the cell running, or suspended, or failed. */
  run(cell: Cell, quota: number): void;
  onTerminated(cell: Cell, ref: ActorRef, termination: Termination): unknown;
  stop(cell: Cell): unknown;
  /** The state as it is now, or a promise of it. Only of types whose cells have a keeper. */
  snapshot?(cell: Cell): unknown;
  /** Whether an incarnation ends without a word: it has no stop hook, and nothing to dispose of. */
  readonly endsSilently?: boolean;
  /** Whether messages are handled elsewhere: a turn here only sends them. */
  readonly isElsewhere?: boolean;
  /** Looks after itself; only of types that ask for it. */
  check?(cell: Cell): unknown;
  /** No more code of that incarnation may run. Never throws. */
  dispose(context: TurnContext, reason: RuntimeError | undefined): void;
}

/**
 * What one incarnation knows, and who it is when it sends: asks that are bound to it inherit the deadline of the message
 * being handled. A restart makes a new one; what the old one still sends is refused.
 */
export class TurnContext implements Asker {
  readonly cell: Cell;
  /** The header of the message being handled. */
  header: Header | null = null;
  /** Whether this incarnation is the actor's present one, and has not been killed. */
  isLive = true;
  /** What follows the wait of a cell that is suspended, starting or stopping: a promise that settles late is not it. */
  waitsFor: Wait | null = null;
  extras: TurnExtras | null = null;
  private asks: Header[] | null = null;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  /**
   * Whether the incarnation is in the middle of something: a message, `init`, a notice, its stop hook. What it asks then
   * is what it waits for.
   */
  get isInTurn(): boolean {
    const { status } = this.cell;
    return status !== 'idle' && status !== 'queued';
  }

  get actor(): AskTarget {
    return this.cell;
  }

  get openAsks(): readonly Header[] {
    return this.asks ?? NO_ASKS;
  }

  /** Whether asks of the message being handled are pending. */
  get hasAsked(): boolean {
    return this.asks !== null && this.asks.length > 0;
  }

  /** Whether nothing is left of what it did: no message, wait, ask or timer. */
  get isAtRest(): boolean {
    return this.header === null && this.waitsFor === null && this.extras === null && !this.hasAsked;
  }

  addAsk(header: Header): void {
    this.asks ??= [];
    header.bindTo(this, this.asks.length);
    this.asks.push(header);
  }

  forgetAsk(header: Header): void {
    const asks = this.asks as Header[];
    const last = asks.pop() as Header;
    if (last === header) return;
    asks[header.place] = last;
    last.place = header.place;
  }

  /** Calls back when the incarnation is over, if it is one that can take something for a while. Returns what calls that off. */
  atEnd(_callback: () => void): () => void {
    return () => {};
  }

  /** The message has been handled: what it asked and did not await keeps nobody waiting. */
  endMessage(): void {
    this.header = null;
    if (this.extras !== null) this.extras.onMessageEnd();
    if (this.asks === null || this.asks.length === 0) return;
    for (const header of this.asks) header.unbind();
    this.asks.length = 0;
  }

  /** The incarnation is over: nobody reads the replies. */
  abandonAsks(error: RuntimeError): void {
    while (this.asks !== null && this.asks.length > 0) (this.asks[0] as Header).abandon(error);
  }
}

const NO_ASKS: readonly Header[] = [];

/** What the runtime tells an actor; taken before user messages. */
export type SystemMessage =
  | { readonly kind: 'terminated'; readonly cell: Cell }
  /** It has failed by what is no message: a child that escalated, a linked actor, a promise that it awaits. */
  | { readonly kind: 'failed'; readonly phase: 'child' | 'link' | 'message'; readonly error: RuntimeError }
  /** It has stopped itself: {@link ENDED}. */
  | { readonly kind: 'ended' }
  /** It wants to look after itself. */
  | { readonly kind: 'check' };

/** One for all: an actor that ends itself allocates no message for it. */
export const ENDED: SystemMessage = Object.freeze({ kind: 'ended' });

/** The children of a supervisor, as each of them sees it. */
export interface Siblings {
  /** What is to be done about `cell`, which failed or ended. */
  decide(cell: Cell, kind: 'failed' | 'ended'): Directive;
  /** Whether a restart of `cell` is a matter of all, and not of the one cell. */
  restartsTogether(cell: Cell): boolean;
  /** Begins to start `cell` again, with whoever is affected: it will be held soon. */
  restart(cell: Cell, delayMs: number): void;
  /** An incarnation of `cell` is over; it waits for its turn. */
  onHeld(cell: Cell): void;
  /** `cell` takes messages. */
  onStarted(cell: Cell): void;
  /** `cell` is no more. */
  onGone(cell: Cell, termination: Termination): void;
  /** The supervisor is ending, or will when a member has that failed too often. */
  close(): void;
}

/** What a supervisor knows of a child. */
export interface Member {
  readonly group: Siblings;
  readonly restart: RestartType;
  state: MemberState;
  /** Whether it goes unless its first start succeeds: somebody waits for that. */
  isOnTrial: boolean;
}

/** Messages that are kept until they have been handled. */
export interface Deliveries {
  /** Subscriptions whose messages are kept. */
  readonly topics: KeptTopics;
  /** Reads what an earlier process left; nothing if that was done. */
  open(): Promise<void> | undefined;
  /** Keeps messages, all of them or, where one request of the store takes them, none; resolves when they are on disk. */
  accept(messages: readonly KeptMessage[]): Promise<void>;
  /** Messages that are kept for the actor of that name. */
  countOf(actor: string): number;
  /** `cell` takes messages. */
  onStarted(cell: Cell): void;
}

/** What few cells ever need, so that the others do not pay for it. */
export class CellExtras {
  failed = 0;
  restarts = 0;
  refused = 0;
  deadLetters = 0;
  supervision: SupervisionState = UNHARMED;
  ending: Ending | null = null;
  /** It is to be killed as soon as its handler returns. */
  killed: Termination | null = null;
  termination: Termination | undefined = undefined;
  /** Deadline of the start, or wait before a restart. */
  timer: TimerNode | null = null;
  /** Deadline of its end, or of that of its incarnation. */
  stopTimer: TimerNode | null = null;
  /** Since when it waits to be started again, in milliseconds of the system's clock. */
  overSinceMs = 0;
  /** Its children, if it is a supervisor. */
  group: Siblings | null = null;
  /** Its place among the children of a supervisor, if it is one. */
  member: Member | null = null;
  /** Cells whose present incarnation fails with this one's, and the other way round. */
  links: Set<Cell> | null = null;
  watchers: Set<Cell> | null = null;
  watching: Set<Cell> | null = null;
  events: Map<string, Set<EventSink>> | null = null;
  terminated: Waiter<Termination> | null = null;
  /** Who waits for room in the mailbox. */
  waiting: Waiting | null = null;
  /** Keeps its state, if that is durable. */
  keeper: Keeper | null = null;
  /** What the present incarnation says of its health, unless it is well. */
  condition: Condition | null = null;
  isSubscribed = false;
  /** It ends when its mailbox is empty. */
  isDraining = false;
  /** It failed too often, and is held for a while. */
  isQuarantined = false;
  drainTimer: TimerNode | null = null;
  /** Ends the wait of a handler that waits too long. */
  stuckTimer: TimerNode | null = null;
  /** The present incarnation has said that it is to end, when the runtime had something else to say before. */
  hasEnded = false;
  fullRefusal: TellResult | null = null;
  stoppedRefusal: TellResult | null = null;
}

/** How most actors end. */
export const STOPPED: Termination = Object.freeze({ kind: 'stopped' });

/** What `tell` returns when the message is in the mailbox. */
export const TOLD: TellResult = Object.freeze({ ok: true });

/**
 * One actor: its mailbox, its incarnation, and what it is doing. The data of it, and the way in; what moves it from
 * state to state is in `lifecycle.ts` and `turn.ts`.
 *
 * Kept small, all instances of one shape: everything that actors have in common is behind `profile`, everything rare
 * behind `extras`.
 */
export class Cell implements AskTarget, Paced {
  status: CellStatus = 'queued';
  readonly id: number;
  /** Its place among the children of its parent, or the cells without one. */
  index = -1;
  /** Messages given to a handler. */
  handled = 0;
  /** Whole milliseconds on the system's clock at which the present incarnation started; −1 before the first. */
  startedMs = -1;
  readonly profile: Profile;
  readonly mailbox: Mailbox<Header, SystemMessage>;
  /** The present incarnation; `null` before the first start and between two. */
  context: TurnContext | null = null;
  extras: CellExtras | null = null;
  readonly parent: Cell | null;
  /** Those that live, in no order; `null` before the first. */
  children: Cell[] | null = null;
  /** Who waits for the start. Not among the rare things: those who make an actor often do, and it is then still plain. */
  ready: Waiter<void> | null = null;
  readonly givenName: string | undefined;
  /** The reference that stands for it; set once, by who makes the cell. */
  ref: ActorRef = NO_REF;

  constructor(profile: Profile, parent: Cell | null, givenName: string | undefined) {
    const { services } = profile;
    this.id = services.nextId++;
    this.profile = profile;
    this.mailbox = services.createMailbox === null ? new Mailbox(profile.mailbox) : services.createMailbox(this);
    this.parent = parent;
    this.givenName = givenName;
  }

  /** Made when it is asked for: most actors without a name never show one. */
  get name(): string {
    return this.givenName ?? `~${this.id}`;
  }

  get pace(): Pace {
    return this.context === null ? this.profile.startPace : this.profile.pace;
  }

  get hasStarted(): boolean {
    return this.startedMs !== -1;
  }

  get openAsks(): readonly Header[] {
    return this.context === null ? NO_ASKS : this.context.openAsks;
  }

  get hasChildren(): boolean {
    return this.children !== null && this.children.length > 0;
  }

  /** How it ended; `undefined` while it lives. */
  get termination(): Termination | undefined {
    return this.status === 'stopped' ? (this.extras?.termination ?? STOPPED) : undefined;
  }

  /** Creates the rare part when it is needed. */
  get rare(): CellExtras {
    this.extras ??= new CellExtras();
    return this.extras;
  }

  /** Whether it handles messages now: not while it starts, is started again, or stops. */
  get isReady(): boolean {
    const { status } = this;
    return this.context !== null && status !== 'starting' && status !== 'stopping' && !this.mailbox.isClosed;
  }

  /** Whether it takes messages, now or later. */
  get isOpen(): boolean {
    return !this.mailbox.isClosed && this.extras?.isDraining !== true;
  }

  get hasRoom(): boolean {
    return !this.mailbox.isFull;
  }

  /** Messages that wait, and the one that it is in the middle of. */
  get load(): number {
    const { status, mailbox } = this;
    return status === 'running' || status === 'suspended' ? mailbox.size + 1 : mailbox.size;
  }

  /** Somebody has waited in vain for a reply of it. */
  onOverdue(): void {
    this.profile.tally.overdue++;
  }

  /** Messages that it has accepted and that are elsewhere, not handled yet. */
  get elsewhere(): number {
    return 0;
  }

  /** The cell that a message goes to: this one, unless it is a router's. */
  entry(_op: string, _payload: unknown): Cell {
    return this;
  }

  /** Somebody listens to an event of it, or nobody any more. */
  onHeard(_event: string, _isHeard: boolean): void {}

  /** It takes nothing more, and has until then to handle what it has accepted. */
  onDrain(_deadlineMs: number): void {}

  /** Whether nobody else still handles what it has accepted. */
  get isDrained(): boolean {
    return true;
  }

  /** Whether each message goes to several. */
  get isBroadcast(): boolean {
    return false;
  }

  /** The cells that each get what is sent to this one; `null`: one does, see {@link entry}. */
  get everyone(): readonly Cell[] | null {
    return null;
  }

  /** Puts a message into the mailbox. The one way in, for asks and topics too. */
  post(payload: unknown, header: Header): TellResult {
    if (!this.mailbox.offer(payload, header)) return this.overflow(payload, header);
    if (this.status === 'idle') {
      this.status = 'queued';
      this.profile.services.dispatcher.schedule(this);
    }
    return TOLD;
  }

  /** As {@link post}, before messages that are not urgent. */
  postUrgent(payload: unknown, header: Header): TellResult {
    if (!this.mailbox.offerUrgent(payload, header) && !this.passGate(payload, header)) return this.refusal(header);
    this.wake();
    return TOLD;
  }

  /** What the actor sends to itself: urgent, and never refused while it lives. */
  postOwn(payload: unknown, header: Header): void {
    this.mailbox.offerOwn(payload, header);
    this.wake();
  }

  /** Puts a message into the system lane. */
  postSystem(message: SystemMessage): void {
    if (this.status === 'stopped') return;
    this.mailbox.offerSystem(message);
    this.wake();
  }

  /** There may be room for those who wait for it. */
  admit(): void {
    const { extras } = this;
    if (extras !== null && extras.waiting !== null && !extras.waiting.admit()) extras.waiting = null;
  }

  /** Puts the cell into the run queue, if it has nothing to do but now has. */
  wake(): void {
    if (this.mailbox.hasWork) this.nudge();
  }

  /** Gives the cell a turn although nothing waits. */
  nudge(): void {
    if (this.status === 'idle') this.enqueue();
  }

  /** Puts the cell into the run queue, in which it is not. */
  enqueue(): void {
    this.status = 'queued';
    this.profile.services.dispatcher.schedule(this);
  }

  /** Tells whoever listens of a failure that changes nothing about the actor. */
  report(phase: FailureReport['phase'], error: RuntimeError): void {
    const { onFailure } = this.profile.services;
    if (onFailure !== undefined) observe(onFailure, { actor: this.ref, phase, error, directive: undefined });
  }

  /** The present incarnation says that it is to end, after the current message. */
  endSelf(): void {
    if (this.mailbox.peekSystem() === ENDED || this.extras?.hasEnded === true) return;
    if (this.mailbox.hasSystemWork) this.rare.hasEnded = true;
    this.postSystem(ENDED);
  }

  /** Counts a message that nobody will handle, and tells whoever listens. An asker is not told by this. */
  bury(reason: DeadLetterReason, lost: Lost<Header>, error?: RuntimeError): void {
    // It is kept, and delivered again.
    if (lost.header.isReturned || (lost.header.isPending && !lost.header.hasDeadline)) return;
    this.rare.deadLetters++;
    const { deadLetters } = this.profile.services;
    deadLetters.count(reason, this.profile.tally);
    if (!deadLetters.isHeard) return;
    const { message: payload, header } = lost;
    const { operation, topic, sender } = header;
    const kind = topic === undefined ? operation.kind : 'topic';
    const { name, ref: to } = this;
    deadLetters.publish({ reason, name, to, kind, op: operation.name, topic, payload, sender, error });
  }

  /** The value that says why a message is not accepted. */
  refusal(header?: Header): TellResult {
    const extras = this.rare;
    extras.refused++;
    this.profile.tally.refused++;
    if (extras.isQuarantined && !this.mailbox.isClosed) return this.makeRefusal('ACTOR_QUARANTINED');
    if (!this.mailbox.isOpen && !(header !== undefined && this.mayPassGate(header))) return this.stoppedRefusal();
    return this.fullRefusal();
  }

  /** The value that says that there is no room. */
  fullRefusal(): TellResult {
    this.rare.fullRefusal ??= this.makeRefusal('MAILBOX_FULL');
    return this.rare.fullRefusal;
  }

  /** The value that says that the actor, or the incarnation that sends, is no more. */
  stoppedRefusal(): TellResult {
    this.rare.stoppedRefusal ??= this.makeRefusal('ACTOR_STOPPED');
    return this.rare.stoppedRefusal;
  }

  /** Puts a message into the mailbox if there is room for it, at nobody's cost. Else nothing has happened. */
  offer(payload: unknown, header: Header): boolean {
    return this.letIn(payload, header);
  }

  /** As {@link offer}, into the mailbox of this very cell, also of a router's. */
  letIn(payload: unknown, header: Header): boolean {
    const fits = this.putIn(payload, header);
    if (fits) this.wake();
    return fits || this.passGate(payload, header);
  }

  /** As {@link post}, and does not count a refusal. Returns whether the mailbox took the message. */
  accept(payload: unknown, header: Header): boolean {
    return this.offer(payload, header) || (!header.operation.isUrgent && this.makeRoom(payload, header));
  }

  private overflow(payload: unknown, header: Header): TellResult {
    return this.passGate(payload, header) || this.makeRoom(payload, header) ? TOLD : this.refusal(header);
  }

  /** Whether a message may come in although the gate is closed: while the whole system drains, actors may still send. */
  mayPassGate(header: Header): boolean {
    const { mailbox, extras } = this;
    if (mailbox.isOpen || mailbox.isClosed || !this.profile.services.isDraining) return false;
    return header.sender !== undefined && extras?.isDraining !== true && extras?.isQuarantined !== true;
  }

  private passGate(payload: unknown, header: Header): boolean {
    if (!this.mayPassGate(header)) return false;
    const { mailbox } = this;
    mailbox.openGate();
    const fits = this.putIn(payload, header);
    mailbox.closeGate();
    if (fits) this.wake();
    return fits;
  }

  private putIn(payload: unknown, header: Header): boolean {
    return header.operation.isUrgent ? this.mailbox.offerUrgent(payload, header) : this.mailbox.offer(payload, header);
  }

  /** Loses a message, this one or others, if the policy says so. */
  private makeRoom(payload: unknown, header: Header): boolean {
    const lost = this.mailbox.overflow(payload, header);
    for (const one of lost ?? []) {
      this.bury('overflow', one);
      if (one.header.isPending) one.header.fail(refusalError(this.makeRefusal('MAILBOX_FULL')));
    }
    this.wake();
    return lost !== undefined;
  }

  private makeRefusal(code: 'MAILBOX_FULL' | 'ACTOR_STOPPED' | 'ACTOR_QUARANTINED'): TellResult {
    const { capacity, capacityBytes } = this.profile.mailbox;
    const isFull = code === 'MAILBOX_FULL';
    const bound = capacityBytes === 0 ? `${capacity} messages` : `${capacity} messages and ${capacityBytes} bytes`;
    const text = isFull
      ? `Cannot enqueue message for "${this.name}": its mailbox is full (it holds ${bound}); try again later`
      : `Cannot send to or as "${this.name}": it ${code === 'ACTOR_QUARANTINED' ? 'failed too often and is held for a while; try again later' : 'has stopped'}`;
    const bounds = capacityBytes === 0 ? { capacity } : { capacity, capacityBytes };
    const details = isFull ? { actor: this.name, ...bounds } : { actor: this.name };
    return Object.freeze({ ok: false, error: Object.freeze(new RuntimeError(code, text, { details })) });
  }
}

/** The error of a result that is a refusal. */
export function refusalError(result: TellResult): RuntimeError | undefined {
  return result.ok ? undefined : result.error;
}

/** Stands in for a reference until the cell has its own: no code sees it. */
const NO_REF = Object.freeze({}) as ActorRef;
