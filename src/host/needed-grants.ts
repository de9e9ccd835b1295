/** Lines of one component that are told; a guest can want any number of things. */
const LINES_MAX = 1_000;

/** Tells each grant that a component uses or lacks once. */
export class NeededGrants {
  readonly #known = new Set<string>();
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** @param line Of `troupe.toml`; nothing, where no grant would help. */
  note(line: string | undefined): void {
    if (line === undefined || this.#known.size >= LINES_MAX || this.#known.has(line)) return;
    this.#known.add(line);
    this.#tell(line);
  }
}
