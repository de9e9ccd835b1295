/** The promises of docs/explanation/semantics.md about topics: what is kept for subscribers, who subscribes when, and what it costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf, type ScriptContext, scripted } from '../../test/kit/actors.ts';
import { MemoryStore } from '../../test/kit/durable.ts';
import { implement, protocol, type SubscribeOptions, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { router } from '../router/index.ts';

type Kit = ReturnType<typeof manualSystem>;

async function settled<T>({ clock }: Kit, promise: Promise<T>): Promise<unknown> {
  const outcome = outcomeOf(promise);
  await clock.elapse(1);
  return outcome;
}

const Log = protocol('test:log@1.0.0', {
  tell: { add: type<unknown>(), also: type<unknown>() },
  ask: { all: { in: type<void>(), out: type<unknown[]>() } },
});
const AT_ONCE = { backoffMinMs: 0, intensity: 1_000 } as const;
const KEPT: SubscribeOptions = { op: 'add', delivery: 'at-least-once' };

/** An actor that notes what it is told, and fails `bad[item]` times at an item first. */
function log(bad: Record<string, number> = {}, isDurable = false) {
  return implement(Log, {
    init: () => [] as unknown[],
    ...(isDurable && { durable: { version: 1, everyMessages: 1_000, everyMs: 60_000 } }),
    tell: {
      add: (context, item) => {
        const left = bad[String(item)] ?? 0;
        bad[String(item)] = left - 1;
        if (left > 0) throw new Error('planted');
        context.state.push(context.topic === 'a' ? item : `${context.topic}:${item}`);
      },
      also: (context, item) => {
        context.state.push(`also ${item}`);
      },
    },
    ask: { all: ({ state }) => [...state] },
  });
}

function withStore(store = new MemoryStore()) {
  return { store, ...manualSystem(undefined, undefined, { store }) };
}

const outboxOf = (store: MemoryStore): number => store.bucket('actors/outbox').size;

test('S52: a message published to a subscriber at least once is kept until it was handled, in order', async () => {
  const { store, ...kit } = withStore();
  const ref = kit.system.spawn(log({ 2: 2 }, true), 'log', {
    subscribe: [{ topic: 'a', ...KEPT }],
    supervision: AT_ONCE,
  });
  for (const item of [1, 2, 3]) assert.equal(await settled(kit, kit.system.publishDurably('a', item)), 1);
  await kit.clock.elapse(1_000);
  const all = (await settled(kit, ref.ask.all())) as unknown[];
  assert.deepEqual(all.sort(), [1, 2, 3], 'what its failures undid it had again');
  assert.equal(outboxOf(store), 0);
  const [info] = kit.system.info(ref).subscriptions;
  assert.deepEqual([info?.delivery, info?.delivered, info?.dropped, info?.waiting], ['at-least-once', 3, 0, 0]);
  await kit.close();
});

test('S52: what is published while the actor restarts, has ended, or is not there in a later process, is delivered to the next', async () => {
  const store = new MemoryStore();
  const first = withStore(store);
  const ref = first.system.spawn(log(), 'log', { subscribe: [{ topic: '*', ...KEPT }], supervision: AT_ONCE });
  await settled(first, ref.ready);
  await settled(first, ref.stop());
  assert.equal(await settled(first, first.system.publishDurably('a', 'ended')), 1);
  assert.equal(first.system.publish('a', 'ended, and not waited for'), 1);
  await first.clock.elapse(1);
  await first.close();
  const second = withStore(store);
  await settled(second, second.system.openOutbox() as Promise<void>);
  assert.deepEqual(
    second.system.subscriptions().map(({ actor }) => actor),
    ['log'],
  );
  assert.equal(await settled(second, second.system.publishDurably('b', 'not there')), 1);
  await second.close();
  assert.equal(outboxOf(store), 3);
  const third = withStore(store);
  const next = third.system.spawn(log(), 'log', { subscribe: [{ topic: '*', ...KEPT }] });
  await settled(third, third.system.openOutbox() as Promise<void>);
  await third.clock.elapse(100);
  const all = (await settled(third, next.ask.all())) as unknown[];
  assert.deepEqual(all, ['ended', 'ended, and not waited for', 'b:not there']);
  assert.equal(outboxOf(store), 0);
  await third.close();
});

