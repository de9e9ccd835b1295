/** The promises of docs/explanation/semantics.md about how an actor handles its messages: each test names its promise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, manualSystem, outcomeOf } from '../../test/kit/actors.ts';
import { type ActorRef, implement, protocol, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';

const AT_ONCE = { supervision: { backoffMinMs: 0 } } as const;

const Clerk = protocol('test:clerk@1.0.0', {
  tell: { note: type<string>(), hurry: type<string>(), open: type<void>(), later: type<number>(), fail: type<void>() },
  ask: {
    noted: { in: type<void>(), out: type<readonly string[]>() },
    relay: { in: type<ActorRef<typeof Desk>>(), out: type<string>() },
    wait: { in: type<Promise<string>>(), out: type<string>() },
    watchdog: { in: type<(signal: AbortSignal) => Promise<string>>(), out: type<string>() },
  },
});

const Desk = protocol('test:desk@1.0.0', {
  tell: { note: type<string>() },
  ask: { answer: { in: type<string>(), out: type<string>() }, back: { in: type<ActorRef>(), out: type<string>() } },
});

interface ClerkState {
  readonly notes: string[];
  isOpen: boolean;
}

/** Puts notes aside until it is open; hurried ones come first. */
function clerk(init: (notes: string[]) => void = () => {}) {
  return implement(Clerk, {
    init: (): ClerkState => {
      const notes: string[] = [];
      init(notes);
      return { notes, isOpen: false };
    },
    tell: {
      note(context, text) {
        if (!context.state.isOpen) context.stash();
        context.state.notes.push(text);
      },
      hurry: ({ state }, text) => void state.notes.push(text),
      open(context) {
        context.state.isOpen = true;
        context.unstash();
      },
      later(context, afterMs) {
        context.timers.once('hurry', `after ${afterMs}`, { afterMs });
      },
      fail() {
        throw new Error('planted');
      },
    },
    ask: {
      noted: ({ state }) => [...state.notes],
      relay: (context, desk) => context.forward(desk, 'answer', `for ${context.sender?.name ?? 'nobody'}`),
      wait: (_, promise) => promise,
      watchdog: (context, script) => script(context.signal),
    },
    urgent: ['hurry'],
  });
}

async function notesOf(ref: ActorRef<typeof Clerk>, clock: { settle(): Promise<void> }): Promise<readonly string[]> {
  const asked = ref.ask.noted();
  await clock.settle();
  return asked;
}

test('S35: urgent operations come before all others, in order', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk');
  ref.tell.open();
  ref.tell.note('1');
  ref.tell.hurry('a');
  ref.tell.note('2');
  ref.tell.hurry('b');
  assert.deepEqual(await notesOf(ref, clock), ['a', 'b', '1', '2']);
  await close();
});

test('S35: the urgent lane is bounded as the other is', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', { mailbox: { capacity: 2 } });
  const told = ['a', 'b', 'c'].map((text) => ref.tell.hurry(text).ok);
  assert.deepEqual([...told, ref.tell.open().ok], [true, true, false, true]);
  assert.deepEqual(await notesOf(ref, clock), ['a', 'b']);
  await close();
});

test('S35: what is declared urgent and is no operation is refused when it is declared', () => {
  const wrong = { init: () => 0, tell: {}, urgent: ['nothing'] } as never;
  assert.throws(() => implement(protocol('test:empty@1.0.0', {}), wrong), { code: 'PROTOCOL_INVALID' });
});

test('S36: what is put aside comes back first, in order, and keeps its place in the bounds', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', { mailbox: { capacity: 4 } });
  for (const text of ['1', '2']) ref.tell.note(text);
  await clock.settle();
  assert.equal(system.info(ref).queued, 2);
  assert.deepEqual(
    ['3', '4', '5'].map((text) => ref.tell.note(text).ok),
    [true, true, false],
  );
  await clock.settle();
  ref.tell.hurry('open soon');
  await clock.settle();
  assert.equal(ref.tell.open().ok, false, 'four are put aside');
  const stopped = ref.stop();
  await clock.settle();
  await stopped;
  assert.deepEqual(
    letters.map(({ reason }) => reason),
    ['stopped', 'stopped', 'stopped', 'stopped'],
  );
  await close();
});

