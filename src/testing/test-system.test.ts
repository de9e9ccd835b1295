import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActorRef, implement, protocol, supervisor, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import { TestSystem } from './index.ts';

const Counter = protocol('test:counter@1.0.0', {
  tell: { add: type<number>(), fail: type<void>(), wait: type<number>(), hang: type<void>() },
  ask: { get: { in: type<void>(), out: type<readonly number[]>() } },
});

function counterOf(clock: ManualClock) {
  return implement(Counter, {
    init: (): number[] => [],
    tell: {
      add: (ctx, n) => void ctx.state.push(n),
      fail() {
        throw new Error('planted');
      },
      wait: (_, ms) => new Promise<void>((resolve) => void clock.after(ms, resolve)),
      hang: () => new Promise<void>(() => {}),
    },
    ask: { get: (ctx) => ctx.state },
  });
}

function started(seed?: number) {
  const system = TestSystem.create(seed === undefined ? {} : { seed });
  const counter = system.spawn(counterOf(system.clock), 'counter', { supervision: { backoffMinMs: 0 } });
  const added = (): Promise<readonly number[]> => system.until(counter.ask.get());
  return { system, counter, added };
}

test('TestSystem does nothing until it is let', async () => {
  await using system = TestSystem.create();
  const probe = system.probe();
  probe.tell('hello', 1);
  assert.deepEqual(probe.pending, []);
  await system.settle();
  assert.equal(probe.pending.length, 1);
});

test('TestSystem.until lets the time pass that a promise takes', async () => {
  const { system, counter, added } = started();
  counter.tell.wait(3_000);
  counter.tell.add(1);
  assert.deepEqual(await added(), [1]);
  assert.ok(system.clock.nowMs() >= 3_000 && system.clock.nowMs() < 3_010, `${system.clock.nowMs()}`);
  await system.close();
});

test('TestSystem.until says who is in the middle of what when a promise does not settle', async () => {
  const { system, counter } = started();
  counter.tell.hang();
  const never = new Promise(() => {});
  await assert.rejects(system.until(never), (error: Error) => {
    assert.equal(error.name, 'AssertionError');
    assert.match(error.message, /did not settle in 60000 ms of the test's clock.*\n {2}"counter" is handling "hang"/);
    return true;
  });
  counter.kill();
  await system.close();
});

test('TestSystem.settle says who keeps whom busy for ever', async () => {
  const system = TestSystem.create({ throughput: 1 });
  const Ball = protocol('test:ball@1.0.0', { tell: { hit: type<ActorRef>() } });
  const player = implement(Ball, {
    init: () => ({}),
    tell: { hit: (ctx, other) => void other.tellOp('hit', ctx.self) },
  });
  const [one, other] = [system.spawn(player, 'one'), system.spawn(player, 'other')];
  one.tell.hit(other as unknown as ActorRef);
  await assert.rejects(system.settle(), /busy: 500000 turns, and no time has passed. Next would be:\n {2}"o/);
  await system.close();
});

test('TestSystem gives turns in the order of the seed: the same for the same, others for others', async () => {
  const orderOf = async (seed: number | undefined): Promise<string> => {
    await using system = TestSystem.create(seed === undefined ? {} : { seed });
    const seen: string[] = [];
    const type_ = implement(protocol('test:noted@1.0.0', { tell: { note: type<void>() } }), {
      init: () => ({}),
      tell: { note: (ctx) => void seen.push(ctx.self.name) },
    });
    const refs = ['a', 'b', 'c', 'd', 'e'].map((name) => system.spawn(type_, name));
    for (let i = 0; i < 4; i++) for (const ref of refs) ref.tell.note();
    await system.settle();
    return seen.join('');
  };
  const plain = await orderOf(undefined);
  assert.equal([...new Set(plain)].join(''), 'abcde', 'first come, first served');
  const orders = await Promise.all([1, 2, 3, 4, 5].map((seed) => orderOf(seed)));
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map((seed) => orderOf(seed))), orders);
  assert.equal(new Set([plain, ...orders]).size, 6);
  for (const order of orders) assert.equal(order.length, 20);
});

