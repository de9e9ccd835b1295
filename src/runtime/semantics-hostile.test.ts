/** Promises of docs/explanation/semantics.md about handling, where several things go wrong at once: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf } from '../../test/kit/actors.ts';
import { type ActorRef, type Context, implement, protocol, type } from '../actor/index.ts';
import { pool } from '../router/index.ts';

const AT_ONCE = { supervision: { backoffMinMs: 0, intensity: 100 } } as const;

/** What scripts may send to their own actor. */
const Own = protocol('test:own@1.0.0', {
  tell: { run: type<unknown>(), rush: type<unknown>(), note: type<unknown>() },
});
type HandContext = Context<typeof Own, unknown[]>;

const Hand = protocol('test:hand@1.0.0', {
  tell: {
    run: type<(context: HandContext) => unknown>(),
    rush: type<unknown>(),
    note: type<unknown>(),
  },
  ask: {
    call: { in: type<(context: HandContext) => unknown>(), out: type<unknown>() },
    rushed: { in: type<unknown>(), out: type<unknown>() },
    notes: { in: type<void>(), out: type<unknown[]>() },
  },
  stream: {
    steps: { in: type<(context: unknown) => Iterable<unknown> | AsyncIterable<unknown>>(), out: type<unknown>() },
  },
});
type Hand = ActorRef<typeof Hand>;

/** Does what its messages say; notes what is told to be noted. */
const hand = implement<typeof Hand, unknown[]>(Hand, {
  init: () => [],
  tell: {
    run: (context, script) => script(context as never) as undefined,
    rush: ({ state }, note) => void state.push(note),
    note: ({ state }, note) => void state.push(note),
  },
  ask: {
    call: (context, script) => script(context as never),
    rushed: (_, value) => value,
    notes: ({ state }) => [...state],
  },
  stream: { steps: (context, script) => script(context) },
  urgent: ['rush', 'rushed'],
});

type Kit = ReturnType<typeof manualSystem>;

async function settled<T>({ clock }: Kit, promise: Promise<T>): Promise<unknown> {
  const outcome = outcomeOf(promise);
  await clock.elapse(1);
  return outcome;
}

test('S38: whenIdle sends nothing while a message is handled, and never more than one', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand');
  const busy = gate();
  ref.tell.run((context) => context.timers.whenIdle('note', 'idle', { afterMs: 10 }));
  ref.tell.run(() => busy.promise);
  await kit.clock.elapse(1_000);
  assert.equal(kit.system.info(ref).queued, 0);
  busy.resolve();
  await kit.clock.elapse(6);
  assert.deepEqual(await settled(kit, ref.ask.notes()), [], 'a message has just been handled');
  await kit.clock.elapse(16);
  assert.deepEqual(await settled(kit, ref.ask.notes()), ['idle']);
  await kit.close();
});

test('S38: the message of a timer that was put aside does not reach the next incarnation, nor one that was cancelled', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand', AT_ONCE);
  const wait = (context: HandContext): void => {
    if (!context.state.includes('open')) context.stash();
    context.state.push('waited');
  };
  const start = (key: string) => ref.tell.run((context) => context.timers.once('run', wait, { afterMs: 5, key }));
  start('one');
  await kit.clock.elapse(20);
  assert.equal(kit.system.info(ref).queued, 1);
  ref.tell.run(() => {
    throw new Error('planted');
  });
  await kit.clock.elapse(20);
  start('two');
  await kit.clock.elapse(20);
  ref.tell.run((context) => context.unstash());
  await kit.clock.elapse(1);
  ref.tell.run((context) => void context.state.push('open', context.timers.cancel('two')));
  ref.tell.run((context) => context.unstash());
  await kit.clock.elapse(20);
  assert.deepEqual(await settled(kit, ref.ask.notes()), ['open', true]);
  await kit.close();
});

test('S39: what is piped counts until it was handled', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand');
  const pipeMany = (context: HandContext): void => {
    for (let i = 0; i < 600; i++) context.pipe(Promise.resolve(), 'rush', () => i);
  };
  ref.tell.run(async (context) => {
    pipeMany(context);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    assert.throws(() => pipeMany(context), { code: 'CONFIG_INVALID' });
  });
  await kit.clock.elapse(1);
  assert.equal(kit.failures.length, 0);
  assert.equal(((await settled(kit, ref.ask.notes())) as unknown[]).length, 1_024);
  await kit.close();
});

