/** The promises of docs/explanation/semantics.md about messages, asks, topics and events: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { gate, manualSystem, outcomeOf, type ScriptContext, type Scripted, scripted } from '../../test/kit/actors.ts';
import { type ActorRef, implement, protocol, type StandardSchema, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';

type ScriptedRef = ActorRef<typeof Scripted>;

/** A script that keeps its actor busy until the gate opens. */
const busyUntil = (until: PromiseWithResolvers<void>) => () => until.promise;

test('S1: every accepted message is handled, or becomes a dead letter that is counted', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(scripted(), 'worker');
  let handled = 0;
  for (let i = 0; i < 200; i++) {
    assert.deepEqual(
      ref.tell.run((context) => {
        handled++;
        if (i === 120) context.stop();
      }),
      { ok: true },
    );
  }
  await clock.settle();
  assert.equal(handled, 121);
  assert.equal(letters.length, 79);
  assert.deepEqual({ ...system.deadLetters.counts }, { ...zeroCounts, stopped: 79 });
  assert.equal(system.deadLetters.total, 79);
  assert.ok(letters.every(({ reason, op, name }) => reason === 'stopped' && op === 'run' && name === 'worker'));
  await close();
});

const zeroCounts = { stopped: 0, failed: 0, expired: 0, overflow: 0, refused: 0, invalid: 0, removed: 0, lost: 0 };

test('S2: messages of one sender are handled in the order of sending, tells and asks alike', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted());
  const seen: number[] = [];
  const replies: Promise<unknown>[] = [];
  for (let i = 0; i < 300; i++) {
    if (i % 3 === 0) replies.push(ref.ask.call(() => seen.push(i)));
    else ref.tell.run(async () => void seen.push(i));
  }
  await clock.settle();
  await Promise.all(replies);
  assert.deepEqual(
    seen,
    Array.from({ length: 300 }, (_, i) => i),
  );
  await close();
});

test('S3: an actor handles one message at a time, also across await, while others run', async () => {
  const { clock, system, close } = manualSystem();
  const [slow, other] = [system.spawn(scripted()), system.spawn(scripted())];
  const open = gate();
  const seen: string[] = [];
  slow.tell.run(async () => {
    seen.push('slow begins');
    await open.promise;
    seen.push('slow ends');
  });
  slow.tell.run(() => void seen.push('slow, second'));
  other.tell.run(() => void seen.push('other'));
  await clock.settle();
  assert.deepEqual(seen, ['slow begins', 'other']);
  open.resolve();
  await clock.settle();
  assert.deepEqual(seen, ['slow begins', 'other', 'slow ends', 'slow, second']);
  await close();
});

test('S4: tell answers at once, never throws, and refuses with shared frozen values', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), 'small', { mailbox: { capacity: 2 } });
  const first = ref.tell.run(() => {});
  assert.equal(
    first,
    ref.tell.run(() => {}),
  );
  const full = ref.tell.run(() => {});
  assert.equal(
    full,
    ref.tell.run(() => {}),
  );
  assert.ok(!full.ok && Object.isFrozen(full) && Object.isFrozen(full.error));
  assert.equal(full.error.code, 'MAILBOX_FULL');
  assert.deepEqual(full.error.details, { actor: 'small', capacity: 2 });
  assert.equal(system.info(ref).refused, 2);
  await clock.settle();
  assert.deepEqual(
    ref.tell.run(() => {}),
    { ok: true },
  );
  ref.kill();
  const stopped = ref.tell.run(() => {});
  assert.ok(!stopped.ok && stopped.error.code === 'ACTOR_STOPPED');
  assert.equal(system.deadLetters.total, 1, 'only what was accepted is a dead letter');
  await close();
});

