import assert from 'node:assert/strict';
import { test } from 'node:test';
import { implement, protocol, type } from '../actor/index.ts';
import { ManualClock } from '../time/index.ts';
import { ActorSystem } from './actor-system.ts';
import { Metrics } from './metrics.ts';

const Worker = protocol('test:worker@1.0.0', {
  tell: { work: type<void>(), fail: type<void>() },
  ask: { double: { in: type<number>(), out: type<number>() }, never: { in: type<void>(), out: type<void>() } },
});
const worker = implement(Worker, {
  init: () => undefined,
  tell: {
    work: () => undefined,
    fail: () => {
      throw new Error('on purpose');
    },
  },
  ask: { double: (_, value) => value * 2, never: () => new Promise<void>(() => {}) },
});
const component = 'component="test:worker@1.0.0"';

/** The value of a line, by all that stands before it. */
function shownAs(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('S99: Metrics count what every actor has done, those that have ended included, and never go back', async () => {
  const metrics = new Metrics({ probeEveryMs: 0 });
  await using system = await ActorSystem.create({ metrics });
  const brief = system.spawn(worker);
  brief.tell.work();
  assert.equal(await brief.ask.double(2), 4);
  await brief.stop();
  const ref = system.spawn(worker, 'lasting', { mailbox: { capacity: 10 }, supervision: { backoffMinMs: 0 } });
  ref.tell.fail();
  assert.equal(await ref.ask.double(3), 6);
  await assert.rejects(ref.ask.never(undefined, { timeoutMs: 1 }), { code: 'ASK_TIMEOUT' });
  for (let i = 0; i < 11; i++) ref.tell.work();
  const text = await metrics.text();
  ref.kill();
  const lines: Readonly<Record<string, number>> = {
    [`troupe_actors_spawned_total{${component}}`]: 2,
    [`troupe_actors{${component},state="running"}`]: 1,
    [`troupe_messages_handled_total{${component}}`]: 5,
    [`troupe_actor_failures_total{${component},code="ACTOR_FAILED"}`]: 1,
    [`troupe_actor_restarts_total{${component}}`]: 1,
    [`troupe_dead_letters_total{${component},reason="failed"}`]: 1,
    [`troupe_messages_refused_total{${component}}`]: 1,
    [`troupe_mailbox_messages{${component}}`]: 10,
    [`troupe_mailbox_used_ratio{${component}}`]: 1,
    [`troupe_ask_timeouts_total{${component}}`]: 1,
  };
  for (const [series, value] of Object.entries(lines)) assert.equal(shownAs(text, series), value, series);
  for (const timed of ['message_handling_seconds', 'ask_duration_seconds', 'actor_start_seconds']) {
    assert.ok((shownAs(text, `troupe_${timed}_count{${component}}`) ?? 0) >= 1, timed);
  }
  assert.ok((shownAs(text, 'troupe_actor_spawn_seconds_count') ?? 0) >= 1);
});

test('Metrics show what was shown for a second, and whoever comes together gets the same', async () => {
  const clock = new ManualClock();
  const metrics = new Metrics({ probeEveryMs: 0 });
  const system = await ActorSystem.create({ metrics, clock });
  const [first, second] = [metrics.text(), metrics.text()];
  assert.equal(first, second);
  clock.advance(999);
  assert.equal(metrics.text(), first);
  assert.notEqual(metrics.text('openmetrics'), first);
  clock.advance(1);
  assert.notEqual(metrics.text(), first);
  const stopping = system.stop();
  await clock.settle();
  await stopping;
  assert.equal(clock.pendingTimers, 0);
});

test('Metrics time what the reference baselines are about, on actors that nobody sees', async () => {
  const metrics = new Metrics({ probeEveryMs: 100 });
  await using system = await ActorSystem.create({ metrics });
  const operations = ['lookup', 'state_read', 'state_write', 'construct', 'lifecycle', 'routing', 'ask', 'fan_out_100'];
  const counts = (): (number | undefined)[] => {
    const probes = [...metrics.collect()].find(([name]) => name === 'troupe_probe_seconds')?.[1] ?? [];
    const byOperation = new Map([...probes].map(({ labels: [operation], value }) => [operation, value]));
    return operations.map((operation) => {
      const value = byOperation.get(operation);
      return typeof value === 'object' ? value.count : undefined;
    });
  };
  const deadlineMs = performance.now() + 20_000;
  while (counts().some((count) => (count ?? 0) < 5) && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const [index, count] of counts().entries()) assert.ok((count ?? 0) >= 5, `${operations[index]}`);
  assert.equal(system.size, 0);
});

test('Metrics measure one system, and refuse options that are out of range', async () => {
  const metrics = new Metrics();
  await using _system = await ActorSystem.create({ metrics });
  await assert.rejects(ActorSystem.create({ metrics }), { code: 'CONFIG_INVALID' });
  assert.throws(() => new Metrics({ probeEveryMs: 1 }), RangeError);
  assert.throws(() => new Metrics({ linesMax: 1 }), RangeError);
});
