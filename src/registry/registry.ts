import type { ActorRef, Names } from '../actor/index.ts';

/** Names of living actors. */
export class Registry implements Names {
  readonly #refs = new Map<string, ActorRef>();

  /** Names that are taken. */
  get size(): number {
    return this.#refs.size;
  }

  claim(name: string, ref: ActorRef): boolean {
    if (this.#refs.has(name)) return false;
    this.#refs.set(name, ref);
    return true;
  }

  release(name: string, ref: ActorRef): void {
    if (this.#refs.get(name) === ref) this.#refs.delete(name);
  }

  lookup(name: string): ActorRef | undefined {
    return this.#refs.get(name);
  }
}
