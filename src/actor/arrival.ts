/** Messages from elsewhere on their way into a mailbox of this thread, and actors that are run here for a cell elsewhere. */
import { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import { type Directive, UNHARMED_MEMBER } from '../supervision/index.ts';
import type { ActorRef } from './actor-ref.ts';
import { type ActorType, INTERNALS, openOperation, type TypeInternals } from './actor-type.ts';
import { hear, unhear } from './bonds.ts';
import { Cell, refusalError, type Siblings } from './cell.ts';
import { deadlockError } from './cell-errors.ts';
import type { EventSink } from './event-queue.ts';
import { findAskCycle, Header, type Operation } from './header.ts';
import { crash } from './intervention.ts';
import { release, requestHold } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import type { Protocol } from './protocol.ts';
import { putIfNext, takes, waitingAt } from './putters.ts';
import { RemoteCell } from './remote.ts';
import { StreamSession } from './streams.ts';

/** A message from elsewhere. */
export interface Arrival {
  readonly op: string;
  readonly kind: 'tell' | 'ask' | 'stream' | 'topic';
  /** Of a stream: {@link openStream}. */
  readonly payload: unknown;
  readonly sender: ActorRef | undefined;
  readonly topic: string | undefined;
  /** Whether it has been validated where it was sent. */
  readonly isChecked: boolean;
  /** Who waits; of a tell: for its having been handled. */
  readonly reply: ReplyRoute | undefined;
  /** It is in the mailbox, or will never be. Not called for actors that are hosted: they say themselves what they take. */
  settled(): void;
}

/** Where a reply goes. */
export interface ReplyRoute {
  /** When nobody waits any more, on the system's clock. Of a tell, it says nothing. */
  readonly deadlineMs: number;
  /** Whether the sender waits for it in its turn. */
  readonly isBound: boolean;
  settle(value: unknown): void;
  fail(error: unknown): void;
}

/** Puts a message into the mailbox of `ref`. Returns its header, if somebody waits; what nobody takes is a dead letter. */
function receive(ref: ActorRef, arrival: Arrival): Header | undefined {
  const { reply } = arrival;
  const found = headerOf(ref, arrival);
  const isOver = found instanceof RuntimeError;
  if (isOver && reply !== undefined) reply.fail(found);
  const payload = isOver ? found : check(found.operation, arrival);
  if (!(payload instanceof RuntimeError)) return deliver(ref, arrival, { header: found as Header, message: payload });
  const kind = arrival.kind === 'ask' ? 'ask' : 'tell';
  const header = isOver ? new Header(openOperation(kind, arrival.op), arrival.sender, arrival.topic) : found;
  if (!isOver) reply?.fail(payload);
  if (reply === undefined) LocalRef.cellOf(ref).bury('refused', { message: arrival.payload, header }, payload);
  arrival.settled();
  return undefined;
}

/** What the message is validated to. */
function check(operation: Operation, { isChecked, payload }: Arrival): unknown {
  if (isChecked || operation.validateIn === undefined || payload instanceof StreamSession) return payload;
  const checked = operation.validateIn(payload);
  return 'error' in checked ? checked.error : checked.value;
}

function headerOf(ref: ActorRef, { kind, op, sender, topic, reply }: Arrival): Header | RuntimeError {
  const { operations } = LocalRef.internalsOf(ref);
  if (kind === 'stream') {
    const operation = operations.streams.find(({ name }) => name === op);
    return operation === undefined ? unknownStream(ref, op) : new Header(operation, sender, topic);
  }
  if (kind === 'topic' && operations.isOpen) return new Header(openOperation('topic', op), sender, topic);
  if (kind === 'ask') {
    const operation = operations.ask(op);
    return operation instanceof RuntimeError ? operation : new Header(operation, sender, topic);
  }
  const header = operations.tell(op);
  const isPlain = sender === undefined && topic === undefined && reply === undefined;
  return isPlain || header instanceof RuntimeError ? header : new Header(header.operation, sender, topic);
}

function unknownStream(ref: ActorRef, op: string): RuntimeError {
  return new RuntimeError('OPERATION_UNKNOWN', `Cannot read ${JSON.stringify(op)} of "${ref.name}": it is no stream`);
}

function deliver(ref: ActorRef, arrival: Arrival, lost: Lost<Header>): Header | undefined {
  const { reply, sender, kind } = arrival;
  const { header, message } = lost;
  const cell = LocalRef.cellOf(ref).entry(arrival.op, message);
  if (reply !== undefined && kind === 'tell') {
    header.keep(cell, { done: () => reply.settle(undefined), failed: (error) => reply.fail(error) });
  } else if (reply !== undefined) {
    const asker = sender === undefined ? undefined : LocalRef.cellOf(sender);
    const circle = reply.isBound && asker !== undefined ? findAskCycle(asker, cell) : undefined;
    if (circle !== undefined) {
      reply.fail(deadlockError(circle));
      arrival.settled();
      return undefined;
    }
    header.answer(cell, reply);
    if (reply.isBound && asker instanceof RemoteCell) asker.addAsk(header);
  }
  if (cell instanceof HostedCell) cell.arrive(lost);
  else put(cell, arrival, lost);
  return reply === undefined ? undefined : header;
}

/** Lets it wait for room where there is none: its sender was told that it was accepted, and sends no more meanwhile. */
function put(cell: Cell, { settled, kind }: Arrival, { header, message }: Lost<Header>): void {
  const failed = (error: RuntimeError): void => {
    if (header.isPending) header.fail(error);
    cell.bury(error.code === 'MAILBOX_FULL' ? 'overflow' : 'stopped', { message, header }, error);
    settled();
  };
  if (putIfNext(cell, message, header)) settled();
  else if (!takes(cell, header) || !cell.mailbox.canHold(message))
    failed(refusalError(cell.refusal(header)) as RuntimeError);
  else if (
    kind !== 'tell' &&
    kind !== 'topic' &&
    cell.profile.mailbox.overflow !== 'wait' &&
    cell.extras?.waiting == null
  )
    failed(refusalError(cell.fullRefusal()) as RuntimeError);
  else {
    const isAsk = header.hasDeadline;
    const isWaiting = (): boolean => !isAsk || header.isPending;
    waitingAt(cell).join({ via: cell, payload: message, header, isWaiting, done: settled, failed });
  }
}

/** Told what becomes of an actor that is run here for a cell elsewhere. What supervision decides, it decides there. */
export interface Host {
  /** It takes messages. */
  started(): void;
  /** So many more messages have left the mailbox. @param isBusy Whether it is in the middle of one. */
  taken(count: number, isBusy: boolean): void;
  /** It has ended itself. Where it is started again after that, its incarnation ends and it waits for {@link begin}. */
  endedSelf(): void;
  /** Its incarnation is over, and it waits for {@link begin}. */
  held(): void;
}

/** An actor that is run here for a cell elsewhere: that one supervises it, and gives leave to send to it. */
class HostedCell extends Cell implements Siblings {
  readonly host: Host;
  private readonly restartsAtEnd: boolean;
  private readonly alias: string;
  /** Messages that came and that are not known there to have left the mailbox. */
  private came = 0;
  private wasBusy = false;
  private isWanted = false;

  constructor(parts: ConstructorParameters<typeof Cell>, { host, name, restartsAtEnd }: Hosting) {
    super(...parts);
    this.alias = name;
    this.host = host;
    this.restartsAtEnd = restartsAtEnd;
    this.rare.member = { group: this, restart: 'permanent', state: UNHARMED_MEMBER, isOnTrial: false };
  }

  override get name(): string {
    return this.alias;
  }

  arrive(lost: Lost<Header>): void {
    const { header, message } = lost;
    this.came++;
    if (this.mailbox.offerGranted(message, header, header.operation.isUrgent)) {
      this.wake();
      return;
    }
    if (header.isPending) header.fail(refusalError(this.stoppedRefusal()) as RuntimeError);
    this.bury('stopped', lost);
  }

  /** Called when a turn is over, or waits: what has been taken is said. */
  override admit(): void {
    super.admit();
    this.tell();
  }

  /** Says what has left the mailbox. Messages of others that are in it count as if they were theirs: they are fewer soon. */
  tell(): void {
    const taken = this.came - Math.min(this.came, this.mailbox.size);
    const isBusy = this.status === 'suspended';
    if (taken === 0 && isBusy === this.wasBusy) return;
    this.came -= taken;
    this.wasBusy = isBusy;
    this.host.taken(taken, isBusy);
  }

  begin(): void {
    this.isWanted = this.status !== 'held';
    if (!this.isWanted) release(this);
  }

  decide(_cell: Cell, kind: 'failed' | 'ended'): Directive {
    if (kind === 'failed') return { kind: 'restart', delayMs: 0 };
    if (!this.restartsAtEnd) return { kind: 'stop' };
    this.host.endedSelf();
    return { kind: 'restart', delayMs: 0 };
  }

  restartsTogether(): boolean {
    return true;
  }

  restart(): void {}

  onHeld(): void {
    this.tell();
    if (this.isWanted) this.begin();
    else this.host.held();
  }

  onStarted(): void {
    this.isWanted = false;
    this.host.started();
  }

  onGone(): void {}

  close(): void {}
}

/** How an actor is run for a cell elsewhere. */
export interface Hosting {
  readonly host: Host;
  /** Its name, which the cell elsewhere has claimed. */
  readonly name: string;
  /** Whether it is to be started again when it ends itself. */
  readonly restartsAtEnd: boolean;
}

/**
 * `type`, for one actor that is run here for a cell elsewhere.
 *
 * @throws {RuntimeError} `CONFIG_INVALID` — its actors are no plain ones: routers, pools.
 */
function hostedType<P extends Protocol>(type: ActorType<P>, hosting: Hosting): ActorType<P> {
  const { [INTERNALS]: internals, name } = type;
  if (internals.createCell !== undefined) {
    const text = `Cannot run "${name}" on a worker: it hands its messages on; spawn it here, with routees on workers`;
    throw new RuntimeError('CONFIG_INVALID', text);
  }
  const createCell = (...parts: ConstructorParameters<typeof Cell>): Cell => new HostedCell(parts, hosting);
  return { name, [INTERNALS]: { ...internals, createCell } as TypeInternals<P> };
}

/** Lets `sink` hear an event of an actor of this thread. Returns what ends that. */
function listenTo(ref: ActorRef, event: string, sink: EventSink): () => void {
  const cell = LocalRef.cellOf(ref);
  hear(cell, event, sink);
  return () => unhear(cell, event, sink);
}

/** A use of a stream that is read elsewhere. */
function openStream(payload: unknown): {
  readonly payload: StreamSession;
  close(ref: ActorRef, op: string): void;
} {
  const session = new StreamSession(payload);
  return {
    payload: session,
    close(ref, op) {
      session.isClosing = true;
      const operation = LocalRef.internalsOf(ref).operations.streams.find(({ name }) => name === op);
      if (session.isOpen && operation !== undefined)
        LocalRef.cellOf(ref).postOwn(session, new Header(operation, undefined, undefined));
    },
  };
}

/** The header of a message that was lost elsewhere. */
function lostHeader(lost: { kind: Operation['kind']; op: string; topic: string | undefined }): Header {
  return new Header(openOperation(lost.kind, lost.op), undefined, lost.topic);
}

/** What a cell elsewhere decides over the actor that is run here for it. */
export const hosted = {
  typeOf: hostedType,
  /** Whether `value` is an actor type of this copy of the package. */
  isType: (value: unknown): value is ActorType =>
    typeof value === 'object' && value !== null && (value as Partial<ActorType>)[INTERNALS] !== undefined,
  /** Starts the next incarnation, now or when the present one is over. */
  begin: (ref: ActorRef): void => (LocalRef.cellOf(ref) as HostedCell).begin(),
  /** Ends the incarnation in order; then `host.held` is called. */
  hold: (ref: ActorRef): void => requestHold(LocalRef.cellOf(ref)),
  /** Ends the incarnation as by a failure. */
  fail: (ref: ActorRef, error: RuntimeError): boolean => crash(ref, error),
} as const;

/** What crosses into this thread, and out of it. */
export const arrivals = { receive, listenTo, openStream, lostHeader } as const;