test('S36: a restart brings back what was put aside', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', AT_ONCE);
  for (const text of ['1', '2']) ref.tell.note(text);
  ref.tell.fail();
  await clock.settle();
  ref.tell.note('3');
  ref.tell.open();
  assert.deepEqual(await notesOf(ref, clock), ['1', '2', '3']);
  await close();
});

const desk = implement(Desk, {
  init: () => 0,
  tell: { note: () => {} },
  ask: {
    answer: (context, text) => `${text}, from ${context.sender?.name ?? 'nobody'}`,
    back: (context, to) => context.forward(to as ActorRef<typeof Desk>, 'answer', 'round'),
  },
});

test('S37: who a message is forwarded to answers it, as if it had come from the sender', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk');
  const answered = ref.ask.relay(system.spawn(desk, 'desk'));
  await clock.settle();
  assert.equal(await answered, 'for nobody, from nobody');
  await close();
});

test('S37: the asker hears of an operation that is not there, an actor that is no more, and a circle', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk');
  const gone = system.spawn(desk, 'gone');
  void gone.stop();
  await clock.settle();
  const stopped = outcomeOf(ref.ask.relay(gone));
  const unknown = outcomeOf(ref.ask.relay(system.spawn(clerk(), 'other') as never));
  await clock.settle();
  assert.deepEqual([await stopped, await unknown], ['ACTOR_STOPPED', 'OPERATION_UNKNOWN']);

  const Asking = protocol('test:asking@1.0.0', { ask: { answer: { in: type<string>(), out: type<unknown>() } } });
  const middle = system.spawn(desk, 'middle');
  const asking = implement(Asking, {
    init: () => 0,
    ask: { answer: (context) => outcomeOf(context.ref(middle).ask.back(context.self)) },
  });
  const circle = system.spawn(asking, 'asking').ask.answer('');
  await clock.settle();
  assert.equal(await circle, 'ASK_DEADLOCK');
  await close();
});

test('S37: an ask that is forwarded keeps its deadline', async () => {
  const { clock, system, close } = manualSystem();
  const silent = implement(Desk, {
    init: () => 0,
    tell: { note: () => {} },
    ask: { answer: () => new Promise<string>(() => {}), back: () => '' },
  });
  const ref = system.spawn(clerk(), 'clerk');
  const asked = outcomeOf(ref.ask.relay(system.spawn(silent, 'silent'), { timeoutMs: 200 }));
  await clock.elapse(199);
  const free = await notesOf(ref, clock);
  assert.deepEqual(free, [], 'the one in the middle is free');
  await clock.elapse(10);
  assert.equal(await asked, 'ASK_TIMEOUT');
  await close();
});

test('S38: a timer sends when its time has come, once or at a fixed rate, and not after it was cancelled', async () => {
  const { clock, system, close } = manualSystem();
  const Ticker = protocol('test:ticker@1.0.0', {
    tell: { tick: type<string>(), cancel: type<string>(), busy: type<Promise<void>>() },
    ask: { ticks: { in: type<void>(), out: type<readonly string[]>() } },
  });
  const ticker = implement<typeof Ticker, string[]>(Ticker, {
    init: (context) => {
      context.timers.once('tick', 'once', { afterMs: 40, key: 'once' });
      context.timers.every('tick', 'every', { everyMs: 100, key: 'every' });
      context.timers.once('tick', 'replaced', { afterMs: 10, key: 'twice' });
      context.timers.once('tick', 'second', { afterMs: 60, key: 'twice' });
      return [];
    },
    tell: {
      tick: ({ state }, text) => void state.push(text),
      cancel: (context, key) => void context.state.push(`cancel ${context.timers.cancel(key)}`),
      busy: (_, until) => until,
    },
    ask: { ticks: ({ state }) => state.splice(0) },
  });
  const ref = system.spawn(ticker, 'ticker');
  const ticks = async (): Promise<readonly string[]> => {
    const asked = ref.ask.ticks();
    await clock.settle();
    return asked;
  };
  await clock.elapse(310);
  assert.deepEqual(await ticks(), ['once', 'second', 'every', 'every', 'every']);
  const busy = gate();
  ref.tell.busy(busy.promise);
  await clock.elapse(350);
  busy.resolve();
  await clock.settle();
  assert.deepEqual(await ticks(), ['every'], 'what was missed is one message');
  const again = gate();
  ref.tell.busy(again.promise);
  ref.tell.cancel('every');
  await clock.elapse(150);
  again.resolve();
  await clock.elapse(500);
  const after = await ticks();
  // A message of a timer is urgent: the one that waited comes before the cancellation, and no other after it.
  assert.deepEqual(after, ['every', 'cancel true']);
  ref.tell.cancel('every');
  ref.tell.cancel('never was');
  assert.deepEqual(await ticks(), ['cancel false', 'cancel false']);
  await close();
});

