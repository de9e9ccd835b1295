/** Messages between actors, one to one and one to many, asked and told; and that `tell` allocates nothing of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ActorRef, ActorSystem, component, implement, protocol, type } from '../src/index.ts';
import { contenders } from './contenders.ts';
import { alternate, type Case, compete, type Subject } from './rounds.ts';
import type { Report, Suite } from './suite.ts';
import { reportTails, type Single } from './tails.ts';
import { timed } from './workloads/contender.ts';
import { type Counter, counter, troupe } from './workloads/troupe.ts';

const ECHO = fileURLToPath(new URL('../fixtures/components/echo/echo.wasm', import.meta.url));
const ASKS = 20_000;
const IN_FLIGHT = 100;
const ROUTED = 20_000;
/** Messages in the mailbox at a time, of those that are published: fewer than it holds. */
const ROUTED_AT_ONCE = 1_000;
const MESSAGES = 1_000_000;

const CASES: readonly Case[] = [
  {
    key: 'tell',
    name: 'tell → handled',
    times: 1_000_000,
    atMost: 33,
    others: { erlang: 2.2, tokio: 1.4, xstate: 1.8, nact: 20 },
  },
  {
    key: 'pingPong',
    name: 'ping-pong, per message',
    times: 1_000_000,
    atMost: 45,
    others: { erlang: 6, tokio: 2 },
  },
  { key: 'ask', name: 'request-response', times: 100_000, atMost: 250, others: { erlang: 4 } },
  { key: 'askForEver', name: 'request-response, others without a deadline', times: 100_000, others: { moleculer: 1 } },
  {
    key: 'publish',
    name: 'fan-out to 100',
    times: 5_000,
    atMost: 5_000,
    others: { erlang: 2.5, xstate: 1.5 },
  },
];

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
      let replies = 0;
      for (let i = 0; i < times; i++) if ((await ref.ask.get()) === 0) replies++;
      return replies;
    },
  },
});

function asks(system: ActorSystem): Subject[] {
  const ref = system.spawn(counter);
  const client = system.spawn(caller);
  return [
    {
      name: 'request-response, 100 in flight',
      sample: () =>
        timed(ASKS, async () => {
          for (let i = 0; i < ASKS; i += IN_FLIGHT) {
            const replies = await Promise.all(Array.from({ length: IN_FLIGHT }, () => ref.ask.get()));
            assert.equal(replies.length, IN_FLIGHT);
          }
        }),
    },
    {
      name: 'request-response, actor to actor',
      sample: () =>
        timed(ASKS, async () => {
          assert.equal(await client.ask.run({ target: ref, times: ASKS }, { timeoutMs: 60_000 }), ASKS);
        }),
    },
  ];
}

/** A name is looked up, and a message is published that one actor takes. */
function routing(system: ActorSystem): Subject {
  const ref = system.spawn(counter, 'bench/routed', { subscribe: { 'routed.count': 'add' } });
  return {
    name: 'message routing: lookup + publish',
    sample: async () => {
      const before = await ref.ask.get();
      const ns = await timed(ROUTED, async () => {
        for (let i = 0; i < ROUTED; i += ROUTED_AT_ONCE) {
          for (let n = 0; n < ROUTED_AT_ONCE; n++) {
            assert.ok(system.lookup('bench/routed') === ref);
            assert.ok(system.publish('routed.count', { by: 1 }) === 1);
          }
          await ref.ask.get();
        }
      });
      assert.equal((await ref.ask.get()) - before, ROUTED);
      return ns;
    },
  };
}

async function echo(system: ActorSystem): Promise<Subject> {
  const ref = system.spawn(await component(ECHO), 'bench/echo');
  const payload = new Uint8Array(64);
  return {
    name: 'component: request-response, 64 bytes echoed',
    sample: () =>
      timed(2_000, async () => {
        for (let i = 0; i < 2_000; i++) {
          assert.equal(((await ref.askOp('echo', payload)) as Uint8Array).length, payload.length);
        }
      }),
  };
}

const Marked = protocol('bench:marked@1.0.0', { tell: { mark: type<void>() } });

/** Single operations, each from before it is sent until it was handled or answered. */
function singles(system: ActorSystem): Single[] {
  let [handled, handledMs] = [0, 0];
  const marked = implement(Marked, {
    init: () => undefined,
    tell: {
      mark() {
        handled++;
        handledMs = performance.now();
      },
    },
  });
  system.spawn(marked, 'bench/marked', { subscribe: { 'single.one': 'mark' } });
  for (let i = 0; i < 100; i++) system.spawn(marked, undefined, { subscribe: { 'single.many': 'mark' } });
  const ref = system.spawn(counter);
  /** Publishes to `count` actors; returns when the last of them has handled it. */
  const published = async (topic: string, count: number): Promise<number> => {
    handled = 0;
    assert.equal(system.publish(topic, undefined), count);
    while (handled < count) await new Promise((resolve) => setImmediate(resolve));
    return handledMs;
  };
  return [
    { name: 'request-response', p99Ms: 1, run: () => ref.ask.get().then(() => performance.now()) },
    {
      name: 'message routing: lookup + publish → handled',
      p99Ms: 0.1,
      run() {
        assert.ok(system.lookup('bench/marked') !== undefined);
        return published('single.one', 1);
      },
    },
    { name: 'fan-out to 100', p99Ms: 1, run: () => published('single.many', 100) },
  ];
}

interface Allocated {
  readonly nothing: number[];
  readonly shared: number[];
  readonly fresh: number[];
}

/** Bytes by which the heap grows for each message, of a process that collects no garbage meanwhile. */
function reportAllocation(report: Report): void {
  const file = join(import.meta.dirname, 'allocation.ts');
  const flags = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`allocation.ts failed: ${stderr}`);
  const { nothing, shared, fresh } = JSON.parse(stdout) as Allocated;
  report.row({ name: 'allocated: the loop without tell', unit: 'bytes', samples: nothing });
  report.row({
    name: 'allocated: tell of one and the same message',
    unit: 'bytes',
    samples: shared,
    target: { atMost: 0.5 },
  });
  report.row({ name: 'allocated: tell of a new message { by: 1 }', unit: 'bytes', samples: fresh });
}

async function run(report: Report): Promise<void> {
  const ours = await troupe();
  const others = await contenders(report);
  await using system = await ActorSystem.create();
  try {
    await compete(report, CASES, { ours, others });
    const subjects = [...asks(system), routing(system), await echo(system)];
    for (const [name, samples] of await alternate(subjects)) report.row({ name, unit: 'ns', samples });
    const rates = await alternate([{ name: 'throughput', sample: () => ours.workloads.tell?.(MESSAGES) ?? 0 }]);
    const perSecond = (rates.get('throughput') ?? []).map((ns) => 1e9 / ns);
    report.row({ name: 'throughput', unit: 'per second', samples: perSecond, target: { atLeast: 30_000_000 } });
    await reportTails(report, singles(system));
  } finally {
    await Promise.all([ours, ...others].map((contender) => contender.close?.()));
  }
  reportAllocation(report);
  report.notMeasured('several threads; a telemetry exporter; messages that are validated');
}

export const suite: Suite = { name: 'messaging', run };
