import { type KeepOptions, toKeepPolicy } from '../durable/index.ts';
import { assert, RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { ActorRef, TellResult } from './actor-ref.ts';
import { type ActorType, INTERNALS, Operations } from './actor-type.ts';
import type { Behavior, BehaviorContext, Closing, Incoming, Turn } from './behavior.ts';
import { type Cell, type Runner, TurnContext } from './cell.ts';
import type { Condition } from './condition.ts';
import { beginSaved } from './durable-state.ts';
import type { Header, Operation } from './header.ts';
import type { KeepPlan } from './keeper.ts';
import { fail, leave, rest } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import { assertOperationName, type NoProtocol, type Protocol } from './protocol.ts';
import { isThenable } from './thenable.ts';
import { dropExpired, isExpired, refuse } from './turn.ts';

/** What an actor type is that runs by a behavior of its own. */
export interface ActorTypeDefinition {
  /** Label under which its actors are counted. */
  readonly name: string;
  /** What it takes; `any`: every operation that a sender names, and topics. */
  readonly operations: 'any' | Readonly<Record<string, 'tell' | 'ask'>>;
  /** Asked at each `spawn`, before anything is made; what it throws, `spawn` throws. Default: there is room for all. */
  readonly admit?: () => void;
  /** Makes the behavior of one incarnation. A throw fails the start. */
  readonly create: () => Behavior;
  /** Lets the states of its actors outlast their incarnations, by {@link Behavior.snapshot}. Default: they do not. */
  readonly keep?: KeepOptions | undefined;
  /** What the type promises beyond the names of its operations; whoever knows how to read it finds it by {@link contractOf}. */
  readonly contract?: object;
}

/**
 * Makes an actor type of a {@link Behavior}: for what is not a TypeScript actor. `P` says how references of its actors are
 * typed; nothing of it is checked.
 *
 * @throws {RuntimeError} `PROTOCOL_INVALID` — an operation's name is not well-formed or reserved.
 * @throws {RangeError} A number of `keep` is out of range.
 */
export function defineActorType<P extends Protocol = NoProtocol>(definition: ActorTypeDefinition): ActorType<P> {
  const { name, operations, admit, create, contract, keep } = definition;
  const known: Operation[] = [];
  for (const [operation, kind] of operations === 'any' ? [] : Object.entries(operations)) {
    assertOperationName(name, operation);
    known.push({
      kind,
      name: operation,
      handler: undefined,
      batch: undefined,
      validateIn: undefined,
      validateOut: undefined,
      isUrgent: false,
    });
  }
  const table = new Operations(name, operations === 'any' ? 'any' : known);
  const runner = new BehaviorRunner(create, keep && { policy: toKeepPolicy(keep), version: 0, migrations: {} });
  return { name, [INTERNALS]: { protocol: undefined, operations: table, events: [], runner, contract, admit } };
}

/** What the type of the actor behind `ref` promises; `undefined` if it says nothing. */
export function contractOf(ref: ActorRef): object | undefined {
  return LocalRef.internalsOf(ref).contract;
}

/** Messages between two looks at the clock: a message of a component takes about as long as ten looks. */
const LOOK_EVERY = 8;

const NO_OPERATION: Operation = Object.freeze({
  kind: 'tell',
  name: '',
  handler: undefined,
  batch: undefined,
  validateIn: undefined,
  validateOut: undefined,
  isUrgent: false,
});

/** The message that a behavior handles; one object per incarnation, filled again for each. */
class IncomingMessage implements Incoming {
  kind: 'tell' | 'ask' | 'topic' = 'tell';
  op = '';
  payload: unknown = undefined;
  sender: ActorRef | undefined = undefined;
  topic: string | undefined = undefined;
  private readonly clock: Clock;
  private header: Header | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Found when it is asked for: that looks at the clock. */
  get deadlineMs(): number {
    return this.header === null ? 0 : this.header.deadline(this.clock);
  }

  fill(payload: unknown, header: Header | null): void {
    const { kind, name } = header?.operation ?? NO_OPERATION;
    this.kind = header?.topic === undefined ? kind : 'topic';
    this.op = name;
    this.payload = payload;
    this.sender = header?.sender;
    this.topic = header?.topic;
    this.header = header;
  }
}

/** The context of one incarnation that runs by a behavior, and its turn. */
class BehaviorTurn extends TurnContext implements BehaviorContext, Turn {
  behavior: Behavior | null = null;
  private readonly incoming = new IncomingMessage(this.cell.profile.services.clock);
  private quota = 0;
  private taken = 0;

  get self(): ActorRef {
    return this.cell.ref;
  }

  get clock(): Clock {
    return this.cell.profile.services.clock;
  }

  /** The message that is being handled, for when the behavior fails on it. */
  get current(): { readonly message: unknown; readonly header: Header } | undefined {
    return this.header === null ? undefined : { message: this.incoming.payload, header: this.header };
  }

  /** Grants the behavior `quota` messages. */
  begin(quota: number): void {
    this.quota = quota;
    this.taken = 0;
  }

  /** Ends the turn: nothing more is given out. */
  end(): void {
    this.quota = 0;
    this.finish();
    this.endMessage();
  }

  /** Ends the message that was taken last. */
  finish(): void {
    if (this.header === null) return;
    assert(
      !this.header.isPending || this.header.operation.kind !== 'ask',
      'a behavior settles an ask before it goes on',
    );
    // Of a tell that is kept, nothing says that it was handled but that others follow.
    if (this.header.isPending) this.header.settle(undefined);
    this.endMessage();
    this.incoming.fill(undefined, null);
  }

  take(): Incoming | undefined {
    this.finish();
    if (!this.isLive || this.isOver()) return undefined;
    const { mailbox } = this.cell;
    for (let header = mailbox.peekHeader(); header !== undefined; header = mailbox.peekHeader()) {
      const message = mailbox.take();
      if (isExpired(this.cell, header)) {
        dropExpired(this.cell, { message, header });
        continue;
      }
      this.taken++;
      if (this.waitsFor !== null) this.waitsFor.sinceMs = this.cell.profile.services.dispatcher.coarseNowMs;
      this.cell.handled++;
      this.header = header;
      this.incoming.fill(message, header);
      return this.incoming;
    }
    return undefined;
  }

  reply(value: unknown): void {
    this.header?.settle(value);
  }

  refuse(error: RuntimeError): void {
    if (this.header !== null) refuse(this.cell, { message: this.incoming.payload, header: this.header }, error);
  }

  ref(target: string | ActorRef): LocalRef | undefined {
    const ref = typeof target === 'string' ? this.cell.profile.services.names.lookup(target) : target;
    return ref === undefined ? undefined : LocalRef.bind(ref, this);
  }

  tell(toName: string, op: string, payload: unknown): TellResult {
    const ref = this.find(toName);
    return ref instanceof RuntimeError ? Object.freeze({ ok: false, error: ref }) : ref.tellOp(op, payload);
  }

  // The port names its four parameters; they are positional because a call per message builds no object.
  ask(...[toName, op, payload, timeoutMs]: Parameters<BehaviorContext['ask']>): Promise<unknown> {
    const ref = this.find(toName);
    return ref instanceof RuntimeError ? Promise.reject(ref) : ref.askOp(op, payload, { timeoutMs });
  }

  publish(topic: string, payload: unknown): number {
    if (!this.isLive) return 0;
    return this.cell.profile.services.topics.publish(topic, payload, this.cell.ref);
  }

  remainingMs(): number | undefined {
    const deadlineMs = this.header?.deadline(this.clock) ?? 0;
    return deadlineMs === 0 ? undefined : Math.max(0, deadlineMs - this.clock.nowMs());
  }

  requestCheck(): void {
    if (this.isLive) this.cell.postSystem({ kind: 'check' });
  }

  report(condition: Pick<Condition, 'status' | 'text'> | undefined): void {
    if (!this.isLive) return;
    const { extras } = this.cell;
    if (condition === undefined && extras === null) return;
    const { status, sinceMs = this.clock.nowMs() } = extras?.condition ?? {};
    const isNews = condition?.status !== status;
    this.cell.rare.condition =
      condition === undefined ? null : { ...condition, sinceMs: isNews ? this.clock.nowMs() : sinceMs };
  }

  shared<T extends Closing>(key: object, make: (forget: () => void) => T): T {
    const { shared } = this.cell.profile.services;
    const known = shared.get(key) ?? make(() => shared.delete(key));
    shared.set(key, known);
    return known as T;
  }

  stop(): void {
    if (this.isLive) this.cell.endSelf();
  }

  private isOver(): boolean {
    if (this.taken >= this.quota) return true;
    const looks = this.taken > 0 && this.taken % LOOK_EVERY === 0;
    return looks && this.cell.profile.services.dispatcher.isBudgetUsed();
  }

  private find(name: string): LocalRef | RuntimeError {
    const ref = this.ref(name);
    if (ref !== undefined) return ref;
    const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
    return new RuntimeError('ACTOR_NOT_FOUND', `Cannot send to ${shown}: no actor has that name`);
  }
}

/** Runs actors by behaviors. */
class BehaviorRunner implements Runner {
  readonly #create: () => Behavior;
  readonly #plan: KeepPlan | undefined;

  constructor(create: () => Behavior, plan: KeepPlan | undefined) {
    this.#create = create;
    this.#plan = plan;
  }

  createContext(cell: Cell): TurnContext {
    return new BehaviorTurn(cell);
  }

  start(cell: Cell): unknown {
    const turn = cell.context as BehaviorTurn;
    turn.behavior = this.#create();
    const { behavior } = turn;
    if (this.#plan === undefined) return behavior.start(turn);
    return beginSaved(cell, this.#plan, (saved) => behavior.start(turn, bytesOf(saved?.state)));
  }

  run(cell: Cell, quota: number): void {
    const turn = cell.context as BehaviorTurn;
    turn.begin(quota);
    try {
      const result = (turn.behavior as Behavior).run(turn);
      if (!isThenable(result)) {
        turn.end();
        return;
      }
      leave(cell, result, {
        status: 'suspended',
        sinceMs: 0,
        get current() {
          return turn.current;
        },
        done: () => afterRun(turn),
        failed: (error) => fail(cell, error, turn.current),
      });
    } catch (error) {
      fail(cell, error, turn.current);
    }
  }

  /** A behavior watches nobody. */
  onTerminated(): undefined {}

  snapshot(cell: Cell): unknown {
    const turn = cell.context as BehaviorTurn;
    return turn.behavior?.snapshot?.(turn) ?? NO_BYTES;
  }

  check(cell: Cell): unknown {
    const turn = cell.context as BehaviorTurn;
    return turn.behavior?.check?.(turn);
  }

  stop(cell: Cell): unknown {
    const turn = cell.context as BehaviorTurn;
    return turn.behavior?.stop(turn);
  }

  dispose(context: TurnContext, reason: RuntimeError | undefined): void {
    (context as BehaviorTurn).behavior?.dispose(reason);
  }
}

const NO_BYTES = new Uint8Array(0);

/** What was kept; an empty snapshot says that nothing was. */
function bytesOf(state: unknown): Uint8Array | undefined {
  return state instanceof Uint8Array && state.length > 0 ? state : undefined;
}

/** A run that had suspended is over. */
function afterRun(turn: BehaviorTurn): void {
  const { cell } = turn;
  try {
    turn.end();
  } catch (error) {
    fail(cell, error, turn.current);
    return;
  }
  rest(cell);
}