test('S9: an ask that is piped keeps nobody waiting, and closes no circle', async () => {
  const kit = manualSystem();
  const [one, two] = ['one', 'two'].map((name) => kit.system.spawn(hand, name)) as [Hand, Hand];
  const pause = gate();
  one.tell.run(async (context) => {
    const asked = context.ref(two).ask.call((other) => other.ref(one).ask.call(() => 'answer'));
    context.pipe(asked, 'note', (outcome) => (outcome.ok ? outcome.value : outcome.error));
    await pause.promise;
  });
  await kit.clock.elapse(1);
  pause.resolve();
  await kit.clock.elapse(1);
  assert.deepEqual(await settled(kit, one.ask.notes()), ['answer']);
  await kit.close();
});

test('S40: ctx.signal aborts at the end of the incarnation, also after its message', async () => {
  const kit = manualSystem();
  for (const end of ['stop', 'fail'] as const) {
    const ref = kit.system.spawn(hand, end, AT_ONCE);
    const signals: AbortSignal[] = [];
    const keep = (context: HandContext): void => void signals.push(context.signal);
    ref.tell.run(keep);
    await settled(kit, ref.ask.call(keep));
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, false],
    );
    if (end === 'stop') await settled(kit, ref.stop());
    else ref.tell.run(() => Promise.reject(new Error('planted')));
    await kit.clock.elapse(1);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
  }
  await kit.close();
});

test('S41: what is urgent waits for room among the urgent, and not behind others', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand', { mailbox: { capacity: 1, overflow: 'wait' } });
  const busy = gate();
  ref.tell.run(() => busy.promise);
  await kit.clock.elapse(1);
  const puts = [ref.put.note('a'), ref.put.note('b'), ref.put.rush('1'), ref.put.rush('2'), ref.put.rush('3')];
  const asked = ref.ask.rushed('answer');
  const outcome = Promise.all(puts);
  busy.resolve();
  await kit.clock.elapse(1);
  await outcome;
  assert.equal(await asked, 'answer');
  const notes = (await settled(kit, ref.ask.notes())) as string[];
  assert.deepEqual(
    notes.filter((note) => note <= '9'),
    ['1', '2', '3'],
  );
  assert.equal(notes[0], '1');
  await kit.close();
});

test('S41: an ask that never fits is refused, and holds up nobody', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand', { mailbox: { capacity: 2, capacityBytes: 100, overflow: 'wait' } });
  const busy = gate();
  ref.tell.run(() => busy.promise);
  await kit.clock.elapse(1);
  assert.equal(await settled(kit, ref.ask.rushed('x'.repeat(101))), 'MAILBOX_FULL');
  assert.equal(await settled(kit, ref.put.note('x'.repeat(101))), 'MAILBOX_FULL');
  assert.equal(ref.tell.note('y'.repeat(60)).ok, true);
  const next = ref.put.note('z'.repeat(60));
  busy.resolve();
  assert.equal(await settled(kit, next), undefined);
  await kit.close();
});

test('S41: what an incarnation that is over left waiting for room harms nobody', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    const kit = manualSystem();
    const full = kit.system.spawn(hand, 'full', { mailbox: { capacity: 1 } });
    full.tell.run(() => new Promise(() => {}));
    await kit.clock.elapse(1);
    full.tell.note(1);
    const sender = kit.system.spawn(hand, 'sender', AT_ONCE);
    sender.tell.run((context) => {
      void context.ref(full).put.note(2, { timeoutMs: 50 });
      throw new Error('planted');
    });
    await kit.clock.elapse(100);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(unhandled, []);
    await kit.close();
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
});

test('S69: who waits for room while the system drains gets it if it is an actor, and is told if it is not', async () => {
  const kit = manualSystem();
  const busy = gate();
  const full = kit.system.spawn(hand, 'full', { mailbox: { capacity: 1 } });
  full.tell.run(() => busy.promise);
  await kit.clock.elapse(1);
  full.tell.note(1);
  const outside = outcomeOf(full.put.note('outside', { timeoutMs: 60_000 }));
  const results: unknown[] = [];
  const sender = kit.system.spawn(hand, 'sender');
  sender.tell.run(async (context) => {
    results.push(await outcomeOf(context.ref(full).put.note(2, { timeoutMs: 60_000 })));
    results.push(await outcomeOf(context.ref(full).put.note(3)));
    results.push(await outcomeOf(context.ref(full).ask.notes()));
  });
  await kit.clock.elapse(1);
  const drained = kit.system.drain();
  await kit.clock.elapse(1);
  busy.resolve();
  await kit.clock.elapse(100);
  assert.deepEqual([await outside, ...results], ['ACTOR_STOPPED', undefined, undefined, 'MAILBOX_FULL']);
  await drained;
});