test('S38: what an incarnation started does not reach the next', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', AT_ONCE);
  ref.tell.later(50);
  ref.tell.fail();
  await clock.elapse(100);
  ref.tell.later(20);
  await clock.elapse(30);
  assert.deepEqual(await notesOf(ref, clock), ['after 20']);
  await close();
});

test('S38: a full mailbox does not keep the message of a timer out', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', { mailbox: { capacity: 1 } });
  ref.tell.later(20);
  await clock.settle();
  const busy = gate();
  const asked = ref.ask.wait(busy.promise.then(() => 'done'));
  await clock.settle();
  ref.tell.open();
  await clock.elapse(50);
  busy.resolve();
  await clock.settle();
  assert.equal(await asked, 'done');
  assert.deepEqual(await notesOf(ref, clock), ['after 20']);
  await close();
});

test('S38: whenIdle sends when nothing was handled for as long', async () => {
  const { clock, system, close } = manualSystem();
  const Sleepy = protocol('test:sleepy@1.0.0', {
    tell: { poke: type<void>(), idle: type<void>() },
    ask: { idles: { in: type<void>(), out: type<number>() } },
  });
  const sleepy = implement<typeof Sleepy, { idles: number }>(Sleepy, {
    init: (context) => {
      context.timers.whenIdle('idle', undefined, { afterMs: 100 });
      return { idles: 0 };
    },
    tell: {
      poke: () => {},
      idle({ state }) {
        state.idles += 1;
      },
    },
    ask: { idles: ({ state }) => state.idles },
  });
  const ref = system.spawn(sleepy);
  for (let i = 0; i < 5; i++) {
    await clock.elapse(60);
    ref.tell.poke();
  }
  const none = ref.ask.idles();
  await clock.elapse(99);
  assert.equal(await none, 0);
  await clock.elapse(10);
  const one = ref.ask.idles();
  await clock.settle();
  assert.equal(await one, 1);
  await close();
});

test('S38: timers that are out of range or too many are refused', async () => {
  const { clock, system, close } = manualSystem();
  const Greedy = protocol('test:greedy@1.0.0', {
    tell: { tick: type<void>() },
    ask: { start: { in: type<{ count: number; afterMs: number }>(), out: type<string>() } },
  });
  const greedy = implement(Greedy, {
    init: () => 0,
    tell: { tick: () => {} },
    ask: {
      start(context, { count, afterMs }) {
        try {
          for (let i = 0; i < count; i++) context.timers.once('tick', undefined, { afterMs, key: `${i}` });
          return 'ok';
        } catch (error) {
          return RuntimeError.is(error) ? error.code : (error as Error).name;
        }
      },
    },
  });
  const ref = system.spawn(greedy);
  const asked = [
    ref.ask.start({ count: 1, afterMs: 0 }),
    ref.ask.start({ count: 1, afterMs: Number.NaN }),
    ref.ask.start({ count: 1_024, afterMs: 10 }),
    ref.ask.start({ count: 1_025, afterMs: 10 }),
  ];
  await clock.settle();
  assert.deepEqual(await Promise.all(asked), ['RangeError', 'RangeError', 'ok', 'CONFIG_INVALID']);
  await clock.elapse(50);
  const fired = ref.ask.start({ count: 1_024, afterMs: 10 });
  await clock.settle();
  assert.equal(await fired, 'ok');
  await close();
});