test('TestSystem.crash fails an actor in the middle of a message, and its supervision decides', async () => {
  const { system, counter, added } = started();
  counter.tell.add(1);
  counter.tell.hang();
  counter.tell.add(2);
  await system.settle();
  assert.ok(system.crash(counter));
  assert.deepEqual(await added(), [2]);
  const report = await system.expectFailure({
    actor: counter,
    phase: 'message',
    directive: 'restart',
    cause: /by the test/,
  });
  assert.match(report.error.message, /failed while it handled "hang"/);
  await system.expectDeadLetter({ reason: 'failed', op: 'hang', to: 'counter' });
  await system.close();
  assert.equal(system.crash(counter), false);
});

test('TestSystem.crash fails an actor that waits for its turn, before its next message', async () => {
  const { system, counter, added } = started();
  counter.tell.add(1);
  await system.settle();
  counter.tell.add(2);
  assert.ok(system.crash(counter, new RuntimeError('CONFIG_INVALID', 'Planted')));
  assert.deepEqual(await added(), [2]);
  await system.expectFailure({ cause: 'CONFIG_INVALID' });
  await system.close();
});

test('TestSystem.crash fails a start, and a supervisor', async () => {
  const system = TestSystem.create();
  const slow = implement(protocol('test:slow@1.0.0', {}), { init: () => new Promise<void>(() => {}) });
  const ref = system.spawn(slow, 'slow', { supervision: { restart: 'temporary' } });
  ref.ready.catch(() => {});
  assert.equal(system.crash(ref), false, 'it has not begun to start');
  await system.settle();
  assert.ok(system.crash(ref));
  await system.expectFailure({ actor: 'slow', phase: 'start', directive: 'stop' });
  const tree = system.spawn(supervisor({ children: [{ name: 'counter', type: counterOf(system.clock) }] }), 'tree');
  await system.until(tree.ready);
  assert.ok(system.crash(tree));
  await system.elapse(1_000);
  assert.equal(system.info(tree).restarts, 1);
  assert.notEqual(system.lookup('tree/counter'), undefined);
  await system.close();
});

test('TestSystem.drop loses what matches, and as often as it should', async () => {
  const { system, counter, added } = started();
  const fault = system.drop({ op: 'add', to: counter, payload: 2 }, { times: 1 });
  for (const n of [1, 2, 3, 2]) assert.ok(counter.tell.add(n).ok);
  assert.deepEqual(await added(), [1, 3, 2]);
  assert.equal(fault.hits, 1);
  system.drop({ kind: 'ask' });
  const asked = counter.ask.get(undefined, { timeoutMs: 100 });
  await assert.rejects(system.until(asked), { code: 'ASK_TIMEOUT' });
  assert.deepEqual(system.letters, [], 'what a network loses, nobody counts');
  await system.close();
});

test('TestSystem.delay lets others overtake, and what comes too late is a dead letter', async () => {
  const { system, counter, added } = started();
  {
    using fault = system.delay(({ payload }) => payload === 1, { byMs: 50 });
    for (const n of [1, 2]) counter.tell.add(n);
    assert.deepEqual(await added(), [2]);
    assert.equal(fault.hits, 1);
  }
  counter.tell.add(1);
  await system.elapse(50);
  assert.deepEqual(await added(), [2, 1, 1]);
  system.delay({ op: 'add' }, { byMs: 1_000 });
  counter.tell.add(4);
  await system.until(counter.stop());
  await system.elapse(1_000);
  await system.expectDeadLetter({ reason: 'stopped', op: 'add', payload: 4 });
  await system.close();
});

