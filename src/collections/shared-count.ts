/** How many threads may count together: the main one, and 256. */
export const SHARING_THREADS_MAX = 257;

/**
 * A number of things that several threads have, in shared memory: all of them, and those of each thread. So what a thread has counted
 * can be taken off should it be lost.
 */
export class SharedCount {
  readonly #counts: Int32Array;
  readonly #own: number;

  /** @param counts As of {@link sharedCounts}. @param place Which thread this is. */
  constructor(counts: Int32Array = new Int32Array(2), place = 0) {
    this.#counts = counts;
    this.#own = place + 1;
  }

  /** Of all threads. */
  get total(): number {
    return Math.max(0, Atomics.load(this.#counts, 0));
  }

  /** Of this one. */
  get own(): number {
    return Atomics.load(this.#counts, this.#own);
  }

  add(things: number): void {
    Atomics.add(this.#counts, 0, things);
    Atomics.add(this.#counts, this.#own, things);
  }

  /** Takes off what this thread has counted; it counts no more. */
  clear(): void {
    Atomics.sub(this.#counts, 0, Atomics.exchange(this.#counts, this.#own, 0));
  }
}

/** Memory for the counts of so many threads, each 0. */
export function sharedCounts(threads = SHARING_THREADS_MAX): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer((threads + 1) * Int32Array.BYTES_PER_ELEMENT));
}
