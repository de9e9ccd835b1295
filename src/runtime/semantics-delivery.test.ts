/** The promises of docs/explanation/semantics.md about delivery at least once: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf } from '../../test/kit/actors.ts';
import { MemoryStore } from '../../test/kit/durable.ts';
import { implement, type KeptMessages, type KeptQueue, keptMessages, protocol, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';

type Kit = ReturnType<typeof manualSystem>;

async function settled({ clock }: Kit, promise: Promise<unknown>): Promise<unknown> {
  const outcome = outcomeOf(promise);
  await clock.elapse(1);
  return outcome;
}

const Log = protocol('test:log@1.0.0', {
  tell: { add: type<unknown>() },
  ask: { all: { in: type<void>(), out: type<unknown[]>() } },
});
const OPTIONS = { supervision: { backoffMinMs: 0, intensity: 1_000 } } as const;

/** An actor that notes what it gets; `bad` says how often it fails at a message first. */
function log({ bad = {}, isDurable = false }: { bad?: Record<string, number>; isDurable?: boolean } = {}) {
  return implement(Log, {
    init: () => [] as unknown[],
    ...(isDurable && { durable: { version: 1, everyMessages: 1_000, everyMs: 60_000 } }),
    tell: {
      add: (context, item) => {
        const left = bad[String(item)] ?? 0;
        bad[String(item)] = left - 1;
        if (left > 0) throw new Error('planted');
        if (item === 'refused') context.refuse(new RuntimeError('MESSAGE_INVALID', 'planted'));
        context.state.push(item);
      },
    },
    ask: { all: ({ state }) => state },
  });
}

test('S65: what was delivered is handled once in order, and then kept no more', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log(), 'log');
  for (const item of [1, 2, 3]) assert.equal(await settled(kit, ref.deliver.add(item)), undefined);
  assert.deepEqual(await settled(kit, ref.ask.all()), [1, 2, 3]);
  assert.equal(store.bucket('actors/outbox').size, 0);
  await kit.close();
});

test('S65: what nobody handled before the end of the process is delivered by the next', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  const gone = first.system.spawn(log(), 'log');
  await settled(first, gone.stop());
  for (const item of [1, 2]) await settled(first, gone.deliver.add(item));
  assert.equal(store.bucket('actors/outbox').size, 2);
  await first.close();
  const second = manualSystem(undefined, undefined, { store });
  await settled(second, second.system.openOutbox());
  const ref = second.system.spawn(log(), 'log');
  await second.clock.elapse(10);
  assert.deepEqual(await settled(second, ref.ask.all()), [1, 2]);
  assert.equal(store.bucket('actors/outbox').size, 0);
  await second.close();
});

test('S65: a durable actor acknowledges with its state, in one write; what its failure undid is delivered again', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log({ isDurable: true, bad: { c: 1 } }), 'log', OPTIONS);
  await settled(kit, ref.ready);
  const before = store.writes;
  for (const item of ['a', 'b', 'c', 'd']) void ref.deliver.add(item);
  await kit.clock.elapse(1_000);
  assert.deepEqual(((await settled(kit, ref.ask.all())) as unknown[]).sort(), ['a', 'b', 'c', 'd']);
  assert.equal(store.bucket('actors/outbox').size, 0);
  assert.ok(
    store.writes - before <= 4 + 1 + 2,
    'four accepted, one counted, and two snapshots with what they acknowledge',
  );
  assert.equal(kit.letters.length, 0, 'it was not lost');
  await kit.close();
});

test('S66: a message is delivered ten times at most, with growing waits, and is then a dead letter', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const bad = { poison: 1_000 };
  const ref = kit.system.spawn(log({ bad }), 'log', OPTIONS);
  await settled(kit, ref.deliver.add('poison'));
  await settled(kit, ref.deliver.add('after'));
  assert.deepEqual(await settled(kit, ref.ask.all()), ['after'], 'it holds nobody up');
  await kit.clock.elapse(200_000);
  assert.equal(1_000 - bad.poison, 10);
  assert.deepEqual(
    kit.letters.map(({ error, payload }) => [error?.code, payload]),
    [['MESSAGE_UNDELIVERABLE', 'poison']],
  );
  assert.equal(store.bucket('actors/outbox').size, 0);
  await settled(kit, ref.deliver.add('refused'));
  await kit.clock.elapse(10);
  assert.equal(kit.letters.at(-1)?.reason, 'refused', 'a refusal is an answer');
  assert.equal(store.bucket('actors/outbox').size, 0);
  await kit.close();
});