test('S52: a message that is handled in vain ten times, or that its subscriber does not take, is a dead letter', async () => {
  const { store, ...kit } = withStore();
  const short = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) => (value === 'bad' ? { issues: [{ message: 'planted' }] } : { value }),
    },
  } as const;
  const Checked = protocol('test:checked@1.0.0', { tell: { add: short } });
  const checked = implement(Checked, { init: () => undefined, tell: { add() {} } });
  kit.system.spawn(checked, 'checked', { subscribe: [{ topic: 'b', ...KEPT }] });
  kit.system.spawn(log({ poison: 1_000 }), 'log', { subscribe: [{ topic: 'a', ...KEPT }], supervision: AT_ONCE });
  assert.equal(await settled(kit, kit.system.publishDurably('a', 'poison')), 1);
  assert.equal(await settled(kit, kit.system.publishDurably('b', 'bad')), 1);
  await kit.clock.elapse(120_000);
  const last = kit.letters.filter(({ error }) => error?.code === 'MESSAGE_UNDELIVERABLE');
  assert.deepEqual(
    last.map(({ name, kind, op, topic, payload }) => [name, kind, op, topic, payload]),
    [
      ['checked', 'topic', 'add', 'b', 'bad'],
      ['log', 'topic', 'add', 'a', 'poison'],
    ],
  );
  assert.equal(outboxOf(store), 0);
  await kit.close();
});

test('S52: a subscription at least once ends when it is cancelled, also that of an actor that is gone', async () => {
  const { store, ...kit } = withStore();
  const ref = kit.system.spawn(log(), 'log');
  const handle = kit.system.subscribe('a', ref, KEPT);
  kit.system.subscribe('b', ref, KEPT);
  kit.system.subscribe('c.*', ref, 'add');
  await kit.clock.elapse(1);
  assert.equal(store.bucket('actors/subscriptions').size, 1);
  handle.cancel();
  handle.cancel();
  assert.equal(await settled(kit, kit.system.publishDurably('a', 1)), 0);
  await settled(kit, ref.stop());
  assert.equal(await settled(kit, kit.system.publishDurably('b', 1)), 1);
  assert.equal(kit.system.publish('c.d', 1), 0, 'the other ended with its actor');
  assert.equal(kit.system.unsubscribe('log'), 1);
  assert.equal(kit.system.unsubscribe('log'), 0);
  assert.equal(await settled(kit, kit.system.publishDurably('b', 1)), 0);
  await kit.clock.elapse(1);
  assert.equal(store.bucket('actors/subscriptions').size, 0);
  assert.deepEqual(
    kit.system.subscriptions().map(({ actor }) => actor),
    [],
  );
  await kit.close();
});

test('S52: a spawn that fails leaves no subscription behind, and one that was kept stays', async () => {
  const { store, ...kit } = withStore();
  const subscribe = [
    { topic: 'a', ...KEPT },
    { topic: 'b..', ...KEPT },
  ];
  assert.throws(() => kit.system.spawn(log(), 'log', { subscribe }), { code: 'TOPIC_INVALID' });
  assert.deepEqual(
    kit.system.subscriptions().map(({ actor }) => actor),
    [],
  );
  await settled(kit, kit.system.spawn(log(), 'log', { subscribe: subscribe.slice(0, 1) }).stop());
  assert.throws(() => kit.system.spawn(log(), 'log', { subscribe }), { code: 'TOPIC_INVALID' });
  assert.deepEqual(
    kit.system.subscriptions().map(({ actor }) => actor),
    ['log'],
  );
  assert.equal(await settled(kit, kit.system.publishDurably('a', 1)), 1);
  assert.equal(store.bucket('actors/subscriptions').size, 1);
  await kit.close();
});

