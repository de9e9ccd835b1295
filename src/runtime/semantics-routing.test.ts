/** The promises of docs/explanation/semantics.md about groups, routers and pools: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf, type ScriptContext, scripted } from '../../test/kit/actors.ts';
import { type ActorRef, implement, protocol, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { acquire, type PoolOptions, pool, router } from '../router/index.ts';

const Work = protocol('test:work@1.0.0', {
  tell: { note: type<unknown>(), wait: type<Promise<void>>(), fail: type<void>() },
  ask: { who: { in: type<unknown>(), out: type<string>() }, notes: { in: type<void>(), out: type<unknown[]>() } },
  stream: { count: { in: type<number>(), out: type<string>() } },
});

const worker = implement(Work, {
  init: (): unknown[] => [],
  tell: {
    note: (context, note) => {
      context.state.push(note);
    },
    wait: (_context, promise) => promise,
    fail: () => {
      throw new Error('planted');
    },
  },
  ask: { who: (context) => context.self.name, notes: (context) => context.state },
  stream: {
    async *count(context, to) {
      for (let i = 0; i < to; i++) yield `${context.self.name}:${i}`;
    },
  },
});

type WorkRef = ActorRef<typeof Work>;

/** Workers on their own. */
function workers(count: number, mailbox?: { capacity: number }) {
  const world = manualSystem();
  const refs = Array.from({ length: count }, (_, i) =>
    world.system.spawn(worker, `w${i + 1}`, mailbox === undefined ? {} : { mailbox }),
  );
  const notes = async (): Promise<unknown[][]> => {
    const asked = Promise.all(refs.map((ref) => ref.ask.notes()));
    await world.clock.settle();
    return (await asked).map((list) => [...list]);
  };
  return { ...world, refs, notes };
}

/** A pool of workers. */
function pooled(options: PoolOptions) {
  const world = manualSystem();
  const ref = world.system.spawn(
    pool(worker, { supervision: { backoffMinMs: 100, backoffJitter: 0 }, ...options }),
    'pool',
  );
  const names = (): string[] => [...world.system.actors()].map(({ name }) => name).sort();
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    await world.clock.settle();
    return promise;
  };
  return { ...world, ref, names, settled };
}

test('S44: of a group one member gets each message, in turn; those without room are passed over', async () => {
  const { clock, system, refs, notes, letters, close } = workers(3, { capacity: 2 });
  await clock.settle();
  const [first] = refs as [WorkRef, WorkRef, WorkRef];
  const alone = system.spawn(worker, 'alone', { subscribe: [{ topic: 'jobs.a', op: 'note' }] });
  // One group, whatever the patterns say: it gets a message once.
  for (const [i, ref] of refs.entries())
    system.subscribe(i === 0 ? 'jobs.>' : 'jobs.*', ref, { op: 'note', group: 'g' });
  for (let i = 0; i < 3; i++) assert.equal(system.publish('jobs.a', i), 2);
  assert.deepEqual(await notes(), [[0], [1], [2]]);
  const held = gate();
  first.tell.wait(held.promise);
  await clock.settle();
  first.tell.note('x');
  first.tell.note('y');
  for (let i = 3; i < 7; i++) assert.equal(system.publish('jobs.b', i), 1);
  assert.equal(letters.length, 0);
  assert.equal(system.publish('jobs.b', 'lost'), 0, 'all are full');
  assert.deepEqual(
    letters.map(({ reason, topic, payload }) => [reason, topic, payload]),
    [['overflow', 'jobs.b', 'lost']],
  );
  held.resolve();
  await clock.settle();
  const [one = [], two = [], three = []] = await notes();
  assert.deepEqual(
    [one, [...two, ...three].sort()],
    [
      [0, 'x', 'y'],
      [1, 2, 3, 4, 5, 6],
    ],
  );
  assert.deepEqual(
    await (async () => {
      const asked = alone.ask.notes();
      await clock.settle();
      return asked;
    })(),
    [0, 1, 2],
  );
  await close();
});

