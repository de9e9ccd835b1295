/** What routers, pools and groups add to a message. Every timed run checks that what was sent was handled. */
import assert from 'node:assert/strict';
import {
  type ActorRef,
  ActorSystem,
  implement,
  pool,
  protocol,
  type RouterStrategy,
  router,
  type,
} from '../src/index.ts';
import type { Report, Suite } from './suite.ts';

const SAMPLES = 15;
/** Messages of a burst: fewer than one mailbox holds. */
const BURST = 1_000;
const BURSTS = 50;
const ROUTEES = 8;

const Counter = protocol('bench:routee@1.0.0', {
  tell: { add: type<{ readonly by: number }>() },
  ask: { get: { in: type<void>(), out: type<number>() } },
});
const counter = implement(Counter, {
  init: () => ({ n: 0 }),
  tell: {
    add(context, { by }) {
      context.state.n += by;
    },
  },
  ask: { get: (context) => context.state.n },
});

type CounterRef = ActorRef<typeof Counter>;

async function sumOf(refs: readonly CounterRef[]): Promise<number> {
  const counts = await Promise.all(refs.map((ref) => ref.ask.get()));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Nanoseconds for each message that `send` sends, handled by `refs`. */
async function timed(refs: readonly CounterRef[], send: (i: number) => void, copies = 1): Promise<number> {
  const before = await sumOf(refs);
  const startMs = performance.now();
  for (let burst = 0; burst < BURSTS; burst++) {
    for (let i = 0; i < BURST; i++) send(i);
    await sumOf(refs);
  }
  const after = await sumOf(refs);
  const ns = ((performance.now() - startMs) / (BURST * BURSTS)) * 1e6;
  assert.equal(after - before, BURST * BURSTS * copies);
  return ns;
}

async function run(report: Report): Promise<void> {
  await using system = await ActorSystem.create();
  const spawnAll = (): CounterRef[] => Array.from({ length: ROUTEES }, () => system.spawn(counter));
  const measures: { name: string; sample: () => Promise<number> }[] = [];
  const plain = spawnAll();
  measures.push({
    name: 'tell to each in turn, without a router',
    sample: () => timed(plain, (i) => plain[i % ROUTEES]?.tell.add({ by: 1 })),
  });
  const strategies: RouterStrategy[] = ['round-robin', 'random', 'least-loaded', 'consistent-hash', 'broadcast'];
  for (const strategy of strategies) {
    const routees = spawnAll();
    let turn = 0;
    const hash = strategy === 'consistent-hash' ? { hash: () => `key-${turn++ % 64}` } : {};
    const ref = system.spawn(router({ strategy, routees, ...hash }));
    await ref.ready;
    const copies = strategy === 'broadcast' ? ROUTEES : 1;
    measures.push({
      name: `tell by ${strategy} to ${ROUTEES}`,
      sample: () => timed(routees, () => ref.tell.add({ by: 1 }), copies),
    });
  }
  const pooled = system.spawn(pool(counter, { size: ROUTEES }), 'pool');
  await pooled.ready;
  const members = Array.from({ length: ROUTEES }, (_, i) => system.lookup(`pool/${i + 1}`, Counter) as CounterRef);
  measures.push({
    name: `tell to a pool of ${ROUTEES}`,
    sample: () => timed(members, () => pooled.tell.add({ by: 1 })),
  });
  const grouped = spawnAll();
  for (const ref of grouped) system.subscribe('jobs', ref, { op: 'add', group: 'workers' });
  measures.push({
    name: `publish to a group of ${ROUTEES}`,
    sample: () => timed(grouped, () => system.publish('jobs', { by: 1 })),
  });
  const samples = measures.map((): number[] => []);
  for (let round = -3; round < SAMPLES; round++) {
    for (const [i, { sample }] of measures.entries()) {
      const ns = await sample();
      if (round >= 0) samples[i]?.push(ns);
    }
  }
  for (const [i, { name }] of measures.entries()) report.row({ name, unit: 'ns', samples: samples[i] as number[] });
  report.notMeasured('routees that are full or start again; pools that grow');
}

export const suite: Suite = { name: 'routing', run };
