/** Where tests get between actors and what they do. Nothing of it is in the way of a system that has no intervention. */
import type { RunQueue } from '../dispatch/index.ts';
import type { RuntimeError } from '../errors/index.ts';
import { type Lost, Mailbox } from '../mailbox/index.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Cell, SystemMessage } from './cell.ts';
import { Header } from './header.ts';
import { LocalRef } from './local-ref.ts';
import type { ActorMeter } from './meter.ts';
import { activate } from './turn.ts';

/** What waits for its turn in a run queue. */
export interface Runnable {
  readonly ref: ActorRef;
}

/**
 * A message on its way from a sender into a mailbox: of `tell`, `put`, `ask`, `forward` or a topic. What an actor sends to
 * itself by timers and `pipe`, what the runtime tells it, and the steps of streams are not.
 */
export interface Passage {
  readonly to: ActorRef;
  readonly sender: ActorRef | undefined;
  readonly kind: 'tell' | 'ask' | 'topic';
  readonly op: string;
  readonly topic: string | undefined;
  readonly payload: unknown;
  /** Whether somebody waits for a reply to it. */
  readonly isAwaited: boolean;
  /** Puts it into the mailbox. What that does not take is a dead letter; an asker is told why. */
  arrive(): void;
  /** The same message once more; nobody waits for a reply to it. */
  copy(): Passage;
}

/** Who decides, in place of the runtime, whose turn it is, how long that is, and which messages arrive. */
export interface Intervention {
  /** @param onReady To be called when the queue has something to run that was not put there just now. */
  createQueue<T extends Runnable>(onReady: () => void): RunQueue<T>;
  /** Messages that `actor` may handle in the turn that begins, 1 to `quota`. */
  limitTurn(actor: ActorRef, quota: number): number;
  /** `taken`: the message is the intervention's from now on, and its sender believes that it arrived. `full`: as of a full mailbox. */
  onMessage(passage: Passage): 'pass' | 'taken' | 'full';
}

/** Activates cells: for as long as an intervention says, if there is one, and some with a look at the clock. */
export function turnOf(intervention: Intervention | undefined, meter: ActorMeter | null): typeof activate {
  const limited: typeof activate = (cell, quota) =>
    activate(cell, (intervention as Intervention).limitTurn(cell.ref, quota));
  const turn = intervention === undefined ? activate : limited;
  return meter === null ? turn : meter.over(turn);
}

/** A mailbox before which an intervention stands. */
export class GuardedMailbox extends Mailbox<Header, SystemMessage> {
  readonly #cell: Cell;
  readonly #intervention: Intervention;
  /** Whether what comes now has been decided upon. */
  #isOpen = false;

  constructor(cell: Cell, intervention: Intervention) {
    super(cell.profile.mailbox);
    this.#cell = cell;
    this.#intervention = intervention;
  }

  override offer(message: unknown, header: Header): boolean {
    const decided = this.#decide(message, header);
    return decided === 'pass' ? super.offer(message, header) : decided === 'taken';
  }

  override offerUrgent(message: unknown, header: Header): boolean {
    const decided = this.#decide(message, header);
    return decided === 'pass' ? super.offerUrgent(message, header) : decided === 'taken';
  }

  override overflow(message: unknown, header: Header): Lost<Header>[] | undefined {
    // What a mailbox that only seems full would lose first is what it seems to be full of: nothing that anybody sent.
    return this.letIn(() => super.overflow(message, header));
  }

  /** Does what `enter` does without asking anybody. */
  letIn<T>(enter: () => T): T {
    const before = this.#isOpen;
    this.#isOpen = true;
    try {
      return enter();
    } finally {
      this.#isOpen = before;
    }
  }

  #decide(message: unknown, header: Header): 'pass' | 'taken' | 'full' {
    const isStep = 'validateStream' in header.operation;
    if (this.#isOpen || this.isClosed || isStep) return 'pass';
    return this.#intervention.onMessage(new CellPassage(this.#cell, message, header));
  }
}

class CellPassage implements Passage {
  readonly #cell: Cell;
  readonly #header: Header;
  readonly payload: unknown;

  constructor(cell: Cell, payload: unknown, header: Header) {
    this.#cell = cell;
    this.#header = header;
    this.payload = payload;
  }

  get to(): ActorRef {
    return this.#cell.ref;
  }

  get sender(): ActorRef | undefined {
    return this.#header.sender;
  }

  get kind(): Passage['kind'] {
    return this.topic === undefined ? this.#header.operation.kind : 'topic';
  }

  get op(): string {
    return this.#header.operation.name;
  }

  get topic(): string | undefined {
    return this.#header.topic;
  }

  get isAwaited(): boolean {
    return this.#header.isPending;
  }

  arrive(): void {
    const cell = this.#cell;
    const header = this.#header;
    const { payload } = this;
    const told = (cell.mailbox as GuardedMailbox).letIn(() =>
      header.operation.isUrgent ? cell.postUrgent(payload, header) : cell.post(payload, header),
    );
    if (told.ok) return;
    if (header.isPending) header.fail(told.error);
    cell.bury(told.error.code === 'MAILBOX_FULL' ? 'overflow' : 'stopped', { message: payload, header }, told.error);
  }

  copy(): Passage {
    const { operation, sender, topic } = this.#header;
    return new CellPassage(this.#cell, this.payload, new Header(operation, sender, topic));
  }
}

/**
 * Makes an actor fail here and now, whatever it is doing, as if its code had thrown: what it awaits never comes, the message
 * that it is handling is lost as by any failure. From within its own code, and while it is waiting for its turn, it fails
 * before its next message.
 *
 * @returns Whether there was an incarnation to fail.
 */
export function crash(ref: ActorRef, error: RuntimeError): boolean {
  const cell = LocalRef.cellOf(ref);
  const { context, status } = cell;
  if (context === null || status === 'stopped') return false;
  const wait = context.waitsFor;
  if (wait === null) {
    cell.postSystem({ kind: 'failed', phase: 'message', error });
    return true;
  }
  context.waitsFor = null;
  cell.status = 'running';
  wait.failed(error);
  return true;
}

/** What an actor is in the middle of, waiting for a promise. */
export interface Work {
  readonly doing: 'starting' | 'handling' | 'stopping';
  /** The operation of the message; `undefined` where there is none. */
  readonly op: string | undefined;
  /** Names of the actors whose replies it waits for. */
  readonly asks: readonly string[];
}

/** What the actor is in the middle of; `undefined` when it waits for nothing. */
export function workOf(ref: ActorRef): Work | undefined {
  const { context } = LocalRef.cellOf(ref);
  const wait = context?.waitsFor ?? null;
  if (context === null || wait === null) return undefined;
  return {
    doing: wait.status === 'suspended' ? 'handling' : wait.status,
    op: wait.current?.header.operation.name,
    asks: context.openAsks.map(({ askedActor }) => askedActor.name),
  };
}

/** The state of the present incarnation of a TypeScript actor, as it is now; `undefined` if there is none. */
export function stateOf(ref: ActorRef): unknown {
  const { context } = LocalRef.cellOf(ref);
  return context !== null && 'state' in context ? context.state : undefined;
}
