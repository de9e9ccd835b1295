/** The promises of docs/explanation/semantics.md about draining, stopping in order, and health: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behavior, gate, manualSystem, outcomeOf, type ScriptContext, scripted } from '../../test/kit/actors.ts';
import { defineActorType, type StopTaskFailure, type TellResult } from '../actor/index.ts';

const fail = (): never => {
  throw new Error('planted');
};

test('S68: an actor that drains refuses what comes, finishes what it has, and stops with its hook', async () => {
  const kit = manualSystem();
  const done: string[] = [];
  const ref = kit.system.spawn(scripted({ stop: () => void done.push('hook') }), 'a');
  const { promise, resolve } = gate();
  ref.tell.run(() => promise);
  const late = ref.ask.call(() => 'handled');
  const drained = ref.drain({ deadlineMs: 1_000 });
  await kit.clock.elapse(10);
  const refused = ref.tell.run(() => {});
  assert.equal(refused.ok ? undefined : refused.error.code, 'ACTOR_STOPPED');
  assert.equal(await outcomeOf(ref.ask.call(() => 0)), 'ACTOR_STOPPED');
  resolve();
  await kit.clock.elapse(1);
  assert.equal(await late, 'handled');
  await drained;
  assert.deepEqual(done, ['hook']);
  assert.equal(kit.letters.length, 0);
  await kit.close();
});

test('S68: what is not finished by the deadline of a drain becomes dead letters; an idle actor drains at once', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(scripted(), 'a');
  ref.tell.run(() => new Promise(() => {}));
  ref.tell.run(() => {});
  const drained = ref.drain({ deadlineMs: 100 });
  await kit.clock.elapse(101);
  assert.deepEqual(
    kit.letters.map(({ reason }) => reason),
    ['stopped'],
  );
  await kit.clock.elapse(6_000);
  await drained;
  const idle = kit.system.spawn(scripted(), 'idle');
  await kit.clock.elapse(1);
  const ended = idle.drain();
  await kit.clock.elapse(1);
  await ended;
  await kit.close();
});

test('S69: a system that drains lets actors finish together, and takes nothing from outside', async () => {
  const kit = manualSystem();
  const { system, clock } = kit;
  const type = scripted();
  const [first, second] = [system.spawn(type, 'first'), system.spawn(type, 'second')];
  const { promise, resolve } = gate();
  const done: string[] = [];
  first.tell.run(async (context: ScriptContext) => {
    await promise;
    context.ref(second).tell.run(() => void done.push('from an actor'));
    context.spawn(type, 'child').tell.run(() => void done.push('by a child'));
  });
  await clock.elapse(1);
  const drained = system.drain({ deadlineMs: 1_000 });
  await clock.elapse(20);
  const refused = second.tell.run(() => {});
  assert.equal(refused.ok ? undefined : refused.error.code, 'ACTOR_STOPPED');
  assert.throws(() => system.spawn(type), { code: 'SYSTEM_STOPPED' });
  resolve();
  await clock.elapse(50);
  await drained;
  assert.deepEqual(done.sort(), ['by a child', 'from an actor']);
  assert.equal(kit.letters.length, 0);
  await kit.close();
});

test('S70: a stop runs its tasks phase by phase, each within its deadline, and goes on when one fails', async () => {
  const failures: StopTaskFailure[] = [];
  const kit = manualSystem(undefined, undefined, { onStopTaskFailed: (failure) => failures.push(failure) });
  const { system, clock } = kit;
  const order: string[] = [];
  const ref = system.spawn(scripted({ stop: () => void order.push('actor') }), 'a');
  await clock.elapse(1);
  system.onStop('release', () => order.push(`release, ${system.size} actors`));
  system.onStop('stop', () => order.push('stop'));
  system.onStop('drain', () => order.push('drain'));
  system.onStop('close', fail, { name: 'bad' });
  system.onStop('close', () => new Promise(() => {}), { name: 'hangs', deadlineMs: 50 });
  system.onStop('close', () => order.push('close'))();
  const stopped = system.drain();
  await clock.elapse(60);
  await clock.elapse(10);
  await stopped;
  assert.deepEqual(order, ['drain', 'stop', 'actor', 'release, 0 actors']);
  assert.deepEqual(
    failures.map(({ phase, task, error }) => [phase, task, error.code]),
    [
      ['close', 'bad', 'INTERNAL'],
      ['close', 'hangs', 'ASK_TIMEOUT'],
    ],
  );
  assert.throws(() => system.onStop('never' as 'close', () => {}), RangeError);
  assert.equal(system.info(ref).state, 'stopped');
  await kit.close();
});

test('S70: a task of a stop may ask for the stop, and add to later phases, not to its own', async () => {
  const kit = manualSystem();
  const { system, clock } = kit;
  system.spawn(scripted(), 'a');
  await clock.elapse(1);
  const order: string[] = [];
  let inner: Promise<void> | undefined;
  system.onStop('close', () => {
    order.push('close');
    inner = system.stop();
    system.onStop('release', () => order.push('release'));
    assert.throws(() => system.onStop('close', () => order.push('never')), { code: 'SYSTEM_STOPPED' });
  });
  const outer = system.stop();
  await clock.elapse(1);
  await outer;
  assert.equal(inner, outer);
  assert.deepEqual(order, ['close', 'release']);
  assert.throws(() => system.onStop('release', () => {}), { code: 'SYSTEM_STOPPED' });
  await kit.close();
});

test('S70: an actor that waits for the stop of its system does not keep it from stopping', async () => {
  const kit = manualSystem();
  const { system, clock } = kit;
  const ref = system.spawn(scripted(), 'a', { stopTimeoutMs: 100 });
  ref.tell.run(() => system.stop());
  await clock.elapse(110);
  await system.stop();
  assert.equal((await ref.terminated).kind, 'killed');
  await kit.close();
});

test('S69: a stop ends a drain; tasks of a drain are bounded by its deadline', async () => {
  for (const hurried of [true, false]) {
    const kit = manualSystem();
    const { system, clock } = kit;
    const ref = system.spawn(scripted(), 'a');
    const { promise, resolve } = gate();
    ref.tell.run(() => promise);
    system.onStop('drain', () => new Promise(() => {}));
    await clock.elapse(1);
    const drained = system.drain({ deadlineMs: 100 });
    await clock.elapse(50);
    assert.equal(system.size, 1);
    if (hurried) assert.equal(system.stop(), drained);
    await clock.elapse(70);
    resolve();
    await clock.elapse(1);
    await drained;
    await kit.close();
  }
});

test('S69: a drain ends at its deadline however long actors go on asking, spawning and being restarted', async () => {
  const kit = manualSystem();
  const { system, clock } = kit;
  const type = scripted();
  const broken = system.spawn(type, 'broken', { supervision: { backoffMinMs: 3_600_000 } });
  broken.tell.run(fail);
  broken.tell.run(() => {});
  const busy = system.spawn(type, 'busy');
  busy.tell.run(async (context: ScriptContext) => {
    for (;;) {
      await new Promise<void>((resolve) => void clock.after(5, resolve));
      await context.ref(context.spawn(type)).ask.call(() => 'done');
    }
  });
  await clock.elapse(1);
  const drained = system.drain({ deadlineMs: 200 });
  await clock.elapse(150);
  assert.equal(system.lookup('busy'), busy);
  await clock.elapse(6_000);
  await drained;
  await kit.close();
});

test('S68: of two deadlines of a drain the earlier counts', async () => {
  for (const [first, second] of [
    [10_000, 100],
    [100, 10_000],
  ] as const) {
    const kit = manualSystem();
    const ref = kit.system.spawn(scripted(), 'a', { stopTimeoutMs: 10 });
    ref.tell.run(() => new Promise(() => {}));
    const drained = [ref.drain({ deadlineMs: first }), ref.drain({ deadlineMs: second })];
    await kit.clock.elapse(90);
    assert.equal(kit.system.size, 1);
    await kit.clock.elapse(40);
    await Promise.all(drained);
    await kit.close();
  }
});

test('S68: an actor that is restarted while it drains finishes what it has all the same', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(scripted(), 'a', { supervision: { backoffMinMs: 50 } });
  const done: string[] = [];
  ref.tell.run(fail);
  ref.tell.run(() => void done.push('after the failure'));
  const drained = ref.drain();
  await kit.clock.elapse(100);
  await drained;
  assert.deepEqual(done, ['after the failure']);
  await kit.close();
});

test('S71: who waits in a message, and what waits for its turn, is seen; a system says what does not get on', async () => {
  const kit = manualSystem(undefined, undefined, { health: { everyMs: 100, slowMs: 1_000 } });
  const { system, clock } = kit;
  const ref = system.spawn(scripted(), 'slow');
  await clock.elapse(1);
  assert.deepEqual(system.health(), { status: 'healthy', reasons: [], eventLoopDelayMs: undefined });
  ref.tell.run(() => new Promise(() => {}));
  await clock.elapse(1);
  ref.tell.run(() => {});
  await clock.elapse(2_000);
  const { handlingMs, oldestMs } = system.info(ref);
  assert.ok((handlingMs as number) >= 2_000, String(handlingMs));
  assert.ok((oldestMs as number) >= 1_900 && (oldestMs as number) <= 2_000, String(oldestMs));
  const { status, reasons, eventLoopDelayMs } = system.health();
  assert.deepEqual(
    [status, reasons.map(({ kind, actor }) => [kind, actor?.name])],
    ['degraded', [['handler', 'slow']]],
  );
  assert.equal(eventLoopDelayMs, 0);
  await kit.close();
});

test('S71: who hangs in init or in a stop hook is seen, and for how long somebody is on its way back', async () => {
  const kit = manualSystem(undefined, undefined, { health: { everyMs: 100, slowMs: 1_000 } });
  const { system, clock } = kit;
  system.spawn(scripted({ init: () => new Promise(() => {}) }), 'starts');
  const stops = system.spawn(scripted({ stop: () => new Promise(() => {}) }), 'stops');
  const fails = system.spawn(scripted(), 'fails', { supervision: { backoffMinMs: 10_000 } });
  fails.tell.run(fail);
  await clock.elapse(1);
  void stops.stop();
  await clock.elapse(2_000);
  const reasons = system.health().reasons.map(({ kind, actor, ms }) => [kind, actor?.name, Math.floor(ms / 1_000)]);
  assert.deepEqual(reasons.sort(), [
    ['restarting', 'fails', 2],
    ['start', 'starts', 2],
    ['stop', 'stops', 2],
  ]);
  await kit.close();
});

test('S72: an actor that waits in one message for too long has failed, by its policy', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(scripted(), 'stuck', { supervision: { stuckAfterMs: 500, backoffMinMs: 0 } });
  ref.tell.run(async () => {});
  const asked = outcomeOf(ref.ask.call(() => new Promise(() => {})));
  const next = ref.ask.call(({ state }) => state.incarnation);
  await kit.clock.elapse(499);
  assert.equal(kit.failures.length, 0);
  await kit.clock.elapse(20);
  assert.equal(await asked, 'ACTOR_FAILED');
  assert.equal(await next, 2);
  assert.equal(kit.failures[0]?.error.details.cause, 'ACTOR_STUCK');
  await kit.close();
});

test('S73: an actor in quarantine is held instead of ended: it refuses, keeps its mailbox, and is tried again', async () => {
  const kit = manualSystem();
  const supervision = { intensity: 1, backoffMinMs: 0, quarantineMs: 1_000 } as const;
  const ref = kit.system.spawn(scripted(), 'q', { supervision });
  ref.tell.run(fail);
  ref.tell.run(fail);
  const kept = ref.ask.call(({ state }) => state.incarnation);
  await kit.clock.elapse(10);
  assert.equal(kit.system.info(ref).state, 'quarantined');
  assert.equal(kit.system.health().reasons[0]?.kind, 'quarantined');
  const refused = ref.tell.run(() => {});
  assert.equal(refused.ok ? undefined : refused.error.code, 'ACTOR_QUARANTINED');
  assert.equal(kit.failures.at(-1)?.directive?.kind, 'quarantine');
  await kit.clock.elapse(1_000);
  assert.equal(await kept, 3);
  assert.equal(ref.tell.run(() => {}).ok, true);
  ref.tell.run(fail);
  ref.tell.run(fail);
  await kit.clock.elapse(10);
  const stopped = ref.stop();
  await kit.clock.elapse(1);
  await stopped;
  await kit.close();
});

test('S73: who waits for room when an actor is quarantined, and who comes then, is told so', async () => {
  const kit = manualSystem();
  const supervision = { intensity: 0, quarantineMs: 1_000 } as const;
  const ref = kit.system.spawn(scripted(), 'q', { supervision, mailbox: { capacity: 1 } });
  await kit.clock.elapse(1);
  const { promise, resolve } = gate();
  ref.tell.run(() => promise.then(fail));
  await kit.clock.elapse(1);
  ref.tell.run(() => {});
  const waits = outcomeOf(ref.put.run(() => {}, { timeoutMs: 60_000 }));
  await kit.clock.elapse(1);
  resolve();
  await kit.clock.elapse(1);
  assert.equal(kit.system.info(ref).state, 'quarantined');
  assert.equal(await waits, 'ACTOR_QUARANTINED');
  assert.equal(await outcomeOf(ref.put.run(() => {})), 'ACTOR_QUARANTINED');
  assert.equal(await outcomeOf(ref.ask.call(() => 0)), 'ACTOR_QUARANTINED');
  await kit.close();
});

test('S73: an actor that ended itself too often runs its stop hook before it is held', async () => {
  const kit = manualSystem();
  let hooks = 0;
  const supervision = { restart: 'permanent', intensity: 0, quarantineMs: 1_000 } as const;
  const ref = kit.system.spawn(scripted({ stop: () => void hooks++ }), 'q', { supervision });
  ref.tell.run((context: ScriptContext) => context.stop());
  await kit.clock.elapse(10);
  assert.equal(kit.system.info(ref).state, 'quarantined');
  assert.equal(hooks, 1);
  await kit.close();
});

test('S73: a quarantined actor can be stopped, killed and drained, and asks in its mailbox end by their deadline', async () => {
  const ends = { stop: 'ACTOR_STOPPED', kill: 'ACTOR_STOPPED', drain: 'handled', wait: 'ASK_TIMEOUT' } as const;
  for (const [end, outcome] of Object.entries(ends)) {
    const kit = manualSystem();
    const ref = kit.system.spawn(scripted(), 'q', { supervision: { intensity: 0, quarantineMs: 500 } });
    ref.tell.run(fail);
    const timeoutMs = end === 'wait' ? 400 : 5_000;
    const asked = outcomeOf(ref.ask.call(() => 'handled', { timeoutMs }));
    await kit.clock.elapse(10);
    const told: TellResult = ref.tell.run(() => {});
    assert.equal(told.ok ? undefined : told.error.code, 'ACTOR_QUARANTINED');
    if (end === 'kill') ref.kill();
    else if (end !== 'wait') void ref[end as 'stop' | 'drain']();
    await kit.clock.elapse(600);
    assert.equal(await asked, outcome, end);
    assert.equal(kit.system.size, end === 'wait' ? 1 : 0, end);
    await kit.close();
  }
});

test('S71, S72: an actor that runs by a behavior is seen when it waits too long, and fails by the same policy', async () => {
  const kit = manualSystem(undefined, undefined, { health: { everyMs: 100, slowMs: 200 } });
  const disposed: (string | undefined)[] = [];
  const type = defineActorType({
    name: 'guest',
    operations: { work: 'tell' },
    create: () =>
      behavior({
        run: (turn) => (turn.take() === undefined ? undefined : new Promise(() => {})),
        dispose: (reason) => void disposed.push(reason?.code),
      }),
  });
  const ref = kit.system.spawn(type, 'guest', { supervision: { stuckAfterMs: 500, backoffMinMs: 0 } });
  await kit.clock.elapse(1);
  ref.tellOp('work', undefined);
  await kit.clock.elapse(300);
  assert.deepEqual(
    kit.system.health().reasons.map(({ kind, actor }) => [kind, actor?.name]),
    [['handler', 'guest']],
  );
  assert.ok((kit.system.info(ref).handlingMs as number) >= 290);
  await kit.clock.elapse(300);
  assert.equal(kit.failures[0]?.error.details.cause, 'ACTOR_STUCK');
  assert.deepEqual(disposed, ['ACTOR_FAILED']);
  assert.equal(kit.system.info(ref).restarts, 1);
  assert.equal(kit.system.info(ref).handlingMs, undefined);
  await kit.close();
});
