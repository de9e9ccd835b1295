/**
 * Child process of the density benchmark: spawns actors of a small component through the public API in bursts, with instances
 * that are kept ready or without, and prints as JSON what each took.
 *
 *     node instance-pool.ts POOL
 */
import assert from 'node:assert/strict';
import { nodeRoom } from '../src/component/index.ts';
import { type ActorRef, ActorSystem, component } from '../src/index.ts';

const pool = Number(process.argv[2] ?? 512);
const BURST = 500;
const BURSTS = 10;
const WARM_UP_BURSTS = 3;
/** Actors of one burst that is spawned, asked and stopped at once. */
const SHORT_BURST = 100;
const SHORT_BURSTS = 100;
const MESSAGE = new TextEncoder().encode('x'.repeat(64));

const system = await ActorSystem.create();
const echo = await component(new URL('../fixtures/components/echo/echo.wasm', import.meta.url), {
  grants: { messaging: {} },
  pool,
});
const kept: ActorRef[] = [];

/** Idle for as long as the pool takes to be full; not timed. */
async function filled(): Promise<void> {
  while (pool > 0 && nodeRoom().use.memories < kept.length + pool)
    await new Promise<void>((resolve) => setImmediate(resolve));
}

async function spawn(count: number): Promise<number> {
  const started = process.hrtime.bigint();
  const refs = Array.from({ length: count }, () => system.spawn(echo));
  await Promise.all(refs.map((ref) => ref.ready));
  const tookNs = Number(process.hrtime.bigint() - started);
  kept.push(...refs);
  return tookNs;
}

/** From the spawn over one message to the end. */
async function shortLives(count: number): Promise<void> {
  const refs = Array.from({ length: count }, () => system.spawn(echo));
  const replies = await Promise.all(refs.map((ref) => ref.askOp('echo', MESSAGE)));
  for (const reply of replies) assert.equal((reply as Uint8Array).length, MESSAGE.length);
  await Promise.all(refs.map((ref) => ref.stop()));
}

await spawn(1);
let readyNs = 0;
for (let burst = -WARM_UP_BURSTS; burst < BURSTS; burst++) {
  await filled();
  const tookNs = await spawn(BURST);
  if (burst >= 0) readyNs += tookNs;
}
await Promise.all(kept.map((ref) => ref.stop()));
kept.length = 0;
await filled();
const started = process.hrtime.bigint();
for (let burst = 0; burst < SHORT_BURSTS; burst++) await shortLives(SHORT_BURST);
const lifeNs = Number(process.hrtime.bigint() - started);
process.stdout.write(
  JSON.stringify({ readyNs: readyNs / BURSTS / BURST, lifeNs: lifeNs / SHORT_BURSTS / SHORT_BURST }),
);
process.exit(0);