test('S5: a mailbox holds no more than its capacity, and the overflow policy decides what is lost', async () => {
  const { clock, system, letters, close } = manualSystem();
  for (const overflow of ['drop-oldest', 'drop-newest'] as const) {
    const ref = system.spawn(scripted(), overflow, { mailbox: { capacity: 3, overflow } });
    const seen: number[] = [];
    for (let i = 0; i < 10; i++)
      assert.deepEqual(
        ref.tell.run(() => void seen.push(i)),
        { ok: true },
      );
    assert.equal(system.info(ref).queued, 3);
    await clock.settle();
    assert.deepEqual(seen, overflow === 'drop-oldest' ? [7, 8, 9] : [0, 1, 2]);
    assert.equal(letters.splice(0).filter(({ reason }) => reason === 'overflow').length, 7);
  }
  const ref = system.spawn(scripted(), 'asked', { mailbox: { capacity: 1, overflow: 'drop-newest' } });
  void ref.tell.run(() => {});
  const lost = outcomeOf(ref.ask.call(() => 1));
  await clock.settle();
  assert.equal(await lost, 'MAILBOX_FULL');
  await close();
});

test('S6: every ask settles: with a reply, an error, or ASK_TIMEOUT at its deadline', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted(), undefined, { mailbox: { capacity: 1 } });
  const reply = outcomeOf(ref.ask.call(() => 42));
  const refused = outcomeOf(ref.ask.call(() => 42));
  await clock.settle();
  assert.deepEqual([await reply, await refused], [42, 'MAILBOX_FULL']);

  const never = gate();
  const short = outcomeOf(ref.ask.call(busyUntil(never), { timeoutMs: 200 }));
  await clock.elapse(199);
  const byDefault = outcomeOf(ref.ask.call(() => 1));
  await clock.elapse(5);
  assert.equal(await short, 'ASK_TIMEOUT');
  await clock.elapse(4_990);
  assert.equal(system.pendingTimers, 1);
  await clock.elapse(10);
  assert.equal(await byDefault, 'ASK_TIMEOUT');
  never.resolve();
  await close();
});

test('S6: ASK_TIMEOUT comes never before the deadline, and at most 4 ms after it', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted());
  const never = gate();
  ref.tell.run(busyUntil(never));
  await clock.settle();
  const startMs = clock.nowMs();
  const late: number[] = [];
  const asks = Array.from({ length: 8 }, async (_, i) => {
    const timeoutMs = 100 + i;
    assert.equal(await outcomeOf(ref.ask.call(() => 1, { timeoutMs })), 'ASK_TIMEOUT');
    late.push(clock.nowMs() - startMs - timeoutMs);
  });
  for (let i = 0; i < 120; i++) await clock.elapse(1);
  await Promise.all(asks);
  assert.ok(
    late.every((ms) => ms >= 0 && ms <= 4),
    `${late}`,
  );
  never.resolve();
  await close();
});

test('S6: an ask refuses a timeout out of range, and one to an actor that is gone', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted());
  for (const timeoutMs of [0, -1, 1.5, 3_600_001, Number.NaN]) {
    assert.ok((await outcomeOf(ref.ask.call(() => 1, { timeoutMs }))) instanceof RangeError);
  }
  ref.kill();
  assert.equal(await outcomeOf(ref.ask.call(() => 1)), 'ACTOR_STOPPED');
  await clock.settle();
  await close();
});

test('S6: the ask that a stopping actor has not answered is settled with ACTOR_STOPPED', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted());
  const current = outcomeOf(ref.ask.call(busyUntil(gate())));
  const waiting = outcomeOf(ref.ask.call(() => 1));
  await clock.settle();
  ref.kill();
  await clock.settle();
  assert.deepEqual([await current, await waiting], ['ACTOR_STOPPED', 'ACTOR_STOPPED']);
  await close();
});

test('S7: an ask made in a handler inherits what is left of the deadline', async () => {
  const { clock, system, close } = manualSystem();
  const [front, back] = [system.spawn(scripted()), system.spawn(scripted())];
  const seen: unknown[] = [];
  const asked = outcomeOf(
    front.ask.call(
      async (context) => {
        seen.push(context.remainingMs);
        seen.push(await outcomeOf(context.ref(back).ask.call(busyUntil(gate()), { timeoutMs: 60_000 })), clock.nowMs());
        seen.push(await outcomeOf(context.ref(back).ask.call(() => 1)));
      },
      { timeoutMs: 400 },
    ),
  );
  await clock.elapse(1_000);
  assert.equal(await asked, 'ASK_TIMEOUT');
  assert.deepEqual(seen, [400, 'ASK_TIMEOUT', 400, 'ASK_TIMEOUT']);
  back.kill();
  await close();
});

