/** How long healthy actors take to answer while something else goes on. */
import { setImmediate as nextPass } from 'node:timers/promises';

/** Milliseconds a healthy neighbour's answer may take, of a hundred answers all but one. */
export const NEIGHBOUR_MS = 10;

/** Of one run; milliseconds. */
export interface Latency {
  readonly answers: number;
  readonly p99Ms: number;
  /** The same in time that this thread had a processor: what other processes take does not count. */
  readonly computedP99Ms: number;
}

/** CPU time of this thread, in milliseconds. */
function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Has `answer` answered again and again until `work` is settled; rejects as `work` does. */
export async function sampled(answer: () => Promise<unknown>, work: Promise<unknown>): Promise<Latency> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  work.then(over, over);
  const walls: number[] = [];
  const computed: number[] = [];
  while (!isOver) {
    const [wall, own] = [performance.now(), computedMs()];
    await answer();
    await nextPass();
    walls.push(performance.now() - wall);
    computed.push(computedMs() - own);
  }
  await work;
  return { answers: walls.length, p99Ms: p99(walls), computedP99Ms: p99(computed) };
}

function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? 0;
}

/** Whether neighbours answered in time, or would have with a processor of their own. */
export function isInTime({ p99Ms, computedP99Ms }: Latency): boolean {
  return Math.min(p99Ms, computedP99Ms) <= NEIGHBOUR_MS;
}
