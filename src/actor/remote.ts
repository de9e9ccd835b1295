/** Actors whose messages are handled elsewhere: here is their mailbox, their supervision, and whoever refers to them. */
import { RingBuffer } from '../collections/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import type { ActorRef, TellResult, Termination } from './actor-ref.ts';
import { type ActorType, INTERNALS, Operations, type TypeInternals } from './actor-type.ts';
import { Cell, type Runner, TOLD, TurnContext } from './cell.ts';
import type { Asker, Header, Operation } from './header.ts';
import { kill } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import type { FailureReport } from './options.ts';
import type { NoProtocol, Protocol } from './protocol.ts';
import { type PayloadSpec, toValidator } from './schema.ts';
import { StreamSession, streamOperation } from './streams.ts';
import { dropExpired, isExpired } from './turn.ts';

/** Messages that are under way to one actor at most, whatever its mailbox holds: what a turn of it takes, many times over. */
const WINDOW_MAX = 1_024;

/** The place where an actor's messages are handled, as its cell sees it. One object per cell. */
export interface Far {
  /** Whether a message can be sent now; when it cannot, {@link RemoteActor.wake} follows. */
  readonly hasRoom: boolean;
  /** Begins an incarnation; settles as `init` does there. Nothing to wait for if it has begun. */
  start(): Promise<void> | undefined;
  /**
   * Sends a message, which will be answered for by {@link RemoteActor.taken}, and its header if somebody waits.
   *
   * @throws {RuntimeError} `MESSAGE_UNSERIALIZABLE` — it cannot leave this thread; nothing was sent.
   */
  send(payload: unknown, header: Header): void;
  /** Says that a stream is not read any more. */
  closeStream(session: StreamSession): void;
  /** Ends the incarnation in order: for good, or to begin another. Nothing to wait for if there is none. */
  end(isForGood: boolean): Promise<void> | undefined;
  /** The incarnation is over, as far as anybody here is concerned. Never throws. */
  dispose(reason: RuntimeError | undefined): void;
  /** The actor is no more. */
  ended(termination: Termination): void;
  /** Begins or ends to hear an event. */
  hear(event: string, isHeard: boolean): void;
  /** An ask is not waited for any more in the turn that made it. */
  unbound(header: Header): void;
}

/** The cell of an actor whose messages are handled elsewhere, as seen from there. */
export interface RemoteActor extends Asker {
  readonly ref: ActorRef;
  /** Whether messages are under way, or handled there. */
  readonly elsewhere: number;
  readonly isStopped: boolean;
  /** Whether it is started again when it ends itself. */
  readonly restartsAtEnd: boolean;
  /** How it is run, for whoever runs it there. */
  readonly profile: RemoteProfile;
  /** Events that somebody listens to. */
  readonly heard: readonly string[];
  /** There may be room again. */
  wake(): void;
  /** So many messages, the oldest, have left the mailbox there. @param isBusy Whether the actor is in the middle of one. */
  taken(count: number, isBusy: boolean): void;
  /** Somebody there asks in this actor's name, and waits in its turn. */
  addAsk(header: Header): void;
  /** It has emitted an event. */
  emit(event: string, payload: unknown): void;
  /** The incarnation has failed there: supervision here decides. */
  failed(phase: FailureReport['phase'], error: RuntimeError): void;
  /** The incarnation has ended itself there. */
  endedSelf(): void;
  /** The actor has ended there by what was said there. */
  terminated(termination: Termination): void;
  /** Where it was is lost, with all that was under way. */
  lost(error: RuntimeError): void;
  /** A failure there that changes nothing about the actor. */
  report(phase: FailureReport['phase'], error: RuntimeError): void;
  /** Counts a message that nobody there handled. */
  bury(reason: Parameters<Cell['bury']>[0], lost: Lost<Header>, error?: RuntimeError): void;
}

/** What of the options of an actor those who run it need to know. */
export interface RemoteProfile {
  readonly mailbox: Cell['profile']['mailbox'];
  readonly supervision: Cell['profile']['supervision'];
  readonly stopTimeoutMs: number;
}

/** What makes an actor type that of actors elsewhere. */
export interface RemoteDefinition<P extends Protocol> {
  readonly name: string;
  /** What it understands; `any`: whatever a sender names; a type: what its actors do. */
  readonly speaks: P | 'any' | ActorType<P>;
  /** The name that its actors have there, where it is not theirs here. */
  readonly alias?: string | undefined;
  /** Whether its actors take what those of the type that it speaks as would take here: then they are admitted as those are. */
  readonly takesRoomHere?: boolean;
  readonly connect: (actor: RemoteActor) => Far;
}

/**
 * Makes an actor type whose actors handle their messages elsewhere. All else of them is as of any actor: mailbox,
 * supervision, watching, names, topics, draining.
 */