test('S44: a member that restarts or ends is passed over; one that comes takes part', async () => {
  const { clock, system, letters, close } = manualSystem();
  const options = { subscribe: [{ topic: 'jobs', op: 'note', group: 'g' }], supervision: { backoffMinMs: 1_000 } };
  const refs = ['a', 'b'].map((name) => system.spawn(worker, name, options));
  await clock.settle();
  const [a, b] = refs as [WorkRef, WorkRef];
  a.tell.fail();
  await clock.settle();
  for (let i = 0; i < 4; i++) system.publish('jobs', i);
  assert.deepEqual([system.info(a).queued, system.info(b).queued], [0, 4]);
  b.kill();
  assert.equal(letters.filter(({ reason }) => reason === 'stopped').length, 4);
  assert.equal(system.publish('jobs', 'kept'), 1, 'its mailbox takes it until it is back');
  assert.equal(system.info(a).queued, 1);
  const c = system.spawn(worker, 'c', options);
  await clock.settle();
  system.publish('jobs', 'for c');
  system.publish('jobs', 'for c');
  assert.deepEqual([system.info(a).queued, system.info(c).queued], [1, 2]);
  c.kill();
  a.kill();
  assert.equal(system.publish('jobs', 'nobody'), 0);
  await close();
});

test('S45: what finds no room waits in the bounds of its subscription, in order, and what is lost is counted', async () => {
  for (const overflow of ['drop-oldest', 'drop-newest', 'reject'] as const) {
    const { clock, system, letters, close } = manualSystem();
    const ref = system.spawn(worker, 'w', {
      mailbox: { capacity: 1 },
      subscribe: [{ topic: 'a', op: 'note', overflow, capacity: 2 }],
    });
    await clock.settle();
    const held = gate();
    ref.tell.wait(held.promise);
    await clock.settle();
    const taken = [1, 2, 3, 4, 5].map((n) => system.publish('a', n));
    const expected = { 'drop-oldest': [1, 4, 5], 'drop-newest': [1, 2, 3], reject: [1] }[overflow];
    assert.deepEqual(
      taken,
      { 'drop-oldest': [1, 1, 1, 1, 1], 'drop-newest': [1, 1, 1, 0, 0], reject: [1, 0, 0, 0, 0] }[overflow],
    );
    const [before] = system.info(ref).subscriptions;
    assert.deepEqual(before, {
      pattern: 'a',
      op: 'note',
      group: undefined,
      delivery: 'at-most-once',
      delivered: 1,
      dropped: 5 - expected.length,
      waiting: expected.length - 1,
    });
    assert.equal(letters.length, 5 - expected.length);
    held.resolve();
    await clock.settle();
    const asked = ref.ask.notes();
    await clock.settle();
    assert.deepEqual(await asked, expected);
    assert.equal(system.info(ref).subscriptions[0]?.delivered, expected.length);
    await close();
  }
});

test('S45: what waits for an actor that ends is a dead letter', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(worker, 'w', { mailbox: { capacity: 1 } });
  await clock.settle();
  const subscription = system.subscribe('a', ref, { op: 'note', overflow: 'drop-oldest' });
  ref.tell.wait(new Promise(() => {}));
  await clock.settle();
  for (let i = 0; i < 5; i++) assert.equal(system.publish('a', i), 1);
  subscription.cancel();
  assert.equal(system.publish('a', 'late'), 0);
  assert.equal(subscription.waiting, 4);
  ref.kill();
  assert.equal(letters.filter(({ topic, reason }) => topic === 'a' && reason === 'stopped').length, 5);
  assert.equal(subscription.waiting, 0);
  await close();
});

test('S45: a subscription is refused whose options are wrong', async () => {
  const { system, close } = manualSystem();
  const ref = system.spawn(worker);
  const code = (options: object): unknown => {
    try {
      return system.subscribe('a', ref, { op: 'note', ...options });
    } catch (error) {
      return RuntimeError.is(error) ? error.code : error;
    }
  };
  assert.equal(code({ group: 'a b' }), 'NAME_INVALID');
  assert.equal(code({ overflow: 'wait' }), 'CONFIG_INVALID');
  assert.equal(code({ delivery: 'exactly-once' }), 'CONFIG_INVALID');
  assert.equal(code({ delivery: 'at-least-once', overflow: 'drop-oldest' }), 'CONFIG_INVALID');
  assert.equal(code({ delivery: 'at-least-once' }), 'DELIVERY_UNAVAILABLE');
  assert.ok(code({ capacity: 0 }) instanceof RangeError);
  assert.deepEqual(system.info(ref).subscriptions, []);
  await close();
});

