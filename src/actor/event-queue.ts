import { RingBuffer } from '../collections/index.ts';
import type { EventOptions, EventStream } from './actor-ref.ts';

/** Events kept for a slow reader. */
export const EVENT_CAPACITY = 256;
const EVENT_CAPACITY_MAX = 65_536;

const ENDED: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/** What gets the events of one kind that an actor emits. */
export interface EventSink {
  push(event: unknown): void;
  /** The actor is no more. */
  end(): void;
}

/** One listener's events. A reader that is slow loses the oldest, and can see how many. */
export class EventQueue implements EventStream<unknown>, EventSink {
  readonly #events = new RingBuffer<unknown>();
  readonly #capacity: number;
  readonly #onEnd: (queue: EventQueue) => void;
  /** Readers that wait; only while there are no events. Each is a `next` that its caller awaits. */
  readonly #readers = new RingBuffer<(result: IteratorResult<unknown, undefined>) => void>();
  readonly #signal: AbortSignal | undefined;
  #dropped = 0;
  #ended = false;

  /**
   * @param onEnd Called once, when it will take no more events.
   * @throws {RangeError} The capacity is out of range.
   */
  constructor(options: EventOptions | undefined, onEnd: (queue: EventQueue) => void) {
    this.#capacity = options?.capacity ?? EVENT_CAPACITY;
    if (!Number.isInteger(this.#capacity) || this.#capacity < 1 || this.#capacity > EVENT_CAPACITY_MAX) {
      throw new RangeError(`Event capacity must be an integer from 1 to ${EVENT_CAPACITY_MAX}, not ${this.#capacity}`);
    }
    this.#onEnd = onEnd;
    this.#signal = options?.signal;
    if (this.#signal?.aborted === true) this.#ended = true;
    else this.#signal?.addEventListener('abort', this.#onAbort);
  }

  get dropped(): number {
    return this.#dropped;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  push(event: unknown): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ done: false, value: event });
      return;
    }
    if (this.#events.size >= this.#capacity) {
      this.#events.shift();
      this.#dropped++;
    }
    this.#events.push(event);
  }

  /** Takes no more events; what is there can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) reader(ENDED);
    this.#onEnd(this);
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#events.size > 0) return Promise.resolve({ done: false, value: this.#events.shift() });
    if (this.#ended) return Promise.resolve(ENDED);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#events.clear();
    this.end();
    return Promise.resolve(ENDED);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #onAbort = (): void => {
    this.#events.clear();
    this.end();
  };
}
