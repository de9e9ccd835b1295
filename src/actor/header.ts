import { RuntimeError } from '../errors/index.ts';
import { type Clock, TimerNode, type TimerWheel } from '../time/index.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Validator } from './schema.ts';
import { ignoreOutcome } from './thenable.ts';

/** Runs an operation of a TypeScript actor. Its context and payload are typed by the protocol. */
// biome-ignore lint/suspicious/noExplicitAny: the types differ from operation to operation; the protocol has checked them.
export type Handler = (context: any, payload: any) => unknown;

/** Runs an operation for several messages at once. */
// biome-ignore lint/suspicious/noExplicitAny: as of a handler.
export type BatchHandler = { batch(context: any, payloads: readonly any[]): unknown; readonly max?: number };

/** One operation of an actor type: everything about it that does not change from message to message. */
export interface Operation {
  readonly kind: 'tell' | 'ask' | 'topic';
  readonly name: string;
  /** `undefined` for actors that run by a behavior of their own, and where there is {@link batch}. */
  readonly handler: Handler | undefined;
  /** Takes the messages that follow one another as an array. */
  readonly batch: BatchHandler | undefined;
  readonly validateIn: Validator | undefined;
  readonly validateOut: Validator | undefined;
  /** Of a stream: validates what it is opened with. */
  readonly validateStream?: Validator | undefined;
  /** Whether its messages come before those of operations that are not. */
  readonly isUrgent: boolean;
}

/** Who has asked: told when an ask of its turn is settled. */
export interface Asker {
  /** The actor whose turn it is. */
  readonly actor: AskTarget;
  forgetAsk(header: Header): void;
}

/** Who is asked. */
export interface AskTarget {
  readonly name: string;
  /** The asks that the unfinished turn of this actor waits for. */
  readonly openAsks: readonly Header[];
  /** Whoever asked it by `header` has ended its message, and does not wait in it any more. */
  onUnbound?(header: Header): void;
  /** An ask of it has timed out. */
  onOverdue?(): void;
}

/**
 * What travels with a message. For a `tell` it says nothing that differs from message to message, so one header is
 * shared by all of them; for an `ask` it is the reply slot, the deadline's timer and the edge of the waits-for graph.
 */
export class Header extends TimerNode {
  /** Changed only by {@link handOver}. */
  operation: Operation;
  readonly sender: ActorRef | undefined;
  /** The concrete topic of a published message. */
  readonly topic: string | undefined;
  /**
   * Milliseconds on the system's clock, rounded up; 0: nobody waits; less than 0: its time does not count yet, and −1 minus
   * it is the deadline of the message in whose name it is sent, if that has one.
   */
  private deadlineMs = 0;
  private reply: Promise<unknown> | null = null;
  private resolve: ((value: unknown) => void) | null = null;
  private reject: ((error: unknown) => void) | null = null;
  private target: AskTarget | null = null;
  private wheel: TimerWheel | null = null;
  private asker: Asker | null = null;
  /** Its place among the asks of its asker, which are in no order. The asker's. */
  place = 0;
  private detach: (() => void) | null = null;
  /** Whether it is of a message that is kept, which was not handled and is delivered again. */
  isReturned = false;
  /** Called when the asker gets an error, or stops waiting. */
  onFailed: ((error: unknown) => void) | null = null;

  constructor(operation: Operation, sender: ActorRef | undefined, topic: string | undefined) {
    super();
    this.operation = operation;
    this.sender = sender;
    this.topic = topic;
  }

  /** Whether somebody waits for the reply. */
  get isPending(): boolean {
    return this.resolve !== null;
  }

  /** Whether `promise` is what its asker waits for. */
  isAnsweredBy(promise: unknown): boolean {
    return this.reply === promise && promise !== null;
  }

  /** Whether it ever had a deadline: whether it is an ask. */
  get hasDeadline(): boolean {
    return this.deadlineMs !== 0;
  }

  /** Whether its deadline had passed at `nowMs`, or nobody waits any more. Only of an ask. */
  hasExpired(nowMs: number): boolean {
    return !this.isPending || (this.deadlineMs > 0 && this.deadlineMs <= nowMs);
  }

  /** Milliseconds on `clock`, which is the system's; 0 if there is no deadline. Its time counts from now on at the latest. */
  deadline(clock: Clock): number {
    if (this.deadlineMs < 0) this.onWait(clock.nowMs(), -this.dueTick);
    return this.deadlineMs;
  }

  /** The actor that was asked, or has what is kept. */
  get askedActor(): AskTarget {
    return this.target as AskTarget;
  }

  /**
   * Makes the reply slot, which times out by itself. Once.
   *
   * @param time.timeoutMs Milliseconds from when its time begins to count. @param time.limitMs When it is over at the
   *   latest, on the system's clock; 0: no limit.
   */
  open(
    target: AskTarget,
    wheel: TimerWheel,
    time: { readonly timeoutMs: number; readonly limitMs: number },
  ): Promise<unknown> {
    this.target = target;
    this.wheel = wheel;
    this.deadlineMs = -1 - time.limitMs;
    const promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.reply = promise;
    wheel.addSoon(this, time.timeoutMs);
    return promise;
  }