test('S8: an ask whose sender has stopped waiting is dropped unread and counted', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(scripted());
  const open = gate();
  ref.tell.run(busyUntil(open));
  let read = 0;
  const late = outcomeOf(ref.ask.call(() => read++, { timeoutMs: 100 }));
  const abort = new AbortController();
  const cancelled = outcomeOf(ref.ask.call(() => read++, { signal: abort.signal }));
  await clock.elapse(50);
  abort.abort();
  assert.equal(await cancelled, 'ASK_CANCELLED');
  await clock.elapse(100);
  assert.equal(await late, 'ASK_TIMEOUT');
  open.resolve();
  await clock.settle();
  assert.equal(read, 0);
  assert.deepEqual(
    letters.map(({ reason, kind }) => [reason, kind]),
    [
      ['expired', 'ask'],
      ['expired', 'ask'],
    ],
  );
  assert.equal(await outcomeOf(ref.ask.call(() => 1, { signal: abort.signal })), 'ASK_CANCELLED');
  await close();
});

test('S9: an ask that outlasts the turn that made it keeps nobody waiting, and closes no circle', async () => {
  const { clock, system, close } = manualSystem();
  const [a, b] = ['a', 'b'].map((name) => system.spawn(scripted(), name)) as [ScriptedRef, ScriptedRef];
  const isOver = gate();
  let answer: Promise<unknown> | undefined;
  a.tell.run((inA: ScriptContext) => {
    const later = inA.ref(b);
    answer = isOver.promise.then(() =>
      later.ask.call((inB: ScriptContext) => outcomeOf(inB.ref(a).ask.call(() => 'no circle'))),
    );
  });
  await clock.settle();
  isOver.resolve();
  await clock.settle();
  assert.equal(await answer, 'no circle');
  await close();
});

test('S9: an ask that would wait in a circle is refused at once, with the path', async () => {
  const { clock, system, close } = manualSystem();
  const names = ['a', 'b', 'c'] as const;
  const [a, b, c] = names.map((name) => system.spawn(scripted(), name)) as [ScriptedRef, ScriptedRef, ScriptedRef];
  const failure = a.ask.call((inA: ScriptContext) =>
    inA
      .ref(b)
      .ask.call((inB: ScriptContext) =>
        inB.ref(c).ask.call((inC: ScriptContext) => pathOf(inC.ref(a).ask.call(() => 1))),
      ),
  );
  const self = a.ask.call((inA: ScriptContext) => pathOf(inA.ref(a).ask.call(() => 1)));
  await clock.settle();
  assert.deepEqual(await failure, ['c', 'a', 'b', 'c']);
  assert.deepEqual(await self, ['a', 'a']);
  await close();
});

async function pathOf(ask: Promise<unknown>): Promise<unknown> {
  try {
    return await ask;
  } catch (error) {
    assert.ok(RuntimeError.is(error, 'ASK_DEADLOCK'), String(error));
    return error.details.path;
  }
}

test('S9: an ask that nobody awaits in its turn, or that meets no circle, is not refused', async () => {
  const { clock, system, close } = manualSystem();
  const [a, b] = [system.spawn(scripted(), 'a'), system.spawn(scripted(), 'b')];
  const open = gate();
  b.tell.run(busyUntil(open));
  // The turn of `a` ends while its ask is pending: nobody waits inside of it.
  a.tell.run((context) => void outcomeOf(context.ref(b).ask.call(() => 1)));
  await clock.settle();
  const answer = outcomeOf(b.ask.call((inB: ScriptContext) => inB.ref(a).ask.call(() => 'fine')));
  open.resolve();
  await clock.settle();
  assert.equal(await answer, 'fine');
  await close();
});

