/**
 * Requests under way, at one server or at several that share a bound. Each server has a place of its own in shared memory, which it
 * alone writes: what one counts is given up by clearing its place, should its thread be lost.
 */
export class InFlight {
  readonly #counts: Int32Array;
  readonly #place: number;

  /** @param counts One for each server. @param place Of this one. */
  constructor(counts: Int32Array = new Int32Array(1), place = 0) {
    this.#counts = counts;
    this.#place = place;
  }

  /** Of all servers. */
  get total(): number {
    let total = 0;
    for (let place = 0; place < this.#counts.length; place++) total += Atomics.load(this.#counts, place);
    return total;
  }

  /** Of this one. */
  get own(): number {
    return Atomics.load(this.#counts, this.#place);
  }

  enter(): void {
    Atomics.add(this.#counts, this.#place, 1);
  }

  leave(): void {
    Atomics.sub(this.#counts, this.#place, 1);
  }
}
