import { RuntimeError } from '../errors/index.ts';
import { BATCH_BYTES_MAX, BATCH_MAX, WAITING_BYTES_MAX, WAITING_MAX } from './options.ts';
import type { StoreOutcome, StoreRequest } from './requests.ts';

/** A request that somebody waits for. */
export interface Waiter {
  readonly request: StoreRequest;
  /** Roughly, with its keys and values. */
  readonly bytes: number;
  readonly deadlineMs: number;
  settle(outcome: StoreOutcome | RuntimeError): void;
}

/**
 * The requests that wait for an answer, in the order in which they came; the first few of them may be under way.
 * Bounded in number and in bytes.
 */
export class Waiting {
  readonly #waiters = new Set<Waiter>();
  #bytes = 0;

  get size(): number {
    return this.#waiters.size;
  }

  /** The one whose deadline comes first: all have the same time, so it is the oldest. */
  get oldest(): Waiter | undefined {
    return this.#waiters.values().next().value;
  }

  /** Adds a request, or says why not. */
  add(waiter: Waiter): RuntimeError | undefined {
    if (this.#waiters.size >= WAITING_MAX || this.#bytes + waiter.bytes > WAITING_BYTES_MAX) {
      return new RuntimeError(
        'STORE_BUSY',
        `Cannot take another request for the store: ${this.#waiters.size} with ${this.#bytes} bytes wait; try again later`,
        { details: { waiting: this.#waiters.size, bytes: this.#bytes } },
      );
    }
    this.#waiters.add(waiter);
    this.#bytes += waiter.bytes;
    return undefined;
  }

  /** The requests for the next transaction; they stay in the queue until they are settled. */
  batch(): Waiter[] {
    const batch: Waiter[] = [];
    let bytes = 0;
    for (const waiter of this.#waiters) {
      bytes += waiter.bytes;
      if (batch.length === BATCH_MAX || (batch.length > 0 && bytes > BATCH_BYTES_MAX)) break;
      batch.push(waiter);
    }
    return batch;
  }

  /** Answers one; does nothing for one that was answered before. */
  settle(waiter: Waiter, outcome: StoreOutcome | RuntimeError): void {
    if (!this.#waiters.delete(waiter)) return;
    this.#bytes -= waiter.bytes;
    waiter.settle(outcome);
  }
}
