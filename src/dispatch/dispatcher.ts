import { RingBuffer } from '../collections/index.ts';
import type { Clock } from '../time/index.ts';

/** How much may happen before others get their turn. */
export interface DispatchOptions {
  /** Messages that an actor handles before the next actor's turn. Integer, 1 to 65_536. Default 64. */
  readonly throughput?: number;
  /** Milliseconds of work before I/O gets its turn, 0.05 to 1_000. Default 0.5. */
  readonly budgetMs?: number;
}

/** Messages: enough to spread the cost of a turn thin, few enough that a busy actor does not hold up the others. */
export const THROUGHPUT = 64;

/** Milliseconds: half the delay that people measure as "the event loop is free"; shorter costs throughput. */
export const BUDGET_MS = 0.5;

/** Messages between two looks at the clock, at most, while they are quick: a look costs as much as two of them (45 ns). */
const PACE_MAX = 64;

/** Share of the budget that should pass between two looks at the clock; sets how far a budget is overrun. */
const LOOK_SHARE = 0.25;

/** What there is to spend between two looks; integers, for the loop that counts them. Large enough to be shared by the largest throughput. */
const POINTS = 65_536;

/** Looks at a clock that stands still (`ManualClock`) before I/O gets its turn all the same. */
const STILL_LOOKS_MAX = 1_024;

/**
 * First turns of new items in a row while others wait: as many as an actor handles messages. With less, more of a tree of
 * short-lived actors lives at a time; with more, others wait longer for their turn.
 */
const NEW_IN_A_ROW = THROUGHPUT;

/**
 * How many messages of one kind of work are handled between two looks at the clock. Work that was slow is watched
 * closely ever after, and does not benefit from others being quick; work that proves quick is trusted more and more.
 */
export class Pace {
  /** One at first: nothing is known of the work. The dispatcher's. */
  messages = 1;
  /** Those of one turn. The dispatcher's. */
  quota = 1;
  /** What a message costs of what there is to spend. The dispatcher's. */
  points = POINTS;
}

/** Where what is ready waits for its turn. Nothing in it is forgotten: that is its own care. */
export interface RunQueue<T> {
  /** Items that may have their turn now. */
  readonly size: number;
  push(item: T): void;
  /** Takes out whose turn it is; `undefined` when it is nobody's. */
  shift(): T | undefined;
}

/** What a dispatcher does besides, and by whom it lets itself be told what comes next. */
export interface DispatchParts<T> {
  /** Called after a look at the clock between two turns, and when nothing waits any more. It must not throw. */
  readonly onLook?: (() => void) | undefined;
  /** Default: first come, first served. */
  readonly queue?: RunQueue<T> | undefined;
}

/** What a dispatcher runs. */
export interface Paced {
  /** Shared by all items that do the same kind of work. */
  readonly pace: Pace;
}

/**
 * Decides which actor runs next, and when I/O gets its turn.
 *
 * ```
 *            schedule          next (microtask)         queue empty
 *   cold ───────────────► warm ────────────────► drain ─────────────► warm, idle
 *    ▲                     │                       │ budget used up
 *    │  queue empty        │ soon (setImmediate): once per pass of the event loop
 *    └─────────────────────┴──────────── a new budget, and on with the queue
 * ```
 *
 * The first drain comes before any I/O, for latency. The budget counts for the whole pass of the event loop, however
 * often the queue runs empty and fills again in microtasks; once it is used up, only `soon` continues, and I/O comes
 * first. (Continuing by microtasks or message ports starves I/O.)
 */
export class Dispatcher<T extends Paced> {
  private readonly clock: Clock;
  private readonly activate: (item: T, quota: number) => number;
  private readonly throughput: number;
  private readonly budgetMs: number;
  private readonly onLook: () => void;
  /** Each item is in it at most once: that is the item's own care, and the queue's bound. */
  private readonly queue: RunQueue<T>;
  /** Whether the queue has an order of its own, in which new items take part. */
  private readonly isOrdered: boolean;
  /** New items that wait for their first turn: the newest has it first. Each is in it at most once. */
  private readonly fresh = new RingBuffer<T>();
  /** Those that the item has made whose turn it is. */
  private readonly born: T[] = [];
  private isInTurn = false;
  /** First turns since those that wait had theirs. */
  private newInARow = 0;
  /** Of those that waited when there had been enough first turns: how many still have to have their turn. */
  private elders = 0;

  /** The time of the last look at the clock. */
  private lookedMs = 0;
  /** When the present points began to be spent. */
  private spendingMs = 0;
  private budgetEndsMs = 0;
  private budgetUsed = false;
  /** Whether a pass of the event loop has begun whose `soon` is still to come. */
  private warm = false;
  /** Whether a drain is certain to come. */
  private scheduled = false;

  private points = POINTS;
  /** Looks since the present budget was granted at which no time had passed. */
  private stillLooks = 0;

  /**
   * @param activate Runs an item for at most `quota` messages, and returns how much it did in messages, 1 or more. It
   *   must not throw; if it does, the error reaches the event loop and the other items go on.
   * @throws {RangeError} An option is out of range.
   */
  constructor(
    clock: Clock,
    activate: (item: T, quota: number) => number,
    options: DispatchOptions & DispatchParts<T> = {},
  ) {
    this.clock = clock;
    this.activate = activate;
    this.onLook = options.onLook ?? (() => {});
    this.queue = options.queue ?? new RingBuffer<T>();
    this.isOrdered = options.queue !== undefined;
    this.throughput = options.throughput ?? THROUGHPUT;
    this.budgetMs = options.budgetMs ?? BUDGET_MS;
    if (!Number.isInteger(this.throughput) || this.throughput < 1 || this.throughput > 65_536) {
      throw new RangeError(`Dispatch option "throughput" must be an integer from 1 to 65536, not ${this.throughput}`);
    }
    if (!(typeof this.budgetMs === 'number' && this.budgetMs >= 0.05 && this.budgetMs <= 1_000)) {
      throw new RangeError(`Dispatch option "budgetMs" must be from 0.05 to 1000, not ${this.budgetMs}`);
    }
  }