test('S52: of a group a message is kept for one member, one that handles messages if there is one', async () => {
  const { store, ...kit } = withStore();
  const options = { subscribe: [{ topic: 'a', ...KEPT, group: 'g' }] };
  const [one, other] = ['one', 'other'].map((name) => kit.system.spawn(log(), name, options));
  assert.ok(one !== undefined && other !== undefined);
  await settled(kit, one.ready);
  for (const item of [1, 2, 3, 4]) assert.equal(await settled(kit, kit.system.publishDurably('a', item)), 1);
  assert.deepEqual(
    [await settled(kit, one.ask.all()), await settled(kit, other.ask.all())],
    [
      [1, 3],
      [2, 4],
    ],
  );
  await settled(kit, one.stop());
  for (const item of [5, 6]) await settled(kit, kit.system.publishDurably('a', item));
  assert.deepEqual(await settled(kit, other.ask.all()), [2, 4, 5, 6]);
  await settled(kit, other.stop());
  assert.equal(await settled(kit, kit.system.publishDurably('a', 7)), 1);
  assert.equal(outboxOf(store), 1);
  await kit.close();
});

test('S52: a message reaches an actor and operation once, by the stronger of its subscriptions', async () => {
  const { store, ...kit } = withStore();
  const ref = kit.system.spawn(log(), 'log', {
    subscribe: [
      { topic: 'a', op: 'add' },
      { topic: '*', ...KEPT },
      { topic: '>', op: 'add' },
      { topic: 'a', op: 'also' },
    ],
  });
  await settled(kit, ref.ready);
  store.gate = new Promise(() => {});
  assert.equal(kit.system.publish('a', 1), 2);
  assert.deepEqual(await settled(kit, ref.ask.all()), ['also 1'], 'the other is on its way to the disk');
  await kit.close();
});

test('S53: a durable publication resolves when it is on disk, for all who take it at least once or for none, and then others have it', async () => {
  const { store, ...kit } = withStore();
  const names = ['one', 'other'];
  const kept = names.map((name) => kit.system.spawn(log(), name, { subscribe: [{ topic: 'a', ...KEPT }] }));
  const plain = kit.system.spawn(log(), undefined, { subscribe: { a: 'add' } });
  await kit.clock.elapse(1);
  const held = gate();
  store.gate = held.promise;
  const published = kit.system.publishDurably('a', { n: 1 }, { id: 'x' });
  const writes = store.writes;
  await kit.clock.elapse(1);
  assert.deepEqual(await settled(kit, plain.ask.all()), []);
  held.resolve();
  store.gate = undefined;
  assert.equal(await settled(kit, published), 3);
  assert.equal(store.writes - writes >= 1, true);
  assert.equal(await settled(kit, kit.system.publishDurably('a', { n: 1 }, { id: 'x' })), 3, 'taken for the first');
  assert.deepEqual(
    await Promise.all([...kept, plain].map(async (ref) => ((await settled(kit, ref.ask.all())) as unknown[]).length)),
    [1, 1, 2],
  );
  store.isBroken = true;
  assert.equal(await settled(kit, kit.system.publishDurably('a', 2)), 'STORE_UNUSABLE');
  store.isBroken = false;
  assert.equal(
    await settled(
      kit,
      kit.system.publishDurably('a', () => 0),
    ),
    'MESSAGE_UNSERIALIZABLE',
  );
  assert.equal(await settled(kit, kit.system.publishDurably('a..', 0)), 'TOPIC_INVALID');
  assert.ok((await settled(kit, kit.system.publishDurably('a', 0, { id: 'a b' }))) instanceof RangeError);
  assert.equal(((await settled(kit, plain.ask.all())) as unknown[]).length, 2, 'nobody had what could not be kept');
  kit.system.publish('a', () => 0);
  await kit.clock.elapse(1);
  assert.deepEqual(
    kit.letters.map(({ reason, error }) => [reason, error?.code]),
    [
      ['overflow', 'MESSAGE_UNSERIALIZABLE'],
      ['overflow', 'MESSAGE_UNSERIALIZABLE'],
    ],
    'who does not wait is not told',
  );
  const bare = manualSystem();
  assert.equal(await settled(bare, bare.system.publishDurably('a', 1)), 'DELIVERY_UNAVAILABLE');
  await bare.close();
  await kit.close();
});

