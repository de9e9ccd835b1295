import { RuntimeError, type WireError } from '../errors/index.ts';
import type { Clock, TimerHandle } from '../time/index.ts';
import { checkedRequest, sizeOf } from './check-request.ts';
import { CLOSE_MS } from './options.ts';
import type { StoreOutcome, StoreRequest } from './requests.ts';
import type { Entry, Increment, KeyPage, Store, Write, WriteOutcome } from './store.ts';
import type { StartThread, StorageThread } from './thread.ts';
import { type Waiter, Waiting } from './waiting.ts';

interface SqliteStoreOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly startThread: StartThread;
  readonly onFailure: ((error: RuntimeError) => void) | undefined;
}

/**
 * The calling side of the storage thread. One batch is under way at a time; whatever is asked meanwhile is the next
 * batch, and one transaction: the busier, the fewer commits for each request.
 *
 * ```
 *   ask ──► waiting ──► batch ──► storage thread: one transaction
 *              ▲          │
 *              └── rest ──┘◄── outcomes of the first n
 * ```
 */
export class SqliteStore implements Store {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #startThread: StartThread;
  readonly #onFailure: SqliteStoreOptions['onFailure'];
  readonly #waiting = new Waiting();
  readonly #opened = Promise.withResolvers<void>();
  #thread: StorageThread | undefined;
  /** What the thread has been given and has not answered. */
  #underWay: readonly Waiter[] = [];
  /** Whether it was ever open: until then its opener hears what is wrong. */
  #isOpen = false;
  #flushIsDue = false;
  #timer: TimerHandle | undefined;
  #closed: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor({ clock, timeoutMs, startThread, onFailure }: SqliteStoreOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#startThread = startThread;
    this.#onFailure = onFailure;
    // Only whoever opens it asks.
    this.#opened.promise.catch(() => undefined);
  }

  /** Starts the thread; resolves when the file is open, and rejects with the reason when it cannot be. */
  open(): Promise<void> {
    this.#start().hold(true);
    return this.#opened.promise;
  }

  read(bucket: string, keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    return this.#ask({ op: 'read', bucket, keys });
  }

  exists(bucket: string, key: string): Promise<boolean> {
    return this.#ask({ op: 'exists', bucket, key });
  }

  list(bucket: string, after = 0): Promise<KeyPage> {
    return this.#ask({ op: 'list', bucket, after });
  }

  write(writes: readonly Write[]): Promise<WriteOutcome> {
    return this.#ask({ op: 'write', writes });
  }

  increment(increment: Increment): Promise<bigint> {
    return this.#ask({ op: 'increment', ...increment });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask<T>(request: StoreRequest): Promise<T> {
    if (this.#closed !== undefined) throw new RuntimeError('STORE_CLOSED', 'Cannot use the store: it is closed');
    checkedRequest(request);
    return new Promise<T>((resolve, reject) => {
      const refusal = this.#waiting.add({
        request,
        bytes: sizeOf(request),
        deadlineMs: this.#clock.nowMs() + this.#timeoutMs,
        settle: (outcome) => {
          if (outcome instanceof RuntimeError) reject(outcome);
          else if (outcome.ok) resolve(outcome.value as T);
          else reject(this.#failed(outcome.error));
        },
      });
      if (refusal !== undefined) return reject(refusal);
      this.#watch();
      this.#flushSoon();
    });
  }

  #failed(wire: WireError): RuntimeError {
    const error = RuntimeError.fromWire(wire);
    if (error.code === 'STORE_UNUSABLE') this.#onFailure?.(error);
    return error;
  }

  /** What is asked in one go is one batch. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#underWay.length > 0) return;
    this.#flushIsDue = true;
    this.#clock.next(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#underWay.length > 0) return;
    const batch = this.#waiting.batch();
    if (batch.length === 0) {
      this.#thread?.hold(false);
      this.#onEmpty?.();
      return;
    }
    const thread = this.#start();
    thread.hold(true);
    this.#underWay = batch;
    try {
      thread.post(batch.map(({ request }) => request));
    } catch (error) {
      // A value whose memory was given away meanwhile cannot be copied.
      this.#underWay = [];
      for (const waiter of batch) this.#waiting.settle(waiter, RuntimeError.from(error));
      this.#flushSoon();
    }
  }

  /** The thread that runs, or, after it was lost, another: each takes a batch with it, so there is an end to it. */
  #start(): StorageThread {
    this.#thread ??= this.#startThread({
      onOpened: () => {
        this.#isOpen = true;
        this.#opened.resolve();
        this.#thread?.hold(this.#underWay.length > 0);
      },
      onAnswer: (outcomes) => this.#onAnswer(outcomes),
      onLost: (reason) => this.#onLost(reason),
    });
    return this.#thread;
  }

  #onAnswer(outcomes: readonly StoreOutcome[]): void {
    const batch = this.#underWay;
    this.#underWay = [];
    outcomes.forEach((outcome, index) => {
      this.#waiting.settle(batch[index] as Waiter, outcome);
    });
    this.#flush();
  }

  #onLost(reason: RuntimeError): void {
    const batch = this.#underWay;
    this.#underWay = [];
    this.#thread = undefined;
    this.#opened.reject(reason);
    if (this.#closed === undefined && this.#isOpen) this.#onFailure?.(reason);
    for (const waiter of batch) this.#waiting.settle(waiter, reason);
    this.#flush();
  }

  /** One timer for all, at the deadline of the oldest. */
  #watch(): void {
    const { oldest } = this.#waiting;
    if (this.#timer !== undefined || oldest === undefined) return;
    this.#timer = this.#clock.after(Math.max(0, oldest.deadlineMs - this.#clock.nowMs()), () => {
      // After a long hold-up of this thread, answers lie there that have not been read yet.
      this.#clock.soon(() => {
        this.#timer = undefined;
        this.#expire();
        this.#watch();
      });
    });
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs();
    for (let late = this.#waiting.oldest; late !== undefined && late.deadlineMs <= nowMs; late = this.#waiting.oldest) {
      this.#waiting.settle(late, overdue(this.#timeoutMs, this.#underWay.includes(late)));
    }
    if (this.#waiting.size === 0) this.#onEmpty?.();
  }

  async #close(): Promise<void> {
    // Each has a deadline, so this ends.
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    this.#timer?.cancel();
    const thread = this.#thread;
    if (thread === undefined) return;
    thread.hold(true);
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = this.#clock.after(CLOSE_MS, giveUp);
    await Promise.race([thread.close(), late.then(() => thread.terminate())]);
    timer.cancel();
  }
}

function overdue(timeoutMs: number, wasUnderWay: boolean): RuntimeError {
  const outcome = wasUnderWay ? 'it may have been done' : 'it was not begun';
  return new RuntimeError('STORE_TIMEOUT', `The store did not answer within ${timeoutMs} ms: ${outcome}`, {
    details: { timeoutMs, begun: wasUnderWay },
  });
}
