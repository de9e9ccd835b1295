import { assert } from '../errors/index.ts';

/** Slots of a new ring: small, because most rings stay nearly empty. */
const FIRST_SLOTS = 4;

/** Shared by all rings that were never used: an idle ring costs no slots. */
const EMPTY: unknown[] = [];

/**
 * A queue over an array that grows by doubling. Taking clears the slot, so nothing taken is kept alive.
 *
 * ```
 *        head          head + size (masked)
 *          ▼             ▼
 * [   ][   ][ a ][ b ][ c ][   ][   ][   ]     length is a power of two; index = (head + i) & (length − 1)
 * ```
 *
 * It has no bound of its own: whoever owns it says what bounds it.
 */
export class RingBuffer<T> {
  private slots: (T | undefined)[] = EMPTY as (T | undefined)[];
  private head = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(item: T): void {
    if (this.count === this.slots.length) this.grow();
    this.slots[(this.head + this.count) & (this.slots.length - 1)] = item;
    this.count++;
  }

  /** The oldest item, which stays; `undefined` when there is none. */
  peek(): T | undefined {
    return this.count === 0 ? undefined : this.slots[this.head];
  }

  /** Takes the oldest item; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = (this.head + 1) & (this.slots.length - 1);
    this.count--;
    return item;
  }

  /** Takes the newest item; `undefined` when there is none. */
  pop(): T | undefined {
    if (this.count === 0) return undefined;
    this.count--;
    const last = (this.head + this.count) & (this.slots.length - 1);
    const item = this.slots[last];
    this.slots[last] = undefined;
    return item;
  }

  /** Takes out every item that `isUnwanted`; the others keep their order. Looks at all. */
  remove(isUnwanted: (item: T) => boolean): void {
    for (let left = this.count; left > 0; left--) {
      const item = this.shift() as T;
      if (!isUnwanted(item)) this.push(item);
    }
  }

  /** Forgets everything, the slots too. */
  clear(): void {
    this.slots = EMPTY as (T | undefined)[];
    this.head = 0;
    this.count = 0;
  }

  private grow(): void {
    const old = this.slots;
    const next = new Array<T | undefined>(Math.max(FIRST_SLOTS, old.length * 2)).fill(undefined);
    for (let i = 0; i < this.count; i++) next[i] = old[(this.head + i) & (old.length - 1)];
    this.slots = next;
    this.head = 0;
    assert((next.length & (next.length - 1)) === 0, 'the length of a ring is a power of two');
  }
}