test('TestSystem.duplicate lets a message come twice, and its asker have the first reply', async () => {
  const { system, counter, added } = started();
  system.duplicate({ op: 'add' }, { times: 1 });
  system.duplicate({ op: 'add' }, { times: 1, afterMs: 10 });
  for (const n of [1, 2, 3]) counter.tell.add(n);
  assert.deepEqual(await added(), [1, 1, 2, 3]);
  await system.elapse(10);
  assert.deepEqual(await added(), [1, 1, 2, 3, 2]);
  system.duplicate({ op: 'get' });
  const before = system.info(counter).handled;
  assert.equal((await added()).length, 5);
  await system.settle();
  assert.equal(system.info(counter).handled, before + 2);
  await system.close();
});

test('TestSystem.reorder lets the next message come first, or gives up', async () => {
  const { system, counter, added } = started();
  system.reorder({ op: 'add' }, { times: 1, withinMs: 20 });
  for (const n of [1, 2, 3]) counter.tell.add(n);
  assert.deepEqual(await added(), [2, 1, 3]);
  system.reorder({ op: 'add' }, { times: 1, withinMs: 20 });
  counter.tell.add(4);
  await system.elapse(20);
  assert.deepEqual(await added(), [2, 1, 3, 4]);
  await system.close();
});

test('TestSystem.heal brings at once what is held back, and ends all faults', async () => {
  const { system, counter, added } = started();
  system.delay({ op: 'add' }, { byMs: 60_000, times: 1 });
  system.drop({ payload: 3 });
  system.pause(counter);
  for (const n of [1, 2]) counter.tell.add(n);
  await system.settle();
  system.heal();
  counter.tell.add(3);
  assert.deepEqual(await added(), [2, 1, 3]);
  assert.ok(system.clock.nowMs() < 60_000);
  await system.close();
});

test('TestSystem.pause gives no turn until all pauses are over', async () => {
  const { system, counter, added } = started();
  const [first, second] = [system.pause(counter), system.pause(counter)];
  counter.tell.add(1);
  await system.elapse(1_000);
  assert.equal(system.info(counter).queued, 1);
  first.end();
  first.end();
  await system.settle();
  assert.equal(system.info(counter).queued, 1);
  second.end();
  assert.deepEqual(await added(), [1]);
  system.pause(counter);
  system.pause(counter);
  system.resume(counter);
  assert.deepEqual(await added(), [1]);
  await system.close();
});

test('TestSystem.slow lets an actor handle a message now and then', async () => {
  const { system, counter } = started();
  await system.settle();
  const fault = system.slow(counter, { byMs: 100 });
  for (const n of [1, 2, 3]) counter.tell.add(n);
  const handled: number[] = [];
  for (let i = 0; i < 4; i++) {
    await system.elapse(100);
    handled.push(system.info(counter).handled);
  }
  assert.deepEqual(handled, [1, 2, 3, 3]);
  counter.tell.add(4);
  fault.end();
  await system.settle();
  assert.equal(system.info(counter).handled, 4);
  assert.throws(() => system.slow(counter, { byMs: 0 }), RangeError);
  await system.close();
});

test('TestSystem.fill makes a mailbox seem full, for its overflow policy to decide', async () => {
  const system = TestSystem.create();
  const type_ = counterOf(system.clock);
  const spawn = (overflow: 'reject' | 'drop-newest' | 'drop-oldest' | 'wait'): ActorRef<typeof Counter> =>
    system.spawn(type_, overflow, { mailbox: { overflow } });
  const [rejects, newest, oldest, waits] = [spawn('reject'), spawn('drop-newest'), spawn('drop-oldest'), spawn('wait')];
  const faults = [rejects, newest, oldest, waits].map((ref) => system.fill(ref));
  const told = rejects.tell.add(1);
  assert.equal(!told.ok && told.error.code, 'MAILBOX_FULL');
  assert.ok(newest.tell.add(1).ok);
  assert.ok(oldest.tell.add(1).ok);
  await system.expectDeadLetter({ reason: 'overflow', to: newest });
  await assert.rejects(system.until(waits.put.add(1, { timeoutMs: 100 })), { code: 'MAILBOX_FULL' });
  const put = waits.put.add(2);
  await system.settle();
  for (const fault of faults) fault.end();
  waits.tell.add(3);
  await system.until(put);
  assert.deepEqual(await system.until(oldest.ask.get()), [1]);
  await system.close();
});