test('S42: a batch is forwarded as one, and fails as one when it is put aside', async () => {
  const kit = manualSystem();
  const Group = protocol('test:group@1.0.0', {
    tell: { forward: type<number>(), aside: type<number>(), later: type<number>() },
  });
  const to = kit.system.spawn(hand, 'hand');
  const group = implement(Group, {
    init: () => 0,
    tell: {
      forward: { batch: (context, items) => context.forward(to, 'note', items) },
      aside: { batch: (context) => context.stash() },
      later: {
        batch: async (context) => {
          await Promise.resolve();
          context.stash();
        },
      },
    },
  });
  const ref = kit.system.spawn(group, 'group', AT_ONCE);
  for (const n of [1, 2, 3]) ref.tell.forward(n);
  await kit.clock.elapse(1);
  assert.deepEqual(await settled(kit, to.ask.notes()), [[1, 2, 3]]);
  for (const op of ['aside', 'later'] as const) {
    const before = kit.letters.length;
    for (const n of [1, 2, 3]) ref.tell[op](n);
    await kit.clock.elapse(1);
    assert.equal(kit.letters.length - before, 3, op);
  }
  await kit.close();
});

test('S37: what is handed on to nobody is a failure of the handler, and of nothing else', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand', AT_ONCE);
  const nobody = (context: HandContext) => context.forward(undefined as never as Hand, 'note', 1);
  assert.equal(await settled(kit, ref.ask.call(nobody)), 'ACTOR_FAILED');
  assert.equal(
    await settled(
      kit,
      ref.ask.call(async (context) => nobody(context)),
    ),
    'ACTOR_FAILED',
  );
  assert.deepEqual(await settled(kit, ref.ask.notes()), []);
  await kit.close();
});

test('S43: leaving a stream while a step is under way, or when it took too long, runs its finally', async () => {
  for (const leave of ['return', 'timeout', 'kill'] as const) {
    const kit = manualSystem();
    const ref = kit.system.spawn(hand, 'hand');
    const step = gate();
    const log: string[] = [];
    async function* slow() {
      try {
        yield 1;
        await step.promise;
        yield 2;
      } finally {
        log.push('closed');
      }
    }
    const reader = ref.stream.steps(slow, { timeoutMs: 100 });
    assert.deepEqual(await settled(kit, reader.next()), { done: false, value: 1 });
    const next = outcomeOf(reader.next());
    await kit.clock.elapse(1);
    if (leave === 'return') await reader.return?.();
    else await kit.clock.elapse(200);
    if (leave === 'kill') ref.kill();
    step.resolve();
    await kit.clock.elapse(10);
    await next;
    assert.deepEqual(log, leave === 'kill' ? [] : ['closed'], leave);
    assert.deepEqual(await reader.next(), { done: true, value: undefined });
    assert.equal(kit.letters.filter(({ reason }) => reason !== 'expired' && reason !== 'stopped').length, 0);
    await kit.close();
  }
});

test('S43: a reader that leaves after a restart makes no dead letter', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand', AT_ONCE);
  const reader = ref.stream.steps(function* () {
    yield 1;
    yield 2;
  });
  await settled(kit, reader.next());
  ref.tell.run(() => {
    throw new Error('planted');
  });
  await kit.clock.elapse(1);
  const before = kit.letters.length;
  assert.equal(await settled(kit, reader.next()), 'ACTOR_STOPPED');
  await kit.clock.elapse(1);
  assert.equal(kit.letters.length, before);
  await kit.close();
});

test('S43: readers that are too many are refused; the actor and the other streams go on', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand', AT_ONCE);
  const forever = function* () {
    for (;;) yield 1;
  };
  const readers = Array.from({ length: 1_024 }, () => ref.stream.steps(forever));
  await settled(kit, Promise.all(readers.map((reader) => reader.next())));
  const late = ref.stream.steps(forever);
  assert.equal(await settled(kit, late.next()), 'STREAMS_EXHAUSTED');
  assert.equal(kit.failures.length, 0);
  await settled(kit, readers[0]?.return?.() as Promise<unknown>);
  assert.deepEqual(await settled(kit, ref.stream.steps(forever).next()), { done: false, value: 1 });
  assert.deepEqual(await settled(kit, readers[1]?.next() as Promise<unknown>), { done: false, value: 1 });
  await kit.close();
});