export function defineRemoteType<P extends Protocol = NoProtocol>(definition: RemoteDefinition<P>): ActorType<P> {
  const { name, speaks } = definition;
  const known = speaks !== 'any' && INTERNALS in speaks ? (speaks[INTERNALS] as TypeInternals) : spokenBy(name, speaks);
  const createCell = (...parts: ConstructorParameters<typeof Cell>): Cell => new RemoteCell(parts, definition);
  const { protocol, operations, events, contract } = known;
  const admit = definition.takesRoomHere === true ? known.admit : undefined;
  const internals: TypeInternals = { protocol, operations, events, contract, admit, runner: RUNNER, createCell };
  return { name, [INTERNALS]: internals as unknown as TypeInternals<P> };
}

function spokenBy(name: string, speaks: Protocol | 'any'): Omit<TypeInternals, 'runner'> {
  if (speaks === 'any') return { protocol: undefined, operations: new Operations(name, 'any'), events: [] };
  const { spec } = speaks;
  const operation = (kind: 'tell' | 'ask', op: string, payload: PayloadSpec): Operation => ({
    kind,
    name: op,
    handler: undefined,
    batch: undefined,
    // Replies are checked where they are made.
    validateIn: toValidator(payload, `the payload of "${op}"`),
    validateOut: undefined,
    isUrgent: false,
  });
  const tells = Object.entries(spec.tell ?? {}).map(([op, payload]) => operation('tell', op, payload));
  const asks = Object.entries(spec.ask ?? {}).map(([op, ask]) => operation('ask', op, ask.in));
  const streams = Object.entries(spec.stream ?? {}).map(([op, stream]) => {
    const validateIn = toValidator(stream.in, `what opens "${op}"`);
    return streamOperation(op, () => undefined, { validateIn, validateOut: undefined });
  });
  const operations = new Operations(name, [...tells, ...asks], streams);
  return { protocol: speaks, operations, events: Object.keys(spec.event ?? {}) };
}

/** A cell that sends on what is in its mailbox, many at a time. What is under way keeps its place in the mailbox's bounds. */
export class RemoteCell extends Cell implements RemoteActor, Asker {
  readonly far: Far;
  /** Sent, and not known to have left the mailbox there; in order, but for urgent ones. */
  private readonly untaken = new RingBuffer<Lost<Header>>();
  /** Places of the mailbox that are kept for those. */
  private held = 0;
  private isBusyThere = false;
  private readonly window: number;
  private isPlaced = false;
  private readonly alias: string | undefined;
  /** Asks in this actor's name that its turn waits for, in no order. */
  private readonly asked: Header[] = [];

  constructor(
    parts: ConstructorParameters<typeof Cell>,
    { alias, connect }: Pick<RemoteDefinition<Protocol>, 'alias' | 'connect'>,
  ) {
    super(...parts);
    this.alias = alias;
    const { capacity, capacityBytes, overflow } = this.profile.mailbox;
    const most = overflow === 'drop-oldest' ? Math.max(1, capacity >> 1) : capacity;
    // Bytes are counted here: there is one message under way, so that not more of them are there than here.
    this.window = capacityBytes > 0 ? 1 : Math.min(WINDOW_MAX, most);
    this.far = connect(this);
  }

  override get name(): string {
    return this.alias ?? super.name;
  }

  override get elsewhere(): number {
    return this.untaken.size + (this.isBusyThere ? 1 : 0);
  }

  override get isDrained(): boolean {
    return this.elsewhere === 0;
  }

  override get load(): number {
    return this.mailbox.size + this.elsewhere;
  }

  override get openAsks(): readonly Header[] {
    return this.asked;
  }

  get actor(): Cell {
    return this;
  }

  get isStopped(): boolean {
    return this.status === 'stopped';
  }

  get restartsAtEnd(): boolean {
    return (this.extras?.member?.restart ?? this.profile.supervision.restart) === 'permanent';
  }

  get heard(): readonly string[] {
    const events = [...(this.extras?.events ?? [])];
    return events.filter(([, { size }]) => size > 0).map(([event]) => event);
  }

  /** Its end is told there, once it has begun there. */
  place(): void {
    if (this.isPlaced) return;
    this.isPlaced = true;
    void this.ref.terminated.then((termination) => this.far.ended(termination));
  }

  /** The way past the mailbox, when nobody waits in it. */
  override post(payload: unknown, header: Header): TellResult {
    const isNext = this.status === 'idle' && this.mailbox.size === 0 && !this.mailbox.isFull;
    if (isNext && this.maySend(header) && this.mailbox.canHold(payload)) {
      try {
        this.send(payload, header);
        return TOLD;
      } catch (error) {
        return Object.freeze({ ok: false, error: RuntimeError.from(error) });
      }
    }
    if (!this.mailbox.offer(payload, header)) return super.post(payload, header);
    this.wake();
    return TOLD;
  }