test('S67: a message of an id is taken once, while it is kept and within the window after that', async () => {
  const store = new MemoryStore();
  const run = async (items: readonly string[]): Promise<unknown[]> => {
    const kit = manualSystem(undefined, undefined, { store });
    const ref = kit.system.spawn(log(), 'log');
    const sent = Promise.all(items.map((id) => ref.deliver.add(id, { id })));
    assert.ok(Array.isArray(await settled(kit, sent)));
    await kit.clock.elapse(1_000);
    const all = (await settled(kit, ref.ask.all())) as unknown[];
    await kit.close();
    return all;
  };
  assert.deepEqual(await run(['a', 'b', 'a']), ['a', 'b']);
  assert.deepEqual(await run(['a', 'c']), ['c'], 'also by the next process');
  const many = Array.from({ length: 1_023 }, (_, i) => `m${i}`);
  assert.equal((await run(many)).length, 1_023);
  assert.equal(store.bucket('actors/handled').size, 1_024);
  assert.deepEqual(await run(['c', 'a']), ['a'], 'beyond the window it is another message');
});

test('S65: what cannot be kept is refused by name, and damage is one error', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log(), 'log');
  assert.equal(
    await settled(
      kit,
      ref.deliver.add(() => 0),
    ),
    'MESSAGE_UNSERIALIZABLE',
  );
  assert.equal(await settled(kit, ref.deliver.add('x'.repeat(2 ** 21))), 'MESSAGE_UNSERIALIZABLE');
  assert.equal(await settled(kit, kit.system.spawn(log()).deliver.add(1)), 'DELIVERY_UNAVAILABLE');
  assert.ok((await settled(kit, ref.deliver.add(1, { id: 'a/b' }))) instanceof RangeError);
  store.isBroken = true;
  assert.equal(await settled(kit, ref.deliver.add(1)), 'STORE_UNUSABLE');
  store.isBroken = false;
  await settled(kit, ref.stop());
  await settled(kit, ref.deliver.add(1, { id: 'one' }));
  await kit.close();
  store.damage('actors/outbox', 'log/one');
  const next = manualSystem(undefined, undefined, { store });
  assert.equal(await settled(next, next.system.openOutbox()), 'OUTBOX_CORRUPT');
  assert.equal(await settled(next, next.system.spawn(log(), 'log').deliver.add(1)), 'OUTBOX_CORRUPT');
  await next.close();
  const plain = manualSystem();
  assert.equal(await settled(plain, plain.system.spawn(log(), 'log').deliver.add(1)), 'DELIVERY_UNAVAILABLE');
  await plain.close();
});

test('S65: as many messages are kept as fit, and no more', async () => {
  const kit = manualSystem(undefined, undefined, { store: new MemoryStore() });
  const ref = kit.system.spawn(log(), 'log');
  await settled(kit, ref.stop());
  const large = 'x'.repeat(1_000_000);
  for (let i = 0; i < 67; i++) await settled(kit, ref.deliver.add(large));
  assert.equal(await settled(kit, ref.deliver.add(large)), 'OUTBOX_FULL');
  await kit.close();
});

test('S65: what is kept waits for room in order, whatever the overflow policy does with others, and asks for it once', async () => {
  for (const overflow of ['reject', 'wait', 'drop-oldest', 'drop-newest'] as const) {
    const store = new MemoryStore();
    const kit = manualSystem(undefined, undefined, { store });
    const busy = gate();
    const slow = implement(Log, {
      init: () => [] as unknown[],
      tell: {
        add: async ({ state }, item) => {
          if (item === 0) await busy.promise;
          state.push(item);
        },
      },
      ask: { all: ({ state }) => state },
    });
    const ref = kit.system.spawn(slow, 'log', { mailbox: { capacity: 2, overflow } });
    const items = [0, 1, 2, 3, 4, 5];
    for (const item of items) await settled(kit, ref.deliver.add(item));
    await kit.clock.elapse(100);
    assert.ok(kit.system.pendingTimers <= 1, `${kit.system.pendingTimers} timers wait for room`);
    busy.resolve();
    await kit.clock.elapse(1_000);
    assert.deepEqual(await settled(kit, ref.ask.all()), items, overflow);
    assert.equal(store.bucket('actors/outbox').size, 0);
    assert.equal(kit.letters.length, 0);
    await kit.close();
  }
});