test('S39: pipe sends what a promise comes to, and nothing to a later incarnation', async () => {
  const { clock, system, failures, close } = manualSystem();
  const Loader = protocol('test:loader@1.0.0', {
    tell: { load: type<Promise<string>>(), loaded: type<string>(), fail: type<void>(), spoil: type<void>() },
    ask: { seen: { in: type<void>(), out: type<readonly string[]>() } },
  });
  const loader = implement(Loader, {
    init: () => [] as string[],
    tell: {
      load: (context, promise) =>
        context.pipe(promise, 'loaded', (outcome) => (outcome.ok ? outcome.value : `not: ${String(outcome.error)}`)),
      loaded: ({ state }, text) => void state.push(text),
      fail() {
        throw new Error('planted');
      },
      spoil: (context) =>
        context.pipe(Promise.resolve(), 'loaded', () => {
          throw new Error('spoilt');
        }),
    },
    ask: { seen: ({ state }) => [...state] },
  });
  const ref = system.spawn(loader, 'loader', AT_ONCE);
  const seen = async (): Promise<readonly string[]> => {
    const asked = ref.ask.seen();
    await clock.settle();
    return asked;
  };
  ref.tell.load(Promise.resolve('good'));
  ref.tell.load(Promise.reject('bad'));
  await clock.settle();
  assert.deepEqual((await seen()).toSorted(), ['good', 'not: bad']);
  const late = Promise.withResolvers<string>();
  ref.tell.load(late.promise);
  ref.tell.fail();
  await clock.settle();
  late.resolve('late');
  await clock.settle();
  assert.deepEqual(await seen(), []);
  ref.tell.spoil();
  await clock.settle();
  assert.equal(failures.length, 2);
  assert.match(String(failures[1]?.error.cause), /spoilt/);
  await close();
});

test('S40: ctx.signal aborts when nobody waits for the reply any more, and when the incarnation ends', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', AT_ONCE);
  const seen: string[] = [];
  const until = (name: string) => (signal: AbortSignal) =>
    new Promise<string>((resolve) => {
      const done = (): void => {
        seen.push(name);
        resolve(name);
      };
      if (signal.aborted) done();
      else signal.addEventListener('abort', done);
    });
  const timedOut = outcomeOf(ref.ask.watchdog(until('deadline'), { timeoutMs: 50 }));
  await clock.elapse(60);
  assert.equal(await timedOut, 'ASK_TIMEOUT');
  const controller = new AbortController();
  const given = outcomeOf(ref.ask.watchdog(until('given up'), { signal: controller.signal }));
  await clock.settle();
  controller.abort();
  assert.equal(await given, 'ASK_CANCELLED');
  const answered = ref.ask.watchdog(async () => 'in time');
  await clock.settle();
  assert.equal(await answered, 'in time');
  const killed = outcomeOf(ref.ask.watchdog(until('killed')));
  await clock.settle();
  ref.kill();
  await clock.settle();
  assert.equal(await killed, 'ACTOR_STOPPED');
  assert.deepEqual(seen, ['deadline', 'given up', 'killed']);
  await close();
});

