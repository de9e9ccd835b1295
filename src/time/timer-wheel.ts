import type { Clock, TimerHandle } from './ports.ts';

/**
 * Milliseconds per tick. A timer fires at the first tick at or after its due time, so up to this much late. Deadlines of
 * messages are far longer than 4 ms; a finer tick only costs more wake-ups.
 */
export const TICK_MS = 4;

/** Slots of a level, as a power of two: 64, so that a level spans 64 times the one below. */
const SLOT_BITS = 6;
const SLOTS = 1 << SLOT_BITS;
const SLOT_MASK = SLOTS - 1;

/** Ticks per slot, level by level. A timer more than 64⁴ ticks (18.6 hours) away waits in the last level and is placed again from there. */
const WIDTHS_TICKS = [1, SLOTS, SLOTS ** 2, SLOTS ** 3] as const;
const LEVELS = WIDTHS_TICKS.length;
const FARTHEST_TICKS = SLOTS ** LEVELS - 1;

/** No wake-up is planned. */
const NEVER = Number.POSITIVE_INFINITY;

/**
 * What a {@link TimerWheel} holds: a link of a ring, so that adding and cancelling allocate nothing. Whatever has a
 * deadline extends it.
 */
export abstract class TimerNode {
  /** Neighbours in the slot's ring; `null` while the node is in no wheel. The wheel's, not the node's. */
  nextTimer: TimerNode | null = null;
  previousTimer: TimerNode | null = null;
  /** The tick at which it fires; while its wait has not begun, the milliseconds of the wait, negative. The wheel's. */
  dueTick = 0;

  /** Runs once, when the time has come. It must not throw. */
  abstract onTimer(): void;

  /**
   * Runs once, when the wait begins of a node that was given to {@link TimerWheel.addSoon}. It must not throw.
   *
   * @returns Milliseconds from `nowMs`: `waitMs`, or less if something else sets an end to it.
   */
  onWait(_nowMs: number, waitMs: number): number {
    return waitMs;
  }
}

/** Start of a slot's ring. */
class Slot extends TimerNode {
  constructor() {
    super();
    this.nextTimer = this;
    this.previousTimer = this;
  }

  override onTimer(): void {}
}

class CallbackTimer extends TimerNode {
  readonly #callback: () => void;

  constructor(callback: () => void) {
    super();
    this.#callback = callback;
  }

  override onTimer(): void {
    this.#callback();
  }
}

/**
 * A hierarchical timing wheel: any number of timers over a single timer of the {@link Clock}.
 *
 * ```
 * level 0   [ ][x][ ]…[ ]   64 slots of 1 tick        a slot is a ring of nodes: slot ⇄ node ⇄ node ⇄ slot
 * level 1   [ ][ ][x]…[ ]   64 slots of 64 ticks      when its time begins, a slot is emptied into the levels below
 * level 2   …                64 slots of 4,096 ticks
 * level 3   …                64 slots of 262,144 ticks
 * ```
 *
 * Adding and cancelling are O(1). It sleeps until the next slot that holds something, so an idle wheel costs nothing. It
 * keeps the process alive while it holds a timer. (Varghese and Lauck, 1987.)
 */
export class TimerWheel {
  readonly #clock: Clock;
  /** What was given to `addSoon`: neither is a slot found for it yet, nor was the clock read. */
  readonly #soon = new Slot();
  #soonSize = 0;
  /** `LEVELS × SLOTS` rings, level by level. */
  readonly #slots: readonly Slot[] = Array.from({ length: LEVELS * SLOTS }, () => new Slot());
  /** The last tick whose slots were emptied. Only due ticks lie between it and now. */
  #currentTick = 0;
  #size = 0;
  #handle: TimerHandle | undefined;
  #wakeTick = NEVER;
  #held = false;
  #relaxing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers that have not fired and were not cancelled. */
  get size(): number {
    return this.#size + this.#soonSize;
  }

  /** Whether timers wait for {@link startSoon}. */
  get hasSoon(): boolean {
    return this.#soonSize > 0;
  }