  override postOwn(payload: unknown, header: Header): void {
    if (payload instanceof StreamSession) this.far.closeStream(payload);
    else super.postOwn(payload, header);
  }

  override onHeard(event: string, isHeard: boolean): void {
    if (this.context !== null) this.far.hear(event, isHeard);
  }

  onUnbound(header: Header): void {
    this.far.unbound(header);
  }

  /** Waits as long as nothing can be done: whatever changes that wakes it. */
  override enqueue(): void {
    if (this.hasTurn) super.enqueue();
    else this.status = 'idle';
  }

  private get hasTurn(): boolean {
    const { extras, mailbox } = this;
    if (this.context === null || mailbox.hasSystemWork) return true;
    if (extras !== null && (extras.ending !== null || extras.killed !== null)) return true;
    const header = mailbox.peekHeader();
    return header === undefined ? this.isDrained : this.maySend(header);
  }

  private maySend({ operation }: Header): boolean {
    const { window } = this;
    return this.untaken.size < (operation.isUrgent ? 2 * window : window) && this.far.hasRoom;
  }

  private send(payload: unknown, header: Header): void {
    this.far.send(payload, header);
    this.untaken.push({ message: payload, header });
    if (header.operation.isUrgent) return;
    this.held++;
    this.mailbox.hold(1);
  }

  /** Sends what is in the mailbox. */
  sendOn(quota: number): void {
    const { mailbox } = this;
    let sent = 0;
    for (let header = mailbox.peekHeader(); header !== undefined && sent < quota; header = mailbox.peekHeader()) {
      if (isExpired(this, header)) {
        dropExpired(this, { message: mailbox.take(), header });
        continue;
      }
      if (!this.maySend(header)) return;
      const message = mailbox.take();
      sent++;
      try {
        this.send(message, header);
      } catch (thrown) {
        const error = RuntimeError.from(thrown);
        if (header.isPending) header.fail(error);
        this.bury('refused', { message, header }, error);
      }
    }
  }

  taken(count: number, isBusy: boolean): void {
    const known = Math.min(count, this.untaken.size);
    for (let i = 0; i < known; i++) this.untaken.shift();
    this.handled += known;
    this.isBusyThere = isBusy;
    this.release();
    this.admit();
    if (this.extras?.isDraining === true && this.isDrained) this.nudge();
    else this.wake();
  }

  /** Gives back the places of what is not under way any more. */
  private release(): void {
    const held = Math.min(this.held, this.untaken.size);
    this.mailbox.hold(held - this.held);
    this.held = held;
  }

  addAsk(header: Header): void {
    header.bindTo(this, this.asked.length);
    this.asked.push(header);
  }

  forgetAsk(header: Header): void {
    const last = this.asked.pop() as Header;
    if (last === header) return;
    this.asked[header.place] = last;
    last.place = header.place;
  }

  emit(event: string, payload: unknown): void {
    for (const sink of this.extras?.events?.get(event) ?? []) sink.push(payload);
  }

  failed(phase: FailureReport['phase'], error: RuntimeError): void {
    if (this.context === null) return;
    if (phase === 'child' || phase === 'link' || phase === 'message') this.postSystem({ kind: 'failed', phase, error });
    else this.postSystem({ kind: 'failed', phase: 'message', error });
  }

  endedSelf(): void {
    if (this.status !== 'stopped') this.endSelf();
  }

  terminated(termination: Termination): void {
    if (this.status !== 'stopped') kill(this, termination);
  }

  lost(error: RuntimeError): void {
    this.isBusyThere = false;
    for (let lost = this.untaken.shift(); lost !== undefined; lost = this.untaken.shift()) {
      if (lost.header.isPending) lost.header.fail(error);
      this.bury('lost', lost, error);
    }
    this.release();
    if (this.status === 'idle' || this.status === 'queued') this.failed('message', error);
  }
}

/** Runs actors by sending their messages elsewhere. */
const RUNNER: Runner = {
  createContext: (cell) => new TurnContext(cell),
  start(cell) {
    const { far } = cell as RemoteCell;
    (cell as RemoteCell).place();
    return far.start();
  },
  run: (cell, quota) => (cell as RemoteCell).sendOn(quota),
  onTerminated() {},
  stop: (cell) => (cell as RemoteCell).far.end(cell.extras?.ending?.termination !== undefined),
  dispose: (context, reason) => (context.cell as RemoteCell).far.dispose(reason),
};

/** The cell behind `ref`, as a key: equal for all references to one actor. */
export function identityOf(ref: ActorRef): object {
  return LocalRef.cellOf(ref);
}
