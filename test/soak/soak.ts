/**
 * `npm run soak`: hostile and healthy guests, for minutes, on one thread; then whether memory stayed flat and nothing is left.
 *
 *     npm run soak                       10 minutes
 *     npm run soak -- --minutes 0.5      as CI does
 *     npm run soak -- --leak             keeps what every round made, to see that it is found; exits with 1
 *
 * A round makes a system with some forty actors of components that loop, recurse, allocate, trap, exit by a kill, wait for
 * ever and work as they should, under supervision, with instances that are kept ready and recycled, and sends
 * requests to a guest that handles HTTP; everything has to end by its name. Heap and resident memory are looked at between rounds.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { type ActorRef, ActorSystem, component, httpComponent, implement, protocol, type } from '../../src/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { isFlat, type Look, slopeOf } from './slope.ts';

const GUEST = `(component
  (core module $M
    (memory (export "memory") 1)
    (func (export "one") (result i32) (i32.const 1))
    (func (export "spin") (loop (br 0)))
    (func (export "catching") (loop $l try (loop (br 0)) catch_all end br $l))
    (func $deep (export "deep") (param i32) (result i32)
      (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "grow") (result i32)
      (loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (memory.fill (i32.const 0) (i32.const 1) (i32.mul (memory.size) (i32.const 65536)))
      (memory.size))
    (func (export "trap") (unreachable))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (unreachable))
    (func (export "text") (param i32 i32)))
  (core instance $m (instantiate $M))
  (func (export "one") (result u32) (canon lift (core func $m "one")))
  (func (export "spin") (canon lift (core func $m "spin")))
  (func (export "catching") (canon lift (core func $m "catching")))
  (func (export "deep") (param "x" u32) (result u32) (canon lift (core func $m "deep")))
  (func (export "grow") (result u32) (canon lift (core func $m "grow")))
  (func (export "trap") (canon lift (core func $m "trap")))
  (func (export "text") (param "x" string)
    (canon lift (core func $m "text") (memory $m "memory") (realloc (func $m "realloc")))))`;

const fixture = (name: string): URL => new URL(`../../fixtures/components/${name}.wasm`, import.meta.url);

const Silent = protocol('soak:silent@1.0.0', { ask: { wait: { in: type<unknown>(), out: type<unknown>() } } });
const silent = implement(Silent, { init: () => ({}), ask: { wait: () => new Promise(() => undefined) } });

/** What a guest is asked, and what has to come of it. */
const ENDS: readonly (readonly [op: string, args: readonly unknown[], code: string | undefined])[] = [
  ['one', [], undefined],
  ['grow', [], undefined],
  ['spin', [], 'ACTOR_FAILED'],
  ['catching', [], 'ACTOR_FAILED'],
  ['deep', [0], 'ACTOR_FAILED'],
  ['trap', [], 'ACTOR_FAILED'],
  ['text', ['a text for which there is no room'], 'ACTOR_FAILED'],
];

/** Milliseconds for one message of a guest. */
const DEADLINE_MS = 250;

const kept: unknown[] = [];

async function guests() {
  const compiled = await compileComponent(await parseWat(GUEST), {
    metered: true,
    limits: { memoryBytes: 8 * 2 ** 20 },
  });
  const types = { hostile: await component(compiled, { deadlineMs: DEADLINE_MS, pool: 8 }) };
  const grants = { messaging: { ask: ['silent'] } };
  const recycled = { pool: 8, recycle: { messages: 1 } };
  return { ...types, echo: await component(fixture('echo/echo'), { deadlineMs: DEADLINE_MS, grants, ...recycled }) };
}

type Guests = Awaited<ReturnType<typeof guests>>;

