import { RuntimeError } from '../errors/index.ts';
import type {
  ActorRef,
  AskOptions,
  DeliverOptions,
  EventOptions,
  EventStream,
  PutOptions,
  StopOptions,
  TellResult,
  Termination,
} from './actor-ref.ts';
import type { TypeInternals } from './actor-type.ts';

import { hear, unhear } from './bonds.ts';
import { type Cell, refusalError, type TurnContext } from './cell.ts';
import { deadlockError } from './cell-errors.ts';
import type { Waiter } from './cell-parts.ts';
import { outboxOf } from './deliveries.ts';
import { EventQueue } from './event-queue.ts';
import { findAskCycle, Header, type Operation } from './header.ts';
import { kill, requestDrain, requestStop } from './lifecycle.ts';
import { ASK_TIMEOUT_MAX_MS, ASK_TIMEOUT_MS, checkTimeoutMs, DRAIN_TIMEOUT_MS } from './options.ts';
import { isReservedName, type Protocol } from './protocol.ts';
import { cancelledPut, putIfNext, takes, waitingAt } from './putters.ts';
import { StreamReader, StreamSession } from './streams.ts';

/** Keys of what stubs know. Every text may be the name of an operation, so that nothing else of a stub has a text for a name. */
const TARGET: unique symbol = Symbol('target');
const SENDER: unique symbol = Symbol('sender');
const HEADERS: unique symbol = Symbol('headers');
const REQUEST: unique symbol = Symbol('request');

/** Sends to one cell, in the name of one incarnation or of nobody. */
class Stub {
  readonly [TARGET]: Cell;
  readonly [SENDER]: TurnContext | null;

  constructor(target: Cell, sender: TurnContext | null) {
    this[TARGET] = target;
    this[SENDER] = sender;
  }
}

/** Puts a message into the lane of its operation. */
function deliver(cell: Cell, payload: unknown, header: Header): TellResult {
  return header.operation.isUrgent ? cell.postUrgent(payload, header) : cell.post(payload, header);
}

/** Base of `ref.tell`: a method for each operation is on the prototype of the type's own subclass. */
class TellStub extends Stub {
  /** By operation; those of a bound stub are made when they are first used. */
  readonly [HEADERS]: (Header | undefined)[];

  constructor(target: Cell, sender: TurnContext | null, headers: (Header | undefined)[]) {
    super(target, sender);
    this[HEADERS] = headers;
  }

  static define(prototype: object, index: number, operation: Operation): void {
    const { validateIn } = operation;
    const sendPlain = function (this: TellStub, payload: unknown): TellResult {
      const sender = this[SENDER];
      if (sender !== null && !sender.isLive) return sender.cell.stoppedRefusal();
      return this[TARGET].post(payload, this[HEADERS][index] ?? bindHeader(this, index, operation));
    };
    const sendUrgent = function (this: TellStub, payload: unknown): TellResult {
      const sender = this[SENDER];
      if (sender !== null && !sender.isLive) return sender.cell.stoppedRefusal();
      return this[TARGET].postUrgent(payload, this[HEADERS][index] ?? bindHeader(this, index, operation));
    };
    const send = operation.isUrgent ? sendUrgent : sendPlain;
    const check = function (this: TellStub, payload: unknown): TellResult {
      const checked = (validateIn as NonNullable<typeof validateIn>)(payload);
      return 'error' in checked ? invalid(checked.error) : send.call(this, checked.value);
    };
    Object.defineProperty(prototype, operation.name, {
      value: validateIn === undefined ? send : check,
      enumerable: true,
    });
  }
}

function bindHeader(stub: TellStub, index: number, operation: Operation): Header {
  const header = new Header(operation, stub[SENDER]?.cell.ref, undefined);
  stub[HEADERS][index] = header;
  return header;
}

/** Base of `ref.put`. */
class PutStub extends Stub {
  static define(prototype: object, operation: Operation): void {
    const put = function (this: PutStub, payload: unknown, options?: PutOptions): Promise<void> {
      return this[REQUEST](operation, payload, options);
    };
    Object.defineProperty(prototype, operation.name, { value: put, enumerable: true });
  }

