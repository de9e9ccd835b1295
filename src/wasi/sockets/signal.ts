/** Those who wait for something to change. */
export class Signal {
  readonly #watchers = new Set<() => void>();

  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }

  wake(): void {
    for (const wake of [...this.#watchers]) wake();
  }
}