test('S41: put waits for room, in order, and no longer than it may', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', { mailbox: { capacity: 2 } });
  const busy = gate();
  void ref.ask.wait(busy.promise.then(() => ''));
  await clock.settle();
  const log: string[] = [];
  const put = (text: string, options?: { timeoutMs?: number; signal?: AbortSignal }) =>
    outcomeOf(ref.put.hurry(text, options)).then((outcome) => void log.push(`${text} ${outcome ?? 'in'}`));
  for (const text of ['a', 'b', 'c', 'd']) void put(text, text === 'c' ? { timeoutMs: 100 } : {});
  const controller = new AbortController();
  void put('e', { signal: controller.signal });
  void put('f');
  await clock.settle();
  assert.deepEqual(log.splice(0), ['a in', 'b in']);
  controller.abort();
  await clock.elapse(150);
  assert.deepEqual(log.splice(0), ['e ASK_CANCELLED', 'c MAILBOX_FULL']);
  busy.resolve();
  await clock.settle();
  assert.deepEqual(log.splice(0), ['d in', 'f in']);
  assert.deepEqual(await notesOf(ref, clock), ['a', 'b', 'd', 'f']);
  await assert.rejects(ref.put.hurry('x', { timeoutMs: 0 }), RangeError);
  await assert.rejects(ref.put.hurry('x', { signal: AbortSignal.abort() }), { code: 'ASK_CANCELLED' });
  await close();
});

test('S41: who waits for room is told when there will be none', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', { mailbox: { capacity: 1, capacityBytes: 4 } });
  const busy = gate();
  void outcomeOf(ref.ask.wait(busy.promise.then(() => '')));
  await clock.settle();
  assert.equal(await outcomeOf(ref.put.note('never fits')), 'MAILBOX_FULL');
  const puts = Array.from({ length: 1_026 }, () => outcomeOf(ref.put.note('')));
  await clock.settle();
  assert.equal(await puts.at(-1), 'MAILBOX_FULL', '1,024 wait already');
  const stopped = ref.stop();
  busy.resolve();
  await clock.settle();
  await stopped;
  assert.equal(await puts.at(-2), 'ACTOR_STOPPED');
  assert.equal(await outcomeOf(ref.put.note('')), 'ACTOR_STOPPED');
  await close();
});

test('S41: a loop of puts is as fast as the actor, and never holds more than the mailbox', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', { mailbox: { capacity: 8 } });
  let done = false;
  const feeding = (async () => {
    for (let i = 0; i < 500; i++) await ref.put.hurry(`${i}`);
    done = true;
  })();
  while (!done) {
    assert.ok(system.info(ref).queued <= 8);
    await clock.settle();
  }
  await feeding;
  const notes = await notesOf(ref, clock);
  assert.deepEqual(
    notes,
    Array.from({ length: 500 }, (_, i) => `${i}`),
  );
  await close();
});

test('S41: with overflow "wait" an ask waits for room within its deadline, a tell does not', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(clerk(), 'clerk', { mailbox: { capacity: 1, overflow: 'wait' } });
  const busy = gate();
  void ref.ask.wait(busy.promise.then(() => ''));
  await clock.settle();
  ref.tell.open();
  assert.equal(ref.tell.open().ok, false);
  const late = outcomeOf(ref.ask.noted(undefined, { timeoutMs: 50 }));
  const patient = outcomeOf(ref.ask.noted(undefined, { timeoutMs: 5_000 }));
  await clock.elapse(100);
  assert.equal(await late, 'ASK_TIMEOUT');
  busy.resolve();
  await clock.settle();
  assert.deepEqual(await patient, []);
  assert.deepEqual(letters, []);
  await close();
});

const Rows = protocol('test:rows@1.0.0', {
  tell: { add: type<number>(), slow: type<number>(), fail: type<void>() },
  ask: { batches: { in: type<void>(), out: type<readonly (readonly number[])[]>() } },
  stream: {
    count: { in: type<number>(), out: type<number>() },
    spoilt: { in: type<void>(), out: type<number>() },
  },
});

function rows(log: string[] = []) {
  return implement(Rows, {
    init: () => ({ batches: [] as (readonly number[])[] }),
    tell: {
      add: { batch: ({ state }, numbers) => void state.batches.push(numbers), max: 4 },
      slow: {
        async batch({ state }, numbers) {
          await undefined;
          if (numbers.includes(-1)) throw new Error('planted');
          state.batches.push(numbers);
        },
      },
      fail() {
        throw new Error('planted');
      },
    },
    ask: { batches: ({ state }) => state.batches.splice(0) },
    stream: {
      *count(_, upTo) {
        try {
          for (let i = 1; i <= upTo; i++) yield i;
        } finally {
          log.push('closed');
        }
      },
      async *spoilt() {
        yield 1;
        await undefined;
        throw new RuntimeError('MESSAGE_INVALID', 'Spoilt');
      },
    },
  });
}

