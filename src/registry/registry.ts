import type { ActorRef, Names } from '../actor/index.ts';

/** Told which names are taken, and which are free again. */
export type NameListener = (name: string, isTaken: boolean) => void;

/** Names of living actors. */
export class Registry implements Names {
  readonly #refs = new Map<string, ActorRef>();
  /** Never changed, but replaced. */
  #listeners: readonly NameListener[] = [];

  /** Names that are taken. */
  get size(): number {
    return this.#refs.size;
  }

  claim(name: string, ref: ActorRef): boolean {
    if (this.#refs.has(name)) return false;
    this.#refs.set(name, ref);
    if (this.#listeners.length > 0) for (const listener of this.#listeners) listener(name, true);
    return true;
  }

  release(name: string, ref: ActorRef): void {
    if (this.#refs.get(name) !== ref) return;
    this.#refs.delete(name);
    if (this.#listeners.length > 0) for (const listener of this.#listeners) listener(name, false);
  }

  lookup(name: string): ActorRef | undefined {
    return this.#refs.get(name);
  }

  /** Tells of all names that are taken, and of every change from now on. Returns what ends that. */
  listen(listener: NameListener): () => void {
    for (const name of this.#refs.keys()) listener(name, true);
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }
}
