/** Addresses that are remembered per guest; the oldest are forgotten. A guest that needs more looks up again. */
const ADDRESSES_MAX = 1_024;

/** Names remembered per address: many share one where a provider serves them. */
const NAMES_MAX = 16;

/** Where names led one guest: a grant of a name covers the addresses that this guest was given for it. */
export class LookupMemory {
  /** By address; the most recent last. */
  readonly #names = new Map<string, Set<string>>();

  remember(name: string, addresses: readonly string[]): void {
    for (const address of addresses) {
      const names = this.#names.get(address) ?? new Set();
      names.delete(name);
      names.add(name);
      dropOldest(names, NAMES_MAX);
      this.#names.delete(address);
      this.#names.set(address, names);
    }
    dropOldest(this.#names, ADDRESSES_MAX);
  }

  namesOf(address: string): readonly string[] {
    return [...(this.#names.get(address) ?? [])];
  }
}

function dropOldest(items: Map<string, unknown> | Set<string>, max: number): void {
  for (const key of items.keys()) {
    if (items.size <= max) return;
    items.delete(key);
  }
}
