import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock, SystemClock, systemClock } from '../time/index.ts';
import { Dispatcher, Pace, type Paced } from './dispatcher.ts';

/** What a dispatcher runs, in these tests. */
interface Item<N = string> extends Paced {
  readonly name: N;
}

function item<N = string>(name: N, pace = new Pace()): Item<N> {
  return { name, pace };
}

test('Dispatcher activates in the order of schedule, before I/O', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const dispatcher = new Dispatcher<Item>(clock, ({ name }) => {
    seen.push(name);
    return 1;
  });
  clock.soon(() => seen.push('I/O'));
  for (const name of ['a', 'b', 'c']) dispatcher.schedule(item(name));
  assert.equal(dispatcher.size, 3);
  clock.run();
  assert.deepEqual(seen, ['a', 'b', 'c', 'I/O']);
  assert.equal(clock.pendingCallbacks, 0);
});

/** Runs a dispatcher in which each item makes what `childrenOf` says, and returns the names in the order of their turns. */
function order(first: readonly string[], childrenOf: (name: string) => readonly string[]): string[] {
  const clock = new ManualClock();
  const seen: string[] = [];
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, ({ name }) => {
    seen.push(name);
    for (const child of childrenOf(name)) dispatcher.scheduleNew(item(child));
    return 1;
  });
  for (const name of first) dispatcher.scheduleNew(item(name));
  clock.run();
  assert.equal(dispatcher.size, 0);
  return seen;
}

test('Dispatcher.scheduleNew: what is made in a turn comes first, in its order, depth first', () => {
  const tree: Record<string, string[]> = { a: ['a1', 'a2', 'a3'], a1: ['a11', 'a12'], a3: ['a31'] };
  const seen = order(['a', 'b'], (name) => tree[name] ?? []);
  assert.deepEqual(seen, ['a', 'a1', 'a11', 'a12', 'a2', 'a3', 'a31', 'b']);
});

test('Dispatcher.scheduleNew: after 64 first turns in a row all that wait come first, and the oldest of the new', () => {
  let left = 1_000;
  const endless = (name: string): string[] => (name === 'endless' && left-- > 0 ? ['endless', 'leaf'] : []);
  const seen = order(['endless', 'b', 'c'], endless);
  assert.deepEqual(
    ['b', 'c', 'leaf'].map((name) => seen.indexOf(name)),
    [65, 66, 67],
  );
  assert.equal(seen.length, 2_003);
});

test('Dispatcher.scheduleNew: new items have their turn although those that wait are always there again', () => {
  const clock = new ManualClock();
  const pending = new Set(Array.from({ length: 300 }, (_, i) => `new ${i}`));
  const busy = item('busy');
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, ({ name }) => {
    pending.delete(name);
    if (name === 'parent') for (const child of pending) dispatcher.scheduleNew(item(child));
    if (name === 'busy' && pending.size > 0) dispatcher.schedule(busy);
    return 1;
  });
  dispatcher.schedule(busy);
  dispatcher.schedule(item('parent'));
  clock.run();
  assert.equal(pending.size, 0);
});

test('Dispatcher.scheduleNew: what an item made that threw has its turn', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, ({ name }) => {
    seen.push(name);
    if (name !== 'parent') return 1;
    dispatcher.scheduleNew(item('child'));
    throw new Error('it must not');
  });
  dispatcher.schedule(item('parent'));
  assert.throws(() => clock.run(), /it must not/);
  clock.run();
  assert.deepEqual(seen, ['parent', 'child']);
});

test('Dispatcher lets I/O have its turn when the budget is used up', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  let turns = 0;
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, (busy) => {
    clock.advanceOnly(0.2);
    seen.push(busy.name);
    if (++turns < 6) dispatcher.schedule(busy);
    return 1;
  });
  clock.soon(() => seen.push('I/O'));
  dispatcher.schedule(item('busy'));
  clock.run();
  assert.deepEqual(seen.indexOf('I/O'), 3, `${seen}`);
  assert.equal(turns, 6);
});