test('S10: a message carries its sender, exactly, also after an await; from outside it has none', async () => {
  const { clock, system, close } = manualSystem();
  const [a, b, target] = ['a', 'b', 'target'].map((name) => system.spawn(scripted(), name)) as ScriptedRef[];
  const seen: unknown[] = [];
  const note = (context: ScriptContext) => void seen.push(context.sender?.name);
  for (const sender of [a, b] as ScriptedRef[]) {
    sender.tell.run(async (context) => {
      const bound = context.ref(target as ScriptedRef);
      await undefined;
      bound.tell.run(note);
      bound.tellOp('run', note);
      await bound.askOp('call', note);
    });
  }
  target?.tell.run(note);
  await clock.settle();
  assert.deepEqual(seen.sort(), ['a', 'a', 'a', 'b', 'b', 'b', undefined]);
  await close();
});

test('S11: what a schema does not take is refused before it is enqueued, and what it transforms arrives transformed', async () => {
  const { clock, system, close } = manualSystem();
  const number = schema((value) =>
    typeof value === 'number'
      ? { value: value * 10 }
      : { issues: [{ message: 'not a number', path: ['n', { key: 0 }] }] },
  );
  const Doubling = protocol('test:doubling', { tell: { add: number }, ask: { get: { in: number, out: number } } });
  const seen: number[] = [];
  const ref = system.spawn(
    implement(Doubling, {
      init: () => undefined,
      tell: { add: (_, n) => void seen.push(n) },
      ask: { get: (_, n) => (n === 990 ? ('text' as unknown as number) : n) },
    }),
  );
  assert.deepEqual(ref.tell.add(1), { ok: true });
  for (const sent of [ref.tell.add('1' as unknown as number), ref.tellOp('add', {})]) {
    assert.ok(!sent.ok && sent.error.code === 'MESSAGE_INVALID');
    assert.match(sent.error.message, /n\.0: not a number/);
  }
  const replies = [ref.ask.get(4), ref.ask.get('4' as unknown as number), ref.ask.get(99)].map(outcomeOf);
  await clock.settle();
  assert.deepEqual(await Promise.all(replies), [400, 'MESSAGE_INVALID', 'MESSAGE_INVALID']);
  assert.deepEqual(seen, [10]);
  assert.equal(system.info(ref).failed, 0);
  await close();
});

test('S11: a schema that throws, or answers later, refuses the message', async () => {
  const { system, close } = manualSystem();
  const throwing = schema(() => {
    throw new Error('hostile');
  });
  const later = {
    '~standard': { version: 1, vendor: 'test', validate: async () => ({ value: 1 }) },
  } as StandardSchema<number>;
  const Odd = protocol('test:odd', { tell: { throwing, later } });
  const ref = system.spawn(implement(Odd, { init: () => undefined, tell: { throwing: () => {}, later: () => {} } }));
  for (const sent of [ref.tell.throwing(1), ref.tell.later(1)])
    assert.ok(!sent.ok && sent.error.code === 'MESSAGE_INVALID');
  await close();
});

test('S11: what is published is checked by the schema of each subscriber', async () => {
  const { clock, system, letters, close } = manualSystem();
  const number = schema((value) => (typeof value === 'number' ? { value: -value } : { issues: [{ message: 'no' }] }));
  const seen: number[] = [];
  const Negating = protocol('test:negating', { tell: { add: number } });
  const negating = implement(Negating, { init: () => undefined, tell: { add: (_, n) => void seen.push(n) } });
  system.spawn(negating, undefined, { subscribe: { a: 'add' } });
  assert.equal(system.publish('a', 1), 1);
  assert.equal(system.publish('a', 'x'), 0);
  await clock.settle();
  assert.deepEqual(seen, [-1]);
  assert.deepEqual(
    letters.map(({ reason, error }) => [reason, error?.code]),
    [['invalid', 'MESSAGE_INVALID']],
  );
  await close();
});

