/** That a system leaves nothing behind: heap and handles, by a detector that is proved on a planted leak. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const SOURCE = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;

/** Systems that do a bit of everything and stop, round after round; says the heap and the handles after the first rounds and the last. */
const ROUNDS = `
  const [url, leaks] = process.argv.slice(1);
  const { ActorSystem, implement, protocol, type } = await import(url);
  const P = protocol('test:leak', { tell: { add: type() }, ask: { get: { in: type(), out: type() } }, event: { changed: type() } });
  const kept = [];
  const actor = implement(P, {
    init: () => new Array(50).fill(0),
    durable: { version: 1 },
    tell: { add(ctx, n) { ctx.timers.every('add', 0, { everyMs: 60_000 }); ctx.state[0] += n; ctx.emit.changed(n); if (leaks === 'heap') kept.push(ctx); } },
    ask: { get: (ctx, wait) => wait ? new Promise(() => {}) : ctx.state[0] },
  });
  async function round() {
    const system = await ActorSystem.create({ health: {} });
    const refs = Array.from({ length: 50 }, (_, i) => system.spawn(actor, 'a' + i, { subscribe: { 't.*': 'add' }, stopTimeoutMs: 5, supervision: { stuckAfterMs: 1_000 } }));
    const events = refs[0].on.changed();
    system.onStop('release', () => {});
    system.publish('t.x', 1);
    for (const ref of refs) { ref.tell.add(1); await ref.ask.get(); }
    const pending = refs.map((ref) => ref.ask.get(true).catch(() => {}));
    await refs[1].drain({ deadlineMs: 1 }).catch(() => {});
    for (const ref of refs) ref.kill();
    await Promise.all(pending);
    await system.drain();
    await events.return();
    if (leaks === 'handle') setInterval(() => {}, 60_000).ref();
    if (system.size + system.pendingTimers > 0) throw new Error('not empty');
  }
  const measure = async () => { for (let i = 0; i < 4; i++) { await new Promise(setImmediate); gc(); } return [process.memoryUsage().heapUsed, process.getActiveResourcesInfo().length]; };
  for (let i = 0; i < 20; i++) await round();
  const before = await measure();
  for (let i = 0; i < 60; i++) await round();
  const after = await measure();
  console.log(JSON.stringify({ bytes: after[0] - before[0], handles: after[1] - before[1] }));
  process.exit(0);
`;

function measure(leaks: 'nothing' | 'heap' | 'handle'): { bytes: number; handles: number } {
  const args = ['--expose-gc', '--input-type=module', '-e', ROUNDS, SOURCE, leaks];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as { bytes: number; handles: number };
}

/** 60 rounds of 50 actors: what leaks a hundred bytes an actor is found. */
const BYTES_MAX = 300_000;

test('S25: systems that have stopped leave neither heap nor handles behind', () => {
  const { bytes, handles } = measure('nothing');
  assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
  assert.equal(handles, 0);
});

test('S25: the detector finds a planted leak of the heap, and one of handles', () => {
  assert.ok(measure('heap').bytes > 2 * BYTES_MAX);
  assert.equal(measure('handle').handles, 60);
});
