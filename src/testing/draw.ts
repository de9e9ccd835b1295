import type { Chooser } from './chooser.ts';
import { showValue } from './show.ts';

/**
 * What an action of a simulation leaves to chance. Take every choice from here: it is written down, and made plainer when a
 * failure is shrunk. The plainest are: the lowest number, the first of a list, `false`.
 */
export class Draw {
  readonly #chooser: Chooser;
  readonly #shown: string[] = [];

  constructor(chooser: Chooser) {
    this.#chooser = chooser;
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    if (!(Number.isInteger(min) && Number.isInteger(max) && max >= min)) {
      throw new RangeError(`Draw between two integers, the lower first, not ${min} and ${max}`);
    }
    return this.#note(min + this.#chooser.below(max - min + 1));
  }

  /** One of them. */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('Draw from a list that is not empty');
    return this.#note(values[this.#chooser.below(values.length)] as T);
  }

  /** `true` with this probability, 0 to 1. */
  chance(probability: number): boolean {
    const steps = 1_000;
    return this.#note(this.#chooser.below(steps) >= Math.round(steps * (1 - probability)));
  }

  /** What was drawn, for people. */
  toString(): string {
    return this.#shown.join(', ');
  }

  #note<T>(value: T): T {
    this.#shown.push(showValue(value));
    return value;
  }
}
