/** The promises of docs/explanation/semantics.md about routers and pools over time: events, leases, deliveries, drains. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf, type ScriptContext, scripted } from '../../test/kit/actors.ts';
import { MemoryStore } from '../../test/kit/durable.ts';
import { type ActorSystemOptions, implement, protocol, supervisor, type } from '../actor/index.ts';
import { acquire, type Lease, type PoolOptions, pool, router } from '../router/index.ts';

const Work = protocol('test:work@1.0.0', {
  tell: { note: type<unknown>(), wait: type<Promise<void>>(), fail: type<void>() },
  ask: { who: { in: type<unknown>(), out: type<string>() }, notes: { in: type<void>(), out: type<unknown[]>() } },
  event: { noted: type<string>() },
});

function worker({ isDurable = false, stop }: { isDurable?: boolean; stop?: () => Promise<void> } = {}) {
  return implement(Work, {
    init: (): unknown[] => [],
    ...(isDurable && { durable: { version: 1, everyMessages: 1_000, everyMs: 60_000 } }),
    tell: {
      note: (context, note) => {
        context.state.push(note);
        context.emit.noted(`${context.self.name}:${note}`);
      },
      wait: (_context, promise) => promise,
      fail: () => {
        throw new Error('planted');
      },
    },
    ask: { who: (context) => context.self.name, notes: (context) => [...context.state] },
    stop: () => stop?.(),
  });
}

const AT_ONCE = { backoffMinMs: 0, intensity: 1_000 } as const;

function pooled(options: PoolOptions, system: ActorSystemOptions = {}, type = worker()) {
  const world = manualSystem(undefined, undefined, system);
  const ref = world.system.spawn(pool(type, { supervision: AT_ONCE, ...options }), 'pool');
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => {});
    await world.clock.elapse(1);
    return promise;
  };
  return { ...world, ref, settled };
}

test('S55: events of all routees are heard at their router, of those that come later and start again too', async () => {
  const { clock, system, ref, settled, close } = pooled({ min: 2, max: 3, growAt: 1, idleMs: 1_000 });
  const heard = ref.on.noted();
  const second = ref.on.noted();
  await settled(ref.ready);
  for (const name of ['1', '2']) system.lookup(`pool/${name}`, Work)?.tell.note('a');
  await clock.settle();
  system.lookup('pool/1', Work)?.kill();
  await clock.settle();
  system.lookup('pool/1', Work)?.tell.note('b');
  const held = gate();
  for (let i = 0; i < 4; i++) {
    ref.tell.wait(held.promise);
    await clock.settle();
  }
  system.lookup('pool/3', Work)?.tell.note('c');
  held.resolve();
  await clock.elapse(1);
  await second.return();
  const seen: unknown[] = [];
  for (let i = 0; i < 4; i++) seen.push((await heard.next()).value);
  assert.deepEqual(seen.sort(), ['pool/1:a', 'pool/1:b', 'pool/2:a', 'pool/3:c']);
  await heard.return();
  ref.tell.note('nobody listens');
  await clock.settle();
  const again = ref.on.noted();
  const next = again.next();
  for (let i = 0; i < 2; i++) ref.tell.note('again');
  await clock.settle();
  assert.match(String((await next).value), /again$/);
  await close();
  assert.equal((await again.next()).done, false);
  assert.equal((await again.next()).done, true, 'it ends with the pool');
});

test('S55: events pass through routers of routers, and leave nothing at routees that live on', async () => {
  const { clock, system, close } = manualSystem();
  const plain = worker();
  const refs = ['a', 'b'].map((name) => system.spawn(plain, name));
  const inner = system.spawn(router({ routees: refs }), 'inner');
  const outer = system.spawn(router({ routees: [inner] }), 'outer');
  await clock.settle();
  const heard = outer.on.noted();
  for (let i = 0; i < 2; i++) outer.tell.note(i);
  await clock.settle();
  assert.deepEqual([(await heard.next()).value, (await heard.next()).value], ['a:0', 'b:1']);
  void outer.stop();
  await clock.elapse(1);
  inner.tell.note('late');
  await clock.settle();
  assert.equal((await heard.next()).done, true);
  await close();
});

test('S56: what is delivered to a pool is kept for the pool, and is acknowledged with the state of the routee that had it', async () => {
  const store = new MemoryStore();
  const { clock, system, ref, settled, close } = pooled({ size: 1 }, { store }, worker({ isDurable: true }));
  await settled(ref.deliver.note('early'));
  await settled(ref.ready);
  for (const note of ['a', 'b']) await settled(ref.deliver.note(note));
  await clock.elapse(100);
  const routee = system.lookup('pool/1', Work);
  assert.deepEqual(await settled(routee?.ask.notes() as Promise<unknown[]>), ['early', 'a', 'b']);
  assert.equal(store.bucket('actors/outbox').size, 0);
  routee?.kill();
  await clock.elapse(100);
  assert.deepEqual(
    await settled(system.lookup('pool/1', Work)?.ask.notes() as Promise<unknown[]>),
    ['early', 'a', 'b'],
    'each was acknowledged with the state that knows of it',
  );
  await close();
});

test('S56: nothing is delivered at least once to all routees, started or not', async () => {
  const store = new MemoryStore();
  const { system, ref, settled, close } = pooled({ size: 2, strategy: 'broadcast' }, { store });
  const early = outcomeOf(ref.deliver.note(1));
  assert.equal(await early, 'DELIVERY_UNAVAILABLE');
  await settled(ref.ready);
  assert.equal(await outcomeOf(ref.deliver.note(1)), 'DELIVERY_UNAVAILABLE');
  assert.throws(() => system.subscribe('a', ref, { op: 'note', delivery: 'at-least-once' }), {
    code: 'DELIVERY_UNAVAILABLE',
  });
  await close();
});

test('S56: what is published at least once to a pool goes to one of its routees', async () => {
  const store = new MemoryStore();
  const { clock, system, ref, settled, close } = pooled({ size: 2 }, { store });
  system.subscribe('jobs', ref, { op: 'note', delivery: 'at-least-once' });
  for (let i = 0; i < 4; i++) assert.equal(await settled(system.publishDurably('jobs', i)), 1);
  await clock.elapse(100);
  const notes = await Promise.all(
    ['1', '2'].map((name) => settled(system.lookup(`pool/${name}`, Work)?.ask.notes() as Promise<unknown[]>)),
  );
  assert.deepEqual(notes.flat().sort(), [0, 1, 2, 3]);
  assert.equal(store.bucket('actors/outbox').size, 0);
  await close();
});

test('S57: a lessee that ends at whatever step of taking a lease keeps none', async () => {
  for (let steps = 0; steps < 16; steps++) {
    const { clock, system, ref, settled, close } = pooled({ size: 1 });
    await settled(ref.ready);
    const lessee = system.spawn(scripted(), 'lessee');
    const taking = gate();
    lessee.tell.run(async (context: ScriptContext) => {
      taking.resolve();
      await acquire(context.ref(ref));
    });
    const ended = taking.promise.then(async () => {
      for (let step = 0; step < steps; step++) await undefined;
      lessee.kill();
    });
    await clock.elapse(1);
    await ended;
    (await settled(acquire(ref, { timeoutMs: 1 }))).release();
    await close();
  }
});

test('S57: an incarnation that is over gives back what it leased, and what it waited for', async () => {
  for (const end of ['fail', 'kill', 'stop'] as const) {
    const { clock, system, ref, settled, close } = pooled({ size: 1 });
    await settled(ref.ready);
    const lessee = system.spawn(scripted(), 'lessee', { supervision: AT_ONCE });
    let lease: Lease<typeof Work> | undefined;
    lessee.tell.run(async (context: ScriptContext) => {
      lease = await acquire(context.ref(ref));
    });
    await clock.elapse(1);
    assert.equal(lease?.ref.name, 'pool/1');
    const next = acquire(ref);
    if (end === 'kill') lessee.kill();
    else if (end === 'stop') void lessee.stop();
    else
      lessee.tell.run(() => {
        throw new Error('planted');
      });
    const held = await settled(next);
    assert.equal(held.ref.name, 'pool/1', end);
    lease?.release();
    assert.equal(await settled(outcomeOf(acquire(ref, { timeoutMs: 1 }))), 'POOL_EXHAUSTED', 'it is released once');
    // A lessee that is killed while it waits takes nothing.
    const waiting = system.spawn(scripted(), 'waiting');
    waiting.tell.run(async (context: ScriptContext) => {
      await acquire(context.ref(ref), { timeoutMs: 60_000 });
    });
    await clock.elapse(1);
    waiting.kill();
    held.release();
    (await settled(acquire(ref))).release();
    await close();
  }
});

test('S57: a leased routee that ends is replaced; its lessee hears that it has stopped, and gives nothing back', async () => {
  const { clock, system, ref, settled, close } = pooled({ min: 1, max: 1 });
  const lease = await settled(acquire(ref));
  system.lookup('pool/1')?.kill();
  await clock.elapse(1);
  const told = lease.ref.tell.note(1);
  assert.equal(!told.ok && told.error.code, 'ACTOR_STOPPED');
  const other = await settled(acquire(ref));
  lease.release();
  assert.equal(await settled(outcomeOf(acquire(ref, { timeoutMs: 1 }))), 'POOL_EXHAUSTED');
  // One that fails is started again, and stays leased.
  other.ref.tell.fail();
  await clock.elapse(1);
  assert.equal(await settled(other.ref.ask.who(0)), 'pool/1');
  other.release();
  await close();
});

test('S51: a lease is waited for no longer than said, also while the pool is started again', async () => {
  const { clock, ref, settled, close } = pooled({ size: 1, supervision: { intensity: 0 } });
  await settled(ref.ready);
  ref.tell.fail();
  await clock.settle();
  const cancel = new AbortController();
  const given = outcomeOf(acquire(ref, { signal: cancel.signal }));
  const late = outcomeOf(acquire(ref, { timeoutMs: 10 }));
  cancel.abort();
  await clock.elapse(20);
  assert.equal(await given, 'ASK_CANCELLED');
  assert.equal(await late, 'POOL_EXHAUSTED');
  const patient = acquire(ref, { timeoutMs: 60_000 });
  await clock.elapse(10_000);
  (await patient).release();
  await close();
});

test('S58: a pool that is drained refuses what comes, and its routees handle what was accepted', async () => {
  const { clock, system, ref, settled, letters, close } = pooled({ size: 2 });
  await settled(ref.ready);
  const held = gate();
  for (let i = 0; i < 2; i++) ref.tell.wait(held.promise);
  await clock.settle();
  const asked = Array.from({ length: 6 }, () => ref.ask.who(0, { timeoutMs: 60_000 }));
  const drained = ref.drain();
  assert.equal(await settled(outcomeOf(acquire(ref))), 'ACTOR_STOPPED');
  const told = ref.tell.note('late');
  assert.equal(!told.ok && told.error.code, 'ACTOR_STOPPED');
  await clock.elapse(5_000);
  assert.equal(system.size, 3, 'it waits for what was accepted');
  held.resolve();
  await clock.elapse(10);
  await drained;
  assert.equal((await Promise.all(asked)).length, 6);
  assert.equal(system.size, 0);
  assert.deepEqual(letters, []);
  await close();
});

test('S58: a pool that is drained stops at the deadline; a routee that fails meanwhile goes on', async () => {
  const { clock, system, ref, settled, letters, close } = pooled({ size: 2 });
  await settled(ref.ready);
  ref.tell.fail();
  ref.tell.wait(new Promise(() => {}));
  for (let i = 0; i < 4; i++) ref.tell.note(i);
  const drained = ref.drain({ deadlineMs: 1_000 });
  await clock.elapse(900);
  assert.equal(system.lookup('pool/1'), undefined, 'who was done has ended');
  await clock.elapse(7_000);
  await drained;
  assert.equal(system.size, 0);
  assert.deepEqual(letters.map(({ reason }) => reason).sort(), ['failed', 'stopped', 'stopped', 'stopped']);
  await close();
});

test('S58: a pool that is drained before it has started hands on what it had accepted', async () => {
  const { clock, ref, letters, close } = pooled({ size: 1 });
  const asked = [ref.ask.who(0), ref.ask.who(0)];
  const drained = ref.drain();
  await clock.elapse(100);
  await drained;
  assert.deepEqual(await Promise.all(asked), ['pool/1', 'pool/1']);
  assert.deepEqual(letters, []);
  await close();
});

test('S49: a routee that stops slowly when it is dismissed keeps its name, and holds no other up', async () => {
  const slow = gate();
  const { clock, system, ref, settled, failures, close } = pooled(
    { min: 1, max: 2, growAt: 1, idleMs: 100 },
    {},
    worker({ stop: () => slow.promise }),
  );
  await settled(ref.ready);
  const held = gate();
  for (let i = 0; i < 3; i++) {
    ref.tell.wait(held.promise);
    await clock.settle();
  }
  assert.ok(system.lookup('pool/2') !== undefined);
  held.resolve();
  await clock.elapse(300);
  system.lookup('pool/1')?.kill();
  await clock.elapse(1);
  const again = gate();
  for (let i = 0; i < 3; i++) {
    ref.tell.wait(again.promise);
    await clock.settle();
  }
  assert.deepEqual([...system.actors()].map(({ name }) => name).sort(), ['pool', 'pool/1', 'pool/2', 'pool/3']);
  again.resolve();
  slow.resolve();
  assert.deepEqual(failures, []);
  await close();
});

test('S47: put by broadcast resolves when all who can have the message do, and rejects when nobody does', async () => {
  const { clock, system, letters, close } = manualSystem();
  const plain = worker();
  const refs = ['a', 'b'].map((name) => system.spawn(plain, name, { mailbox: { capacity: 1 } }));
  const ref = system.spawn(router({ strategy: 'broadcast', routees: refs }), 'all');
  await clock.settle();
  const held = gate();
  refs[0]?.tell.wait(held.promise);
  await clock.settle();
  refs[0]?.tell.note('fills it');
  const put = outcomeOf(ref.put.note('x', { timeoutMs: 100 }));
  await clock.elapse(200);
  assert.equal(await put, undefined);
  assert.deepEqual(
    letters.map(({ reason, name }) => [reason, name]),
    [['overflow', 'a']],
  );
  refs[1]?.tell.wait(held.promise);
  await clock.settle();
  refs[1]?.tell.note('fills it');
  const none = outcomeOf(ref.put.note('x', { timeoutMs: 100 }));
  await clock.elapse(200);
  assert.equal(await none, 'MAILBOX_FULL');
  held.resolve();
  await clock.elapse(1);
  await close();
});

test('S49: a pool is a child as any other: it is started again with its siblings, and takes them along when it fails', async () => {
  const { clock, system, close } = manualSystem();
  const children = [
    { name: 'store', type: scripted() },
    { name: 'workers', type: pool(worker(), { size: 2, supervision: { intensity: 1, backoffMinMs: 0 } }) },
  ];
  system.spawn(supervisor({ strategy: 'one-for-all', backoffMinMs: 0, children }), 'top');
  await clock.elapse(1);
  const names = (): string[] => [...system.actors()].map(({ name }) => name).sort();
  const all = ['top', 'top/store', 'top/workers', 'top/workers/1', 'top/workers/2'];
  assert.deepEqual(names(), all);
  for (let i = 0; i < 2; i++) {
    system.lookup('top/workers/1', Work)?.tell.fail();
    await clock.elapse(1);
  }
  await clock.elapse(1_000);
  assert.deepEqual(names(), all);
  const store = system.lookup('top/store');
  assert.ok(store !== undefined && system.info(store).restarts === 1);
  await close();
});

test('S46: who waits for room at a routee that ends is sent to another one', async () => {
  const { clock, system, close } = manualSystem();
  const type = worker();
  const mailbox = { capacity: 1, overflow: 'wait' } as const;
  const refs = ['one', 'two'].map((name) => system.spawn(type, name, { mailbox }));
  const ref = system.spawn(router({ routees: refs }), 'router');
  await clock.settle();
  const held = gate();
  for (const routee of refs) routee.tell.wait(held.promise);
  await clock.settle();
  for (const routee of refs) routee.tell.note('fills it');
  const outcomes = ['a', 'b', 'c', 'd'].map((note) => outcomeOf(ref.put.note(note, { timeoutMs: 1_000 })));
  const asked = [ref.ask.who(0), ref.ask.who(0)];
  for (const promise of asked) promise.catch(() => {});
  refs[0]?.kill();
  await clock.settle();
  held.resolve();
  await clock.settle();
  const notes = refs[1]?.ask.notes();
  await clock.settle();
  assert.deepEqual(await Promise.all(outcomes), Array(4).fill(undefined));
  assert.deepEqual([...((await notes) ?? [])].sort(), ['a', 'b', 'c', 'd', 'fills it']);
  assert.deepEqual(await Promise.all(asked), ['two', 'two']);
  await close();
});

test('S46: when the last routee ends, who waits for room is told', async () => {
  const { clock, system, close } = manualSystem();
  const only = system.spawn(worker(), 'only', { mailbox: { capacity: 1 } });
  const ref = system.spawn(router({ routees: [only] }), 'router');
  await clock.settle();
  only.tell.wait(gate().promise);
  await clock.settle();
  only.tell.note('fills it');
  const outcome = outcomeOf(ref.put.note('a'));
  only.kill();
  await clock.elapse(1);
  assert.equal(await outcome, 'ACTOR_STOPPED');
  await close();
});

test('S46: an ask that waited for its router to start, and would then wait in a circle, is refused', async () => {
  const { clock, system, failures, close } = manualSystem();
  const script = scripted();
  const one = system.spawn(script, 'one');
  await clock.settle();
  const asked = outcomeOf(
    one.ask.call((context: ScriptContext) => {
      const ref = system.spawn(router({ routees: [one] }), 'router');
      return context.ref(ref).ask.call(() => 1);
    }) as Promise<unknown>,
  );
  await clock.settle();
  assert.equal(await asked, 'ACTOR_FAILED');
  assert.equal(failures[0]?.error.details.cause, 'ASK_DEADLOCK');
  await close();
});

test('S51: of those who wait to put while all routees are leased, nobody’s message is lost', async () => {
  const { clock, ref, letters, settled, close } = pooled({ size: 1, routee: { mailbox: { capacity: 1 } } });
  const lease = await settled(acquire(ref));
  const held = gate();
  lease.ref.tell.wait(held.promise);
  await clock.settle();
  const outcomes = ['a', 'b', 'c'].map((note) => outcomeOf(ref.put.note(note)));
  lease.release();
  await clock.settle();
  held.resolve();
  await clock.settle();
  assert.deepEqual(await Promise.all(outcomes), Array(3).fill(undefined));
  assert.deepEqual(await settled(ref.ask.notes()), ['a', 'b', 'c']);
  assert.equal(letters.length, 0);
  await close();
});

test('S45: what waits for a routee of a subscribed router goes to another one that is free first', async () => {
  const { clock, system, letters, close } = manualSystem();
  const type = worker();
  const refs = ['one', 'two'].map((name) => system.spawn(type, name, { mailbox: { capacity: 1 } }));
  const ref = system.spawn(router({ routees: refs }), 'router');
  await clock.settle();
  system.subscribe('jobs', ref, { op: 'note', overflow: 'drop-oldest' });
  const gates = refs.map((routee) => {
    const held = gate();
    routee.tell.wait(held.promise);
    return held;
  });
  await clock.settle();
  for (let i = 0; i < 8; i++) system.publish('jobs', i);
  for (const held of gates) {
    held.resolve();
    await clock.settle();
  }
  const notes = Promise.all(refs.map((routee) => routee.ask.notes()));
  await clock.settle();
  assert.deepEqual((await notes).flat().sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(letters.length, 0);
  await close();
});

test('S46: a routee that is being drained is passed over, by keys too, and by who waited for room there', async () => {
  const { clock, system, close } = manualSystem();
  const type = worker();
  const refs = ['one', 'two'].map((name) => system.spawn(type, name, { mailbox: { capacity: 1 } }));
  const byTurns = system.spawn(router({ routees: refs }), 'turns');
  const byKeys = system.spawn(
    router({ routees: refs, strategy: 'consistent-hash', hash: (_op, note) => `${note}` }),
    'keys',
  );
  await clock.settle();
  const held = gate();
  for (const routee of refs) routee.tell.wait(held.promise);
  await clock.settle();
  for (const routee of refs) routee.tell.note('fills it');
  const keys = Array.from({ length: 8 }, (_, key) => key);
  const outcomes = keys.flatMap((key) => [byTurns, byKeys].map((ref) => outcomeOf(ref.put.note(key))));
  const drained = refs[0]?.drain();
  outcomes.push(...keys.map((key) => outcomeOf(byKeys.put.note(key))));
  await clock.settle();
  held.resolve();
  await clock.settle();
  await drained;
  assert.deepEqual(
    await Promise.all(outcomes),
    outcomes.map(() => undefined),
  );
  await close();
});
