/** The promises of docs/explanation/semantics.md about what is kept: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSystem, outcomeOf } from '../../test/kit/actors.ts';
import { MemoryStore } from '../../test/kit/durable.ts';
import { type Durable, implement, keptStates, protocol, type } from '../actor/index.ts';
import { router } from '../router/index.ts';

const AT_ONCE = { supervision: { backoffMinMs: 0 } } as const;

const Counter = protocol('test:counter@1.0.0', {
  tell: { add: type<number>(), put: type<unknown>(), fail: type<void>() },
  ask: { get: { in: type<void>(), out: type<unknown>() }, save: { in: type<void>(), out: type<string>() } },
});

interface State {
  n: unknown;
}

type Kit = ReturnType<typeof manualSystem>;

/** What a promise came to, when as much time has passed as it takes. */
async function settled({ clock }: Kit, promise: Promise<unknown>): Promise<unknown> {
  const outcome = outcomeOf(promise);
  await clock.elapse(1);
  return outcome;
}

type Kept = Partial<Durable<unknown, State, unknown>>;

function counter(durable: Kept = {}) {
  return implement<typeof Counter, State, unknown>(Counter, {
    init: () => ({ n: 0 }),
    durable: { version: 1, ...durable },
    tell: {
      add: ({ state }, by) => {
        state.n = (state.n as number) + by;
      },
      put: ({ state }, value) => {
        state.n = value;
      },
      fail: () => {
        throw new Error('planted');
      },
    },
    ask: {
      get: ({ state }) => state.n,
      save: async (context) => {
        await context.save();
        return 'saved';
      },
    },
  });
}

test('S60: a restarted actor goes on from its last snapshot, with its mailbox, also without a store', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(counter({ everyMessages: 2 }), 'c', AT_ONCE);
  for (const by of [1, 10, 100]) ref.tell.add(by);
  ref.tell.fail();
  ref.tell.add(1_000);
  assert.equal(
    await settled(kit, ref.ask.get()),
    1_011,
    'the third message is not in the snapshot, and the fifth was kept',
  );
  assert.equal(kit.system.info(ref).restarts, 1);
  await kit.close();
});

test('S60: what an incarnation does to its restored state is its own', async () => {
  const kit = manualSystem();
  const list = implement(
    protocol('test:list', {
      tell: { add: type<number>(), fail: type<void>() },
      ask: { get: { in: type<void>(), out: type<number>() } },
    }),
    {
      init: () => [] as number[],
      durable: { version: 1, everyMessages: 1_000 },
      tell: {
        async add(context, n) {
          context.state.push(n);
          if (n === 1) await context.save();
        },
        fail: () => {
          throw new Error('planted');
        },
      },
      ask: { get: ({ state }) => state.length },
    },
  );
  const ref = kit.system.spawn(list, undefined, AT_ONCE);
  for (let i = 0; i < 2; i++) {
    ref.tell.add(1 + i);
    ref.tell.add(5);
    ref.tell.fail();
    assert.equal(await settled(kit, ref.ask.get()), 1);
  }
  await kit.close();
});

test('S61: a snapshot is taken after so many messages, after some time, on demand, and at an end in order', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(counter({ everyMessages: 3, everyMs: 100 }), 'c');
  await settled(kit, ref.ready);
  assert.equal(store.writes, 0, 'a new state is not kept');
  for (let i = 0; i < 7; i++) ref.tell.add(1);
  await kit.clock.elapse(50);
  assert.equal(store.writes, 2, 'after the third and the sixth');
  await kit.clock.elapse(60);
  assert.equal(store.writes, 3, '100 ms after the seventh');
  await kit.clock.elapse(1_000);
  assert.equal(store.writes, 3, 'nothing has happened since');
  assert.equal(await settled(kit, ref.ask.save()), 'saved');
  assert.equal(store.writes, 4);
  ref.tell.add(1);
  await settled(kit, ref.stop());
  assert.equal(store.writes, 5);
  await kit.close();
});

test('S62: an actor of a name goes on from its last snapshot in the next system of the same store', async () => {
  const store = new MemoryStore();
  for (const total of [5, 10, 15]) {
    const kit = manualSystem(undefined, undefined, { store });
    const ref = kit.system.spawn(counter(), 'c');
    ref.tell.add(5);
    assert.equal(await settled(kit, ref.ask.get()), total);
    assert.equal(
      await settled(kit, kit.system.spawn(counter()).ask.get()),
      0,
      'without a name there is nothing to find',
    );
    assert.equal(await settled(kit, kit.system.spawn(counter(), 'other').ask.get()), 0);
    await kit.close();
  }
});