test('S65: what a mailbox could never hold is refused, and by the next process a dead letter that holds nobody up', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  const small = { mailbox: { capacityBytes: 100 } };
  const refused = first.system.spawn(log(), 'log', small);
  assert.equal(await settled(first, refused.deliver.add('x'.repeat(200))), 'MAILBOX_FULL');
  await settled(first, refused.stop());
  const roomy = first.system.spawn(log(), 'log');
  await settled(first, roomy.stop());
  await settled(first, roomy.deliver.add('x'.repeat(200)));
  await settled(first, roomy.deliver.add('after'));
  await first.close();
  const next = manualSystem(undefined, undefined, { store });
  await settled(next, next.system.openOutbox());
  const ref = next.system.spawn(log(), 'log', small);
  await next.clock.elapse(100);
  assert.deepEqual(await settled(next, ref.ask.all()), ['after']);
  assert.deepEqual(
    next.letters.map(({ error }) => error?.code),
    ['MESSAGE_UNDELIVERABLE'],
  );
  assert.equal(store.bucket('actors/outbox').size, 0);
  await next.close();
});

test('S66: a message that ends the process each time is a dead letter after as many deliveries, and no other with it', async () => {
  const store = new MemoryStore();
  const never = gate();
  /** Hangs at the poison, as a process does that is about to run out of memory; nothing after it is heard of. */
  const hanging = implement(Log, {
    init: () => [] as unknown[],
    tell: {
      add: async ({ state }, item) => {
        if (item === 'poison') await never.promise;
        state.push(item);
      },
    },
    ask: { all: ({ state }) => state },
  });
  const handled: unknown[] = [];
  const letters: unknown[] = [];
  for (let process = 0; process < 14; process++) {
    // Each is dropped as it is: what it writes after that is lost.
    const view = Object.assign(new MemoryStore(), { buckets: store.buckets });
    const kit = manualSystem(undefined, undefined, { store: view });
    const ref = kit.system.spawn(hanging, 'log');
    if (process === 0) for (const item of ['poison', 'a', 'b']) await settled(kit, ref.deliver.add(item));
    await settled(kit, kit.system.openOutbox());
    await kit.clock.elapse(2_000);
    view.isBroken = true;
    letters.push(...kit.letters.map(({ payload }) => payload));
    if (!kit.system.info(ref).busy) handled.push(...((await settled(kit, ref.ask.all())) as unknown[]));
    await kit.close();
  }
  assert.deepEqual(letters, ['poison']);
  assert.deepEqual(handled, ['a', 'b']);
  assert.equal(store.bucket('actors/outbox').size, 0);
});

test('S66: an end in order of the process counts for no message', async () => {
  const store = new MemoryStore();
  for (let process = 0; process < 15; process++) {
    const kit = manualSystem(undefined, undefined, { store });
    const never = gate();
    const stuck = implement(Log, {
      init: () => [] as unknown[],
      tell: { add: () => never.promise },
      ask: { all: ({ state }) => state },
    });
    const ref = kit.system.spawn(stuck, 'log');
    if (process === 0) for (const item of [1, 2]) await settled(kit, ref.deliver.add(item));
    await settled(kit, kit.system.openOutbox());
    await kit.close();
    assert.equal(kit.letters.length, 0);
  }
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log(), 'log');
  await settled(kit, kit.system.openOutbox());
  await kit.clock.elapse(10);
  assert.deepEqual(await settled(kit, ref.ask.all()), [1, 2]);
  await kit.close();
});

