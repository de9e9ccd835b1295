/** The promises of docs/explanation/semantics.md about supervisors and links, where several things go wrong at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gate, manualSystem, outcomeOf, Scripted, scripted } from '../../test/kit/actors.ts';
import { AT_ONCE, fail, family, type ScriptedRef } from '../../test/kit/family.ts';
import { supervisor } from '../actor/index.ts';
import { pool } from '../router/index.ts';

const hang = (): Promise<void> => new Promise(() => {});

test('S29: a child that ends itself and hangs in its stop hook is started again all the same', async () => {
  for (const strategy of ['one-for-one', 'one-for-all', 'rest-for-one'] as const) {
    const { clock, child, incarnation, close } = family({ strategy, ...AT_ONCE }, [
      { name: 'a', restart: 'permanent', stop: hang, options: { stopTimeoutMs: 100 } },
      { name: 'b', options: { stopTimeoutMs: 100 } },
    ]);
    await clock.settle();
    child('a').tell.run((context) => context.stop());
    await clock.elapse(110);
    assert.equal(await incarnation('a'), 2, strategy);
    assert.equal(await incarnation('b'), strategy === 'one-for-one' ? 1 : 2, strategy);
    await close();
  }
});

test('S15: a permanent actor that ends itself and hangs in its stop hook is started again all the same', async () => {
  const { clock, system, failures, close } = manualSystem();
  const supervision = { restart: 'permanent', backoffMinMs: 0 } as const;
  const ref = system.spawn(scripted({ stop: hang }), 'a', { supervision, stopTimeoutMs: 100 });
  ref.tell.run((context) => context.stop());
  const next = ref.ask.call(({ state }) => state.incarnation);
  await clock.elapse(90);
  assert.equal(failures.length, 0);
  await clock.elapse(20);
  assert.equal(await next, 2);
  assert.deepEqual(
    failures.map(({ phase, directive }) => [phase, directive]),
    [['stop', undefined]],
  );
  await close();
});

test('S29: a child that is added and cannot start costs no restart, and nothing of its siblings', async () => {
  for (const strategy of ['one-for-one', 'one-for-all', 'rest-for-one'] as const) {
    const { clock, top, plan, incarnation, happened, close } = family({ strategy, intensity: 1, backoffMinMs: 0 }, [
      'a',
    ]);
    await clock.settle();
    happened();
    for (let i = 0; i < 5; i++) {
      const added = outcomeOf(top.ask.start(plan({ name: `b${i}`, restart: 'permanent', init: fail })));
      await clock.settle();
      assert.equal(await added, 'ACTOR_START_FAILED');
    }
    assert.deepEqual(happened(), ['+b0', '+b1', '+b2', '+b3', '+b4'], strategy);
    assert.equal(await incarnation('a'), 1);
    await close();
  }
});

test('S29: each child has its own deadline to stop, however many there are', async () => {
  const { clock, system, top, happened } = family({}, ['a', 'b', { name: 'c', stop: hang }, { name: 'd', stop: hang }]);
  await clock.settle();
  happened();
  const stopped = top.stop();
  await clock.elapse(11_000);
  await stopped;
  assert.deepEqual(happened(), ['-d', '-c', '-b', '-a']);
  assert.equal((await top.terminated).kind, 'stopped');
  assert.equal(system.size, 0);
});

test('S29: a deadline that a supervisor is stopped with holds for its children too', async () => {
  const { clock, system, top, happened } = family({}, ['a', { name: 'b', stop: hang }]);
  await clock.settle();
  happened();
  const stopped = top.stop({ deadlineMs: 100 });
  await clock.elapse(110);
  await stopped;
  assert.deepEqual(happened(), ['-b']);
  assert.equal((await top.terminated).kind, 'killed');
  assert.equal(system.size, 0);
});

test('S29: each child has its own deadline to start, however many there are', async () => {
  const sleep = () => new Promise<void>((resolve) => void clock.after(6_000, resolve));
  const children = ['a', 'b', 'c'].map((name) => ({ name, init: sleep }));
  const { clock, top, happened, close } = family({}, children);
  const ready = outcomeOf(top.ready);
  await clock.elapse(18_100);
  assert.equal(await ready, undefined);
  assert.deepEqual(happened(), ['+a', '+b', '+c']);
  await close();
});

test('S29: a supervisor that is stopped while its children start waits for none of them', async () => {
  const { clock, system, top, failures, happened } = family({}, ['a', { name: 'b', init: hang }, 'c']);
  const ready = outcomeOf(top.ready);
  await clock.settle();
  const stopped = top.stop();
  await clock.elapse(5_100);
  await stopped;
  assert.match(String(await ready), /ACTOR_ST/);
  assert.deepEqual(happened(), ['+a', '+b', '-a']);
  assert.equal((await top.terminated).kind, 'stopped');
  assert.deepEqual(failures, []);
  assert.equal(system.size, 0);
});

test('S29: a supervisor that is stopped while a child is added does not wait for it', async () => {
  const { clock, system, top, child, plan, happened } = family({ backoffMinMs: 3_600_000, strategy: 'one-for-all' }, [
    'a',
  ]);
  await clock.settle();
  child('a').tell.run(fail);
  await clock.settle();
  happened();
  const added = outcomeOf(top.ask.start(plan('b'), { timeoutMs: 60_000 }));
  await clock.settle();
  const stopped = top.stop();
  await clock.elapse(1);
  await stopped;
  assert.equal(await added, 'ACTOR_STOPPED');
  assert.deepEqual(happened(), []);
  assert.equal(system.size, 0);
});

test('S29: no child is started any more when one has failed too often', async () => {
  const { clock, child, happened, system } = family({ strategy: 'one-for-all', intensity: 1, backoffMinMs: 0 }, [
    { name: 'a', init: () => (broken ? fail() : undefined) },
    'b',
  ]);
  let broken = false;
  await clock.settle();
  happened();
  broken = true;
  child('b').tell.run(fail);
  await clock.settle();
  assert.deepEqual(happened(), ['-a', '+a'], 'what "b" needs is not there');
  assert.equal(system.size, 0);
});

test('S29: a child that fails while its supervisor stops is not started again', async () => {
  const slow = gate();
  const { clock, child, top, happened } = family({ ...AT_ONCE }, ['a', { name: 'b', stop: () => slow.promise }]);
  await clock.settle();
  happened();
  const stopped = top.stop();
  child('a').tell.run(fail);
  await clock.elapse(10);
  slow.resolve();
  await clock.settle();
  await stopped;
  assert.deepEqual(happened(), ['-b']);
});

test('S29: a child that fails while those after it still start does not let them start out of order', async () => {
  const slow = gate();
  const { clock, child, top, happened, close } = family({ ...AT_ONCE }, [
    'a',
    { name: 'b', init: () => slow.promise },
    'c',
  ]);
  let isReady = false;
  void top.ready.then(() => {
    isReady = true;
  });
  await clock.settle();
  child('a').tell.run(fail);
  await clock.settle();
  assert.deepEqual(happened(), ['+a', '+b', '+a']);
  assert.equal(isReady, false);
  slow.resolve();
  await clock.settle();
  assert.deepEqual(happened(), ['+c']);
  assert.equal(isReady, true);
  await close();
});

test('S30: a link to an actor that has not started, or is on its way back, is as good as any other', async () => {
  const { clock, system, failures, close } = manualSystem();
  for (const end of ['kill', 'stop'] as const) {
    const one = system.spawn(scripted(), 'one', { supervision: { restart: 'temporary' } });
    const other = system.spawn(scripted(), 'other', { supervision: { backoffMinMs: 1_000 } });
    other.tell.run(fail);
    await clock.settle();
    one.tell.run((context) => context.link(other));
    await clock.settle();
    if (end === 'kill') other.kill();
    else void other.stop();
    await clock.settle();
    assert.deepEqual(
      failures.splice(0).map(({ actor, phase }) => [actor.name, phase]),
      end === 'kill'
        ? [
            ['other', 'message'],
            ['one', 'link'],
          ]
        : [['other', 'message']],
    );
    one.kill();
  }
  await close();
});

test('S30: of a circle of linked actors each fails once', async () => {
  const { clock, system, failures, close } = manualSystem();
  const names = ['a', 'b', 'c', 'd'];
  const refs = names.map((name) => system.spawn(scripted(), name, { supervision: { backoffMinMs: 0 } }));
  for (const [i, ref] of refs.entries()) {
    ref.tell.run((context) => {
      context.link(refs[(i + 1) % refs.length] as ScriptedRef);
      context.link(refs[(i + 2) % refs.length] as ScriptedRef);
    });
  }
  await clock.settle();
  refs[0]?.tell.run(fail);
  await clock.settle();
  assert.deepEqual(failures.map(({ actor }) => actor.name).sort(), names);
  assert.deepEqual(
    refs.map((ref) => system.info(ref).restarts),
    [1, 1, 1, 1],
  );
  await close();
});

test('S29: siblings that are linked as well are started again together, once', async () => {
  const { clock, child, failures, incarnation, close } = family({ strategy: 'one-for-all', ...AT_ONCE }, ['a', 'b']);
  await clock.settle();
  const other = child('b');
  child('a').tell.run((context) => context.link(other));
  await clock.settle();
  child('a').tell.run(fail);
  await clock.settle();
  assert.deepEqual(await Promise.all(['a', 'b'].map(incarnation)), [2, 2]);
  assert.equal(failures.length, 1);
  await close();
});

test('S16, S29: what fails too often at the bottom goes up level by level, and ends the tree at the top', async () => {
  const { clock, system, failures, close } = manualSystem();
  let tree = supervisor({ intensity: 1, backoffMinMs: 0, children: [{ name: 'leaf', type: scripted() }] });
  for (const name of ['c', 'b', 'a'])
    tree = supervisor({ intensity: 1, backoffMinMs: 0, children: [{ name, type: tree }] });
  const root = system.spawn(tree, 'root', { supervision: { intensity: 1, backoffMinMs: 0 } });
  await clock.settle();
  let crashes = 0;
  for (let leaf = system.lookup('root/a/b/c/leaf', Scripted); leaf !== undefined; ) {
    leaf.tell.run(fail);
    crashes++;
    await clock.settle();
    leaf = system.lookup('root/a/b/c/leaf', Scripted);
  }
  // Each level is started again once: one failure more than that at the bottom, for each of 2 × 2 × 2 × 2 of those above.
  assert.equal(crashes, 2 ** 5);
  assert.equal((await root.terminated).kind, 'escalated');
  assert.equal(failures.at(-1)?.directive?.kind, 'escalate');
  assert.equal(system.size, 0);
  await close();
});

test('S72: a child of a supervisor that waits in one message for too long has failed', async () => {
  const { clock, child, incarnation, failures, close } = family({ ...AT_ONCE }, [
    { name: 'a', options: { supervision: { stuckAfterMs: 200 } } },
  ]);
  await clock.settle();
  child('a').tell.run(hang);
  await clock.elapse(210);
  assert.equal(await incarnation('a'), 2);
  assert.equal(failures[0]?.error.details.cause, 'ACTOR_STUCK');
  await close();
});

test('S26: a child whose options are wrong is refused when the supervisor is declared', () => {
  const child = { name: 'a', type: scripted() };
  assert.throws(() => supervisor({ children: [{ ...child, options: { stopTimeoutMs: 0 } }] }), RangeError);
  assert.throws(() => supervisor({ children: [{ ...child, options: { mailbox: { capacity: 0 } } }] }));
  assert.throws(() => supervisor({ children: [{ name: 'a', type: {} as typeof child.type }] }), TypeError);
});

test('S25: a supervisor of ten thousand children starts and stops them in order', { timeout: 60_000 }, async () => {
  const { clock, system, close } = manualSystem();
  const type = scripted();
  const children = Array.from({ length: 10_000 }, (_, i) => ({ name: `c${i}`, type }));
  const top = system.spawn(supervisor({ children }), 'top');
  await clock.settle();
  await top.ready;
  assert.equal(system.size, 10_001);
  const stopped = top.stop();
  await clock.settle();
  await stopped;
  await close();
});

test('S29: a supervisor fails at once with a child that failed too often, also while another one is to be added', async () => {
  const { clock, top, child, plan, system } = family({ strategy: 'rest-for-one', intensity: 1 }, [
    { name: 'a', init: () => (broken ? fail() : undefined) },
  ]);
  let broken = false;
  await clock.settle();
  broken = true;
  child('a').tell.run(fail);
  await clock.settle();
  const added = outcomeOf(top.ask.start(plan('b')));
  await clock.elapse(200);
  assert.equal(await added, 'ACTOR_STOPPED');
  assert.equal((await top.terminated).kind, 'failed');
  assert.equal(system.size, 0);
});

test('S16, S29: who ended itself too often takes its supervisor along, however it comes to its end', async () => {
  for (const isKilled of [false, true]) {
    const { clock, top, child, system } = family({ intensity: 0 }, [
      'a',
      { name: 'b', restart: 'permanent', stop: hang, options: { stopTimeoutMs: 100 } },
    ]);
    await clock.settle();
    const ref = child('b');
    ref.tell.run((context) => context.stop());
    await clock.settle();
    if (isKilled) ref.kill();
    await clock.elapse(110);
    assert.equal((await ref.terminated).kind, 'escalated');
    assert.equal((await top.terminated).kind, 'failed');
    assert.equal(system.size, 0);
  }
});

test('S29: nothing is started while a child that ended itself too often comes to its end', async () => {
  const slow = gate();
  const { clock, top, child, happened } = family({ intensity: 0 }, [
    { name: 'a', restart: 'permanent', stop: () => new Promise((resolve) => void clock.after(50, resolve)) },
    { name: 'b', init: () => slow.promise },
    'c',
  ]);
  const ready = outcomeOf(top.ready);
  await clock.settle();
  child('a').tell.run((context) => context.stop());
  await clock.settle();
  slow.resolve();
  await clock.elapse(100);
  assert.equal(await ready, 'ACTOR_START_FAILED');
  assert.deepEqual(happened(), ['+a', '+b', '-a', '-b']);
  assert.equal((await top.terminated).kind, 'failed');
});

test('S49: a pool that is stopped while its routees start, or hang in their hooks, ends as a supervisor does', async () => {
  for (const isStarting of [true, false]) {
    const { clock, system, close } = manualSystem();
    const type = scripted(isStarting ? { init: hang } : { stop: hang });
    const ref = system.spawn(pool(type, { size: 3 }), 'pool');
    const ready = outcomeOf(ref.ready);
    await clock.settle();
    const stopped = ref.stop();
    await clock.elapse(isStarting ? 5_100 : 15_100);
    await stopped;
    assert.equal(await ready, isStarting ? 'ACTOR_STOPPED' : undefined);
    assert.equal((await ref.terminated).kind, 'stopped');
    assert.equal(system.size, 0);
    await close();
  }
});

test('S29: a supervisor that is killed while it restarts its children, or by one of them, leaves nothing', async () => {
  for (const who of ['hook', 'init', 'handler']) {
    const { clock, child, system, top, close } = family({ strategy: 'one-for-all', ...AT_ONCE }, [
      { name: 'a', init: () => (who === 'init' && isReady ? top.kill() : undefined) },
      { name: 'b', stop: () => (who === 'hook' ? top.kill() : undefined) },
    ]);
    let isReady = false;
    await clock.settle();
    isReady = true;
    child('a').tell.run(who === 'handler' ? () => top.kill() : fail);
    await clock.settle();
    assert.equal((await top.terminated).kind, 'killed', who);
    assert.equal(system.size, 0, who);
    await close();
  }
});

test('S29: a supervisor starts again whom it should, and fails when it should, as a model of OTP says', async () => {
  const strategies = ['one-for-one', 'one-for-all', 'rest-for-one'] as const;
  const kinds = ['permanent', 'transient', 'temporary'] as const;
  const event = fc.record({ who: fc.nat(3), what: fc.constantFrom('fail', 'end'), waitMs: fc.nat(700) });
  const plan = fc.record({
    strategy: fc.constantFrom(...strategies),
    restarts: fc.array(fc.constantFrom(...kinds), { minLength: 4, maxLength: 4 }),
    intensity: fc.nat(4),
    events: fc.array(event, { maxLength: 12 }),
  });
  const property = fc.asyncProperty(plan, async ({ strategy, restarts, intensity, events }) => {
    const children = restarts.map((restart, i) => ({ name: `c${i}`, restart }));
    const { clock, system, top, happened } = family(
      { strategy, intensity, periodMs: 1_000, backoffMinMs: 0 },
      children,
    );
    await clock.settle();
    happened();
    const restartedMs: number[] = [];
    let living = restarts.map((_, i) => i);
    for (const { who, what, waitMs } of events) {
      await clock.elapse(waitMs);
      if (!living.includes(who)) continue;
      system.lookup(`top/c${who}`, Scripted)?.tell.run(what === 'fail' ? fail : (context) => context.stop());
      await clock.settle();
      const started = happened().filter((line) => line.startsWith('+'));
      const restart = restarts[who];
      if (restart === 'temporary' || (restart === 'transient' && what === 'end')) {
        living = living.filter((one) => one !== who);
        assert.deepEqual(started, []);
        continue;
      }
      const recent = restartedMs.filter((ms) => clock.nowMs() - ms < 1_000);
      if (recent.length === intensity) {
        assert.equal((await top.terminated).kind, 'failed');
        assert.deepEqual([started, system.size], [[], 0]);
        return;
      }
      restartedMs.push(clock.nowMs());
      const isTaken = (one: number): boolean =>
        strategy === 'one-for-all' || (strategy === 'rest-for-one' && one > who);
      const affected = living.filter((one) => one === who || isTaken(one));
      const back = affected.filter((one) => restarts[one] !== 'temporary');
      living = living.filter((one) => !affected.includes(one) || back.includes(one));
      assert.deepEqual(
        started,
        back.map((one) => `+c${one}`),
      );
      assert.equal(system.size, living.length + 1);
    }
    top.kill();
  });
  await fc.assert(property, { numRuns: 200 });
});