test('TestSystem.expectDeadLetter and expectFailure show what there is instead', async () => {
  const { system, counter } = started();
  counter.tell.fail();
  await assert.rejects(system.expectDeadLetter({ reason: 'stopped', to: counter }), {
    message:
      'Expected a dead letter with reason: \'stopped\', to: "counter", but there is\n  failed: tell "fail" to "counter"',
  });
  await assert.rejects(
    system.expectFailure({ phase: 'start' }),
    /but there is\n {2}message: "counter" failed.*\(restart\)/s,
  );
  await system.expectFailure({ cause: 'planted' });
  await assert.rejects(system.expectFailure(), /Expected a failure of any kind, but there is\n {2}none/);
  await system.close();
});

test('TestSystem.close names an actor that did not end, and what it was in the middle of', async () => {
  const { system, counter } = started();
  counter.tell.hang();
  await system.settle();
  const closed = system.close();
  await assert.rejects(closed, {
    message:
      'Something is left of a system that has stopped:\n  actor "counter" did not end and was killed: it is handling "hang"',
  });
  assert.equal(system.close(), closed);
});

test('TestSystem.close names timers and callbacks of the clock', async () => {
  const { system } = started();
  system.clock.after(60_000, () => {});
  await assert.rejects(system.close(), /\n {2}1 timer of the clock, the next due in 60000 ms/);
});

test('TestSystem.close finds nothing where faults hold back messages, turns and room', async () => {
  const { system, counter } = started(3);
  const probe = system.probe();
  system.delay({ payload: 1 }, { byMs: 1_000 });
  system.reorder({ payload: 2 });
  system.slow(counter, { byMs: 1_000 });
  for (const n of [1, 2, 3]) counter.tell.add(n);
  const asked = probe.ref as unknown as ActorRef;
  const answer = asked.askOp('anything', undefined);
  system.fill(counter);
  system.pause(counter);
  await system.settle();
  const outcome = assert.rejects(answer, { code: 'ASK_CANCELLED' });
  await system.close();
  await outcome;
});

test('TestSystem.stop and await using take the time that a stop takes', async () => {
  const clock = new ManualClock();
  const type_ = implement(protocol('test:late@1.0.0', {}), {
    init: () => ({}),
    stop: () => new Promise<void>((resolve) => void clock.after(2_000, resolve)),
  });
  {
    await using system = TestSystem.create({ clock, throughput: 8 });
    system.spawn(type_);
    await system.settle();
  }
  assert.ok(clock.nowMs() >= 2_000);
  assert.equal(clock.pendingTimers, 0);
});

test('TestSystem.drain takes the time that it takes, and finishes what was accepted', async () => {
  const system = TestSystem.create();
  const counter = system.spawn(counterOf(system.clock), 'counter');
  counter.tell.wait(2_000);
  counter.tell.add(1);
  const answer = counter.ask.get();
  await system.drain();
  assert.deepEqual(await answer, [1]);
  assert.ok(system.clock.nowMs() >= 2_000);
  await system.close();
});

test('TestSystem shows its actors its own time and chance behind the globals, and the test the real ones', async () => {
  await using system = TestSystem.create({ seed: 5 });
  const probe = system.probe();
  const Look = protocol('test:look@1.0.0', { tell: { look: type<void>() } });
  const looker = implement(Look, {
    init: () => ({}),
    tell: {
      look: (ctx) => {
        setTimeout(() => ctx.ref(probe.ref as unknown as ActorRef).tellOp('seen', Date.now()), 250);
      },
    },
  });
  system.spawn(looker).tell.look();
  await system.settle();
  await probe.expectNothing({ forMs: 249 });
  const { payload } = await probe.expectTell('seen', undefined, { withinMs: 1 });
  assert.equal(payload, system.clock.wallMs());
  assert.ok(Date.now() > payload);
});