test('Dispatcher counts microtasks of one pass against one budget', async () => {
  // Two parties that wake each other only through promises: no single drain is long.
  let stop = false;
  let turns = 0;
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(systemClock, (endless) => {
    turns++;
    void Promise.resolve().then(() => {
      if (!stop) dispatcher.schedule(endless);
    });
    return 1;
  });
  dispatcher.schedule(item('endless'));
  let passes = 0;
  await new Promise<void>((resolve) => {
    const pass = () => {
      if (++passes < 20) return void setImmediate(pass);
      stop = true;
      resolve();
    };
    setImmediate(pass);
  });
  assert.equal(passes, 20);
  assert.ok(turns > 20);
});

test('Dispatcher cuts turns short when handlers are slow, and lengthens them again', () => {
  const clock = new ManualClock();
  const quotas: number[] = [];
  let costMs = 0.01;
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, (busy, quota) => {
    quotas.push(quota);
    clock.advanceOnly(costMs * quota);
    if (quotas.length === 60) costMs = 0;
    if (quotas.length < 200) dispatcher.schedule(busy);
    return quota;
  });
  dispatcher.schedule(item('busy'));
  clock.run();
  assert.equal(quotas[0], 1, 'nothing is known at first');
  assert.ok((quotas[59] as number) <= 12, `${quotas[59]}`);
  assert.equal(quotas[199], 64);
});

test('Dispatcher watches slow work closely, however quick the rest is', () => {
  const clock = new ManualClock();
  let turns = 0;
  let sinceIo = 0;
  let longestMs = 0;
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, (busy, quota) => {
    const ms = quota * (busy.name === 'slow' ? 5 : 0.000_1);
    clock.advanceOnly(ms);
    sinceIo += ms;
    if (++turns < 5_000) dispatcher.schedule(busy);
    return quota;
  });
  const io = (): void => {
    longestMs = Math.max(longestMs, sinceIo);
    sinceIo = 0;
    if (turns < 5_000) clock.soon(io);
  };
  clock.soon(io);
  const [quick, slow] = [new Pace(), new Pace()];
  for (let i = 0; i < 40; i++) dispatcher.schedule(i % 4 === 0 ? item('slow', slow) : item('quick', quick));
  clock.run();
  assert.ok(longestMs < 6, `${longestMs} ms without I/O: one handler, and a quarter of the budget`);
});

test('Dispatcher does not mistake a look of others for its own', () => {
  const clock = new ManualClock();
  const quotas: number[] = [];
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, (busy, quota) => {
    quotas.push(quota);
    clock.advanceOnly(quota);
    dispatcher.isBudgetUsed();
    if (quotas.length < 100) dispatcher.schedule(busy);
    return quota;
  });
  dispatcher.schedule(item('slow'));
  clock.run();
  assert.equal(Math.max(...quotas), 1);
});

test('Dispatcher gives I/O its turn even if the clock stands still', () => {
  const clock = new ManualClock();
  let turns = 0;
  let io = 0;
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, (endless) => {
    if (++turns < 200_000) dispatcher.schedule(endless);
    return 1;
  });
  const pass = () => {
    io++;
    if (turns < 200_000) clock.soon(pass);
  };
  clock.soon(pass);
  dispatcher.schedule(item('endless'));
  clock.run();
  assert.equal(turns, 200_000);
  assert.ok(io >= 3, `${io}`);
});

test('Dispatcher goes on with the others when an activation throws', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const dispatcher = new Dispatcher<Item>(clock, ({ name }) => {
    if (name === 'bad') throw new Error('bug');
    seen.push(name);
    return 1;
  });
  for (const name of ['bad', 'good']) dispatcher.schedule(item(name));
  assert.throws(() => clock.run(), /bug/);
  clock.run();
  assert.deepEqual(seen, ['good']);
  dispatcher.schedule(item('later'));
  clock.run();
  assert.deepEqual(seen, ['good', 'later']);
});

