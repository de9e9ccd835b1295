import type { Header, RemoteActor } from '../actor/index.ts';

/** Bits of an id that say which slot; the others count how often it was used, so that a late reply is told from the present one's. */
const INDEX_BITS = 20;
const INDEX_MASK = 2 ** INDEX_BITS - 1;

/** An ask that waits for its reply from the other side. */
export interface AskSlot {
  id: number;
  header: Header | null;
  actor: RemoteActor | null;
  /** Called when the asker stops waiting. */
  readonly gaveUp: () => void;
}

/** Asks that wait for replies from the other side: a table of slots that are used again. */
export class AskTable {
  readonly #slots: AskSlot[] = [];
  readonly #free: AskSlot[] = [];
  readonly #onGivenUp: (id: number) => void;

  /** @param onGivenUp An asker has stopped waiting; its slot is free already. */
  constructor(onGivenUp: (id: number) => void) {
    this.#onGivenUp = onGivenUp;
  }

  /** Asks that wait. */
  get size(): number {
    return this.#slots.length - this.#free.length;
  }

  /** Keeps `header` until its reply comes. Returns its id; 0: there is no place. */
  add(header: Header, actor: RemoteActor): number {
    const slot = this.#free.pop() ?? this.#grow();
    if (slot === undefined) return 0;
    slot.header = header;
    slot.actor = actor;
    header.onFailed = slot.gaveUp;
    return slot.id;
  }

  /** Takes the header out that waits under `id`; `undefined`: it does not any more. */
  take(id: number): Header | undefined {
    const slot = this.#slots[id & INDEX_MASK];
    if (slot === undefined || slot.id !== id || slot.header === null) return undefined;
    const { header } = slot;
    header.onFailed = null;
    this.#release(slot);
    return header;
  }

  /** The id under which `header` waits; 0: it does not. Looks at all. */
  idOf(header: Header): number {
    return this.#slots.find((slot) => slot.header === header)?.id ?? 0;
  }

  /** Takes out all that wait for `actor`, or for anybody. */
  takeAll(actor?: RemoteActor): Header[] {
    const waiting = this.#slots.filter((slot) => slot.header !== null && (actor === undefined || slot.actor === actor));
    return waiting.map(({ id }) => this.take(id) as Header);
  }

  #grow(): AskSlot | undefined {
    const index = this.#slots.length;
    if (index > INDEX_MASK) return undefined;
    const slot: AskSlot = {
      id: index + INDEX_MASK + 1,
      header: null,
      actor: null,
      gaveUp: () => {
        const { id } = slot;
        this.#release(slot);
        this.#onGivenUp(id);
      },
    };
    this.#slots.push(slot);
    return slot;
  }

  #release(slot: AskSlot): void {
    slot.header = null;
    slot.actor = null;
    slot.id =
      slot.id + INDEX_MASK + 1 <= 0xffff_ffff ? slot.id + INDEX_MASK + 1 : (slot.id & INDEX_MASK) + INDEX_MASK + 1;
    this.#free.push(slot);
  }
}