test('S42: messages that follow one another are handled together, at most as many as wanted', async () => {
  const { clock, system, close } = manualSystem();
  const ref = system.spawn(rows());
  for (let i = 1; i <= 6; i++) ref.tell.add(i);
  ref.tell.slow(7);
  ref.tell.add(8);
  const asked = ref.ask.batches();
  await clock.settle();
  assert.deepEqual(await asked, [[1, 2, 3, 4], [5, 6], [7], [8]]);
  assert.equal(system.info(ref).handled, 9);
  await close();
});

test('S42: when a batch fails, or is killed, each of its messages is a dead letter', async () => {
  const { clock, system, letters, close } = manualSystem();
  const ref = system.spawn(rows(), undefined, AT_ONCE);
  for (const number of [1, 2, -1]) ref.tell.slow(number);
  await clock.settle();
  assert.deepEqual(
    letters.splice(0).map(({ reason, payload }) => [reason, payload]),
    [
      ['failed', 2],
      ['failed', -1],
      ['failed', 1],
    ],
  );
  for (const number of [1, 2]) ref.tell.slow(number);
  clock.run();
  ref.kill();
  assert.deepEqual(
    letters.map(({ reason, payload }) => [reason, payload]),
    [
      ['stopped', 1],
      ['stopped', 2],
    ],
  );
  await close();
});

/** Reads while the clock is driven. */
async function read<T>(clock: { settle(): Promise<void> }, stream: AsyncIterable<T>, max = 100): Promise<unknown[]> {
  const values: unknown[] = [];
  let done = false;
  const reading = (async () => {
    try {
      for await (const value of stream) if (values.push(value) >= max) break;
    } catch (error) {
      values.push(RuntimeError.is(error) ? error.code : error);
    }
    done = true;
  })();
  while (!done) await clock.settle();
  await reading;
  await clock.settle();
  return values;
}

test('S43: a stream gives what its handler makes, one step for each that is wanted', async () => {
  const { clock, system, close } = manualSystem();
  const log: string[] = [];
  const ref = system.spawn(rows(log), 'rows', AT_ONCE);
  assert.deepEqual(await read(clock, ref.stream.count(3)), [1, 2, 3]);
  assert.deepEqual(log.splice(0), ['closed']);
  assert.deepEqual(await read(clock, ref.stream.count(1e9), 2), [1, 2]);
  assert.deepEqual(log.splice(0), ['closed'], 'leaving the loop ends the handler');
  const [one, other] = [ref.stream.count(2), ref.stream.count(2)];
  const steps = [one.next(), other.next(), one.next(), one.next(), one.next()];
  ref.tell.add(1);
  await clock.settle();
  assert.deepEqual(
    (await Promise.all(steps)).map(({ done, value }) => (done === true ? 'end' : value)),
    [1, 1, 2, 'end', 'end'],
  );
  await close();
  assert.deepEqual(log, ['closed', 'closed'], 'a stop closes what is open');
});

test('S43: a handler of a stream that fails is a failure of the actor; its streams are over', async () => {
  const { clock, system, failures, close } = manualSystem();
  const ref = system.spawn(rows(), 'rows', AT_ONCE);
  const open = ref.stream.count(5);
  const first = open.next();
  await clock.settle();
  assert.deepEqual(await first, { done: false, value: 1 });
  assert.deepEqual(await read(clock, ref.stream.spoilt()), [1, 'ACTOR_FAILED']);
  assert.equal(failures.length, 1);
  assert.deepEqual(await read(clock, open), ['ACTOR_STOPPED']);
  assert.equal(failures.length, 1);
  await close();
});
