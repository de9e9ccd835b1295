import { openState } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { STATE_BUCKET } from './keeper.ts';
import type { DurableStore } from './ports.ts';

/** The state that is kept of an actor. */
export interface KeptState {
  /** Of the actor. */
  readonly name: string;
  /** Bytes of the record. */
  readonly bytes: number;
  /** What is in it; `undefined`: it is damaged. */
  readonly content: KeptContent | undefined;
}

/** What is in the record of a state. */
export interface KeptContent {
  /** Of the actor: the name of its protocol or type, without a version. */
  readonly type: string;
  /** Of the state's shape; 0 for a component. */
  readonly version: number;
  /** As `durable.snapshot` gave it; for a component, bytes. */
  readonly state: unknown;
}

/** Names of actors whose states are kept, and where the next page begins, if there is more. */
export interface KeptNames {
  readonly names: readonly string[];
  readonly next?: number;
}

/** The states of actors that a store keeps: for operators, and for tests. */
export class KeptStates {
  readonly #store: DurableStore;
  readonly #isLiving: (name: string) => boolean;

  /** @param isLiving Whether an actor of that name lives, which may write its state at any moment. */
  constructor(store: DurableStore, isLiving: (name: string) => boolean) {
    this.#store = store;
    this.#isLiving = isLiving;
  }

  /**
   * A page of names, in the order in which their states were first kept. Rejects as a read of the store.
   *
   * @param after Where the page before ended: `next`. Default: from the first.
   */
  async list(after?: number): Promise<KeptNames> {
    const { keys, next } = await this.#store.list(STATE_BUCKET, after);
    return next === undefined ? { names: keys } : { names: keys, next };
  }

  /** What is kept of the actor called `name`; `undefined`: nothing. Rejects as a read of the store. */
  async find(name: string): Promise<KeptState | undefined> {
    const [entry] = await this.#store.read(STATE_BUCKET, [name]);
    return entry && { name, bytes: entry.value.length, content: openState(entry.value) };
  }

  /**
   * Forgets what is kept of the actor called `name`: the next of that name begins with `init`. Messages that are kept for it
   * stay, and so do the ids of those that were handled.
   *
   * Rejects with `STATE_IN_USE` while an actor of that name lives (stop it first), and as a write of the store.
   *
   * @returns Whether there was anything to forget.
   */
  async remove(name: string): Promise<boolean> {
    const [entry] = await this.#store.read(STATE_BUCKET, [name]);
    if (entry === undefined) return false;
    // An actor that begins to live from here on asks the store for its state after this.
    if (this.#isLiving(name)) {
      const text = `Cannot forget the state of "${name}": an actor of that name lives; stop it first`;
      throw new RuntimeError('STATE_IN_USE', text, { details: { actor: name } });
    }
    await this.#store.write([{ bucket: STATE_BUCKET, key: name }]);
    return true;
  }
}

/**
 * The states in a store that no actor system uses now. Of one that does: `system.states`.
 *
 * @example What a stopped application has kept
 * ```ts
 * await using store = await openStore({ directory: './data' });
 * const { names } = await keptStates(store).list();
 * ```
 */
export function keptStates(store: DurableStore): KeptStates {
  return new KeptStates(store, () => false);
}
