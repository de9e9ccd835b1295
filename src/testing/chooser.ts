import { type Random, SeededRandom } from '../time/index.ts';

/** Decides what is left open. 0 is always the plainest choice: the oldest, the longest, nothing unusual. */
export interface Chooser {
  /** An integer from 0 to `count` − 1. */
  below(count: number): number;
}

/** Always the plainest choice: first come, first served. */
export const PLAIN: Chooser = Object.freeze({ below: () => 0 });

/** Leaves it to chance, which is the same for the same seed. */
export class SeededChooser implements Chooser {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }
}

/** Does what is written down, then what is plainest; or, with a source, asks that and writes down. */
export class ScriptedChooser implements Chooser {
  readonly #script: readonly number[];
  readonly #source: Chooser;
  readonly #taken: number[] = [];

  constructor(script: readonly number[], source: Chooser = PLAIN) {
    this.#script = script;
    this.#source = source;
  }

  /** What was chosen so far; what is plainest at the end is left out, since it goes without saying. */
  get taken(): readonly number[] {
    const last = this.#taken.findLastIndex((choice) => choice !== 0);
    return this.#taken.slice(0, last + 1);
  }

  below(count: number): number {
    if (count <= 1) return 0;
    const written = this.#script[this.#taken.length];
    const choice = written === undefined ? this.#source.below(count) : Math.min(written, count - 1);
    this.#taken.push(choice);
    return choice;
  }
}
