/** What a process had at one time. */
export interface Look {
  readonly atMs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** How a figure went, in MiB. */
export interface Slope {
  readonly firstMiB: number;
  readonly lastMiB: number;
  /** By the line that fits best, from the end of the warm-up to the last look. */
  readonly growthMiB: number;
}

/** Share of the looks that are left out: caches fill, code is compiled, the heap finds its size. */
const WARM_UP = 0.3;

/** Most that may be added, in MiB, however long it took: a leak of 1 KiB a round is more in an hour, and noise never is. */
const HEAP_GROWTH_MAX = 4;
const RSS_GROWTH_MAX = 48;

const MIB = 2 ** 20;

/** The line through what `value` was after the warm-up, by least squares. */
export function slopeOf(looks: readonly Look[], value: (look: Look) => number): Slope {
  const used = looks.slice(Math.floor(looks.length * WARM_UP));
  const [first, last] = [used[0], used.at(-1)];
  if (first === undefined || last === undefined || used.length < 3)
    throw new Error(`${used.length} looks say nothing: run for longer`);
  const meanMs = used.reduce((sum, { atMs }) => sum + atMs, 0) / used.length;
  const mean = used.reduce((sum, look) => sum + value(look), 0) / used.length;
  let [products, squares] = [0, 0];
  for (const look of used) {
    products += (look.atMs - meanMs) * (value(look) - mean);
    squares += (look.atMs - meanMs) ** 2;
  }
  const growth = (products / squares) * (last.atMs - first.atMs);
  return { firstMiB: round(value(first) / MIB), lastMiB: round(value(last) / MIB), growthMiB: round(growth / MIB) };
}

/** Whether neither has grown. */
export function isFlat(heap: Slope, rss: Slope): boolean {
  return heap.growthMiB <= HEAP_GROWTH_MAX && rss.growthMiB <= RSS_GROWTH_MAX;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