test('S53: an actor publishes durably in its own name, and not when its incarnation is over', async () => {
  const kit = withStore();
  const ref = kit.system.spawn(log(), 'log', { subscribe: [{ topic: 'a', ...KEPT }] });
  let stale: ScriptContext | undefined;
  const script = kit.system.spawn(scripted(), 'script');
  const asked = script.ask.call((context) => {
    stale = context;
    return context.publishDurably('a', 1);
  });
  assert.equal(await settled(kit, asked), 1);
  assert.deepEqual(await settled(kit, ref.ask.all()), [1]);
  script.kill();
  assert.equal(await settled(kit, (stale as ScriptContext).publishDurably('a', 2)), 'ACTOR_STOPPED');
  await kit.close();
});

test('S53: damaged subscriptions are OUTBOX_CORRUPT', async () => {
  const { store, ...kit } = withStore();
  kit.system.spawn(log(), 'log', { subscribe: [{ topic: 'a', ...KEPT }] });
  await kit.clock.elapse(1);
  await kit.close();
  store.damage('actors/subscriptions', 'log');
  const next = withStore(store);
  assert.equal(await settled(next, next.system.publishDurably('a', 1)), 'OUTBOX_CORRUPT');
  await next.close();
});

const Chatter = protocol('test:chatter@1.0.0', {
  tell: { join: type<string>(), leave: type<string>(), heard: type<unknown>(), fail: type<void>() },
  ask: { all: { in: type<void>(), out: type<unknown[]>() } },
});

const chatter = implement<typeof Chatter, unknown[]>(Chatter, {
  init: (context) => {
    context.subscribe('common', 'heard');
    return [];
  },
  tell: {
    join: (context, topic) => context.subscribe(topic, 'heard', { overflow: 'drop-oldest', capacity: 2 }),
    leave: (context, topic) => {
      context.state.push(context.unsubscribe(topic));
    },
    heard: (context, item) => {
      context.state.push(item);
    },
    fail: () => {
      throw new Error('planted');
    },
  },
  ask: { all: ({ state }) => [...state] },
});

test('S54: an actor subscribes and unsubscribes itself; its subscriptions outlast its restarts, and are not doubled', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(chatter, 'c', { supervision: { backoffMinMs: 100, intensity: 100 } });
  await settled(kit, ref.ready);
  ref.tell.join('room.*');
  await kit.clock.elapse(1);
  for (let i = 0; i < 20; i++) {
    ref.tell.fail();
    await kit.clock.settle();
    assert.equal(kit.system.publish('room.1', i), 1, 'its mailbox takes it meanwhile');
    await kit.clock.elapse(40_000);
  }
  assert.deepEqual(
    kit.system
      .info(ref)
      .subscriptions.map(({ pattern }) => pattern)
      .sort(),
    ['common', 'room.*'],
  );
  kit.system.publish('common', 'x');
  ref.tell.leave('room.*');
  ref.tell.leave('room.*');
  assert.deepEqual(await settled(kit, ref.ask.all()), [19, 'x', true, false]);
  assert.equal(kit.system.publish('room.1', 1), 0);
  ref.kill();
  assert.equal(kit.system.publish('common', 1), 0);
  await kit.close();
});

test('S54: the same subscription again takes the place of the one before, which leaves nothing behind', async () => {
  const kit = manualSystem();
  let got = 0;
  const noted = implement(Log, {
    init: () => undefined,
    tell: { add: () => void got++, also: () => undefined },
    ask: { all: () => [] },
  });
  const ref = kit.system.spawn(noted, 'n');
  const subscribe = () => kit.system.subscribe('room', ref, { op: 'add' });
  const first = subscribe();
  kit.system.publish('room', 1);
  const second = subscribe();
  kit.system.publish('room', 2);
  await kit.clock.settle();
  assert.equal(got, 2);
  assert.equal(second.delivered, 2, 'it is the same one, for those who count');
  first.cancel();
  assert.equal(kit.system.publish('room', 3), 1, 'the one before is no more');
  second.cancel();
  assert.equal(kit.system.publish('room', 4), 0);
  await kit.close();
});

test('S54: an incarnation that is over subscribes to nothing', async () => {
  const kit = manualSystem();
  let stale: ScriptContext | undefined;
  const ref = kit.system.spawn(scripted(), 's', { supervision: AT_ONCE });
  ref.tell.run((context) => {
    stale = context;
    throw new Error('planted');
  });
  await kit.clock.elapse(1);
  const old = stale as ScriptContext;
  assert.throws(
    () => old.subscribe('a', 'run' as never),
    (error) => RuntimeError.is(error, 'ACTOR_STOPPED'),
  );
  assert.equal(old.unsubscribe('a'), false);
  assert.deepEqual(kit.system.info(ref).subscriptions, []);
  await kit.close();
});