test('S62: the state of an earlier version is migrated step by step', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  const ref = first.system.spawn(counter(), 'c');
  ref.tell.add(7);
  await settled(first, ref.ask.save());
  await first.close();
  const durable: Kept = {
    version: 3,
    migrate: { 1: (kept: State) => [kept.n], 2: ([n]: number[]) => ({ total: n }) },
    snapshot: ({ n }) => ({ total: n }),
    restore: (_, kept) => ({ n: (kept as { total: number }).total }),
  };
  const second = manualSystem(undefined, undefined, { store });
  assert.equal(await settled(second, second.system.spawn(counter(durable), 'c').ask.get()), 7);
  await second.close();
});

test('S63: a state that is damaged or of an unknown version is a failed start by its name, and stays as it is', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  const ref = first.system.spawn(counter({ version: 2, migrate: { 1: (kept) => kept } }), 'c');
  ref.tell.add(7);
  await settled(first, ref.ready);
  await first.close();
  const kept = store.bucket('actors/state').get('c');
  const startOf = async (durable: Kept): Promise<unknown> => {
    const kit = manualSystem(undefined, undefined, { store });
    const actor = kit.system.spawn(counter(durable), 'c', { supervision: { restart: 'temporary' } });
    const failed = actor.ready.catch((reason) => reason);
    await kit.clock.elapse(1);
    const error = await failed;
    await kit.close();
    return [error.code, error.details.cause];
  };
  assert.deepEqual(await startOf({ version: 1 }), ['ACTOR_START_FAILED', 'STATE_VERSION_UNKNOWN']);
  assert.deepEqual(
    await startOf({ version: 3 }),
    ['ACTOR_START_FAILED', 'STATE_VERSION_UNKNOWN'],
    'no migration from 2',
  );
  assert.equal(store.bucket('actors/state').get('c'), kept);
  store.damage('actors/state', 'c');
  assert.deepEqual(await startOf({ version: 2 }), ['ACTOR_START_FAILED', 'STATE_CORRUPT']);
  store.isBroken = true;
  assert.deepEqual(await startOf({ version: 2 }), ['ACTOR_START_FAILED', 'STORE_UNUSABLE']);
});

test('S64: a state that cannot be kept is reported; the last one stays, and the actor goes on', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(counter({ everyMessages: 1, maxBytes: 1_000 }), 'c', AT_ONCE);
  ref.tell.add(1);
  for (const value of ['x'.repeat(2_000), () => 0]) {
    ref.tell.put(value);
    assert.equal(await settled(kit, ref.ask.get()), value, 'it goes on');
  }
  assert.ok(kit.failures.length >= 2);
  assert.ok(kit.failures.every(({ phase, error }) => phase === 'snapshot' && error.code === 'STATE_INVALID'));
  assert.equal(await settled(kit, ref.ask.save()), 'ACTOR_FAILED', 'what it awaited has failed');
  assert.equal(await settled(kit, ref.ask.get()), 1);
  await kit.close();
});

test('S64: a state that could not be written is written later; a hook that throws is a failure of the actor', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(counter({ everyMessages: 1 }), 'c', AT_ONCE);
  await settled(kit, ref.ready);
  store.isBroken = true;
  ref.tell.add(1);
  await kit.clock.elapse(500);
  assert.deepEqual(
    kit.failures.map(({ phase, error }) => [phase, error.code]),
    [['snapshot', 'STORE_UNUSABLE']],
  );
  store.isBroken = false;
  await kit.clock.elapse(1_000);
  assert.equal(store.writes, 1);
  const snapshot = () => {
    throw new Error('planted');
  };
  const bad = kit.system.spawn(counter({ everyMessages: 2, snapshot }), 'bad', AT_ONCE);
  bad.tell.add(1);
  bad.tell.add(2);
  bad.tell.add(4);
  assert.equal(await settled(kit, bad.ask.get()), 4, 'it began anew');
  assert.equal(kit.failures.at(-1)?.error.code, 'ACTOR_FAILED');
  await kit.close();
});

test('S26: implement refuses a durable state that is declared wrongly', () => {
  for (const durable of [{ version: 0 }, { everyMessages: 0 }, { maxBytes: 1e9 }, { everyMs: 0.5 }]) {
    assert.throws(() => counter(durable), RangeError);
  }
  for (const durable of [{ migrate: { 1: (kept: unknown) => kept } }, { snapshot: 1 as never }]) {
    assert.throws(() => counter(durable), { code: 'PROTOCOL_INVALID' });
  }
});

