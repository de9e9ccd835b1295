/**
 * The actor core on one thread, with its default bounded mailboxes. Every timed run checks that what was sent was
 * handled.
 */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ActorRef, ActorSystem, implement, protocol, type } from '../src/index.ts';
import type { Report, Suite } from './suite.ts';

const SAMPLES = 21;
/** Messages of a burst: fewer than a mailbox holds. */
const BURST = 1_000;
/** Bursts of a sample. */
const BURSTS = 100;
const ASKS = 20_000;
const TURNS = 100_000;
const IDLE_ACTORS = 100_000;

const Counter = protocol('bench:counter@1.0.0', {
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

/** What a player knows of its partner. */
const Ball = protocol('bench:ball@1.0.0', { tell: { ball: type<number>() } });
interface Game {
  readonly partner: ActorRef<typeof Ball>;
  readonly done: () => void;
}
const Player = protocol('bench:player@1.0.0', { tell: { start: type<Game>(), ball: type<number>() } });
const player = implement(Player, {
  init: (): Game | undefined => undefined,
  tell: {
    start(context, { partner, done }) {
      context.state = { partner: context.ref(partner), done };
    },
    ball({ state }, left) {
      if (left === 0) state?.done();
      else state?.partner.tell.ball(left - 1);
    },
  },
});

const Caller = protocol('bench:caller@1.0.0', {
  ask: {
    run: { in: type<{ readonly target: ActorRef<typeof Counter>; readonly times: number }>(), out: type<number>() },
  },
});
const caller = implement(Caller, {
  init: () => undefined,
  ask: {
    async run(context, { target, times }) {
      const ref = context.ref(target);
      let sum = 0;
      for (let i = 0; i < times; i++) sum += await ref.ask.get();
      return sum;
    },
  },
});

/** Nanoseconds for each of `count` things that `work` does. */
async function timed(count: number, work: () => Promise<void> | void): Promise<number> {
  const startMs = performance.now();
  await work();
  return ((performance.now() - startMs) / count) * 1e6;
}

interface Measure {
  readonly name: string;
  readonly atMost?: number;
  readonly sample: () => Promise<number>;
}

/** What any queue costs: pushes and shifts of the same messages, and a call for each. */
function bareQueue(): number {
  const queue: { readonly by: number }[] = [];
  let sum = 0;
  const startMs = performance.now();
  for (let burst = 0; burst < BURSTS; burst++) {
    for (let i = 0; i < BURST; i++) queue.push({ by: 1 });
    for (let i = 0; i < BURST; i++) sum += queue[i]?.by ?? 0;
    queue.length = 0;
  }
  assert.equal(sum, BURST * BURSTS);
  return ((performance.now() - startMs) / sum) * 1e6;
}

async function bareAwait(): Promise<number> {
  const answer = async (n: number): Promise<number> => n;
  let sum = 0;
  const ns = await timed(ASKS, async () => {
    for (let i = 0; i < ASKS; i++) sum += await answer(1);
  });
  assert.equal(sum, ASKS);
  return ns;
}

function messages(system: ActorSystem): Measure[] {
  const ref = system.spawn(counter);
  let expected = 0;
  const tell = async (): Promise<number> => {
    const ns = await timed(BURST * BURSTS, async () => {
      for (let burst = 0; burst < BURSTS; burst++) {
        for (let i = 0; i < BURST; i++) ref.tell.add({ by: 1 });
        expected += BURST;
        assert.equal(await ref.ask.get(), expected);
      }
    });
    return ns;
  };
  const [left, right] = [system.spawn(player), system.spawn(player)];
  const pingPong = (): Promise<number> =>
    timed(TURNS, async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      left.tell.start({ partner: right, done: resolve });
      right.tell.start({ partner: left, done: resolve });
      left.tell.ball(TURNS);
      await promise;
    });
  return [
    { name: 'tell → handled', atMost: 33, sample: tell },
    { name: 'ping-pong, per message', atMost: 45, sample: pingPong },
  ];
}

function asks(system: ActorSystem): Measure[] {
  const ref = system.spawn(counter);
  const client = system.spawn(caller);
  ref.tell.add({ by: 1 });
  const awaited = async (): Promise<number> => {
    let sum = 0;
    const ns = await timed(ASKS, async () => {
      for (let i = 0; i < ASKS; i++) sum += await ref.ask.get();
    });
    assert.equal(sum, ASKS);
    return ns;
  };
  const inFlight = (): Promise<number> =>
    timed(ASKS, async () => {
      for (let i = 0; i < ASKS; i += 100) {
        const replies = await Promise.all(Array.from({ length: 100 }, () => ref.ask.get()));
        assert.equal(replies.length, 100);
      }
    });
  const between = (): Promise<number> =>
    timed(ASKS, async () => {
      assert.equal(await client.ask.run({ target: ref, times: ASKS }, { timeoutMs: 60_000 }), ASKS);
    });
  return [
    { name: 'ask, awaited, with deadline', atMost: 250, sample: awaited },
    { name: 'ask, 100 in flight', sample: inFlight },
    { name: 'ask, actor to actor, awaited', sample: between },
  ];
}

function topics(system: ActorSystem): Measure {
  const refs = Array.from({ length: 100 }, () => system.spawn(counter, undefined, { subscribe: { 'bench.*': 'add' } }));
  let expected = 0;
  return {
    name: 'publish to 100, all handled',
    atMost: 5_000,
    sample: async () => {
      const ns = await timed(500, async () => {
        for (let i = 0; i < 500; i++) {
          assert.equal(system.publish('bench.count', { by: 1 }), 100);
          if (i % 50 === 49) await refs[99]?.ask.get();
        }
      });
      expected += 500;
      for (const ref of refs) assert.equal(await ref.ask.get(), expected);
      return ns;
    },
  };
}

function life(): Measure[] {
  const spawn = async (): Promise<number> => {
    await using system = await ActorSystem.create();
    const refs: ActorRef[] = [];
    const ns = await timed(10_000, () => {
      for (let i = 0; i < 10_000; i++) refs.push(system.spawn(counter));
    });
    assert.equal(system.size, 10_000);
    return ns;
  };
  const lifecycle = async (): Promise<number> => {
    await using system = await ActorSystem.create();
    return await timed(10_000, async () => {
      const refs = Array.from({ length: 10_000 }, () => system.spawn(counter));
      await refs[9_999]?.ready;
      await Promise.all(refs.map((ref) => ref.stop()));
      assert.equal(system.size, 0);
    });
  };
  return [
    { name: 'spawn', atMost: 150, sample: spawn },
    { name: 'spawn, start, stop, awaited', sample: lifecycle },
  ];
}

function lookups(system: ActorSystem): Measure[] {
  const measure = (count: number): (() => Promise<number>) => {
    const names = Array.from({ length: count }, (_, i) => `bench-${count}/${i}`);
    for (const name of names) system.spawn(counter, name);
    return () =>
      timed(TURNS, () => {
        let found = 0;
        for (let i = 0; i < TURNS; i++) if (system.lookup(names[i % count] as string) !== undefined) found++;
        assert.equal(found, TURNS);
      });
  };
  return [
    { name: 'registry lookup, 10 names', atMost: 15, sample: measure(10) },
    { name: 'registry lookup, 1,000 names', atMost: 15, sample: measure(1_000) },
  ];
}

async function bytesPerIdleActor(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await using system = await ActorSystem.create();
  const refs = new Array<ActorRef | undefined>(IDLE_ACTORS).fill(undefined);
  await system.spawn(counter).ready;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < IDLE_ACTORS; i++) refs[i] = system.spawn(counter);
  await refs[IDLE_ACTORS - 1]?.ready;
  await new Promise<void>((resolve) => setImmediate(resolve));
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / IDLE_ACTORS;
  assert.equal(system.size, IDLE_ACTORS + 1);
  assert.equal(refs.length, IDLE_ACTORS);
  return bytes;
}

async function run(report: Report): Promise<void> {
  await using system = await ActorSystem.create();
  const measures: readonly Measure[] = [
    { name: 'bare queue and call', sample: async () => bareQueue() },
    { name: 'bare await of an async function', sample: bareAwait },
    ...messages(system),
    ...asks(system),
    topics(system),
    ...life(),
    ...lookups(system),
  ];
  const samples = measures.map((): number[] => []);
  // Three rounds to warm up; then all of them in turn, so that a noisy neighbour disturbs all alike.
  for (let round = -3; round < SAMPLES; round++) {
    for (const [i, { sample }] of measures.entries()) {
      const ns = await sample();
      if (round >= 0) samples[i]?.push(ns);
    }
  }
  for (const [i, { name, atMost }] of measures.entries()) {
    report.row({
      name,
      unit: 'ns',
      samples: samples[i] as number[],
      ...(atMost !== undefined && { target: { atMost } }),
    });
  }
  report.row({
    name: 'idle actor, started',
    unit: 'bytes',
    samples: [await bytesPerIdleActor()],
    target: { atMost: 400 },
  });
  report.notMeasured('several threads; a telemetry exporter; other libraries and languages');
}

export const suite: Suite = { name: 'actors', run };