function schema(validate: (value: unknown) => unknown): StandardSchema<number> {
  return { '~standard': { version: 1, vendor: 'test', validate } } as unknown as StandardSchema<number>;
}

test('S12: a published message reaches every matching subscriber once, in order, payload shared', async () => {
  const { clock, system, letters, close } = manualSystem();
  const Lines = protocol('test:lines', { tell: { line: type<{ n: number }>() } });
  const seen: Record<string, unknown[]> = {};
  const subscriber = (name: string, ...patterns: string[]) => {
    const list: unknown[] = [];
    seen[name] = list;
    const lines = implement(Lines, {
      init: () => undefined,
      tell: { line: (context, payload) => void list.push(context.topic, payload) },
    });
    return system.spawn(lines, name, { subscribe: Object.fromEntries(patterns.map((pattern) => [pattern, 'line'])) });
  };
  subscriber('exact', 'lines.a');
  subscriber('wild', 'lines.*', 'lines.>');
  const small = system.spawn(implement(Lines, { init: () => undefined, tell: { line: () => {} } }), 'small', {
    mailbox: { capacity: 1 },
  });
  const subscription = system.subscribe('>', small, 'line');
  const payload = { n: 1 };
  assert.equal(system.publish('lines.a', payload), 3);
  assert.equal(system.publish('lines.a.b', payload), 1, 'the full mailbox is not counted');
  assert.deepEqual(
    letters.map(({ reason, topic, name }) => [reason, topic, name]),
    [['overflow', 'lines.a.b', 'small']],
  );
  subscription.cancel();
  assert.equal(system.publish('other', payload), 0);
  await clock.settle();
  assert.deepEqual(seen, { exact: ['lines.a', payload], wild: ['lines.a', payload, 'lines.a.b', payload] });
  assert.equal(seen.wild?.[1], payload);
  system.lookup('wild')?.kill();
  assert.equal(system.publish('lines.a', payload), 1, 'the end of an actor ends its subscriptions');
  await close();
});

test('S13: events reach those who listen, in order; a slow reader loses the oldest and can see how many', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted());
  const [fast, slow] = [ref.on.happened(), ref.on.happened({ capacity: 3 })];
  const first = fast.next();
  ref.tell.run((context) => {
    for (let i = 0; i < 10; i++) context.emit.happened(i);
  });
  await clock.settle();
  assert.deepEqual(await first, { done: false, value: 0 });
  assert.equal(slow.dropped, 7);
  ref.kill();
  const rest: unknown[] = [];
  for await (const event of slow) rest.push(event);
  assert.deepEqual(rest, [7, 8, 9]);
  assert.equal(fast.dropped, 0);
  await fast.return();
  assert.deepEqual(await fast.next(), { done: true, value: undefined });
  assert.deepEqual(await ref.on.happened().next(), { done: true, value: undefined });
  await close();
});

test('S12: only references of this process can be used, and they do not show what is inside', () => {
  const { system } = manualSystem();
  const ref = system.spawn(scripted(), 'a');
  assert.equal(String(ref), 'ActorRef(a)');
  assert.equal(inspect(ref), 'ActorRef(a)');
  assert.throws(() => system.info({} as ActorRef), TypeError);
  assert.throws(() => system.subscribe('a', {} as ActorRef), TypeError);
});

test('S13: a signal, or leaving the loop, ends listening', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(scripted());
  const abort = new AbortController();
  const aborted = ref.on.happened({ signal: abort.signal });
  const waiting = aborted.next();
  abort.abort();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.deepEqual(await ref.on.happened({ signal: abort.signal }).next(), { done: true, value: undefined });
  const left = ref.on.happened();
  ref.tell.run((context) => context.emit.happened(1));
  await clock.settle();
  for await (const event of left) {
    assert.equal(event, 1);
    break;
  }
  assert.deepEqual(await left.next(), { done: true, value: undefined });
  assert.throws(() => ref.on.happened({ capacity: 0 }), RangeError);
  await close();
});