  /** Items that wait for their turn. */
  get size(): number {
    return this.queue.size + this.fresh.size;
  }

  /**
   * Milliseconds, of the last look at the clock in this pass of the event loop: at most one budget and one handler old
   * while a turn runs.
   */
  get coarseNowMs(): number {
    if (!this.warm) this.lookedMs = this.clock.nowMs();
    return this.lookedMs;
  }

  /** Whether something waits for its turn, or has it: then `onLook` is certain to be called. */
  get isBusy(): boolean {
    return this.scheduled;
  }

  /** Puts `item` behind those that wait. It must not be waiting already. */
  schedule(item: T): void {
    this.queue.push(item);
    if (!this.scheduled) this.wake();
  }

  /**
   * Puts `item` before those that wait, if the item has made it whose turn it is; else behind them. What is made together
   * has its first turn in that order.
   *
   * Depth first, because it keeps few alive at a time where items make items that soon end; but only {@link NEW_IN_A_ROW}
   * times in a row, and then each of those that wait comes first, with the new one that has waited longest.
   */
  scheduleNew(item: T): void {
    if (this.isInTurn && !this.isOrdered) this.born.push(item);
    else this.schedule(item);
  }

  /** The queue has something to run that {@link schedule} did not put there: its own rules held it back. */
  nudge(): void {
    if (!this.scheduled && this.queue.size > 0) this.wake();
  }

  /** Looks at the clock, and says whether the budget is used up: for turns whose messages take long. */
  isBudgetUsed(): boolean {
    this.lookedMs = this.clock.nowMs();
    if (this.lookedMs >= this.budgetEndsMs) this.budgetUsed = true;
    return this.budgetUsed;
  }

  private wake(): void {
    this.scheduled = true;
    if (!this.warm) {
      this.warm = true;
      this.begin();
      this.clock.soon(this.onPass);
    }
    if (!this.budgetUsed) this.clock.next(this.drain);
  }

  /** Grants a new budget. */
  private begin(): void {
    this.lookedMs = this.clock.nowMs();
    this.spendingMs = this.lookedMs;
    this.budgetEndsMs = this.lookedMs + this.budgetMs;
    this.budgetUsed = false;
    this.points = POINTS;
    this.stillLooks = 0;
  }

  /** I/O had its turn. */
  private readonly onPass = (): void => {
    // Else it has ended already, unless its item threw.
    if (this.isInTurn) this.endTurn();
    if (this.size === 0) {
      this.warm = false;
      this.rest();
      return;
    }
    this.begin();
    this.clock.soon(this.onPass);
    this.drain();
  };

  private readonly drain = (): void => {
    while (!this.budgetUsed) {
      const item = this.fresh.size === 0 ? this.queue.shift() : this.takeFresh();
      if (item === undefined) {
        this.rest();
        return;
      }
      const { pace } = item;
      this.isInTurn = true;
      this.points -= this.activate(item, pace.quota) * pace.points;
      this.endTurn();
      if (this.points <= 0 || this.budgetUsed) this.look(pace);
    }
  };

  /** Takes whose turn it is while there are new items. */
  private takeFresh(): T | undefined {
    const { fresh, queue } = this;
    if (this.elders === 0 && this.newInARow < NEW_IN_A_ROW) {
      this.newInARow++;
      return fresh.pop();
    }
    if (this.elders === 0) {
      this.newInARow = 0;
      queue.push(fresh.shift() as T);
      this.elders = queue.size;
    }
    this.elders--;
    return queue.shift();
  }

  /** Puts what was made in the turn that is over in front, the first of them first. */
  private endTurn(): void {
    this.isInTurn = false;
    if (this.born.length === 0) return;
    if (this.fresh.size === 0) this.elders = 0;
    for (let item = this.born.pop(); item !== undefined; item = this.born.pop()) this.fresh.push(item);
  }

  /** Nothing waits any more. */
  private rest(): void {
    if (!this.scheduled) return;
    this.scheduled = false;
    this.onLook();
  }

  /** @param pace Of the item that has spent the last points: what took long was most likely its work. */
  private look(pace: Pace): void {
    const nowMs = this.clock.nowMs();
    if (nowMs === this.spendingMs) this.stillLooks++;
    this.adapt(pace, nowMs - this.spendingMs);
    this.lookedMs = nowMs;
    this.spendingMs = nowMs;
    this.points = POINTS;
    this.onLook();
    if (nowMs >= this.budgetEndsMs || this.stillLooks >= STILL_LOOKS_MAX) this.budgetUsed = true;
  }

  /** Looks at this work more often when more time passed than intended; relaxes by doubling. */
  private adapt(pace: Pace, tookMs: number): void {
    const intendedMs = this.budgetMs * LOOK_SHARE;
    if (tookMs > intendedMs) {
      const spent = (POINTS - this.points) / POINTS;
      pace.messages = Math.max(1, Math.floor((pace.messages * spent * intendedMs) / tookMs));
    } else if (tookMs < intendedMs / 2 && this.points <= 0) {
      pace.messages = Math.min(pace.messages * 2, Math.max(PACE_MAX, this.throughput));
    }
    pace.quota = Math.min(pace.messages, this.throughput);
    pace.points = Math.ceil(POINTS / pace.messages);
  }
}
