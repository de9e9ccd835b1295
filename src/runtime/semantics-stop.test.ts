/** The promises of docs/explanation/semantics.md about draining, stopping in order, and health: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf, type ScriptContext, scripted } from '../../test/kit/actors.ts';
import type { StopTaskFailure } from '../actor/index.ts';

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
