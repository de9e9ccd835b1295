/**
 * Child process of the density benchmark: spawns actors of a small component through the public API, gives each a message,
 * keeps them, and prints as JSON what that took.
 *
 *     node --expose-gc instance-density.ts COUNT [BATCH]
 */
import assert from 'node:assert/strict';
import { type ActorRef, ActorSystem, component } from '../src/index.ts';

/** Actors that are spawned at once, and awaited together: one at a time would measure the loop of this script. */
const [count, batch] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 500)];
const WARM_UP = 500;
const MESSAGE = new TextEncoder().encode('x'.repeat(64));

const system = await ActorSystem.create();
const echo = await component(new URL('../fixtures/components/echo/echo.wasm', import.meta.url), {
  grants: { messaging: {} },
});
const kept: ActorRef[] = [];

interface Took {
  constructNs: number;
  readyNs: number;
}

/** Spawns actors, a batch at a time. */
async function spawn(total: number): Promise<Took> {
  const took: Took = { constructNs: 0, readyNs: 0 };
  for (let left = total; left > 0; left -= batch) {
    const refs: ActorRef[] = [];
    const started = process.hrtime.bigint();
    for (let at = 0; at < Math.min(left, batch); at++) refs.push(system.spawn(echo));
    const constructed = process.hrtime.bigint();
    await Promise.all(refs.map((ref) => ref.ready));
    took.constructNs += Number(constructed - started);
    took.readyNs += Number(process.hrtime.bigint() - started);
    kept.push(...refs);
  }
  return took;
}

async function settle(): Promise<NodeJS.MemoryUsage> {
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return process.memoryUsage();
}

async function messageTo(refs: readonly ActorRef[]): Promise<number> {
  const started = process.hrtime.bigint();
  for (let from = 0; from < refs.length; from += batch) {
    const replies = await Promise.all(refs.slice(from, from + batch).map((ref) => ref.askOp('echo', MESSAGE)));
    for (const reply of replies) assert.equal((reply as Uint8Array).length, MESSAGE.length);
  }
  return Number(process.hrtime.bigint() - started);
}

await spawn(WARM_UP);
await messageTo(kept);
const before = await settle();
const cpuBefore = process.threadCpuUsage();
const took = await spawn(count);
const cpu = process.threadCpuUsage(cpuBefore);
const messagesNs = await messageTo(kept.slice(-count));
const after = await settle();
process.stdout.write(
  JSON.stringify({
    residentBytes: (after.rss - before.rss) / count,
    heapBytes: (after.heapUsed - before.heapUsed) / count,
    constructNs: took.constructNs / count,
    readyNs: took.readyNs / count,
    readyCpuNs: ((cpu.user + cpu.system) * 1_000) / count,
    messageNs: messagesNs / count,
  }),
);
process.exit(0);
