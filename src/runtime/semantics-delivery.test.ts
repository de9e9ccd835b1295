/** The promises of docs/explanation/semantics.md about delivery at least once: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSystem, outcomeOf } from '../../test/kit/actors.ts';
import { MemoryStore } from '../../test/kit/durable.ts';
import { implement, protocol, type } from '../actor/index.ts';
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