test('S45: urgent messages that wait for room keep their lane, and do not wait for others', async () => {
  const Lanes = protocol('test:lanes@1.0.0', {
    tell: { wait: type<Promise<void>>(), slow: type<unknown>(), fast: type<unknown>() },
    ask: { all: { in: type<void>(), out: type<unknown[]>() } },
  });
  const note = (context: { readonly state: unknown[] }, item: unknown): void => {
    context.state.push(item);
  };
  const lanes = implement(Lanes, {
    init: (): unknown[] => [],
    urgent: ['fast'],
    tell: { wait: (_context, promise) => promise, slow: note, fast: note },
    ask: { all: ({ state }) => [...state] },
  });
  const kit = manualSystem();
  const ref = kit.system.spawn(lanes, 'l', {
    mailbox: { capacity: 1 },
    subscribe: [
      { topic: 'slow', op: 'slow', overflow: 'drop-oldest' },
      { topic: 'fast', op: 'fast', overflow: 'drop-oldest' },
    ],
  });
  await settled(kit, ref.ready);
  const held = gate();
  ref.tell.wait(held.promise);
  await kit.clock.settle();
  for (let i = 0; i < 4; i++) {
    kit.system.publish('slow', `slow ${i}`);
    kit.system.publish('fast', `fast ${i}`);
  }
  const put = ref.put.fast('fast put');
  held.resolve();
  await settled(kit, put);
  const all = (await settled(kit, ref.ask.all())) as string[];
  assert.deepEqual(
    all.filter((item) => /^fast \d/.test(item)),
    ['fast 0', 'fast 1', 'fast 2', 'fast 3'],
  );
  assert.ok(all.indexOf('fast 1') < all.indexOf('slow 1'), all.join());
  await kit.close();
});

test('S12: an actor in quarantine that is published to makes a dead letter', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(chatter, 'c', {
    supervision: { intensity: 0, quarantineMs: 60_000 },
    subscribe: { a: 'heard' },
  });
  ref.tell.fail();
  await kit.clock.elapse(1);
  kit.letters.length = 0;
  assert.equal(kit.system.publish('a', 1), 0);
  assert.deepEqual(
    kit.letters.map(({ reason, error }) => [reason, error?.code]),
    [['overflow', 'ACTOR_QUARANTINED']],
  );
  assert.equal(kit.system.info(ref).subscriptions[0]?.dropped, 1);
  await kit.close();
});

test('S45: what waits for a routee that ends goes to another routee of the router that subscribes', async () => {
  const kit = manualSystem();
  const held = gate();
  const Work = protocol('test:work@1.0.0', {
    tell: { wait: type<Promise<void>>(), note: type<unknown>() },
    ask: { all: { in: type<void>(), out: type<unknown[]>() } },
  });
  const work = implement(Work, {
    init: () => [] as unknown[],
    tell: {
      wait: (_context, promise) => promise,
      note: (context, item) => {
        context.state.push(item);
      },
    },
    ask: { all: ({ state }) => [...state] },
  });
  const refs = ['a', 'b'].map((name) => kit.system.spawn(work, name, { mailbox: { capacity: 1 } }));
  const ref = kit.system.spawn(router({ routees: refs }), 'router');
  await settled(kit, ref.ready);
  kit.system.subscribe('t', ref, { op: 'note', overflow: 'drop-oldest', capacity: 100 });
  for (const one of refs) one.tell.wait(held.promise);
  await kit.clock.settle();
  for (let i = 0; i < 6; i++) assert.equal(kit.system.publish('t', i), 1);
  refs[0]?.kill();
  held.resolve();
  await kit.clock.elapse(10);
  const lost = kit.letters.filter(({ topic }) => topic === 't').length;
  const all = (await settled(kit, refs[1]?.ask.all() as Promise<unknown[]>)) as unknown[];
  assert.equal(all.length + lost, 6);
  assert.ok(lost <= 1, `${lost} were lost: those in the mailbox of the one that was killed`);
  await kit.close();
});
