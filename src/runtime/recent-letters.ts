import type { DeadLetter } from '../actor/index.ts';
import type { DeadLetterInfo } from '../api/index.ts';

/** Kinds of dead letters that are remembered: what a person reads. */
const REMEMBERED_MAX = 100;
/** Characters of a text that is not ours: an operation that was sent, what a guest says. */
const TEXT_MAX = 256;

/** The last dead letters, without what was in them. Those of one actor, operation and reason are one entry with a count. */
export class RecentLetters {
  /** By actor, reason and operation; that of which the last one came last is last. */
  readonly #byKind = new Map<string, DeadLetterInfo>();

  note({ name, reason, op, topic, error }: DeadLetter, atMs: number): void {
    const operation = (topic ?? op).slice(0, TEXT_MAX);
    const key = JSON.stringify([name, reason, operation]);
    const count = (this.#byKind.get(key)?.count ?? 0) + 1;
    const why = error && { error: { code: error.code, message: error.message.slice(0, TEXT_MAX) } };
    this.#byKind.delete(key);
    this.#byKind.set(key, { actor: name, reason, operation, count, lastAtMs: atMs, ...why });
    const [oldest] = this.#byKind.keys();
    if (this.#byKind.size > REMEMBERED_MAX && oldest !== undefined) this.#byKind.delete(oldest);
  }

  /** The last first. */
  list(): DeadLetterInfo[] {
    return [...this.#byKind.values()].reverse();
  }
}