/** Asks, and says what came of it. */
async function outcome(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

async function expectEnds(ref: ActorRef): Promise<void> {
  for (const [op, args, code] of ENDS) {
    const came = await outcome(ref.askOp(op, args, { timeoutMs: 60_000 }));
    if (came !== code) throw new Error(`"${op}" came to ${came ?? 'an answer'}, not to ${code ?? 'an answer'}`);
  }
}

/** One life of a system and all that is in it. Returns how many messages and requests there were. */
async function round({ hostile, echo }: Guests, address: string): Promise<number> {
  const system = await ActorSystem.create();
  system.spawn(silent, 'silent');
  const supervision = { intensity: 1_000, backoffMinMs: 1, backoffMaxMs: 1 };
  const victims = Array.from({ length: 8 }, () => system.spawn(hostile, undefined, { supervision }));
  const killed = Array.from({ length: 8 }, () => system.spawn(hostile, undefined, { supervision }));
  const waiting = Array.from({ length: 8 }, () => system.spawn(echo, undefined, { supervision }));
  const working = Array.from({ length: 16 }, () => system.spawn(echo, undefined, { supervision }));
  const toSilence = new TextEncoder().encode('silent wait 60000\nhello');
  const ends = [
    ...victims.map(expectEnds),
    ...killed.map((ref) => outcome(ref.askOp('spin', [], { timeoutMs: 60_000 }))),
    ...waiting.map((ref) => outcome(ref.askOp('ask', toSilence, { timeoutMs: 60_000 }))),
    ...working.map((ref) => ref.askOp('echo', new Uint8Array(2_000), { timeoutMs: 60_000 })),
    ...['/', '/trap-before', '/never', '/unfinished', '/loop', '/huge-fields'].map(async (path) => {
      const response = await fetch(`${address}${path}`);
      await response.arrayBuffer().catch(() => undefined);
    }),
  ];
  await Promise.race(ends);
  for (const ref of killed) void ref.kill();
  await Promise.all(ends);
  await system.stop();
  if (system.size + system.pendingTimers > 0) throw new Error('A system that has stopped has actors or timers left');
  return victims.length * ENDS.length + ends.length;
}

/** What there is when everything that can be collected was. */
async function look(atMs: number): Promise<Look> {
  for (let times = 0; times < 4; times++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  const { heapUsed, rss, external } = process.memoryUsage();
  return { atMs, heapBytes: heapUsed + external, rssBytes: rss };
}

/** Connections of `fetch` come and go; everything else has to be as it was. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => !name.startsWith('TCP')).length;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '10' }, leak: { type: 'boolean', default: false } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 10_080)) {
    console.error(`Cannot run for ${JSON.stringify(values.minutes)} minutes: use a number from 0.1 to 10080`);
    return 64;
  }
  const made = await guests();
  await using plugin = await httpComponent(fixture('http/tour'), {
    deadlineMs: DEADLINE_MS,
    grants: { clock: true },
  });
  const server = createServer(plugin.listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const startMs = systemClock.nowMs();
  const before = handles();
  const looks: Look[] = [];
  let [rounds, messages] = [0, 0];
  for (let elapsed = 0; elapsed < minutes * 60_000; elapsed = systemClock.nowMs() - startMs) {
    messages += await round(made, address);
    rounds++;
    if (values.leak) kept.push(Array.from({ length: 20_000 }, () => ({})));
    looks.push(await look(systemClock.nowMs() - startMs));
  }
  const after = handles();
  server.closeAllConnections();
  server.close();
  const heap = slopeOf(looks, ({ heapBytes }) => heapBytes);
  const rss = slopeOf(looks, ({ rssBytes }) => rssBytes);
  console.table({
    heap: { 'at first, MiB': heap.firstMiB, 'at last, MiB': heap.lastMiB, 'growth, MiB': heap.growthMiB },
    'resident memory': { 'at first, MiB': rss.firstMiB, 'at last, MiB': rss.lastMiB, 'growth, MiB': rss.growthMiB },
  });
  console.log(`${rounds} rounds, ${messages} messages and requests, handles ${before} before and ${after} after`);
  if (isFlat(heap, rss) && after <= before) return 0;
  console.error('Memory or handles have grown');
  return 1;
}

process.exit(await main());
