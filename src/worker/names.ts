import type { ActorRef, Names } from '../actor/index.ts';

/** What the names of a worker need of its link. */
export interface NameSource {
  /** Refers to the actor of that name at the main thread. */
  refer(name: string): ActorRef;
  /** An actor of this worker has a name from now on. */
  claimed(name: string, ref: ActorRef): void;
}

/** The names of a worker: those of its own actors, and behind them those of the main thread, as far as it has heard of them. */
export class MirroredNames implements Names {
  readonly #own: Names;
  readonly #elsewhere = new Set<string>();
  readonly #refs = new Map<string, ActorRef>();
  /** Set before an actor is spawned. */
  source!: NameSource;

  constructor(own: Names) {
    this.#own = own;
  }

  claim(name: string, ref: ActorRef): boolean {
    if (!this.#own.claim(name, ref)) return false;
    this.source.claimed(name, ref);
    return true;
  }

  release(name: string, ref: ActorRef): void {
    this.#own.release(name, ref);
  }

  lookup(name: string): ActorRef | undefined {
    const own = this.#own.lookup(name);
    if (own !== undefined || !this.#elsewhere.has(name)) return own;
    const ref = this.#refs.get(name) ?? this.source.refer(name);
    this.#refs.set(name, ref);
    return ref;
  }

  /** What the main thread says. */
  update({ added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] }): void {
    for (const name of removed) {
      this.#elsewhere.delete(name);
      this.#refs.delete(name);
    }
    for (const name of added) this.#elsewhere.add(name);
  }
}
