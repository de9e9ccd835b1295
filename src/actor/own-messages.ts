import { RuntimeError } from '../errors/index.ts';
import type { TimerNode } from '../time/index.ts';
import type { Cell, TurnContext } from './cell.ts';
import type { TurnExtras } from './cell-parts.ts';
import { Header, type Operation } from './header.ts';
import { ignoreOutcome, isThenable } from './thenable.ts';

/** Timers, and promises that are awaited, of one actor at a time. Each may make a message; more belong into a queue of the actor's own. */
export const OWN_MAX = 1_024;

/** Milliseconds: a day. What comes later is kept in a calendar, not in a timer. */
const DELAY_MAX_MS = 86_400_000;

interface Delay {
  readonly afterMs: number;
  readonly key?: string;
}

interface Period {
  readonly everyMs: number;
  readonly key?: string;
}

interface Arming {
  readonly key: string;
  readonly header: Header;
  readonly delayMs: number;
}

interface Timer {
  /** `null`: it has fired, for the last time; its message may still wait. */
  readonly node: TimerNode | null;
  readonly header: Header;
}

/**
 * What one incarnation sends to itself: messages of timers and of promises. They come before messages that are not
 * urgent, are not counted against the mailbox, and end with the incarnation, those that wait in the mailbox included.
 */
export class OwnMessages implements TurnExtras {
  readonly #context: TurnContext;
  readonly #cell: Cell;
  readonly #operationOf: (op: string) => Operation;
  readonly #timers = new Map<string, Timer>();
  /** Headers of all that was made here. */
  readonly #own = new WeakSet<Header>();
  readonly #streams = new Set<AnyIterator>();
  /** Give back what the incarnation has taken. */
  readonly #returns = new Set<() => void>();
  #promises = 0;
  #idle: { readonly key: string; sinceMs: number } | undefined;
  /** Aborts when the incarnation ends. */
  readonly #over = new AbortController();
  /** Of the message being handled, if somebody waits for its reply. */
  #signal: AbortSignal | undefined;

  /** @param operationOf Finds a `tell` operation of the actor, or throws. */
  constructor(context: TurnContext, operationOf: (op: string) => Operation) {
    this.#context = context;
    this.#cell = context.cell;
    this.#operationOf = operationOf;
  }

