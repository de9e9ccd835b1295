import { assert } from '../errors/index.ts';
import { CREDITS_MAX, type Credits } from './link.ts';

/** What stands in a counter when there is no slot and the taker is to be told of the next one. */
const WANTED = -1;

/** The two tables of counters of a link between threads. */
export interface CreditMemory {
  /** Slots at the far end, which this end takes. */
  readonly taken: SharedArrayBuffer;
  /** Slots at this end. */
  readonly given: SharedArrayBuffer;
}

/** Memory for the slots of one direction. */
export function createCreditMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(CREDITS_MAX * 4);
}

/** Slots counted in memory that both ends share: a slot that was given is free at once. */
export class SharedCredits implements Credits {
  readonly #taken: Int32Array;
  readonly #given: Int32Array;
  readonly #wake: (index: number) => void;

  /** @param wake Tells the other end that there is a slot of a mailbox again for which it waits. */
  constructor(memory: CreditMemory, wake: (index: number) => void) {
    this.#taken = new Int32Array(memory.taken);
    this.#given = new Int32Array(memory.given);
    this.#wake = wake;
  }

  open(index: number, slots: number): void {
    checkIndex(index);
    Atomics.store(this.#taken, index, slots);
  }

  take(index: number): boolean {
    checkIndex(index);
    for (;;) {
      const free = Atomics.load(this.#taken, index);
      if (free > 0) {
        // Nobody else takes: what is there now cannot be less by the time of this.
        Atomics.sub(this.#taken, index, 1);
        return true;
      }
      if (free < 0 || Atomics.compareExchange(this.#taken, index, 0, WANTED) === 0) return false;
    }
  }

  give(index: number, slots: number): void {
    checkIndex(index);
    for (;;) {
      const free = Atomics.load(this.#given, index);
      if (Atomics.compareExchange(this.#given, index, free, Math.max(free, 0) + slots) !== free) continue;
      if (free < 0) this.#wake(index);
      return;
    }
  }
}

/** Slots counted at the taker; what was given is sent to it. */
export class SentCredits implements Credits {
  readonly #free = new Map<number, number>();
  readonly #send: (index: number, slots: number) => void;

  constructor(send: (index: number, slots: number) => void) {
    this.#send = send;
  }

  open(index: number, slots: number): void {
    checkIndex(index);
    this.#free.set(index, slots);
  }

  take(index: number): boolean {
    const free = this.#free.get(index) ?? 0;
    this.#free.set(index, free > 0 ? free - 1 : WANTED);
    return free > 0;
  }

  give(index: number, slots: number): void {
    checkIndex(index);
    this.#send(index, slots);
  }

  /** At the taker: slots that were sent. Tells whether somebody waits for one. */
  receive(index: number, slots: number): boolean {
    const free = this.#free.get(index);
    // Nobody here takes of it, or the other side lies: whoever counts too much gets no more than its mailbox takes.
    if (free === undefined) return false;
    this.#free.set(index, Math.min(Math.max(free, 0) + slots, 2 ** 30));
    return free < 0;
  }
}

function checkIndex(index: number): void {
  assert(index >= 0 && index < CREDITS_MAX, 'a counter of slots is within its table');
}