  /**
   * Fires `node` at the first tick that is `delayMs` or more after `nowMs`.
   *
   * @param node A node that is in no wheel.
   * @param nowMs The clock's time, which the caller has just read.
   */
  add(node: TimerNode, nowMs: number, delayMs: number): void {
    if (this.#size === 0) this.#currentTick = Math.max(this.#currentTick, Math.floor(nowMs / TICK_MS));
    this.#size++;
    node.dueTick = Math.ceil((nowMs + delayMs) / TICK_MS);
    this.#plan(this.#place(node), nowMs);
  }

  /**
   * Takes a timer whose wait begins with the next {@link startSoon}, which the caller sees to. For what is most likely
   * cancelled before: then no slot is found for it, and the clock is not read.
   *
   * @param node A node that is in no wheel.
   * @param waitMs Milliseconds, more than 0.
   */
  addSoon(node: TimerNode, waitMs: number): void {
    this.#soonSize++;
    node.dueTick = -waitMs;
    append(this.#soon, node);
  }

  /** Begins the wait of all that was given to {@link addSoon}. */
  startSoon(nowMs: number): void {
    while (this.#soonSize > 0) {
      const node = this.#soon.nextTimer as TimerNode;
      unlink(node);
      this.#soonSize--;
      this.add(node, nowMs, node.onWait(nowMs, -node.dueTick));
    }
  }

  /** Runs `callback` after `delayMs`; the result is given to {@link cancel}. For rare things: it allocates. */
  after(delayMs: number, callback: () => void): TimerNode {
    const timer = new CallbackTimer(callback);
    this.add(timer, this.#clock.nowMs(), delayMs);
    return timer;
  }

  /** Forgets `node`; does nothing when it has fired or was cancelled. */
  cancel(node: TimerNode): void {
    if (node.nextTimer === null) return;
    unlink(node);
    if (node.dueTick < 0) this.#soonSize--;
    else if (--this.#size === 0 && this.#held && !this.#relaxing) {
      this.#relaxing = true;
      this.#clock.soon(this.#relax);
    }
  }

  /** Forgets every timer and the wake-up. The wheel can be used again. */
  clear(): void {
    for (const slot of [...this.#slots, this.#soon]) {
      while (slot.nextTimer !== slot) unlink(slot.nextTimer as TimerNode);
    }
    this.#size = 0;
    this.#soonSize = 0;
    this.#handle?.cancel();
    this.#handle = undefined;
    this.#wakeTick = NEVER;
    this.#held = false;
  }

  /** Lets the process end once nothing is held. Put off, so that asks in a row do not toggle the timer each time. */
  readonly #relax = (): void => {
    this.#relaxing = false;
    if (this.#size === 0) this.#hold(false);
  };

  #hold(keepAlive: boolean): void {
    if (this.#held === keepAlive) return;
    this.#held = keepAlive;
    this.#handle?.hold(keepAlive);
  }

  /** Puts the node into its slot and returns the tick at which that slot must be looked at. */
  #place(node: TimerNode): number {
    const tick = Math.max(node.dueTick, this.#currentTick + 1);
    const ahead = Math.min(tick - this.#currentTick, FARTHEST_TICKS);
    let level = 0;
    while (level < LEVELS - 1 && ahead >= (WIDTHS_TICKS[level + 1] as number)) level++;
    const width = WIDTHS_TICKS[level] as number;
    const column = Math.floor((this.#currentTick + ahead) / width);
    const slot = this.#slots[level * SLOTS + (column & SLOT_MASK)] as Slot;
    append(slot, node);
    return column * width;
  }

  #plan(tick: number, nowMs: number): void {
    this.#hold(true);
    if (tick >= this.#wakeTick) return;
    this.#handle?.cancel();
    this.#wakeTick = tick;
    this.#handle = this.#clock.after(Math.max(0, tick * TICK_MS - nowMs), this.#wake, this.#held);
  }

  readonly #wake = (): void => {
    const nowMs = this.#clock.nowMs();
    this.#handle = undefined;
    this.#wakeTick = NEVER;
    this.#turnTo(Math.floor(nowMs / TICK_MS));
    if (this.#size > 0) this.#plan(this.#nextTick(), nowMs);
    // A timer that fired may have cancelled the last of the others; then nothing is planned and nothing is held.
    else if (this.#handle === undefined) this.#held = false;
  };

  /** Empties, in order, every slot whose time begins at or before `tick`. */
  #turnTo(tick: number): void {
    for (let due = this.#nextTick(); due <= tick; due = this.#nextTick()) {
      this.#currentTick = due;
      // Far slots first: what they hold may be due in the near slot of this same tick.
      for (let level = LEVELS - 1; level >= 0; level--) {
        const width = WIDTHS_TICKS[level] as number;
        if (due % width === 0) this.#empty(this.#slots[level * SLOTS + ((due / width) & SLOT_MASK)] as Slot);
      }
    }
    this.#currentTick = Math.max(this.#currentTick, tick);
  }

  /** Fires what is due in the slot and places the rest in the levels below. */
  #empty(slot: Slot): void {
    if (slot.nextTimer === slot) return;
    // Moved to a ring of its own: a timer that fires may add to this slot, and may cancel its neighbours.
    const ring = new Slot();
    takeAll(slot, ring);
    for (let node = ring.nextTimer as TimerNode; node !== ring; node = ring.nextTimer as TimerNode) {
      unlink(node);
      if (node.dueTick > this.#currentTick) {
        this.#place(node);
      } else {
        this.#size--;
        node.onTimer();
      }
    }
  }

  /** The next tick at which a slot that holds something begins. At most `LEVELS × SLOTS` looks, once per wake-up. */
  #nextTick(): number {
    let earliest = NEVER;
    for (let level = 0; level < LEVELS; level++) {
      const width = WIDTHS_TICKS[level] as number;
      const column = Math.floor(this.#currentTick / width);
      for (let ahead = 1; ahead <= SLOTS; ahead++) {
        const slot = this.#slots[level * SLOTS + ((column + ahead) & SLOT_MASK)] as Slot;
        if (slot.nextTimer === slot) continue;
        earliest = Math.min(earliest, (column + ahead) * width);
        break;
      }
    }
    return earliest;
  }
}

function append(slot: Slot, node: TimerNode): void {
  const last = slot.previousTimer as TimerNode;
  node.previousTimer = last;
  node.nextTimer = slot;
  last.nextTimer = node;
  slot.previousTimer = node;
}

function unlink(node: TimerNode): void {
  const next = node.nextTimer as TimerNode;
  const previous = node.previousTimer as TimerNode;
  previous.nextTimer = next;
  next.previousTimer = previous;
  node.nextTimer = null;
  node.previousTimer = null;
}

function takeAll(from: Slot, to: Slot): void {
  const first = from.nextTimer as TimerNode;
  const last = from.previousTimer as TimerNode;
  to.nextTimer = first;
  first.previousTimer = to;
  to.previousTimer = last;
  last.nextTimer = to;
  from.nextTimer = from;
  from.previousTimer = from;
}