test('Dispatcher.isBudgetUsed looks at the clock', () => {
  const clock = new ManualClock({ startMs: 100 });
  const answers: unknown[] = [];
  const dispatcher = new Dispatcher<Item>(clock, () => {
    answers.push(dispatcher.isBudgetUsed());
    clock.advanceOnly(0.6);
    answers.push(dispatcher.isBudgetUsed(), dispatcher.coarseNowMs);
    return 1;
  });
  dispatcher.schedule(item('slow'));
  clock.run();
  assert.deepEqual(answers, [false, true, 100.6]);
});

test('Dispatcher.onLook comes whenever nothing waits any more, and between turns', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const onLook = (): void => void seen.push(dispatcher.isBusy ? 'look' : 'rest');
  const activate = ({ name }: Item): number => {
    assert.ok(dispatcher.isBusy);
    seen.push(name);
    clock.advanceOnly(0.3);
    return 1;
  };
  const dispatcher: Dispatcher<Item> = new Dispatcher<Item>(clock, activate, { onLook });
  assert.ok(!dispatcher.isBusy);
  for (const name of ['a', 'b']) dispatcher.schedule(item(name));
  clock.run();
  assert.deepEqual(seen, ['a', 'look', 'b', 'look', 'rest']);
  clock.advanceOnly(10);
  assert.equal(dispatcher.coarseNowMs, clock.nowMs(), 'no older than this pass of the event loop');
});

test('Dispatcher takes turns from the queue that it is given, and again when told that there is more', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const waiting: Item[] = [];
  let isOpen = false;
  const queue = {
    get size() {
      return isOpen ? waiting.length : 0;
    },
    push: (one: Item) => void waiting.push(one),
    shift: () => (isOpen ? waiting.pop() : undefined),
  };
  const activate = ({ name }: Item): number => seen.push(name);
  const dispatcher = new Dispatcher<Item>(clock, activate, { queue });
  for (const name of ['a', 'b', 'c']) dispatcher.schedule(item(name));
  clock.run();
  assert.deepEqual([seen, dispatcher.isBusy, clock.pendingCallbacks], [[], false, 0]);
  isOpen = true;
  dispatcher.nudge();
  clock.run();
  assert.deepEqual(seen, ['c', 'b', 'a']);
  dispatcher.nudge();
  assert.equal(clock.pendingCallbacks, 0);
});

test('Dispatcher refuses options out of range', () => {
  for (const options of [{ throughput: 0 }, { throughput: 1.5 }, { budgetMs: 0 }, { budgetMs: Number.NaN }]) {
    assert.throws(() => new Dispatcher(new SystemClock(), () => 1, options), RangeError);
  }
});

test('Dispatcher activates everything that was scheduled, once, under random work', () => {
  const work = fc.array(fc.record({ item: fc.nat(20), costUs: fc.nat(400), again: fc.nat(3) }), { maxLength: 80 });
  fc.assert(
    fc.property(work, (steps) => {
      const clock = new ManualClock();
      const due = new Map<number, number>();
      const waiting = new Set<number>();
      const paces = [new Pace(), new Pace(), new Pace()];
      const schedule = (name: number) => {
        if (waiting.has(name)) return;
        waiting.add(name);
        dispatcher.schedule(item(name, paces[name % 3]));
      };
      const dispatcher: Dispatcher<Item<number>> = new Dispatcher<Item<number>>(clock, ({ name }) => {
        assert.ok(waiting.delete(name));
        const left = (due.get(name) ?? 0) - 1;
        due.set(name, left);
        clock.advanceOnly(0.07);
        if (left > 0) schedule(name);
        return 1;
      });
      for (const { item: name, costUs, again } of steps) {
        due.set(name, Math.max(due.get(name) ?? 0, again + 1));
        schedule(name);
        if (costUs % 3 === 0) clock.run();
      }
      clock.run();
      assert.equal(waiting.size, 0);
      for (const left of due.values()) assert.ok(left <= 0);
      assert.equal(clock.pendingCallbacks, 0);
    }),
  );
});