test('S67: an id is an id, whatever it looks like', async () => {
  const store = new MemoryStore();
  const id = '01234567-89ab-cdef-0123-456789abcdef:7';
  for (const expected of [['first'], []]) {
    const kit = manualSystem(undefined, undefined, { store });
    const ref = kit.system.spawn(log(), 'log');
    await settled(kit, ref.stop());
    if (expected.length > 0) await settled(kit, ref.deliver.add('first', { id }));
    await kit.close();
    const next = manualSystem(undefined, undefined, { store });
    await settled(next, next.system.openOutbox());
    const again = next.system.spawn(log(), 'log');
    await next.clock.elapse(10);
    await settled(next, again.deliver.add('second', { id }));
    await next.clock.elapse(10);
    assert.deepEqual(await settled(next, again.ask.all()), expected);
    await next.close();
  }
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log(), 'log');
  assert.ok((await settled(kit, ref.deliver.add(1, { id: 5 as never }))) instanceof RangeError);
  await kit.close();
});

test('S65: a kept message of a batch is delivered again when the actor is killed in it', async () => {
  const kit = manualSystem(undefined, undefined, { store: new MemoryStore() });
  const never = gate();
  const batches = implement(Log, {
    init: () => [] as unknown[],
    tell: { add: { batch: () => never.promise } },
    ask: { all: ({ state }) => state },
  });
  const ref = kit.system.spawn(batches, 'log');
  await settled(kit, ref.deliver.add(1));
  ref.kill();
  const next = kit.system.spawn(log(), 'log');
  await kit.clock.elapse(100);
  assert.deepEqual(await settled(kit, next.ask.all()), [1]);
  await kit.close();
});

test('S65: a store that fails is not asked again by a system that has stopped', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log(), 'log');
  await settled(kit, ref.ready);
  await settled(kit, ref.deliver.add(0));
  const held = gate();
  store.gate = held.promise;
  const sent = outcomeOf(ref.deliver.add(1));
  held.resolve();
  assert.equal(await sent, undefined);
  const ack = gate();
  store.gate = ack.promise;
  await kit.clock.elapse(10);
  await kit.close();
  store.isBroken = true;
  ack.resolve();
  await kit.clock.elapse(10_000);
  assert.equal(kit.clock.pendingTimers, 0);
});

test('S65: what is forwarded is acknowledged with the state of the actor that handled it', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log({ isDurable: true }), 'log');
  const Front = protocol('test:front@1.0.0', { tell: { add: type<unknown>() } });
  const front = implement(Front, {
    init: () => undefined,
    tell: { add: (context, item) => context.forward(ref, 'add', item) },
  });
  await settled(kit, kit.system.spawn(front, 'front').deliver.add(1));
  await kit.clock.elapse(100);
  assert.equal(store.bucket('actors/outbox').size, 0);
  assert.equal(store.bucket('actors/state').has('log'), true, 'in one write');
  ref.kill();
  assert.deepEqual(await settled(kit, kit.system.spawn(log({ isDurable: true }), 'log').ask.all()), [1]);
  await kit.close();
});

test('S75: messages that are kept show by receiver, and those of a name that never returns can be removed, each a dead letter once', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  const gone = first.system.spawn(log(), 'log/a');
  await settled(first, gone.stop());
  for (const item of [1, 2]) await settled(first, gone.deliver.add(item, { id: `id-${item}` }));
  await settled(first, gone.deliver.add(2, { id: 'id-2' }));
  await first.close();
  const kit = manualSystem(undefined, undefined, { store });
  const { outbox } = kit.system;
  assert.ok(outbox !== undefined);
  const [queue] = (await settled(kit, outbox.list())) as KeptQueue[];
  const bytes = queue?.bytes ?? 0;
  assert.ok(bytes > 0 && (queue?.oldestMs ?? -1) >= 0);
  const empty = { oldestMs: 0, attempts: 0, underWay: 0, damaged: 0 };
  assert.deepEqual({ ...queue, oldestMs: 0 }, { name: 'log/a', messages: 2, bytes, ...empty });
  assert.equal(await settled(kit, outbox.remove('log')), 0, 'not of another name');
  const both = [outbox.remove('log/a'), outbox.remove('log/a')];
  assert.deepEqual(await settled(kit, Promise.all(both)), [2, 0]);
  assert.deepEqual(
    kit.letters.map(({ reason, name, to, op, payload }) => [reason, name, to, op, payload]),
    [1, 2].map((item) => ['removed', 'log/a', undefined, 'add', item]),
  );
  assert.equal(kit.system.deadLetters.counts.removed, 2);
  assert.deepEqual(await settled(kit, outbox.list()), []);
  assert.equal(store.bucket('actors/outbox').size, 0);
  const ref = kit.system.spawn(log(), 'log/a');
  await settled(kit, ref.deliver.add(3, { id: 'id-1' }));
  assert.deepEqual(await settled(kit, ref.ask.all()), [3], 'the id of what was never handled is free');
  await kit.close();
  assert.equal(manualSystem().system.outbox, undefined);
});

