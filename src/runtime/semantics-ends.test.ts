/** The promises of docs/explanation/semantics.md, of actors without anything rare: they begin and end in a simpler way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSystem, outcomeOf, type ScriptContext, scripted } from '../../test/kit/actors.ts';

test('S20: an actor that has nothing to do, and nobody to care for, ends when it is told to', async () => {
  const { clock, system, close } = manualSystem();
  const [idle, unborn] = [system.spawn(scripted(), 'idle'), system.spawn(scripted(), 'unborn')];
  const stopUnborn = unborn.stop();
  await clock.settle();
  assert.equal(system.size, 1);
  await stopUnborn;
  const stopIdle = idle.stop();
  assert.deepEqual([system.size, system.lookup('idle'), system.info(idle).state], [0, undefined, 'stopped']);
  assert.deepEqual(await idle.terminated, { kind: 'stopped' });
  await Promise.all([stopIdle, idle.stop()]);
  const refused = idle.tell.run(() => {});
  assert.ok(!refused.ok && refused.error.code === 'ACTOR_STOPPED');
  await assert.rejects(idle.ready, { code: 'ACTOR_STOPPED' });
  await assert.rejects(
    idle.ask.call(() => 1),
    { code: 'ACTOR_STOPPED' },
  );
  await close();
});

test('S20: what an actor that ended itself had left in its mailbox becomes dead letters', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ending = system.spawn(scripted());
  ending.tell.run((context) => {
    context.stop();
    context.stop();
    ending.tell.run(() => assert.fail('it has ended'));
    assert.equal(system.info(ending).state, 'running');
  });
  const late = outcomeOf(ending.ask.call(() => assert.fail('it has ended')));
  await clock.settle();
  assert.equal(await late, 'ACTOR_STOPPED');
  assert.deepEqual(
    letters.map(({ reason }) => reason),
    ['stopped', 'stopped'],
  );
  assert.deepEqual(await ending.terminated, { kind: 'stopped' });
  await close();
});

test('S22: who watches one that ended itself, before or after, is told', async () => {
  const { clock, system, close } = manualSystem();
  const watcher = system.spawn(scripted());
  const [watched, gone] = [system.spawn(scripted()), system.spawn(scripted())];
  watcher.tell.run((context) => context.watch(watched));
  gone.tell.run((context) => context.stop());
  await clock.settle();
  assert.equal(system.info(gone).state, 'stopped');
  watched.tell.run((context) => context.stop());
  watcher.tell.run((context) => context.watch(gone));
  await clock.settle();
  const log = watcher.ask.call(({ state }) => state.log);
  await clock.settle();
  assert.deepEqual(await log, [
    { ref: watched, termination: { kind: 'stopped' } },
    { ref: gone, termination: { kind: 'stopped' } },
  ]);
  await close();
});

test('S22: an actor that ends itself hears first what it was to be told before', async () => {
  const { clock, system, close } = manualSystem();
  const gone = system.spawn(scripted());
  gone.kill();
  const state: unknown[] = [];
  const watcher = system.spawn(scripted());
  watcher.tell.run((context) => {
    context.watch(gone);
    context.stop();
    context.stop();
    state.push(context.state.log);
  });
  await clock.settle();
  assert.deepEqual(state, [[{ ref: gone, termination: { kind: 'killed' } }]]);
  assert.equal(system.info(watcher).state, 'stopped');
  await close();
});

test('S25: actors are listed with all below them, while they come and go', async () => {
  const { clock, system, close } = manualSystem();
  const root = system.spawn(scripted(), 'root');
  const grow = (depth: number) => (context: ScriptContext) => {
    for (const name of depth === 0 ? [] : ['a', 'b', 'c']) context.spawn(scripted(), name).tell.run(grow(depth - 1));
  };
  root.tell.run(grow(3));
  await clock.settle();
  assert.equal(system.size, 40);
  const seen = new Set<string>();
  for (const { name, ref } of system.actors()) {
    assert.ok(!seen.has(name), name);
    seen.add(name);
    if (name.endsWith('/b')) ref.kill();
    if (name === 'root/c') system.spawn(scripted());
  }
  const all = [...system.actors()].map(({ name }) => name);
  for (const name of all.filter((name) => name.startsWith('root'))) assert.ok(seen.has(name), name);
  assert.equal(all.length, system.size);
  assert.equal(all.length, 1 + 2 + 4 + 8 + 1);
  await close();
});

test('S24: children start first, in their order; nobody waits for ever behind actors that have children without end', async () => {
  const { clock, system, close } = manualSystem();
  const [parent, other] = [system.spawn(scripted()), system.spawn(scripted())];
  await clock.settle();
  const seen: string[] = [];
  let left = 1_000;
  const breed = (context: ScriptContext): void => {
    seen.push('child');
    if (left-- > 0) context.spawn(scripted()).tell.run(breed);
  };
  parent.tell.run((context) => {
    for (const name of ['first', 'second']) context.spawn(scripted()).tell.run(() => void seen.push(name));
    context.spawn(scripted()).tell.run(breed);
  });
  other.tell.run(() => void seen.push('other'));
  await clock.settle();
  assert.deepEqual(seen.slice(0, 3), ['first', 'second', 'child']);
  assert.equal(seen.indexOf('other'), 64);
  assert.equal(seen.length, 1_004);
  await close();
});
