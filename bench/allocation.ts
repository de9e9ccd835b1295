/**
 * Child process of the messaging benchmark: bytes by which the heap grows for one message more, from `tell` until it is
 * handled. What waking an actor takes, and asking it at the end, is the same for bursts of any length, so that it is
 * not in the difference between long and short ones. Prints samples as JSON. The new space is so large that nothing is
 * collected within a sample.
 *
 *     node --expose-gc --max-semi-space-size=128 --min-semi-space-size=128 allocation.ts
 */
import assert from 'node:assert/strict';
import { getHeapStatistics } from 'node:v8';
import { ActorSystem } from '../src/index.ts';
import { counter } from './workloads/troupe.ts';

/** Messages of a burst, the long one fewer than a mailbox holds. */
const LONG = 1_000;
const SHORT = 500;
const BURSTS = 200;
const SAMPLES = 9;
const WARM_UP_SAMPLES = 20;

const system = await ActorSystem.create();
const ref = system.spawn(counter);
const shared = { by: 1 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const send = {
  nothing: () => shared,
  shared: () => ref.tell.add(shared),
  fresh: () => ref.tell.add({ by: 1 }),
};

/** Bytes by which the heap grows in a burst of `length`. */
async function bytesOf(work: () => unknown, length: number): Promise<number> {
  globalThis.gc?.();
  await turn();
  const before = getHeapStatistics().used_heap_size;
  for (let burst = 0; burst < BURSTS; burst++) {
    for (let i = 0; i < length; i++) work();
    // When this one is answered, all before it were handled.
    await ref.ask.get();
  }
  return (getHeapStatistics().used_heap_size - before) / BURSTS;
}

const samples: Record<keyof typeof send, number[]> = { nothing: [], shared: [], fresh: [] };
let sent = 0;
for (let round = -WARM_UP_SAMPLES; round < SAMPLES; round++) {
  for (const key of ['nothing', 'shared', 'fresh'] as const) {
    const bytes = (await bytesOf(send[key], LONG)) - (await bytesOf(send[key], SHORT));
    if (key !== 'nothing') sent += (LONG + SHORT) * BURSTS;
    if (round >= 0) samples[key].push(bytes / (LONG - SHORT));
  }
}
assert.equal(await ref.ask.get(), sent);
await system.stop();
console.log(JSON.stringify(samples));