test('S43: a stream whose opening was put aside begins when it comes back', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand');
  let isOpen = false;
  const reader = ref.stream.steps((context) => {
    if (!isOpen) (context as Context).stash();
    return ['first'];
  });
  const first = outcomeOf(reader.next());
  await kit.clock.elapse(1);
  isOpen = true;
  ref.tell.run((context) => context.unstash());
  await kit.clock.elapse(1);
  assert.deepEqual(await first, { done: false, value: 'first' });
  await kit.close();
});

test('S38: a timer whose message takes longer than its period lets others have their turn', async () => {
  const kit = manualSystem();
  const ref = kit.system.spawn(hand, 'hand');
  const slow = (context: HandContext): Promise<void> => {
    context.state.push('tick');
    return new Promise((resolve) => void kit.clock.after(50, resolve, true));
  };
  ref.tell.run((context) => context.timers.every('run', slow, { everyMs: 10 }));
  await kit.clock.elapse(60);
  for (let i = 0; i < 5; i++) ref.tell.note(i);
  await kit.clock.elapse(600);
  const asked = ref.ask.notes();
  await kit.clock.elapse(200);
  const all = await asked;
  assert.deepEqual(
    all.filter((note) => note !== 'tick'),
    [0, 1, 2, 3, 4],
  );
  assert.ok(all.filter((note) => note === 'tick').length >= 5);
  await kit.close();
});

test('S9: who reads the stream of an actor that then asks it would wait in a circle, also through a pool', async () => {
  const kit = manualSystem();
  const reader = kit.system.spawn(hand, 'reader');
  const maker = kit.system.spawn(hand, 'maker');
  const made = async function* (context: unknown): AsyncGenerator<unknown> {
    yield await outcomeOf((context as HandContext).ref(reader).ask.notes());
  };
  const read = async (context: HandContext): Promise<unknown> => {
    for await (const item of context.ref(maker).stream.steps(made)) return item;
    return undefined;
  };
  assert.equal(await settled(kit, reader.ask.call(read)), 'ASK_DEADLOCK');
  const workers = kit.system.spawn(pool(hand, { size: 2 }), 'workers');
  await settled(kit, workers.ready);
  const path: unknown[] = [];
  const back = async (context: HandContext): Promise<unknown> => {
    const error = await context
      .ref(reader)
      .ask.notes()
      .catch((reason) => reason);
    path.push(...error.details.path);
    return error.code;
  };
  const through = (context: HandContext): Promise<unknown> => context.ref(workers).ask.call(back);
  assert.equal(await settled(kit, reader.ask.call(through)), 'ASK_DEADLOCK');
  assert.equal(path.length, 3);
  assert.equal(path[0], path[2]);
  const free = (context: HandContext): Promise<unknown> =>
    Promise.all([1, 2, 3].map((n) => context.ref(workers).ask.call(() => n)));
  assert.deepEqual(await settled(kit, reader.ask.call(free)), [1, 2, 3], 'several at once are no circle');
  assert.equal(
    await settled(
      kit,
      reader.ask.call((context) => outcomeOf(context.ref(reader).ask.notes())),
    ),
    'ASK_DEADLOCK',
  );
  await kit.close();
});

test('S7: a deadline is inherited over several hops, by streams and by what is handed on too', async () => {
  const kit = manualSystem();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => kit.system.spawn(hand, name)) as [Hand, Hand, Hand];
  const left: (number | undefined)[] = [];
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void kit.clock.after(ms, resolve, true));
  const note = (context: HandContext): void => void left.push(context.remainingMs);
  const last = async (context: HandContext): Promise<unknown> => {
    note(context);
    return context.forward(a, 'call', async (end: HandContext) => {
      note(end);
      await pause(10_000);
    });
  };
  const middle = async (context: HandContext): Promise<unknown> => {
    note(context);
    await pause(100);
    return context.ref(c).ask.call(last, { timeoutMs: 60_000 });
  };
  const asked = outcomeOf(
    a.ask.call(
      async (context) => {
        const step = context.ref(b).stream.steps(async function* (maker) {
          yield await middle(maker as HandContext);
        });
        context.pipe(
          Promise.resolve(step.next()).catch(() => {}),
          'note',
          () => 'over',
        );
      },
      { timeoutMs: 1_000 },
    ),
  );
  await kit.clock.elapse(1);
  await asked;
  await kit.clock.elapse(200);
  assert.equal(left.length, 3, 'the stream, the ask, and who it was handed on to');
  assert.ok((left[0] as number) <= 1_000 && left.slice(1).every((ms) => (ms as number) <= 900), `${left}`);
  await kit.clock.elapse(20_000);
  await kit.close();
});
