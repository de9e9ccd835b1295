/**
 * Which paths below a folder are meant: `*.csv`, `2026/*`, `2026/**`. `*` is any run of characters of one name, `**` as a whole
 * name any number of folders, also none; nothing else is special. Names are compared in Unicode's normal form C, by case.
 */
export class PathPattern {
  readonly #names: readonly string[];

  constructor(text: string) {
    this.#names = text.normalize('NFC').split('/');
  }

  /** Whether the path of these names is meant. */
  matches(path: readonly string[]): boolean {
    return this.#after(path).has(this.#names.length);
  }

  /** Whether something below the folder of these names may be meant. */
  mayContain(folder: readonly string[]): boolean {
    return [...this.#after(folder)].some((at) => at < this.#names.length);
  }

  /** How much of the pattern may be behind when these names are: there is nothing to backtrack. */
  #after(path: readonly string[]): ReadonlySet<number> {
    let reached = new Set<number>();
    this.#reach(reached, 0);
    for (const name of path) {
      const next = new Set<number>();
      for (const at of reached) {
        const wanted = this.#names[at];
        if (wanted === '**') this.#reach(next, at);
        else if (wanted !== undefined && matchesSegment(wanted, name.normalize('NFC'))) this.#reach(next, at + 1);
      }
      reached = next;
    }
    return reached;
  }

  /** `**` may stand for no folder. */
  #reach(reached: Set<number>, at: number): void {
    reached.add(at);
    if (this.#names[at] === '**') this.#reach(reached, at + 1);
  }
}

/** One name against one of a pattern: where it does not go on, the last `*` takes one character more. */
function matchesSegment(wanted: string, name: string): boolean {
  let [at, next, star, taken] = [0, 0, -1, 0];
  while (at < name.length) {
    if (wanted[next] === '*') {
      star = next++;
      taken = at;
    } else if (wanted[next] === name[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++taken;
    } else return false;
  }
  while (wanted[next] === '*') next++;
  return next === wanted.length;
}
