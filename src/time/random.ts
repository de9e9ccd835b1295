import type { Random } from './ports.ts';

/** Node.js's own generator: not reproducible, not for secrets. */
export class SystemRandom implements Random {
  next(): number {
    return Math.random();
  }
}

/**
 * The same numbers for the same seed, on every platform: for tests and simulation.
 *
 * The generator is sfc32 (Doty-Humphrey, PractRand), 32 bits a number, period about 2¹²⁷ on average.
 */
export class SeededRandom implements Random {
  #a = 0;
  #b = 0;
  #c: number;
  #counter = 1;

  /** @param seed Any integer; its low 32 bits count. */
  constructor(seed: number) {
    this.#c = seed | 0;
    // The state starts nearly empty: these rounds spread the seed over all of it (the author's own recommendation is 12).
    for (let round = 0; round < 15; round++) this.next();
  }

  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  }
}