test('S46: a router hands each message to a routee on its way into the mailbox: sender, deadline and reply are as without it', async () => {
  const { clock, system, refs, notes, close } = workers(2);
  const ref = system.spawn(router({ routees: refs }), 'router');
  ref.tell.note('before it has started');
  await clock.settle();
  for (let i = 0; i < 4; i++) assert.equal(ref.tell.note(i).ok, true);
  const asked = Promise.all([ref.ask.who(0), ref.ask.who(0), ref.put.note('put')]);
  await clock.settle();
  assert.deepEqual((await asked).slice(0, 2), ['w2', 'w1']);
  assert.deepEqual(await notes(), [
    ['before it has started', 1, 3],
    [0, 2, 'put'],
  ]);
  assert.equal(system.info(ref).handled, 0, 'no turn of the router');
  const streamed: string[] = [];
  const reading = (async () => {
    for await (const item of ref.stream.count(3)) streamed.push(item);
  })();
  await clock.settle();
  await reading;
  assert.equal(new Set(streamed.map((item) => item.split(':')[0])).size, 1, 'a stream stays with one routee');
  await close();
});

test('S46: an ask through a router that would wait in a circle is refused', async () => {
  const { clock, system, failures, close } = manualSystem();
  const script = scripted();
  const one = system.spawn(script, 'one');
  const ref = system.spawn(router({ routees: [one] }), 'router');
  await clock.settle();
  const asked = outcomeOf(
    one.ask.call((context: ScriptContext) => context.ref(ref).ask.call(() => 1)) as Promise<unknown>,
  );
  await clock.settle();
  const error = await asked;
  assert.equal(error, 'ACTOR_FAILED');
  assert.equal(failures[0]?.error.details.cause, 'ASK_DEADLOCK');
  await close();
});

test('S46: a routee that fails or is full is passed over; a router whose routees have all ended ends', async () => {
  const { clock, system, refs, close } = workers(2, { capacity: 2 });
  const ref = system.spawn(router({ routees: refs }), 'router');
  await clock.settle();
  const [first, second] = refs as [WorkRef, WorkRef];
  first.tell.fail();
  await clock.settle();
  for (let i = 0; i < 2; i++) ref.tell.note(i);
  assert.deepEqual([system.info(first).queued, system.info(second).queued], [0, 2]);
  for (let i = 0; i < 2; i++) assert.equal(ref.tell.note(i).ok, true, 'who restarts keeps its mailbox');
  const told = ref.tell.note('more');
  assert.equal(!told.ok && told.error.code, 'MAILBOX_FULL');
  first.kill();
  second.kill();
  await clock.settle();
  const late = ref.tell.note(1);
  assert.equal(!late.ok && late.error.code, 'ACTOR_STOPPED');
  await close();
});

test('S47: by broadcast every routee has the message, and the first reply is the answer', async () => {
  const { clock, system, refs, notes, letters, close } = workers(3, { capacity: 2 });
  const ref = system.spawn(router({ strategy: 'broadcast', routees: refs }), 'all');
  await clock.settle();
  assert.equal(ref.tell.note('a').ok, true);
  assert.deepEqual(await notes(), [['a'], ['a'], ['a']]);
  const held = gate();
  refs[0]?.tell.wait(held.promise);
  await clock.settle();
  const asked = ref.ask.who(0);
  await clock.settle();
  assert.equal(await asked, 'w2');
  refs[0]?.tell.note('fills it');
  assert.equal(ref.tell.note('b').ok, true);
  assert.deepEqual(
    letters.map(({ reason, name }) => [reason, name]),
    [['overflow', 'w1']],
  );
  held.resolve();
  await clock.settle();
  assert.deepEqual(await notes(), [
    ['a', 'fills it'],
    ['a', 'b'],
    ['a', 'b'],
  ]);
  const failed = outcomeOf(ref.ask.who(0, { timeoutMs: 0 }));
  assert.ok((await failed) instanceof RangeError);
  await close();
});

