/** The promises of docs/explanation/semantics.md about supervisors and links: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gate, manualSystem, outcomeOf, Scripted, scripted } from '../../test/kit/actors.ts';
import { AT_ONCE, fail, family, type Planned, type ScriptedRef } from '../../test/kit/family.ts';
import { supervisor } from '../actor/index.ts';

test('S29: a supervisor starts its children one after another and stops them in the opposite order', async () => {
  const slow = gate();
  const { clock, system, top, happened } = family({}, ['a', { name: 'b', init: () => slow.promise }, 'c']);
  const ready = outcomeOf(top.ready);
  await clock.settle();
  assert.deepEqual(happened(), ['+a', '+b']);
  slow.resolve();
  await clock.settle();
  assert.deepEqual(happened(), ['+c']);
  assert.equal(await ready, undefined);
  const stopped = top.stop();
  await clock.settle();
  await stopped;
  assert.deepEqual(happened(), ['-c', '-b', '-a']);
  assert.equal(system.size, 0);
});

const STRATEGIES = [
  { strategy: 'one-for-one', expected: ['+b'], incarnations: [1, 2, 1] },
  { strategy: 'one-for-all', expected: ['-c', '-a', '+a', '+b', '+c'], incarnations: [2, 2, 2] },
  { strategy: 'rest-for-one', expected: ['-c', '+b', '+c'], incarnations: [1, 2, 2] },
] as const;

for (const { strategy, expected, incarnations } of STRATEGIES) {
  test(`S29: ${strategy} ends those that are affected last first, and starts them first to last`, async () => {
    const { clock, child, incarnation, happened, letters, close } = family({ strategy, ...AT_ONCE }, ['a', 'b', 'c']);
    await clock.settle();
    happened();
    const refs = ['a', 'b', 'c'].map(child);
    child('b').tell.run(fail);
    const kept = refs.map((ref) => ref.ask.call(({ state }) => state.incarnation));
    await clock.settle();
    assert.deepEqual(happened(), expected);
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(incarnation)), incarnations);
    // References stay good, and what waited in a mailbox is handled: by whichever incarnation comes to it.
    assert.ok((await Promise.all(kept)).every((value) => value === 1 || value === 2));
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ['failed'],
    );
    await close();
  });
}

test('S29: the siblings wait for the backoff of the one that failed', async () => {
  const { clock, child, happened, close } = family({ strategy: 'one-for-all', backoffMinMs: 100 }, ['a', 'b']);
  await clock.settle();
  happened();
  child('a').tell.run(fail);
  await clock.elapse(70);
  assert.deepEqual(happened(), ['-b']);
  await clock.elapse(40);
  assert.deepEqual(happened(), ['+a', '+b']);
  await close();
});

test('S29: a temporary child is ended with the others and not started again', async () => {
  const { clock, system, child, happened, close } = family({ strategy: 'one-for-all', ...AT_ONCE }, [
    'a',
    { name: 'b', restart: 'temporary' },
    { name: 'c', restart: 'permanent' },
  ]);
  await clock.settle();
  happened();
  child('c').tell.run((context) => context.stop());
  await clock.settle();
  assert.deepEqual(happened(), ['-c', '-b', '-a', '+a', '+c']);
  assert.equal(system.lookup('top/b'), undefined);
  child('a').tell.run((context) => context.stop());
  await clock.settle();
  assert.deepEqual(happened(), ['-a'], 'transient: an end of its own is believed');
  await close();
});

test('S29: restarts are counted over all children; one too many fails the supervisor and stops them all', async () => {
  const { clock, system, top, child, failures, happened } = family({ intensity: 2, backoffMinMs: 0 }, ['a', 'b', 'c']);
  await clock.settle();
  happened();
  for (const name of ['a', 'b', 'c']) {
    child(name).tell.run(fail);
    await clock.settle();
  }
  assert.deepEqual(happened(), ['+a', '+b', '-b', '-a']);
  assert.equal((await top.terminated).kind, 'failed');
  assert.deepEqual(
    failures.map(({ actor, phase, directive }) => [actor.name, phase, directive?.kind]),
    [
      ['top/a', 'message', 'restart'],
      ['top/b', 'message', 'restart'],
      ['top/c', 'message', 'escalate'],
      ['top', 'child', 'stop'],
    ],
  );
  assert.equal(system.size, 0);
});

test('S29: a supervisor that is started again starts new children; nested ones as well', async () => {
  const { clock, system, close } = manualSystem();
  const inner = supervisor({ intensity: 0, children: [{ name: 'leaf', type: scripted() }] });
  const outer = supervisor({ ...AT_ONCE, children: [{ name: 'inner', type: inner }] });
  system.spawn(outer, 'outer');
  await clock.settle();
  const before = system.lookup('outer/inner/leaf', Scripted);
  before?.tell.run(fail);
  await clock.settle();
  const after = system.lookup('outer/inner/leaf', Scripted);
  assert.ok(after !== undefined && before !== undefined);
  assert.equal((await before.terminated).kind, 'escalated');
  const asked = after.ask.call(() => 'alive');
  await clock.settle();
  assert.equal(await asked, 'alive');
  await close();
});

test('S29: a sibling that does not end in time is cut short', async () => {
  const { clock, child, incarnation, letters, close } = family({ strategy: 'one-for-all', ...AT_ONCE }, [
    'a',
    { name: 'b', options: { stopTimeoutMs: 100 } },
  ]);
  await clock.settle();
  const stuck = outcomeOf(child('b').ask.call(() => new Promise(() => {}), { timeoutMs: 10_000 }));
  await clock.settle();
  child('a').tell.run(fail);
  await clock.elapse(90);
  assert.deepEqual(letters.length, 1);
  await clock.elapse(20);
  assert.equal(await stuck, 'ACTOR_FAILED');
  assert.equal(await incarnation('b'), 2);
  assert.equal(await incarnation('a'), 2);
  await close();
});

test('S29: a child that fails to start takes part in the same rules', async () => {
  let failuresLeft = 2;
  const init = (): void => {
    if (failuresLeft-- > 0) fail();
  };
  const { clock, top, happened, close } = family({ strategy: 'rest-for-one', ...AT_ONCE }, [
    'a',
    { name: 'b', init },
    'c',
  ]);
  await clock.settle();
  assert.deepEqual(happened(), ['+a', '+b', '+b', '+b', '+c']);
  assert.equal(await outcomeOf(top.ready), undefined);
  await close();
});

test('S29: a supervisor whose child cannot be started fails to start', async () => {
  const { clock, system, top, happened } = family({ intensity: 1, backoffMinMs: 0 }, [
    'a',
    { name: 'b', init: fail },
    'c',
  ]);
  const ready = outcomeOf(top.ready);
  await clock.settle();
  assert.equal(await ready, 'ACTOR_START_FAILED');
  assert.deepEqual(happened(), ['+a', '+b', '+b', '-a']);
  assert.equal(system.size, 0);
});

test('S29: a failure in the middle of a common restart is part of it', async () => {
  const slow = gate();
  let starts = 0;
  const { clock, child, incarnation, happened, close } = family({ strategy: 'one-for-all', ...AT_ONCE }, [
    'a',
    { name: 'b', init: () => (starts++ === 1 ? slow.promise : undefined) },
    'c',
  ]);
  await clock.settle();
  happened();
  child('a').tell.run(fail);
  await clock.settle();
  assert.deepEqual(happened(), ['-c', '-b', '+a', '+b']);
  child('a').tell.run(fail);
  await clock.settle();
  slow.resolve();
  await clock.settle();
  assert.deepEqual(happened(), ['-b', '+a', '+b', '+c']);
  assert.equal(await incarnation('c'), 2);
  assert.equal(await incarnation('b'), 3);
  await close();
});

test('S29: stop and kill in the middle of a common restart leave nothing behind', async () => {
  for (const end of ['stop', 'kill'] as const) {
    for (const afterMs of [0, 50, 150]) {
      const { clock, system, top, child, close } = family({ strategy: 'one-for-all', backoffMinMs: 100 }, [
        'a',
        { name: 'b', stop: () => new Promise((resolve) => void clock.after(40, resolve)) },
      ]);
      await clock.settle();
      child('a').tell.run(fail);
      await clock.elapse(afterMs);
      const ended = end === 'stop' ? top.stop() : top.kill();
      await clock.elapse(6_000);
      await ended;
      assert.equal(system.size, 0);
      await close();
    }
  }
});

test('S29: children can be added; one that cannot start is not kept', async () => {
  const { clock, top, happened, close } = family({}, ['a']);
  await clock.settle();
  happened();
  const added = top.ask.start({ name: 'b', type: scripted() });
  const broken = outcomeOf(top.ask.start({ name: 'c', type: scripted({ init: fail }) }));
  const taken = outcomeOf(top.ask.start({ name: 'a', type: scripted() }));
  const misnamed = outcomeOf(top.ask.start({ name: 'Not good', type: scripted() }));
  await clock.elapse(100);
  assert.equal((await added).name, 'top/b');
  assert.deepEqual([await broken, await taken, await misnamed], ['ACTOR_START_FAILED', 'NAME_TAKEN', 'NAME_INVALID']);
  const children = top.ask.children();
  await clock.settle();
  assert.deepEqual(
    (await children).map(({ name, restart }) => [name, restart]),
    [
      ['a', 'transient'],
      ['b', 'transient'],
    ],
  );
  await close();
});

test('S29: what is declared wrongly is refused when it is declared', () => {
  const child = { name: 'a', type: scripted() };
  assert.throws(() => supervisor({ strategy: 'all' as 'one-for-all' }), RangeError);
  assert.throws(() => supervisor({ intensity: -1 }), RangeError);
  assert.throws(() => supervisor({ children: [{ ...child, restart: 'always' as 'permanent' }] }), RangeError);
  assert.throws(() => supervisor({ children: [child, child] }), { code: 'NAME_TAKEN' });
  assert.throws(() => supervisor({ children: [{ ...child, name: 'A b' }] }), { code: 'NAME_INVALID' });
});

test('S29: whatever fails and ends whenever, the survivors are all back in the end, or the supervisor is not', async () => {
  const event = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom('fail', 'end', 'stop', 'kill', 'reject'),
    waitMs: fc.nat(60),
  });
  const property = fc.asyncProperty(
    fc.constantFrom(...STRATEGIES.map(({ strategy }) => strategy)),
    fc.array(fc.constantFrom('permanent', 'transient', 'temporary' as const), { minLength: 4, maxLength: 4 }),
    fc.array(event, { maxLength: 12 }),
    async (strategy, restarts, events) => {
      const children = restarts.map((restart, index) => ({ name: `c${index}`, restart }) as Planned);
      const { clock, system, top, close } = family({ strategy, intensity: 6, backoffMinMs: 20 }, children);
      await clock.settle();
      for (const { who, what, waitMs } of events) {
        const ref = system.lookup(`top/c${who}`, Scripted);
        if (what === 'fail') ref?.tell.run(fail);
        else if (what === 'end') ref?.tell.run((context) => context.stop());
        else if (what === 'kill') ref?.kill();
        else if (what === 'stop') void ref?.stop();
        else
          ref?.tell.run(async () => {
            await new Promise<void>((resolve) => void clock.after(30, resolve));
            fail();
          });
        await clock.elapse(waitMs);
      }
      await clock.elapse(30_000);
      for (const info of system.actors()) {
        assert.equal(info.state, 'running', `${info.name} is ${info.state}`);
        assert.equal(info.busy, false);
      }
      const isAlive = system.lookup('top') !== undefined;
      assert.equal(isAlive, system.size > 0);
      if (!isAlive) assert.equal((await top.terminated).kind, 'failed');
      await close();
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test('S30: a failure of one of two linked actors is a failure of both, an end in order is not', async () => {
  const { clock, system, failures, close } = manualSystem();
  const options = { supervision: { backoffMinMs: 0 } };
  const [one, other, third] = ['one', 'other', 'third'].map((name) => system.spawn(scripted(), name, options)) as [
    ScriptedRef,
    ScriptedRef,
    ScriptedRef,
  ];
  one.tell.run((context) => {
    context.link(other);
    context.link(third);
    context.link(one);
    context.unlink(third);
  });
  await clock.settle();
  other.tell.run(fail);
  await clock.settle();
  assert.deepEqual(
    failures.map(({ actor, phase }) => [actor.name, phase]),
    [
      ['other', 'message'],
      ['one', 'link'],
    ],
  );
  // A link is of two incarnations, and both are over.
  other.tell.run(fail);
  await clock.settle();
  assert.equal(failures.length, 3);
  one.tell.run((context) => context.link(other));
  await clock.settle();
  void other.stop();
  await clock.settle();
  assert.equal(failures.length, 3);
  one.tell.run((context) => context.link(other));
  await clock.settle();
  assert.deepEqual(failures.at(-1)?.phase, 'link', 'it was too late: the other has stopped');
  await close();
});

test('S30: a killed actor takes along those that are linked to it', async () => {
  const { clock, system, close } = manualSystem();
  const [one, other] = [1, 2].map(() =>
    system.spawn(scripted(), undefined, { supervision: { restart: 'temporary' } }),
  ) as [ScriptedRef, ScriptedRef];
  one.tell.run((context) => context.link(other));
  await clock.settle();
  other.kill();
  await clock.settle();
  assert.equal((await one.terminated).kind, 'failed');
  assert.equal(system.size, 0);
  await close();
});
