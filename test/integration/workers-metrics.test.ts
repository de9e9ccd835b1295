/** What is measured of actors that live on worker threads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActorSystem, Metrics, workerActor } from '../../src/index.ts';
import { until } from '../kit/process.ts';
import { Bench } from './workers/actors.ts';

const MODULE = new URL('./workers/actors.ts', import.meta.url);
const bench = workerActor(MODULE, { export: 'bench', protocol: Bench });
const component = 'component="test:bench@1.0.0"';

test('S99: what actors do on a worker is counted and timed, and outlasts the loss of the worker', async () => {
  const metrics = new Metrics({ probeEveryMs: 0 });
  await using system = await ActorSystem.create({ metrics, workers: 1 });
  /** The value of a line, by all that stands before it; what was shown is shown again for a second. */
  const shownAs = async (series: string): Promise<number> => {
    const line = (await metrics.text()).split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  };
  const handled = `troupe_messages_handled_total{${component}}`;
  const timed = `troupe_message_handling_seconds_count{${component}}`;
  const supervision = { restart: 'permanent', intensity: 100, backoffMinMs: 1 } as const;
  const ref = system.spawn(bench, 'bench', { supervision });
  for (let i = 0; i < 20; i++) ref.tell.add(1);
  assert.equal(await ref.ask.sum(), 20);
  await until(
    async () => (await shownAs(handled)) === 21 && (await shownAs(timed)) > 0,
    () => 'what was done on the worker',
  );
  const before = await shownAs(timed);
  await assert.rejects(ref.ask.exit(undefined, { timeoutMs: 60_000 }), { code: 'WORKER_LOST' });
  assert.equal(await ref.ask.sum(undefined, { timeoutMs: 60_000 }), 0, 'it began anew');
  await until(
    async () => (await shownAs(handled)) >= 22 && (await shownAs(timed)) > before,
    () => 'what was done on the next worker',
  );
  assert.equal(await shownAs(`troupe_actor_failures_total{${component},code="WORKER_LOST"}`), 1);
  assert.equal(await shownAs(`troupe_actor_restarts_total{${component}}`), 1);
  assert.ok((await shownAs(`troupe_ask_duration_seconds_count{${component}}`)) >= 3);
});