test('S75: what is under way when messages are removed stays; what waits for its next delivery does not come again', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const { promise: hold, resolve: open } = gate();
  const Slow = protocol('test:slow@1.0.0', { tell: { add: type<string>() } });
  const seen: string[] = [];
  const slow = implement(Slow, {
    init: () => undefined,
    tell: {
      add: async (_, item) => {
        seen.push(item);
        if (item === 'bad') throw new Error('planted');
        await hold;
      },
    },
  });
  const ref = kit.system.spawn(slow, 'slow', { ...OPTIONS, mailbox: { capacity: 1 } });
  for (const item of ['bad', 'a', 'b', 'c']) await settled(kit, ref.deliver.add(item));
  const [queue] = (await settled(kit, (kit.system.outbox as KeptMessages).list())) as KeptQueue[];
  assert.deepEqual([queue?.messages, queue?.underWay, queue?.attempts], [4, 2, 1]);
  assert.equal(await settled(kit, kit.system.outbox?.remove('slow') as Promise<unknown>), 2);
  open();
  await kit.clock.elapse(60_000);
  assert.deepEqual(seen, ['bad', 'a', 'b']);
  assert.deepEqual(
    kit.letters.filter(({ reason }) => reason === 'removed').map(({ payload }) => payload),
    ['bad', 'c'],
  );
  assert.equal(store.bucket('actors/outbox').size, 0);
  await kit.close();
});

test('S75: messages that could not be removed are delivered as before, and are no dead letters', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const ref = kit.system.spawn(log({ bad: { 1: 1 } }), 'log', OPTIONS);
  await settled(kit, ref.deliver.add(1));
  store.isBroken = true;
  const { outbox } = kit.system;
  assert.ok(RuntimeError.is(await outbox?.remove('log').catch((error: unknown) => error)));
  store.isBroken = false;
  await kit.clock.elapse(5_000);
  assert.deepEqual(await settled(kit, ref.ask.all()), [1]);
  assert.equal(kit.system.deadLetters.counts.removed, 0);
  await kit.close();
});

test('S75: of a store that no system uses messages are listed and removed too, also damaged ones', async () => {
  const store = new MemoryStore();
  const kit = manualSystem(undefined, undefined, { store });
  const gone = kit.system.spawn(log(), 'log');
  await settled(kit, gone.stop());
  for (const item of [1, 2]) await settled(kit, gone.deliver.add(item));
  assert.equal(await outcomeOf(keptMessages(store).remove('log')), 'STORE_LOCKED');
  await kit.close();
  store.damage('actors/outbox', [...store.bucket('actors/outbox').keys()][0] as string);
  const kept = keptMessages(store);
  const [queue] = await kept.list();
  assert.deepEqual([queue?.name, queue?.messages, queue?.damaged], ['log', 2, 1]);
  assert.equal(await kept.remove('log'), 2);
  assert.deepEqual(await kept.list(), []);
});

test('S65, S75: a system that has stopped changes nothing in a store that may be of another by now', async () => {
  const store = new MemoryStore();
  const first = manualSystem(undefined, undefined, { store });
  const old = first.system.spawn(log(), 'log');
  await settled(first, old.deliver.add(1));
  await first.close();
  const kit = manualSystem(undefined, undefined, { store });
  assert.equal(await outcomeOf(old.deliver.add(2)), 'SYSTEM_STOPPED');
  assert.equal(await outcomeOf(first.system.outbox?.remove('log') as Promise<unknown>), 'SYSTEM_STOPPED');
  const ref = kit.system.spawn(log(), 'log');
  await settled(kit, ref.deliver.add(3));
  assert.deepEqual(await settled(kit, ref.ask.all()), [3]);
  assert.equal(store.bucket('actors/outbox').size, 0, 'nothing is left that nobody knows of');
  await kit.close();
});