  /** Makes it the header of a message that is kept: who keeps it is told what became of it. Once. */
  keep(target: AskTarget, { done, failed }: { done(): void; failed(error: unknown): void }): void {
    this.target = target;
    this.resolve = done;
    this.reject = (error) => {
      this.isReturned = true;
      failed(error);
    };
  }

  /** Its time begins to count. */
  override onWait(nowMs: number, waitMs: number): number {
    if (this.deadlineMs < 0) {
      const limitMs = -1 - this.deadlineMs;
      const dueMs = Math.ceil(nowMs + waitMs);
      this.deadlineMs = limitMs === 0 ? dueMs : Math.min(limitMs, dueMs);
    }
    return this.deadlineMs - nowMs;
  }

  /** Makes the ask an edge of the waits-for graph, until it is settled or the asker's turn ends. */
  bindTo(asker: Asker, place: number): void {
    this.asker = asker;
    this.place = place;
  }

  /** Makes it the header of an ask from elsewhere, where its deadline is looked after and its reply goes. Once. */
  answer(
    target: AskTarget,
    reply: { deadlineMs: number; settle(value: unknown): void; fail(error: unknown): void },
  ): void {
    this.target = target;
    this.deadlineMs = reply.deadlineMs;
    this.resolve = (value) => reply.settle(value);
    this.reject = (error) => reply.fail(error);
  }

  /** Whether the actor that asked waits for it in its turn. */
  get isBound(): boolean {
    return this.asker !== null;
  }

  /** The asker's turn is over: whoever waits now waits outside of it. */
  unbind(): void {
    this.asker = null;
    this.target?.onUnbound?.(this);
  }

  /**
   * From now on the actor `target` owes the reply, by `operation`.
   *
   * @returns The circle of actors that would wait for each other; then nothing has changed.
   */
  handOver(target: AskTarget, operation: Operation): string[] | undefined {
    const circle = this.asker === null ? undefined : findAskCycle(this.asker.actor, target);
    if (circle !== undefined) return circle;
    this.target = target;
    this.operation = operation;
    this.onFailed = null;
    return undefined;
  }

  /** Lets `signal` end the wait. */
  attach(signal: AbortSignal): void {
    const cancel = () =>
      this.fail(new RuntimeError('ASK_CANCELLED', `Gave up ${this.describe()}: the signal was aborted`));
    signal.addEventListener('abort', cancel, { once: true });
    this.detach = () => signal.removeEventListener('abort', cancel);
  }

  /** Gives the asker the reply. Does nothing for a tell, or when the ask is settled. */
  settle(value: unknown): void {
    const { resolve } = this;
    if (resolve === null) return;
    this.close();
    resolve(value);
  }

  /** Gives the asker an error instead of a reply. Does nothing for a tell, or when the ask is settled. */
  fail(error: unknown): void {
    const { reject, onFailed } = this;
    if (reject === null) return;
    this.close();
    reject(error);
    onFailed?.(error);
  }

  /** As {@link fail}, when the incarnation that asked is over: it may never come to read the reply, which harms nobody. */
  abandon(error: unknown): void {
    if (this.reply !== null) ignoreOutcome(this.reply);
    this.fail(error);
  }

  /** No reply came in time. */
  override onTimer(): void {
    if (this.isPending) this.target?.onOverdue?.();
    this.fail(new RuntimeError('ASK_TIMEOUT', `No reply came to ${this.describe()} in time; its outcome is unknown`));
  }

  private describe(): string {
    return `"${this.operation.name}" from "${this.target?.name}"`;
  }

  private close(): void {
    this.reply = null;
    this.resolve = null;
    this.reject = null;
    this.wheel?.cancel(this);
    if (this.asker !== null) this.asker.forgetAsk(this);
    this.asker = null;
    if (this.detach !== null) this.detach();
    this.detach = null;
    this.onFailed = null;
  }
}

/**
 * The circle that an ask from `asker` to `target` would close, as the actors' names in the order of asking; `undefined`
 * if there is none. An actor waits for another while an ask of its unfinished turn is pending.
 */
export function findAskCycle(asker: AskTarget, target: AskTarget): string[] | undefined {
  if (asker !== target && target.openAsks.length === 0) return undefined;
  const visited = new Set<AskTarget>();
  const path: AskTarget[] = [];
  // Depth first, with a stack of its own: a chain of asks may be longer than the call stack.
  const toVisit: (AskTarget | 'leave')[] = [target];
  for (let next = toVisit.pop(); next !== undefined; next = toVisit.pop()) {
    if (next === 'leave') {
      path.pop();
    } else if (next === asker) {
      return [asker, ...path, asker].map((actor) => actor.name);
    } else if (!visited.has(next)) {
      visited.add(next);
      path.push(next);
      toVisit.push('leave');
      for (const header of next.openAsks) toVisit.push(header.askedActor);
    }
  }
  return undefined;
}