test('S74: what is kept of actors can be listed, looked into, and forgotten while no actor of the name lives', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const { states } = kit.system;
  assert.ok(states !== undefined);
  const ref = kit.system.spawn(counter(), 'c');
  ref.tell.add(7);
  await settled(kit, ref.ask.save());
  const found = await states.find('c');
  assert.deepEqual([found?.name, found?.content], ['c', { type: 'test:counter', version: 1, state: { n: 7 } }]);
  assert.equal(await states.find('d'), undefined);
  assert.equal(await outcomeOf(states.remove('c')), 'STATE_IN_USE');
  await settled(kit, ref.stop());
  assert.deepEqual(await states.list(), { names: ['c'] });
  store.damage('actors/state', 'c');
  assert.deepEqual(
    [await states.find('c')].map((kept) => kept?.content),
    [undefined],
  );
  assert.equal(await states.remove('c'), true);
  assert.equal(await states.remove('c'), false);
  assert.deepEqual(await keptStates(store).list(), { names: [] });
  assert.equal(await settled(kit, kit.system.spawn(counter(), 'c').ask.get()), 0, 'it begins anew');
  await kit.close();
  assert.equal(manualSystem().system.states, undefined, 'nothing is kept without a store');
});

test('S62: what a killed actor had not written yet is not written after it, under the next of the name', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const first = kit.system.spawn(counter({ everyMessages: 1 }), 'c');
  await settled(kit, first.ready);
  const disk = Promise.withResolvers<void>();
  store.gate = disk.promise;
  first.tell.add(1);
  await kit.clock.elapse(1);
  first.tell.add(10);
  await kit.clock.elapse(1);
  first.kill();
  const second = kit.system.spawn(counter({ everyMessages: 1 }), 'c');
  store.gate = undefined;
  disk.resolve();
  await kit.clock.elapse(10);
  second.tell.add(100);
  await kit.clock.elapse(10);
  const kept = await kit.system.states?.find('c');
  assert.deepEqual(kept?.content?.state, { n: await settled(kit, second.ask.get()) });
  await kit.close();
});

test('S65: messages whose state a killed actor could not write are delivered to the next of the name', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const first = kit.system.spawn(counter({ everyMessages: 1 }), 'c');
  await settled(kit, first.ready);
  for (const by of [1, 10]) await settled(kit, first.deliver.add(by));
  assert.equal(await settled(kit, first.ask.get()), 11);
  const disk = Promise.withResolvers<void>();
  store.gate = disk.promise;
  const sent = first.deliver.add(100);
  store.gate = undefined;
  disk.resolve();
  await settled(kit, sent);
  store.isBroken = true;
  first.tell.add(1_000);
  await kit.clock.elapse(10);
  first.kill();
  store.isBroken = false;
  const second = kit.system.spawn(counter({ everyMessages: 1 }), 'c');
  await kit.clock.elapse(2_000);
  assert.equal(await settled(kit, second.ask.get()), 111);
  assert.equal(store.bucket('actors/outbox').size, 0);
  await kit.close();
});

test('S63: a migration that throws, or that would have to be waited for, is a failed start; what was kept stays', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  const ref = first.system.spawn(counter(), 'c');
  ref.tell.add(7);
  await settled(first, ref.ready);
  await first.close();
  const kept = store.bucket('actors/state').get('c');
  const planted = () => {
    throw new Error('planted');
  };
  for (const migration of [planted, async (saved: unknown) => saved]) {
    const kit = manualSystem(undefined, undefined, { store });
    const options = { supervision: { restart: 'temporary' } } as const;
    const actor = kit.system.spawn(counter({ version: 2, migrate: { 1: migration } }), 'c', options);
    assert.equal(await settled(kit, actor.ready), 'ACTOR_START_FAILED');
    await kit.close();
    assert.equal(store.bucket('actors/state').get('c'), kept);
  }
});

