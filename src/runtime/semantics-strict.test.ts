/** Promises in the details that a slip of the implementation would break first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf, scripted } from '../../test/kit/actors.ts';
import { MemoryStore } from '../../test/kit/durable.ts';
import { failsWith } from '../../test/kit/fails-with.ts';
import { implement, protocol, type SpawnOptions, supervisor, type } from '../actor/index.ts';

const never = (): Promise<void> => new Promise(() => {});

test('S3: what comes while a handler waits is handled after it', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted());
  const open = gate();
  const seen: string[] = [];
  ref.tell.run(async () => {
    await open.promise;
    seen.push('first');
  });
  await clock.settle();
  ref.tell.run(() => void seen.push('second'));
  const asked = ref.ask.call(() => seen.push('third'));
  await clock.settle();
  assert.deepEqual(seen, []);
  open.resolve();
  await clock.settle();
  assert.equal(await asked, 3);
  assert.deepEqual(seen, ['first', 'second', 'third']);
  await close();
});

test('S17: what an incarnation that is over had asked is settled at once', async () => {
  const { clock, system, close } = manualSystem();
  const [asker, target] = [system.spawn(scripted()), system.spawn(scripted())];
  let outcome: unknown;
  asker.tell.run(async (context) => {
    outcome = await outcomeOf(context.ref(target).ask.call(never));
  });
  await clock.settle();
  asker.kill();
  await clock.settle();
  assert.equal(outcome, 'ACTOR_STOPPED');
  target.kill();
  await close();
});

test('S20: children are asked to stop last spawned first', async () => {
  const { clock, system, close } = manualSystem();
  const stopped: string[] = [];
  const child = scripted({ stop: ({ self }) => void stopped.push(self.name) });
  const ref = system.spawn(scripted(), 'parent');
  ref.tell.run((context) => {
    for (const name of ['one', 'two', 'three']) context.spawn(child, name);
  });
  await clock.settle();
  void ref.stop();
  await clock.settle();
  assert.deepEqual(stopped, ['parent/three', 'parent/two', 'parent/one']);
  await close();
});

test('S25: an actor that has ended has left no timer, whatever it was waiting for', async () => {
  const { clock, system, close } = manualSystem();
  const starting = system.spawn(scripted({ init: never }), 'starting');
  starting.ready.catch(() => {});
  const backing = system.spawn(scripted(), 'backing', { supervision: { backoffMinMs: 5_000 } });
  backing.tell.run(() => {
    throw new Error('planted');
  });
  const stopping = system.spawn(scripted({ stop: never }), 'stopping');
  const draining = system.spawn(scripted(), 'draining');
  draining.tell.run(never);
  await clock.settle();
  void stopping.stop();
  void draining.drain();
  await clock.settle();
  for (const ref of [starting, backing, stopping, draining]) {
    const before = system.pendingTimers;
    ref.kill();
    await clock.settle();
    assert.ok(system.pendingTimers < before, `${ref.name}: ${before} timers, then ${system.pendingTimers}`);
  }
  assert.equal(system.pendingTimers, 0);
  await close();
});

test('S36: what was put aside is handled by the next incarnation without being asked for', async () => {
  const { clock, system, close } = manualSystem();
  const handled: string[] = [];
  let incarnations = 0;
  const Clerk = protocol('test:hesitant@1.0.0', { tell: { note: type<string>(), fail: type<void>() } });
  const clerk = implement(Clerk, {
    init: () => ({ incarnation: ++incarnations }),
    tell: {
      note: (ctx, text) => (ctx.state.incarnation === 1 ? ctx.stash() : void handled.push(text)),
      fail() {
        throw new Error('planted');
      },
    },
  });
  const ref = system.spawn(clerk, 'clerk', { supervision: { backoffMinMs: 0 } });
  for (const text of ['1', '2']) ref.tell.note(text);
  ref.tell.fail();
  ref.tell.note('3');
  await clock.elapse(1_000);
  assert.deepEqual(handled, ['1', '2', '3']);
  await close();
});

test('S70: a stop is over when what its last phase does is done', async () => {
  const { clock, system } = manualSystem();
  const open = gate();
  let isOver = false;
  system.onStop('release', () => open.promise);
  void system.stop().then(() => {
    isOver = true;
  });
  await clock.settle();
  assert.equal(isOver, false);
  open.resolve();
  await clock.settle();
  assert.equal(isOver, true);
});

test('S63: the kept state of another type of actor is a failed start, and stays', async () => {
  const store = new MemoryStore();
  const keeps = (name: string) =>
    implement(protocol(`test:${name}@1.0.0`, { tell: { add: type<void>() } }), {
      durable: { version: 1 },
      init: () => ({ n: 0 }),
      tell: { add: (ctx) => void ctx.state.n++ },
    });
  const first = manualSystem(undefined, undefined, { store });
  first.system.spawn(keeps('one'), 'c').tell.add();
  await first.clock.elapse(2_000);
  await first.close();
  const kept = store.bucket('actors/state').get('c');
  assert.ok(kept);
  const second = manualSystem(undefined, undefined, { store });
  const ref = second.system.spawn(keeps('other'), 'c', { supervision: { restart: 'temporary' } });
  const failed = ref.ready.then(
    () => undefined,
    (error) => error.details.cause,
  );
  await second.clock.elapse(1);
  assert.equal(await failed, 'STATE_VERSION_UNKNOWN');
  assert.equal(store.bucket('actors/state').get('c'), kept);
  await second.close();
});

test('spawn refuses options that are not ours, says what may have been meant, and makes nothing', async () => {
  const { system, close } = manualSystem();
  const spawn = (options: unknown) => () => system.spawn(scripted(), 'strict', options as SpawnOptions);
  const mistakes: [unknown, RegExp][] = [
    [{ mailbx: {} }, /"mailbx" in options of an actor.*did you mean "mailbox"\?/],
    [{ mailbox: { size: 3 } }, /"size" in "mailbox".*there are "capacity", "capacityBytes", "overflow"/],
    [{ supervision: { intensty: 1 } }, /did you mean "intensity"\?/],
    [{ mailbox: 100 }, /Cannot use 100 as "mailbox": expected an object/],
    [{ supervision: null }, /Cannot use null as "supervision"/],
    [null, /Cannot use null as options of an actor/],
    [{ subscribe: 'orders.*' }, /Cannot subscribe to "orders\.\*": expected a list/],
    [{ subscribe: [{ topic: 'orders.*', op: 'run', overflw: 'reject' }] }, /did you mean "overflow"\?/],
    [{ supervision: { toString: 1 } }, /"toString"/],
  ];
  for (const [options, says] of mistakes) assert.throws(spawn(options), failsWith('CONFIG_INVALID', says));
  assert.throws(
    () => supervisor({ children: [{ name: 'child', type: scripted(), options: { mailbox: { size: 3 } as object } }] }),
    failsWith('CONFIG_INVALID', /"size"/),
  );
  const durable = { version: 1, everyMesages: 3 };
  assert.throws(
    () => implement(protocol('strict', {}), { init: () => 0, durable }),
    failsWith('CONFIG_INVALID', /"everyMesages" in "durable".*did you mean "everyMessages"\?/),
  );
  assert.equal(system.size, 0);
  await close();
});