  /** Sends `payload` once. */
  once(op: string, payload: unknown, { afterMs, key = op }: Delay): void {
    const header = this.#begin(key, op, afterMs);
    this.#arm({ key, header, delayMs: afterMs }, () => {
      this.#timers.set(key, { node: null, header });
      this.#cell.postOwn(payload, header);
    });
  }

  /** Sends `payload` again and again, at a fixed rate. Of what could not be taken in time one message waits at most. */
  every(op: string, payload: unknown, { everyMs, key = op }: Period): void {
    const { clock } = this.#cell.profile.services;
    const header = this.#begin(key, op, everyMs);
    let dueMs = clock.nowMs() + everyMs;
    let postedAt = Number.NEGATIVE_INFINITY;
    const fire = (): void => {
      // Where handling takes longer than the period, what else waits would never have its turn.
      const isOnlyThis = this.#cell.mailbox.hasWork && this.#cell.handled - postedAt <= 1;
      if (!isOnlyThis) {
        this.#withdraw(header);
        this.#cell.postOwn(payload, header);
        postedAt = this.#cell.handled;
      }
      const nowMs = clock.nowMs();
      // What was missed while the thread was held is not made up for.
      dueMs += everyMs * Math.max(1, Math.ceil((nowMs - dueMs) / everyMs));
      this.#arm({ key, header, delayMs: dueMs - nowMs }, fire);
    };
    this.#arm({ key, header, delayMs: everyMs }, fire);
  }

  /** Sends `payload` when no message has been handled for `afterMs`, and again after as long. */
  whenIdle(op: string, payload: unknown, { afterMs, key = op }: Delay): void {
    const { clock } = this.#cell.profile.services;
    if (this.#idle !== undefined) this.cancel(this.#idle.key);
    const header = this.#begin(key, op, afterMs);
    const idle = { key, sinceMs: clock.nowMs() };
    this.#idle = idle;
    const look = (): void => {
      const leftMs = idle.sinceMs + afterMs - clock.nowMs();
      // One that is in the middle of something, or has not come to it, is not idle; and one message at a time is enough.
      const isBusy = this.#context.isInTurn || this.#cell.mailbox.hasWork;
      if (leftMs <= 0 && !isBusy) this.#cell.postOwn(payload, header);
      this.#arm({ key, header, delayMs: leftMs <= 0 ? afterMs : leftMs }, look);
    };
    this.#arm({ key, header, delayMs: afterMs }, look);
  }

  /** Forgets a timer, and its message if that still waits. Returns whether there was something to forget. */
  cancel(key: string): boolean {
    if (this.#idle?.key === key) this.#idle = undefined;
    const timer = this.#timers.get(key);
    if (timer === undefined) return false;
    this.#timers.delete(key);
    if (timer.node !== null) this.#cell.profile.services.wheel.cancel(timer.node);
    return this.#withdraw(timer.header) || timer.node !== null;
  }

  /**
   * Sends what `toPayload` makes of the outcome of `promise`.
   *
   * @throws {RuntimeError} `CONFIG_INVALID` — too many are awaited.
   */
  pipe(promise: PromiseLike<unknown>, op: string, toPayload: (outcome: Outcome) => unknown): void {
    const operation = this.#operationOf(op);
    // With those that have settled, and whose messages wait to be handled.
    const count = this.#promises + this.#cell.mailbox.ownSize;
    if (count >= OWN_MAX) throw tooMany(this.#cell, 'await one more promise', count);
    this.#promises++;
    // An ask that is awaited so is not what the turn waits for.
    const asked = this.#context.openAsks.find((header) => header.isAnsweredBy(promise));
    if (asked !== undefined) {
      this.#context.forgetAsk(asked);
      asked.unbind();
    }
    const deliver = (outcome: Outcome): void => {
      this.#promises--;
      if (!this.#context.isLive) return;
      try {
        this.#cell.postOwn(toPayload(outcome), this.#header(operation));
      } catch (thrown) {
        const error = RuntimeError.from(thrown, 'ACTOR_FAILED');
        this.#cell.postSystem({ kind: 'failed', phase: 'message', error });
      }
    };
    Promise.resolve(promise).then(
      (value) => deliver({ ok: true, value }),
      (error: unknown) => deliver({ ok: false, error }),
    );
  }

  /** Aborts when whoever sent the message being handled has stopped waiting for its reply, or the incarnation ends. */
  signalOf(header: Header | null): AbortSignal {
    if (header?.hasDeadline !== true) return this.#over.signal;
    if (this.#signal !== undefined) return this.#signal;
    const controller = new AbortController();
    header.onFailed = (reason) => controller.abort(reason);
    if (!header.isPending) controller.abort();
    this.#signal = AbortSignal.any([this.#over.signal, controller.signal]);
    return this.#signal;
  }

  /** Whether one more stream may be opened: readers that are many are refused, and are no failure of the actor. */
  get hasStreamRoom(): boolean {
    return this.#streams.size < OWN_MAX;
  }

  /** Keeps an iterator that is to be closed when the incarnation ends in order. */
  addStream(iterator: AnyIterator): void {
    this.#streams.add(iterator);
  }

  /** Calls back when the incarnation is over. */
  atEnd(callback: () => void): () => void {
    this.#returns.add(callback);
    return () => void this.#returns.delete(callback);
  }

  forgetStream(iterator: AnyIterator): void {
    this.#streams.delete(iterator);
  }

  onMessageEnd(): void {
    this.#signal = undefined;
    if (this.#idle !== undefined) this.#idle.sinceMs = this.#cell.profile.services.dispatcher.coarseNowMs;
  }

  dispose(reason: RuntimeError | undefined): void {
    const { wheel } = this.#cell.profile.services;
    for (const { node } of this.#timers.values()) if (node !== null) wheel.cancel(node);
    this.#timers.clear();
    this.#cell.mailbox.withdraw((header) => this.#own.has(header));
    this.#over.abort(reason);
    if (reason === undefined) for (const iterator of this.#streams) closeIterator(iterator);
    this.#streams.clear();
    for (const giveBack of this.#returns) giveBack();
    this.#returns.clear();
  }

  #begin(key: string, op: string, delayMs: number): Header {
    const operation = this.#operationOf(op);
    if (!(typeof delayMs === 'number' && delayMs >= 1 && delayMs <= DELAY_MAX_MS)) {
      throw new RangeError(`A timer takes from 1 to ${DELAY_MAX_MS} milliseconds, not ${delayMs}`);
    }
    this.cancel(key);
    if (this.#timers.size >= OWN_MAX) {
      for (const [fired, { node }] of this.#timers) if (node === null) this.#timers.delete(fired);
    }
    if (this.#timers.size >= OWN_MAX) throw tooMany(this.#cell, 'start one more timer', this.#timers.size);
    return this.#header(operation);
  }

  #header(operation: Operation): Header {
    const header = new Header(operation, this.#cell.ref, undefined);
    this.#own.add(header);
    return header;
  }

  #arm({ key, header, delayMs }: Arming, fire: () => void): void {
    this.#timers.set(key, { node: this.#cell.profile.services.wheel.after(delayMs, fire), header });
  }

  #withdraw(header: Header): boolean {
    return this.#cell.mailbox.withdraw((other) => other === header);
  }
}

/** What a stream's handler makes. */
export type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** Lets a generator run its `finally`. Nobody is left to be told of what comes of it. */
function closeIterator(iterator: AnyIterator): void {
  try {
    const result = iterator.return?.();
    if (isThenable(result)) ignoreOutcome(result);
  } catch {}
}

/** What a promise came to. */
export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

function tooMany(cell: Cell, what: string, count: number): RuntimeError {
  return new RuntimeError(
    'CONFIG_INVALID',
    `Cannot ${what} in "${cell.name}": it has ${count}, the most there may be`,
    {
      details: { actor: cell.name, max: OWN_MAX },
    },
  );
}