test('S64: what is kept comes back as it was, or is not kept', async () => {
  class Account {
    readonly balance = 1;
  }
  const circle: Record<string, unknown> = { big: 10n, map: new Map([['a', new Date(5)]]), bytes: new Uint8Array([1]) };
  circle.self = circle;
  const snapshots: [() => unknown, 'saved' | 'ACTOR_FAILED'][] = [
    [() => circle, 'saved'],
    [() => new Map([[{ a: 1 }, new Set([1])]]), 'saved'],
    [() => undefined, 'saved'],
    [() => Promise.resolve('awaited'), 'saved'],
    [() => new Account(), 'ACTOR_FAILED'],
    [() => Symbol('planted'), 'ACTOR_FAILED'],
    [() => ({ run: () => 0 }), 'ACTOR_FAILED'],
    [() => new WeakMap(), 'ACTOR_FAILED'],
    [() => Promise.reject(new Error('planted')), 'ACTOR_FAILED'],
    [() => 'x'.repeat(2 ** 21), 'ACTOR_FAILED'],
  ];
  for (const [make, expected] of snapshots) {
    const store = new MemoryStore();
    const kit = manualSystem(undefined, undefined, { store });
    const options = { supervision: { restart: 'temporary' } } as const;
    const ref = kit.system.spawn(counter({ everyMessages: 1_000, snapshot: make }), 'c', options);
    assert.equal(await settled(kit, ref.ask.save()), expected);
    const found = await kit.system.states?.find('c');
    if (expected === 'saved') assert.deepEqual(found?.content?.state, await make());
    else assert.equal(found, undefined);
    await kit.close();
  }
});

test('S65: of a router, messages are acknowledged with what its routee keeps, also of one without a name', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const type = counter();
  const routees = [kit.system.spawn(type), kit.system.spawn(type, 'named')];
  const ref = kit.system.spawn(router({ strategy: 'round-robin', routees }), 'router');
  await settled(kit, ref.ready);
  for (let i = 0; i < 4; i++) await settled(kit, ref.deliver.add(1, { id: `${i}` }));
  await kit.clock.elapse(2_000);
  assert.equal(store.bucket('actors/outbox').size, 0);
  assert.deepEqual(await Promise.all(routees.map((routee) => settled(kit, routee.ask.get()))), [2, 2]);
  routees[0]?.kill();
  await settled(kit, ref.deliver.add(1, { id: '3' }));
  await settled(kit, ref.deliver.add(1, { id: '4' }));
  await kit.clock.elapse(2_000);
  assert.equal(await settled(kit, routees[1]?.ask.get() as Promise<unknown>), 3);
  await kit.close();
});

test('S65: a message that a routee fails at, or does not come to, is delivered to another', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const seen: string[] = [];
  const Job = protocol('test:job@1.0.0', { tell: { do: type<string>() } });
  const worker = implement(Job, {
    init: () => 0,
    tell: {
      do: (context, job) => {
        seen.push(context.self.name);
        if (context.self.name === 'bad') throw new Error(`planted at ${job}`);
      },
    },
  });
  const options = { supervision: { restart: 'temporary' } } as const;
  const routees = ['bad', 'good'].map((name) => kit.system.spawn(worker, name, options));
  const ref = kit.system.spawn(router({ strategy: 'round-robin', routees }), 'router');
  await settled(kit, ref.ready);
  await settled(kit, ref.deliver.do('a'));
  await settled(kit, ref.deliver.do('b'));
  await kit.clock.elapse(1_000);
  assert.deepEqual(seen.toSorted(), ['bad', 'good', 'good']);
  assert.equal(store.bucket('actors/outbox').size, 0);
  await kit.close();
});

test('S65: a message that was handed on is delivered until the other has handled it', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const to = kit.system.spawn(counter(), 'to', { mailbox: { capacity: 1 } });
  const Desk = protocol('test:desk@1.0.0', { tell: { add: type<number>() } });
  const desk = implement(Desk, { init: () => 0, tell: { add: (context, by) => context.forward(to, 'add', by) } });
  const ref = kit.system.spawn(desk, 'desk');
  await settled(kit, to.ready);
  for (let i = 0; i < 5; i++) await settled(kit, ref.deliver.add(1));
  const sent = [10, 20, 30].map((by) => ref.deliver.add(by));
  await settled(kit, Promise.all(sent));
  await kit.clock.elapse(1_000);
  assert.equal(await settled(kit, to.ask.get()), 65);
  assert.equal(kit.letters.length, 0);
  assert.equal(store.bucket('actors/outbox').size, 0);
  await kit.close();
});

test('S62: a store is of one system at a time', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  assert.throws(() => manualSystem(undefined, undefined, { store }), { code: 'STORE_LOCKED' });
  await first.close();
  await manualSystem(undefined, undefined, { store }).close();
});