test('S48: the same key goes to the same routee; one that restarts keeps its keys', async () => {
  const { clock, ref, settled, close } = pooled({
    size: 4,
    strategy: 'consistent-hash',
    hash: (_op, payload) => {
      if (payload === 'throws') throw new Error('planted');
      return String(payload);
    },
  });
  await clock.settle();
  const owners = new Map<string, string>();
  for (let i = 0; i < 200; i++) owners.set(`key-${i}`, await settled(ref.ask.who(`key-${i}`)));
  assert.equal(new Set(owners.values()).size, 4);
  for (const [key, owner] of owners) assert.equal(await settled(ref.ask.who(key)), owner);
  assert.match(await settled(ref.ask.who('throws')), /^pool\//);
  await close();
});

test('S49: a pool supervises its routees: one that fails is passed over until it is back, one too many fails the pool', async () => {
  const { clock, system, ref, names, settled, close } = pooled({
    size: 3,
    supervision: { intensity: 3, backoffMinMs: 100, backoffJitter: 0 },
  });
  ref.tell.note('at once');
  await settled(ref.ready);
  assert.deepEqual(names(), ['pool', 'pool/1', 'pool/2', 'pool/3']);
  system.lookup('pool/2', Work)?.tell.fail();
  await clock.settle();
  const answers = new Set<string>();
  for (let i = 0; i < 6; i++) answers.add(await settled(ref.ask.who(0)));
  assert.deepEqual([...answers].sort(), ['pool/1', 'pool/3']);
  await clock.elapse(200);
  for (let i = 0; i < 3; i++) answers.add(await settled(ref.ask.who(0)));
  assert.equal(answers.size, 3);
  system.lookup('pool/2', Work)?.kill();
  await clock.settle();
  assert.deepEqual(names(), ['pool', 'pool/1', 'pool/2', 'pool/3'], 'what was killed is replaced');
  for (let i = 0; i < 4; i++) {
    system.lookup('pool/1', Work)?.tell.fail();
    await clock.elapse(1_000);
  }
  assert.equal(system.info(ref).failed, 1);
  await clock.elapse(5_000);
  assert.equal(await settled(ref.ask.who(0)).then((name) => name.startsWith('pool/')), true, 'it is back');
  await close();
});

test('S49: what is sent to a pool before its routees are there waits, and is refused when it has stopped', async () => {
  const { clock, ref, settled, close } = pooled({ size: 2 });
  const early = [ref.ask.who(0), ref.ask.who(0)];
  assert.deepEqual(await settled(Promise.all(early)), ['pool/1', 'pool/2']);
  const stopped = ref.stop();
  await clock.settle();
  await stopped;
  const told = ref.tell.note(0);
  assert.equal(!told.ok && told.error.code, 'ACTOR_STOPPED');
  await close();
});

test('S50: an elastic pool grows when messages pile up at all routees, and shrinks when they have had nothing to do', async () => {
  const { clock, system, ref, names, close } = pooled({ min: 1, max: 3, growAt: 2, idleMs: 1_000 });
  await clock.settle();
  assert.equal(system.size, 2);
  const held = gate();
  for (let i = 0; i < 20; i++) {
    ref.tell.wait(held.promise);
    await clock.settle();
  }
  assert.deepEqual(names(), ['pool', 'pool/1', 'pool/2', 'pool/3']);
  await clock.elapse(5_000);
  assert.equal(system.size, 4, 'who is busy stays');
  held.resolve();
  await clock.elapse(2_000);
  assert.deepEqual(names(), ['pool', 'pool/1']);
  assert.equal(system.pendingTimers, 0, 'a pool at rest has no timer');
  await close();
});

test('S51: a leased routee is its lessee’s alone; who waits is served in order, within a deadline', async () => {
  const { clock, system, ref, settled, close } = pooled({ min: 1, max: 2 });
  const first = await settled(acquire(ref));
  assert.equal(await settled(first.ref.ask.who(0)), first.ref.name);
  for (let i = 0; i < 4; i++) assert.notEqual(await settled(ref.ask.who(0)), first.ref.name);
  const second = await settled(acquire(ref));
  assert.notEqual(second.ref.name, first.ref.name);
  const told = ref.tell.note('nobody is free');
  assert.equal(!told.ok && told.error.code, 'MAILBOX_FULL');
  const put = ref.put.note('waits');
  const late = outcomeOf(acquire(ref, { timeoutMs: 100 }));
  const third = acquire(ref, { timeoutMs: 1_000 });
  const cancel = new AbortController();
  const given = outcomeOf(acquire(ref, { signal: cancel.signal }));
  cancel.abort();
  await clock.elapse(200);
  assert.equal(await late, 'POOL_EXHAUSTED');
  assert.equal(await given, 'ASK_CANCELLED');
  first.release();
  first.release();
  const again = await settled(third);
  assert.equal(again.ref.name, first.ref.name, 'it is used again');
  await again[Symbol.asyncDispose]();
  await settled(put);
  assert.deepEqual(await settled(again.ref.ask.notes()), ['waits']);
  const waits = [acquire(ref), outcomeOf(acquire(ref))] as const;
  await settled(waits[0]);
  ref.kill();
  assert.equal(await waits[1], 'ACTOR_STOPPED');
  second.release();
  await assert.rejects(settled(acquire(system.spawn(worker))), TypeError);
  await close();
});