  // Gives out the very promise that waits, so that who ends an incarnation can answer for it.
  [REQUEST](operation: Operation, payload: unknown, options: PutOptions | undefined): Promise<void> {
    try {
      return this.put(operation, payload, options) ?? Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Returns a promise only if there is something to wait for. */
  private put(operation: Operation, payload: unknown, options: PutOptions | undefined): Promise<void> | undefined {
    const checked = operation.validateIn?.(payload) ?? { value: payload };
    if ('error' in checked) throw checked.error;
    const { [SENDER]: sender, [TARGET]: target } = this;
    if (sender !== null && !sender.isLive) throw refusalError(sender.cell.stoppedRefusal());
    const { timeoutMs = ASK_TIMEOUT_MS, signal } = options ?? {};
    if (!isAskTimeout(timeoutMs)) throw badTimeout(timeoutMs);
    if (signal?.aborted === true) throw cancelledPut(target);
    if (target.everyone !== null) return this.putToAll(target.everyone, operation, payload, options);
    const cell = target.entry(operation.name, checked.value);
    const header = new Header(operation, sender?.cell.ref, undefined);
    if (putIfNext(cell, checked.value, header)) return undefined;
    if (!takes(cell, header) || !cell.mailbox.canHold(checked.value)) throw refusalError(cell.refusal(header));
    const message = { via: target, payload: checked.value, header, isLive: () => sender?.isLive ?? true };
    return waitingAt(cell).wait(message, { timeoutMs, signal });
  }

  /** The sender is told only if nobody took it; what some did not take is a dead letter. */
  private async putToAll(cells: readonly Cell[], ...put: Parameters<PutStub[typeof REQUEST]>): Promise<void> {
    const [operation, payload] = put;
    const told = await Promise.allSettled(cells.map((cell) => new PutStub(cell, this[SENDER])[REQUEST](...put)));
    const failed = told.map((result) => (result.status === 'rejected' ? result : undefined));
    const [first] = failed;
    if (first !== undefined && !failed.includes(undefined)) throw first.reason;
    const header = new Header(operation, this[SENDER]?.cell.ref, undefined);
    for (const [i, result] of failed.entries()) {
      if (result !== undefined)
        cells[i]?.bury('overflow', { message: payload, header }, RuntimeError.from(result.reason));
    }
  }
}

/** Base of `ref.deliver`. */
class DeliverStub extends Stub {
  static define(prototype: object, operation: Operation): void {
    const send = function (this: DeliverStub, payload: unknown, options?: DeliverOptions): Promise<void> {
      return this[REQUEST](operation, payload, options);
    };
    Object.defineProperty(prototype, operation.name, { value: send, enumerable: true });
  }

  async [REQUEST](operation: Operation, payload: unknown, options: DeliverOptions | undefined): Promise<void> {
    const { [SENDER]: sender, [TARGET]: cell } = this;
    const checked = operation.validateIn?.(payload) ?? { value: payload };
    if ('error' in checked) throw checked.error;
    if (sender !== null && !sender.isLive) throw refusalError(sender.cell.stoppedRefusal());
    const message = { to: cell.name, op: operation.name, payload: checked.value, id: options?.id };
    // It would wait for ever.
    if (!cell.mailbox.canHold(checked.value)) throw refusalError(cell.fullRefusal());
    await outboxOf(cell).accept([message]);
  }
}

/** Base of `ref.ask`. */
class AskStub extends Stub {
  static define(prototype: object, operation: Operation): void {
    const ask = function (this: AskStub, payload: unknown, options?: AskOptions): Promise<unknown> {
      return this[REQUEST](operation, payload, options);
    };
    Object.defineProperty(prototype, operation.name, { value: ask, enumerable: true });
  }

  [REQUEST](operation: Operation, payload: unknown, options: AskOptions | undefined): Promise<unknown> {
    let message = payload;
    if (operation.validateIn !== undefined) {
      const checked = operation.validateIn(payload);
      if ('error' in checked) return Promise.reject(checked.error);
      message = checked.value;
    }
    const { [SENDER]: sender, [TARGET]: target } = this;
    if (sender !== null && !sender.isLive) return Promise.reject(refusalError(sender.cell.stoppedRefusal()));
    if (target.everyone !== null) return this.askEveryone(target.everyone, operation, payload, options);
    const cell = target.entry(operation.name, message);
    const { clock, wheel, dispatcher, meter } = cell.profile.services;
    const timeoutMs = options?.timeoutMs ?? ASK_TIMEOUT_MS;
    if (!isAskTimeout(timeoutMs)) return Promise.reject(badTimeout(timeoutMs));
    const limitMs = sender?.header?.deadline(clock) ?? 0;
    if (limitMs !== 0 && limitMs <= dispatcher.coarseNowMs) return Promise.reject(tooLate());
    if (options?.signal?.aborted === true) return Promise.reject(cancelled(cell, operation));
    if (sender?.isInTurn === true) {
      const circle = findAskCycle(sender.cell, cell);
      if (circle !== undefined) return Promise.reject(deadlockError(circle));
    }
    const header = new Header(operation, sender === null ? undefined : sender.cell.ref, undefined);
    const reply = header.open(cell, wheel, { timeoutMs, limitMs });
    if (meter !== null) meter.ask(cell, reply);
    if (options?.signal !== undefined) header.attach(options.signal);
    if (sender?.isInTurn === true) sender.addAsk(header);
    const told = deliver(cell, message, header);
    if (!told.ok) {
      const isFull = told.error.code === 'MAILBOX_FULL' && cell.profile.mailbox.overflow === 'wait';
      // What never fits would hold up all that wait behind it.
      if (isFull && cell.mailbox.canHold(message)) waitingAt(cell).waitAsk(target, message, header);
      else header.fail(told.error);
    }
    if (!dispatcher.isBusy && wheel.hasSoon) wheel.startSoon(clock.nowMs());
    return reply;
  }

  /** Asks each; the first reply counts. */
  private async askEveryone(cells: readonly Cell[], ...ask: Parameters<AskStub[typeof REQUEST]>): Promise<unknown> {
    try {
      return await Promise.any(cells.map((cell) => new AskStub(cell, this[SENDER])[REQUEST](...ask)));
    } catch (error) {
      throw (error as AggregateError).errors[0];
    }
  }
}

function isAskTimeout(timeoutMs: number): boolean {
  return Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= ASK_TIMEOUT_MAX_MS;
}

function badTimeout(timeoutMs: unknown): RangeError {
  return new RangeError(`"timeoutMs" must be an integer from 1 to ${ASK_TIMEOUT_MAX_MS}, not ${timeoutMs}`);
}

function tooLate(): RuntimeError {
  return new RuntimeError('ASK_TIMEOUT', 'Cannot ask: the deadline of the message being handled has passed');
}

function cancelled(cell: Cell, operation: Operation): RuntimeError {
  return new RuntimeError('ASK_CANCELLED', `Cannot ask "${cell.name}" for "${operation.name}": the signal is aborted`);
}

function invalid(error: RuntimeError): TellResult {
  return Object.freeze({ ok: false, error });
}

/** Base of `ref.stream`. */
class StreamStub extends Stub {
  static define(prototype: object, operation: Operation): void {
    const open = function (this: StreamStub, payload: unknown, options?: AskOptions): StreamReader {
      const checked = operation.validateStream?.(payload) ?? { value: payload };
      const cell = this[TARGET].entry(operation.name, 'error' in checked ? payload : checked.value);
      const asks = cell === this[TARGET] ? this[REQUEST] : new AskStub(cell, this[SENDER]);
      const session = new StreamSession('error' in checked ? undefined : checked.value);
      return new StreamReader(session, {
        next: () => ('error' in checked ? Promise.reject(checked.error) : asks[REQUEST](operation, session, options)),
        close: () => cell.postOwn(session, new Header(operation, undefined, undefined)),
      });
    };
    Object.defineProperty(prototype, operation.name, { value: open, enumerable: true });
  }

  readonly [REQUEST]: AskStub;

  constructor(target: Cell, sender: TurnContext | null, asks: AskStub) {
    super(target, sender);
    this[REQUEST] = asks;
  }
}

/** Base of `ref.on`. */
class EventStub extends Stub {
  static define(prototype: object, event: string): void {
    const on = function (this: EventStub, options?: EventOptions): EventStream<unknown> {
      return listen(this[TARGET], event, options);
    };
    Object.defineProperty(prototype, event, { value: on, enumerable: true });
  }
}

function listen(cell: Cell, event: string, options: EventOptions | undefined): EventStream<unknown> {
  const queue = new EventQueue(options, () => unhear(cell, event, queue));
  if (cell.status === 'stopped') queue.end();
  else if (!queue.hasEnded) hear(cell, event, queue);
  return queue;
}

/** The classes of `tell`, `ask` and `on` for one actor type: built once, so that an actor has no closures of its own. */
export class Stubs {
  readonly #internals: TypeInternals;
  readonly #tell: typeof TellStub;
  readonly #put: typeof PutStub;
  readonly #deliver: typeof DeliverStub;
  readonly #ask: typeof AskStub;
  readonly #stream: typeof StreamStub;
  readonly #event: typeof EventStub;

  constructor(internals: TypeInternals) {
    const { operations, events } = internals;
    this.#internals = internals;
    this.#tell = class extends TellStub {};
    this.#put = class extends PutStub {};
    this.#deliver = class extends DeliverStub {};
    this.#ask = class extends AskStub {};
    this.#stream = class extends StreamStub {};
    this.#event = class extends EventStub {};
    for (const [index, operation] of operations.tells.entries())
      TellStub.define(this.#tell.prototype, index, operation);
    for (const operation of operations.tells) PutStub.define(this.#put.prototype, operation);
    for (const operation of operations.tells) DeliverStub.define(this.#deliver.prototype, operation);
    for (const operation of operations.asks) AskStub.define(this.#ask.prototype, operation);
    for (const operation of operations.streams) StreamStub.define(this.#stream.prototype, operation);
    if (operations.isOpen) this.#openUp();
    for (const event of events) EventStub.define(this.#event.prototype, event);
  }

  get internals(): TypeInternals {
    return this.#internals;
  }

  /** Lets `tell`, `put` and `ask` have a method for every name. It costs more than `tellOp` and `askOp`, which do the same. */
  #openUp(): void {
    const refOf = (stub: Stub): LocalRef => new LocalRef(stub[TARGET], stub[SENDER]);
    const tell = (name: string) =>
      function (this: Stub, payload: unknown): TellResult {
        return refOf(this).tellOp(name, payload);
      };
    const { operations } = this.#internals;
    const put = (name: string) =>
      function (this: PutStub, payload: unknown, options?: PutOptions): Promise<void> {
        return this[REQUEST]((operations.tell(name) as Header).operation, payload, options);
      };
    const send = (name: string) =>
      function (this: DeliverStub, payload: unknown, options?: DeliverOptions): Promise<void> {
        return this[REQUEST]((operations.tell(name) as Header).operation, payload, options);
      };
    Object.setPrototypeOf(this.#deliver.prototype, withEveryMethod(DeliverStub.prototype, send));
    const ask = (name: string) =>
      function (this: Stub, payload: unknown, options?: AskOptions): Promise<unknown> {
        return refOf(this).askOp(name, payload, options);
      };
    Object.setPrototypeOf(this.#tell.prototype, withEveryMethod(TellStub.prototype, tell));
    Object.setPrototypeOf(this.#put.prototype, withEveryMethod(PutStub.prototype, put));
    Object.setPrototypeOf(this.#ask.prototype, withEveryMethod(AskStub.prototype, ask));
  }

  tell(cell: Cell, sender: TurnContext | null): TellStub {
    const { tellHeaders } = this.#internals.operations;
    const headers = sender === null ? tellHeaders : new Array<Header | undefined>(tellHeaders.length).fill(undefined);
    return new this.#tell(cell, sender, headers as (Header | undefined)[]);
  }

  put(cell: Cell, sender: TurnContext | null): PutStub {
    return new this.#put(cell, sender);
  }

  deliver(cell: Cell, sender: TurnContext | null): DeliverStub {
    return new this.#deliver(cell, sender);
  }

  ask(cell: Cell, sender: TurnContext | null): AskStub {
    return new this.#ask(cell, sender);
  }

  stream(cell: Cell, sender: TurnContext | null): StreamStub {
    return new this.#stream(cell, sender, this.ask(cell, sender));
  }

  on(cell: Cell): EventStub {
    return new this.#event(cell, null);
  }
}

/** `prototype`, with a method of every further name but those that no operation may have. */
function withEveryMethod(prototype: object, method: (name: string) => unknown): object {
  return new Proxy(prototype, {
    get: (target, name, receiver) =>
      typeof name === 'symbol' || name in target || isReservedName(name)
        ? Reflect.get(target, name, receiver)
        : method(name),
  });
}

/** A reference to a cell of this thread. */
export class LocalRef implements ActorRef {
  private readonly target: Cell;
  private readonly sender: TurnContext | null;
  private tellStub: TellStub | null = null;
  private askStub: AskStub | null = null;

  /** @param sender In whose name it sends; `null`: nobody's. */
  constructor(target: Cell, sender: TurnContext | null) {
    this.target = target;
    this.sender = sender;
  }

  /** The cell behind a reference. Throws a `TypeError` for what is not a reference of this process. */
  static cellOf(ref: unknown): Cell {
    if (ref instanceof LocalRef) return ref.target;
    throw new TypeError('Expected an ActorRef of this process');
  }

  /** The same actor, reached in the name of `sender`. */
  static bind(ref: unknown, sender: TurnContext): LocalRef {
    return new LocalRef(LocalRef.cellOf(ref), sender);
  }

  /** In whose name a reference sends; `null`: nobody's. */
  static senderOf(ref: unknown): TurnContext | null {
    return ref instanceof LocalRef ? ref.sender : null;
  }

  /** Whether `ref` is of an actor that speaks `protocol`. */
  static speaks(ref: unknown, protocol: Protocol): boolean {
    return ref instanceof LocalRef && ref.stubs.internals.protocol === protocol;
  }

  /** What is known of the operations of the actor behind `ref`. */
  static internalsOf(ref: unknown): TypeInternals {
    LocalRef.cellOf(ref);
    return (ref as LocalRef).stubs.internals;
  }

  /** Gives the message behind `header` to the actor behind `to`, which answers it. Returns why that cannot be. */
  static forward(
    header: Header,
    { to, op, payload }: { to: unknown; op: string; payload: unknown },
  ): RuntimeError | undefined {
    const cell = LocalRef.cellOf(to).entry(op, payload);
    const { operations } = LocalRef.internalsOf(to);
    const isAsked = header.isPending && header.hasDeadline;
    const known = isAsked ? operations.ask(op) : operations.tell(op);
    if (known instanceof RuntimeError) return known;
    // Of an ask that was given up nobody waits for the reply.
    if (header.hasDeadline && !header.isPending) return undefined;
    const operation = known instanceof Header ? known.operation : known;
    const checked = operation.validateIn?.(payload) ?? { value: payload };
    if ('error' in checked) return checked.error;
    if (!isAsked) {
      const next = new Header(operation, header.sender, header.topic);
      // One that is kept is handled when the other has handled it, and is delivered again if that does not take it.
      const done = (): void => {
        // What it leaves is the state of whoever had it.
        header.handOver(next.askedActor, header.operation);
        header.settle(undefined);
      };
      if (header.isPending) next.keep(cell, { done, failed: (error) => header.fail(error) });
      const told = deliver(cell, checked.value, next);
      if (!told.ok && header.isPending) header.fail(told.error);
      else return refusalError(told);
      return undefined;
    }
    const circle = header.handOver(cell, operation);
    return circle === undefined ? refusalError(deliver(cell, checked.value, header)) : deadlockError(circle);
  }

  get name(): string {
    return this.target.name;
  }

  get type(): string {
    return this.target.profile.typeName;
  }

  // The operations are on the prototypes of the stubs, where the type checker does not see them.
  get tell(): ActorRef['tell'] {
    this.tellStub ??= this.stubs.tell(this.target, this.sender);
    return this.tellStub as unknown as ActorRef['tell'];
  }

  get put(): ActorRef['put'] {
    return this.stubs.put(this.target, this.sender) as unknown as ActorRef['put'];
  }

  get deliver(): ActorRef['deliver'] {
    return this.stubs.deliver(this.target, this.sender) as unknown as ActorRef['deliver'];
  }

  get ask(): ActorRef['ask'] {
    return this.askable as unknown as ActorRef['ask'];
  }

  get stream(): ActorRef['stream'] {
    return this.stubs.stream(this.target, this.sender) as unknown as ActorRef['stream'];
  }

  get on(): ActorRef['on'] {
    return this.stubs.on(this.target) as unknown as ActorRef['on'];
  }

  tellOp(op: string, payload: unknown): TellResult {
    const header = this.stubs.internals.operations.tell(op);
    if (header instanceof RuntimeError) return invalid(header);
    const { validateIn } = header.operation;
    let message = payload;
    if (validateIn !== undefined) {
      const checked = validateIn(payload);
      if ('error' in checked) return invalid(checked.error);
      message = checked.value;
    }
    if (this.sender === null) return deliver(this.target, message, header);
    if (!this.sender.isLive) return this.sender.cell.stoppedRefusal();
    return deliver(this.target, message, new Header(header.operation, this.sender.cell.ref, undefined));
  }

  askOp(op: string, payload: unknown, options?: AskOptions): Promise<unknown> {
    const operation = this.stubs.internals.operations.ask(op);
    if (operation instanceof RuntimeError) return Promise.reject(operation);
    return this.askable[REQUEST](operation, payload, options);
  }

  get ready(): Promise<void> {
    const { context, status } = this.target;
    if (status === 'stopped') return Promise.reject(refusalError(this.target.stoppedRefusal()));
    if (context !== null && status !== 'starting') return Promise.resolve();
    this.target.ready ??= Promise.withResolvers<void>() as Waiter<void>;
    return this.target.ready.promise;
  }

  get terminated(): Promise<Termination> {
    const { termination } = this.target;
    if (termination !== undefined) return Promise.resolve(termination);
    const extras = this.target.rare;
    extras.terminated ??= Promise.withResolvers<Termination>();
    return extras.terminated.promise;
  }

  async stop(options?: StopOptions): Promise<void> {
    const deadlineMs = options?.deadlineMs;
    const { stopTimeoutMs } = this.target.profile;
    requestStop(this.target, deadlineMs === undefined ? stopTimeoutMs : checkTimeoutMs('deadlineMs', deadlineMs));
    if (this.target.status !== 'stopped') await this.terminated;
  }

  async drain(options?: StopOptions): Promise<void> {
    const deadlineMs = checkTimeoutMs('deadlineMs', options?.deadlineMs ?? DRAIN_TIMEOUT_MS);
    requestDrain(this.target, deadlineMs);
    await this.terminated;
  }

  kill(): void {
    kill(this.target);
  }

  toString(): string {
    return `ActorRef(${this.name})`;
  }

  /** What `console.log` shows: a reference, not the inside of the actor. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  private get stubs(): Stubs {
    return this.target.profile.stubs as Stubs;
  }

  private get askable(): AskStub {
    this.askStub ??= this.stubs.ask(this.target, this.sender);
    return this.askStub;
  }
}
