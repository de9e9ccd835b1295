import {
  type ActorRef,
  type ActorSystem,
  arrivals,
  defineRemoteType,
  type Header,
  identityOf,
  type RemoteActor,
  StreamSession,
} from '../actor/index.ts';
import { assert, RuntimeError, type WireError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { AskTable } from './ask-table.ts';
import type { Control } from './control.ts';
import { IncomingAsk } from './incoming-ask.ts';
import type { Known, OtherSide } from './known.ts';
import type { Frame, Link, LinkReceiver } from './link.ts';
import { FLAG, MESSAGE_HEAD, REPLY_HEAD, TYPE, toSenderField, type Wide } from './message-frame.ts';
import { type Packed, pack, unpack, write } from './payload.ts';
import { ReferredActor } from './referred-actor.ts';

/** Operations that are known by a number; the names of others are sent with each message. */
const OPERATIONS_MAX = 4_096;

/** Publications and events that wait for room on the link; then they are lost, and counted. */
const WAITING_MAX = 1_024;

/** What is not a message, for whoever knows what to do with it. */
export interface PeerEvents {
  /** What this side is told besides messages, and does not know itself. */
  onControl(control: Control): void;
  /** Somebody there published. */
  onPublished(topic: string, payload: unknown, sender: ActorRef | undefined): void;
  /** The other side is gone; every ask has been answered. */
  onLost(error: RuntimeError): void;
}

/** How one side of a link is set up. */
export interface PeerSetting {
  readonly link: Link;
  readonly system: ActorSystem;
  readonly clock: Clock;
  /** Milliseconds of this side's clock, less those of the main thread's, which deadlines are in. */
  readonly clockOffsetMs: number;
}

/** An actor of this side that the other side refers to. */
interface Exported {
  readonly ref: ActorRef;
  /** What it emits and somebody hears there. */
  readonly hearing: Map<string, () => void>;
  readonly streams: Map<number, { readonly op: string; readonly use: ReturnType<typeof arrivals.openStream> }>;
}

interface Waiting {
  readonly bytes: Uint8Array;
}

/**
 * One side of a link between two systems: brings messages over, and replies back. Both sides are alike; what a worker or the
 * main thread does besides, they say by {@link PeerEvents}.
 *
 * An actor has an id at the side where it lives. Odd ids are chosen by that side, even ones by the other: so either can begin to
 * speak of an actor without waiting.
 */
export class Peer implements LinkReceiver, OtherSide {
  readonly clock: Clock;
  readonly #link: Link;
  readonly #system: ActorSystem;
  readonly #events: PeerEvents;
  readonly #offsetMs: number;

  readonly #exports = new Map<number, Exported>();
  readonly #exportIds = new Map<object, number>();
  readonly #known = new Map<number, Known>();
  /** By the cell that stands for it here: the id that it has there. */
  readonly #knownIds = new Map<object, number>();
  #nextExport = 1;
  #nextChosen = 2;

  readonly #asks = new AskTable((id) => this.#say(TYPE.cancel, id));
  /** Asks of the other side that are not answered; by id. */
  readonly #incoming = new Map<number, IncomingAsk>();
  readonly #operations = new Map<string, number>();
  readonly #theirOperations: string[] = [];
  readonly #streams = new WeakMap<StreamSession, number>();
  #nextStream = 1;

  /** What finds no room on the link; replies, of which there are no more than asks, and few others. */
  readonly #waiting: (Waiting | Control)[] = [];
  readonly #refused = new Set<RemoteActor>();
  #isFlushDue = false;
  #lost: RuntimeError | undefined;
  isClosing = false;

  constructor({ link, system, clock, clockOffsetMs }: PeerSetting, events: PeerEvents) {
    this.#link = link;
    this.#system = system;
    this.clock = clock;
    this.#offsetMs = clockOffsetMs;
    this.#events = events;
  }

  /** Begins to receive. */
  open(): void {
    this.#link.open(this);
  }

  /** Why nothing can be sent any more. */
  get lost(): RuntimeError | undefined {
    return this.#lost;
  }

  /** Actors of the other side that are known here. */
  get knownSize(): number {
    return this.#known.size;
  }

  close(): void {
    this.isClosing = true;
    this.#lost ??= new RuntimeError('SYSTEM_STOPPED', 'Cannot send: the system is stopping');
    this.#link.close();
    this.#forgetAll(this.#lost);
  }

  // ── who is spoken of ──

  /** The id of an actor of this side, for the other side. */
  exportOf(ref: ActorRef): number {
    const identity = identityOf(ref);
    const known = this.#exportIds.get(identity);
    if (known !== undefined) return known;
    const id = this.#nextExport;
    this.#nextExport += 2;
    this.say({ kind: 'exported', ownId: id, name: ref.name, type: ref.type });
    this.addExport(id, ref);
    return id;
  }

  /** Takes an id of the other side's choice for an actor of this side. */
  addExport(id: number, ref: ActorRef): void {
    const identity = identityOf(ref);
    this.#exports.set(id, { ref, hearing: new Map(), streams: new Map() });
    if (!this.#exportIds.has(identity)) this.#exportIds.set(identity, id);
    void ref.terminated.then((termination) => {
      const error = termination.error?.toWire();
      this.#exports.delete(id);
      if (this.#exportIds.get(identity) === id) this.#exportIds.delete(identity);
      this.say({ kind: 'ended', ownId: id, termination: { kind: termination.kind, error } });
    });
  }

  /** The actor of this side that has the id. */
  exported(id: number): ActorRef | undefined {
    return this.#exports.get(id)?.ref;
  }

  /** The id by which the other side knows an actor of this side; `undefined`: it does not. */
  exportIdOf(ref: ActorRef): number | undefined {
    return this.#exportIds.get(identityOf(ref));
  }

  /** Chooses an id for an actor of the other side, and remembers who stands for it here. */
  know(known: Known): number {
    const id = this.#nextChosen;
    this.#nextChosen += 2;
    this.#remember(id, known);
    return id;
  }

  #remember(id: number, known: Known): void {
    this.#known.set(id, known);
    this.#knownIds.set(identityOf(known.actor.ref), id);
  }

  /** Refers to an actor of the other side, by its id or else by its name, with a cell of this side. */
  refer(name: string, type: string, id?: number): ActorRef {
    let far: ReferredActor | undefined;
    const connect = (actor: RemoteActor): ReferredActor => {
      far = new ReferredActor(this, actor);
      return far;
    };
    const remote = defineRemoteType({ name: type, speaks: 'any', alias: name, connect });
    const ref = this.#system.spawn(remote);
    const known = far as ReferredActor | undefined;
    assert(known !== undefined, 'a cell of that type connects when it is made');
    if (id === undefined) {
      known.id = this.know(known);
      this.say({ kind: 'named', id: known.id, name });
    } else {
      known.id = id;
      this.#remember(id, known);
    }
    return ref;
  }

  known(id: number): Known | undefined {
    return this.#known.get(id);
  }

  forget(id: number): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    this.#known.delete(id);
    const identity = identityOf(known.actor.ref);
    if (this.#knownIds.get(identity) === id) this.#knownIds.delete(identity);
  }

  // ── sending ──

  /** Whether a message can be sent now; if not, `actor` is woken when it can. */
  hasRoomFor(actor: RemoteActor): boolean {
    if (this.#waiting.length === 0) return this.#lost === undefined;
    this.#refused.add(actor);
    return false;
  }

  /** @throws {RuntimeError} `MESSAGE_UNSERIALIZABLE`. */
  sendMessage(to: number, message: { payload: unknown; header: Header; actor: RemoteActor }): void {
    const { payload, header, actor } = message;
    const { operation, topic } = header;
    const isKept = header.isPending && !header.hasDeadline;
    let op = 0;
    let packed: Packed;
    if (payload instanceof StreamSession) packed = this.#packStep(operation.name, payload);
    else if (topic !== undefined) packed = pack({ kind: 'topic', op: operation.name, topic, payload } satisfies Wide);
    else {
      op = this.#operations.get(operation.name) ?? this.#nameOperation(operation.name);
      const kind = operation.kind === 'ask' ? 'ask' : 'tell';
      packed = op === 0 ? pack({ kind, op: operation.name, payload } satisfies Wide) : pack(payload);
    }
    const sender = header.sender === undefined ? 0 : this.#senderField(header.sender);
    const ask = header.isPending ? this.#asks.add(header, actor) : 0;
    const flags =
      (header.isBound ? FLAG.bound : 0) |
      (operation.validateIn === undefined ? 0 : FLAG.checked) |
      (isKept ? FLAG.kept : 0);
    const deadlineMs = ask === 0 || isKept ? 0 : header.deadline(this.clock) - this.#offsetMs;
    const frame = this.#begin(MESSAGE_HEAD + packed.sizeBytes);
    const { bytes, view, start } = frame;
    bytes[start] = op === 0 ? TYPE.wide : operation.kind === 'ask' ? TYPE.ask : TYPE.tell;
    bytes[start + 1] = packed.form;
    bytes[start + 2] = flags;
    view.setUint32(start + 4, to, true);
    view.setUint32(start + 8, sender, true);
    view.setUint32(start + 12, op, true);
    view.setUint32(start + 16, ask, true);
    view.setFloat64(start + 24, deadlineMs, true);
    write(packed, frame, start + MESSAGE_HEAD);
    this.#end(frame, MESSAGE_HEAD + packed.sizeBytes);
  }

  /** Says what became of an ask of the other side. */
  reply(id: number, value: unknown): void {
    this.#incoming.delete(id);
    let packed: Packed;
    try {
      packed = pack(value);
    } catch (error) {
      this.replyFailure(id, error);
      return;
    }
    this.#sendValue(TYPE.reply, { id, packed });
  }

  replyFailure(id: number, error: unknown): void {
    this.#incoming.delete(id);
    this.#sendValue(TYPE.failure, { id, packed: packError(error) });
  }

  taken(ownId: number, count: number, isBusy: boolean): void {
    const frame = this.#begin(12);
    const { bytes, view, start } = frame;
    bytes[start] = TYPE.taken;
    bytes[start + 1] = isBusy ? 1 : 0;
    view.setUint32(start + 4, ownId, true);
    view.setUint32(start + 8, count, true);
    this.#end(frame, 12);
  }

  /** Publishes at the other side. What cannot be copied throws, what finds no room for long is lost. */
  publish(topic: string, payload: unknown, sender: ActorRef | undefined): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#system.deadLetters.count('overflow');
      return;
    }
    const id = sender === undefined ? 0 : this.#senderField(sender);
    this.#sendValue(TYPE.publish, { id, packed: pack({ topic, payload }) });
  }

  /** Says something that is not a message, in order with messages. */
  say(control: Control): void {
    if (this.#lost !== undefined) return;
    if (this.#waiting.length > 0) this.#waiting.push(control);
    else this.#post(control);
  }

  #post(control: Control): void {
    this.#link.post(control);
  }

  /** Says that an asker does not wait any more in the turn that asked. */
  unbound(header: Header): void {
    const id = this.#asks.idOf(header);
    if (id !== 0) this.#say(TYPE.unbound, id);
  }

  #say(type: number, id: number): void {
    const frame = this.#begin(8);
    frame.bytes[frame.start] = type;
    frame.view.setUint32(frame.start + 4, id, true);
    this.#end(frame, 8);
  }

  #sendValue(type: number, { id, packed }: { id: number; packed: Packed }): void {
    const frame = this.#begin(REPLY_HEAD + packed.sizeBytes);
    frame.bytes[frame.start] = type;
    frame.bytes[frame.start + 1] = packed.form;
    frame.view.setUint32(frame.start + 4, id, true);
    write(packed, frame, frame.start + REPLY_HEAD);
    this.#end(frame, REPLY_HEAD + packed.sizeBytes);
  }

  #senderField(sender: ActorRef): number {
    const theirs = this.#knownIds.get(identityOf(sender));
    return theirs === undefined ? toSenderField(this.exportOf(sender), false) : toSenderField(theirs, true);
  }

  #nameOperation(name: string): number {
    if (this.#operations.size >= OPERATIONS_MAX) return 0;
    const op = this.#operations.size + 1;
    this.#operations.set(name, op);
    this.say({ kind: 'other', topic: 'operation', data: name });
    return op;
  }

  #packStep(op: string, session: StreamSession): Packed {
    const known = this.#streams.get(session);
    const id = known ?? this.#nextStream++;
    const wide: Wide = {
      kind: 'stream',
      op,
      stream: { id, isClosing: session.isClosing },
      payload: known === undefined ? session.payload : undefined,
    };
    const packed = pack(wide);
    this.#streams.set(session, id);
    session.isElsewhere = true;
    return packed;
  }

  closeStream(to: number, session: StreamSession): void {
    const stream = this.#streams.get(session);
    if (stream !== undefined) this.say({ kind: 'close-stream', id: to, stream });
  }

  /** A place on the link or, where there is no room, one that waits for it. */
  #begin(sizeBytes: number): Frame {
    const frame = this.#waiting.length > 0 || this.#lost !== undefined ? undefined : this.#link.reserve(sizeBytes);
    if (frame !== undefined) return frame;
    const bytes = new Uint8Array(sizeBytes);
    return { bytes, view: new DataView(bytes.buffer), start: 0, end: sizeBytes, isWaiting: true } as Frame;
  }

  #end(frame: Frame, sizeBytes: number): void {
    if ('isWaiting' in frame) {
      if (this.#lost === undefined) this.#waiting.push({ bytes: frame.bytes });
      return;
    }
    this.#link.commit(sizeBytes);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.clock.next(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    if (this.#lost === undefined) this.#link.flush();
  };

  // ── receiving ──

  onRoom(): void {
    while (this.#waiting.length > 0) {
      const [next] = this.#waiting as [Waiting | Control];
      if ('kind' in next) {
        this.#post(next);
      } else {
        const frame = this.#link.reserve(next.bytes.length);
        if (frame === undefined) break;
        frame.bytes.set(next.bytes, frame.start);
        this.#link.commit(next.bytes.length);
      }
      this.#waiting.shift();
    }
    this.#link.flush();
    if (this.#waiting.length > 0) return;
    const refused = [...this.#refused];
    this.#refused.clear();
    for (const actor of refused) actor.wake();
  }

  onCredit(): void {}

  onFrame(frame: Frame): void {
    const { bytes, view, start } = frame;
    const type = bytes[start] as number;
    const form = bytes[start + 1] as number;
    const id = view.getUint32(start + 4, true);
    switch (type) {
      case TYPE.tell:
      case TYPE.ask:
      case TYPE.wide:
        this.#onMessage(frame, type);
        break;
      case TYPE.reply:
        this.#asks.take(id)?.settle(unpack(form, frame, start + REPLY_HEAD));
        break;
      case TYPE.failure:
        this.#asks.take(id)?.fail(RuntimeError.fromWire(unpack(form, frame, start + REPLY_HEAD) as WireError));
        break;
      case TYPE.taken:
        this.#known.get(id)?.actor.taken(view.getUint32(start + 8, true), form === 1);
        break;
      case TYPE.cancel:
        this.#incoming.get(id)?.cancel();
        break;
      case TYPE.unbound:
        this.#incoming.get(id)?.header?.unbind();
        break;
      case TYPE.event: {
        const { event, payload } = unpack(form, frame, start + REPLY_HEAD) as { event: string; payload: unknown };
        this.#known.get(id)?.actor.emit(event, payload);
        break;
      }
      case TYPE.publish: {
        const { topic, payload } = unpack(form, frame, start + REPLY_HEAD) as { topic: string; payload: unknown };
        this.#events.onPublished(topic, payload, this.#senderOf(id));
        break;
      }
      default:
        throw new RuntimeError('INTERNAL', `A frame has the unknown type ${type}`);
    }
  }

  #onMessage(frame: Frame, type: number): void {
    const { bytes, view, start } = frame;
    const flags = bytes[start + 2] as number;
    const to = view.getUint32(start + 4, true);
    const sender = this.#senderOf(view.getUint32(start + 8, true));
    const ask = view.getUint32(start + 16, true);
    const deadlineMs = view.getFloat64(start + 24, true);
    const content = unpack(bytes[start + 1] as number, frame, start + MESSAGE_HEAD);
    const message: Wide =
      type === TYPE.wide ? (content as Wide) : this.#narrow(view.getUint32(start + 12, true), type, content);
    const target = this.#exports.get(to);
    const isBound = (flags & FLAG.bound) !== 0;
    const reply =
      ask === 0 ? undefined : new IncomingAsk(this, { id: ask, deadlineMs: deadlineMs + this.#offsetMs, isBound });
    if (target === undefined) {
      reply?.fail(
        new RuntimeError('ACTOR_STOPPED', `Cannot send ${JSON.stringify(message.op)}: the actor has stopped`),
      );
      this.#refuseLate(to, message);
      return;
    }
    if (reply !== undefined) this.#incoming.set(ask, reply);
    const { op, topic, kind } = message;
    const payload = kind === 'stream' ? this.#stepOf(target, message) : message.payload;
    const isChecked = (flags & FLAG.checked) !== 0;
    const settled = (): void => this.taken(to, 1, false);
    const header = arrivals.receive(target.ref, { op, kind, payload, sender, topic, isChecked, reply, settled });
    if (reply !== undefined && header !== undefined) reply.header = header;
  }

  /** For an actor that has ended: who sent it learns that it left the mailbox, and what became of it. */
  #refuseLate(to: number, { kind, op, topic, payload }: Wide): void {
    const letter = {
      reason: 'stopped',
      kind: kind === 'stream' ? 'ask' : kind,
      op,
      topic,
      payload,
      error: undefined,
    } as const;
    this.taken(to, 1, false);
    this.say({ kind: 'buried', ownId: to, name: '', letter });
  }

  #narrow(op: number, type: number, payload: unknown): Wide {
    const name = this.#theirOperations[op - 1];
    assert(name !== undefined, 'an operation has a name before it is used');
    return { kind: type === TYPE.ask ? 'ask' : 'tell', op: name, payload };
  }

  #stepOf({ streams }: Exported, { op, stream, payload }: Wide): StreamSession {
    assert(stream !== undefined, 'a step is of a stream');
    const known = streams.get(stream.id) ?? { op, use: arrivals.openStream(payload) };
    streams.set(stream.id, known);
    known.use.payload.isClosing ||= stream.isClosing;
    return known.use.payload;
  }

  #senderOf(field: number): ActorRef | undefined {
    if (field === 0) return undefined;
    const id = Math.floor(field / 2);
    return field % 2 === 1 ? this.#exports.get(id)?.ref : this.#known.get(id)?.actor.ref;
  }

  onControl(message: unknown): void {
    const control = message as Control;
    switch (control.kind) {
      case 'other':
        if (control.topic === 'operation') this.#theirOperations.push(String(control.data));
        else this.#events.onControl(control);
        break;
      case 'exported':
        this.refer(control.name, control.type, control.ownId);
        break;
      case 'ended':
        this.#known.get(control.ownId)?.onEnded(control.termination);
        break;
      case 'stop':
        void this.#exports.get(control.id)?.ref.stop({ deadlineMs: control.deadlineMs });
        break;
      case 'kill':
        if (this.#exports.has(control.id)) this.#exports.get(control.id)?.ref.kill();
        else this.#events.onControl(control);
        break;
      case 'hear':
        this.#hear(control);
        break;
      case 'close-stream': {
        const target = this.#exports.get(control.id);
        const stream = target?.streams.get(control.stream);
        target?.streams.delete(control.stream);
        if (target !== undefined) stream?.use.close(target.ref, stream.op);
        break;
      }
      default:
        this.#events.onControl(control);
    }
  }

  #hear({ id, event, isHeard }: Extract<Control, { kind: 'hear' }>): void {
    const target = this.#exports.get(id);
    target?.hearing.get(event)?.();
    target?.hearing.delete(event);
    if (target === undefined || !isHeard) return;
    const push = (payload: unknown): void => {
      if (this.#waiting.length >= WAITING_MAX) return;
      try {
        this.#sendValue(TYPE.event, { id, packed: pack({ event, payload }) });
      } catch (error) {
        this.say({ kind: 'reported', ownId: id, phase: 'message', error: RuntimeError.from(error).toWire() });
      }
    };
    target.hearing.set(event, arrivals.listenTo(target.ref, event, { push, end() {} }));
  }

  onLost(reason: RuntimeError): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#forgetAll(reason);
    this.#events.onLost(reason);
  }

  #forgetAll(error: RuntimeError): void {
    this.#waiting.length = 0;
    this.#refused.clear();
    for (const header of this.#asks.takeAll()) header.fail(error);
    for (const incoming of [...this.#incoming.values()]) incoming.cancel();
    this.#incoming.clear();
  }

  /** Everybody of the other side who is known here. */
  everyKnown(): Known[] {
    return [...this.#known.values()];
  }
}

function packError(error: unknown): Packed {
  const wire = RuntimeError.from(error).toWire();
  try {
    return pack(wire);
  } catch {
    // Facts that cannot be copied are left out: code and text say what happened.
    return pack({ code: wire.code, message: wire.message });
  }
}
