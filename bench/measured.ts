/** A process that does workloads for `telemetry.bench.ts`, with metrics (`on`) or without; writes nanoseconds for each, as JSON. */
import { Metrics } from '../src/index.ts';
import { troupe } from './workloads/troupe.ts';

/** Times of one sample, some 30 ms each. */
const TIMES = { tell: 1_000_000, pingPong: 500_000, ask: 100_000, publish: 10_000, spawn: 100_000 } as const;
const WARM_UP = 5;
const SAMPLES = 7;

const ours = await troupe(process.argv[2] === 'on' ? { metrics: new Metrics() } : {});
const medians: Record<string, number> = {};
for (const [key, times] of Object.entries(TIMES) as [keyof typeof TIMES, number][]) {
  const work = ours.workloads[key];
  if (work === undefined) continue;
  for (let i = 0; i < WARM_UP; i++) await work(times / 10);
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) samples.push(await work(times));
  medians[key] = samples.toSorted((a, b) => a - b)[SAMPLES >> 1] as number;
}
await ours.close?.();
console.log(JSON.stringify(medians));
