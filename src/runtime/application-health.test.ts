import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { ActorInfo } from '../api/index.ts';
import { type Condition, judge } from './application-health.ts';
import { CrashLoops } from './crash-loops.ts';
import { DiskWatch } from './disk-watch.ts';

const ACTOR: ActorInfo = {
  name: 'parse/1',
  type: 'component',
  component: 'parse',
  state: 'running',
  queued: 0,
  capacity: 10,
  handled: 0,
  failed: 0,
  restarts: 0,
  deadLetters: 0,
  uptimeMs: 1,
};

const WELL: Condition = {
  system: { status: 'healthy', reasons: [], eventLoopDelayMs: 0 },
  actors: [ACTOR, { ...ACTOR, name: 'parse/2' }],
  others: [],
  workers: { wanted: 2, missing: 0, areGivenUp: false },
  isStopping: false,
  wallMs: 10_000,
};

/** Status, whether live, whether ready, and kinds of reasons. */
function of(change: Partial<Condition>): readonly unknown[] {
  const { status, live, ready, reasons } = judge({ ...WELL, ...change });
  return [status, live, ready, ...reasons.map(({ kind }) => kind)];
}

test('S100: judge says of an application whether it does its work, should have more, or should be started again', () => {
  assert.deepEqual(of({}), ['healthy', true, true]);
  assert.deepEqual(of({ isStopping: true }), ['healthy', true, false]);
  const away = { ...ACTOR, state: 'restarting' } as const;
  assert.deepEqual(of({ actors: [ACTOR, away] }), ['healthy', true, true], 'another does its work');
  assert.deepEqual(of({ actors: [away, away] }), ['unhealthy', true, false, 'component']);
  const sick = { ...ACTOR, condition: { status: 'unhealthy', text: 'no', forMs: 1 } } as const;
  assert.deepEqual(of({ actors: [sick] }), ['unhealthy', true, false, 'component']);
  const givenUp = { ...ACTOR, state: 'failed' } as const;
  assert.deepEqual(of({ actors: [ACTOR, givenUp] }), ['degraded', true, true, 'given-up']);
  assert.deepEqual(of({ actors: [{ ...ACTOR, state: 'completed' }] }), ['healthy', true, true], 'a task that is done');
  assert.deepEqual(of({ others: [{ kind: 'audit', ms: 1 }] }), ['unhealthy', true, false, 'audit']);
  assert.deepEqual(of({ workers: { wanted: 2, missing: 1, areGivenUp: false } }), ['degraded', true, true, 'workers']);
  assert.deepEqual(of({ workers: { wanted: 2, missing: 2, areGivenUp: true } }), ['degraded', false, true, 'workers']);
  const held = (ms: number): Partial<Condition> => ({ system: { ...WELL.system, eventLoopDelayMs: ms } });
  assert.deepEqual([of(held(9_999))[1], of(held(10_000))[1]], [true, false]);
});

test('CrashLoops tell of five failures of one component within a minute, and of no less', () => {
  const loops = new CrashLoops();
  for (let i = 0; i < 4; i++) loops.note('parse', i * 10_000);
  loops.note('other', 39_000);
  assert.deepEqual(loops.troubles(40_000), []);
  loops.note('parse', 40_000);
  assert.deepEqual(
    loops.troubles(50_000).map(({ kind, component, ms }) => [kind, component, ms]),
    [['crash-loop', 'parse', 50_000]],
  );
  assert.deepEqual(loops.troubles(60_001), [], 'it has not failed for long enough');
});

test('DiskWatch says how much may be written, and when that is little', async () => {
  const least = [0, Number.POSITIVE_INFINITY];
  const [enough, little] = least.map((bytes) => new DiskWatch(tmpdir(), () => bytes)) as [DiskWatch, DiskWatch];
  const nowhere = new DiskWatch('/nowhere/at/all');
  while (enough.freeBytes === undefined || little.freeBytes === undefined) await new Promise(setImmediate);
  assert.deepEqual(enough.troubles(), []);
  assert.match(little.troubles()[0]?.text ?? '', /^\d+ MiB are left/);
  assert.deepEqual([nowhere.freeBytes, nowhere.troubles()], [undefined, []]);
  for (const watch of [enough, little, nowhere]) watch.close();
});
