import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock, SystemClock, systemClock } from '../time/index.ts';
import { Dispatcher } from './dispatcher.ts';

test('Dispatcher activates in the order of schedule, before I/O', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const dispatcher = new Dispatcher<string>(clock, (item) => seen.push(item));
  clock.soon(() => seen.push('I/O'));
  for (const item of ['a', 'b', 'c']) dispatcher.schedule(item);
  assert.equal(dispatcher.size, 3);
  clock.run();
  assert.deepEqual(seen, ['a', 'b', 'c', 'I/O']);
  assert.equal(clock.pendingCallbacks, 0);
});

test('Dispatcher lets I/O have its turn when the budget is used up', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  let turns = 0;
  const dispatcher: Dispatcher<string> = new Dispatcher(clock, (item) => {
    clock.advanceOnly(0.2);
    seen.push(item);
    if (++turns < 6) dispatcher.schedule(item);
  });
  clock.soon(() => seen.push('I/O'));
  dispatcher.schedule('busy');
  clock.run();
  assert.deepEqual(seen.indexOf('I/O'), 3, `${seen}`);
  assert.equal(turns, 6);
});

test('Dispatcher counts microtasks of one pass against one budget', async () => {
  // Two parties that wake each other only through promises: no single drain is long.
  let stop = false;
  let turns = 0;
  const dispatcher: Dispatcher<string> = new Dispatcher(systemClock, (item) => {
    turns++;
    void Promise.resolve().then(() => {
      if (!stop) dispatcher.schedule(item);
    });
  });
  dispatcher.schedule('endless');
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
  const dispatcher: Dispatcher<string> = new Dispatcher(clock, (item, quota) => {
    quotas.push(quota);
    clock.advanceOnly(costMs * quota);
    if (quotas.length === 60) costMs = 0;
    if (quotas.length < 200) dispatcher.schedule(item);
  });
  dispatcher.schedule('busy');
  clock.run();
  assert.equal(quotas[0], 64);
  assert.ok((quotas[59] as number) <= 12, `${quotas[59]}`);
  assert.equal(quotas[199], 64);
});

test('Dispatcher gives I/O its turn even if the clock stands still', () => {
  const clock = new ManualClock();
  let turns = 0;
  let io = 0;
  const dispatcher: Dispatcher<string> = new Dispatcher(clock, (item) => {
    if (++turns < 200_000) dispatcher.schedule(item);
  });
  const pass = () => {
    io++;
    if (turns < 200_000) clock.soon(pass);
  };
  clock.soon(pass);
  dispatcher.schedule('endless');
  clock.run();
  assert.equal(turns, 200_000);
  assert.ok(io >= 3, `${io}`);
});

test('Dispatcher goes on with the others when an activation throws', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const dispatcher = new Dispatcher<string>(clock, (item) => {
    if (item === 'bad') throw new Error('bug');
    seen.push(item);
  });
  for (const item of ['bad', 'good']) dispatcher.schedule(item);
  assert.throws(() => clock.run(), /bug/);
  clock.run();
  assert.deepEqual(seen, ['good']);
  dispatcher.schedule('later');
  clock.run();
  assert.deepEqual(seen, ['good', 'later']);
});

test('Dispatcher.isBudgetUsed looks at the clock', () => {
  const clock = new ManualClock({ startMs: 100 });
  const answers: unknown[] = [];
  const dispatcher = new Dispatcher<string>(clock, () => {
    answers.push(dispatcher.isBudgetUsed());
    clock.advanceOnly(0.6);
    answers.push(dispatcher.isBudgetUsed(), dispatcher.coarseNowMs);
  });
  dispatcher.schedule('slow');
  clock.run();
  assert.deepEqual(answers, [false, true, 100.6]);
});

test('Dispatcher refuses options out of range', () => {
  for (const options of [{ throughput: 0 }, { throughput: 1.5 }, { budgetMs: 0 }, { budgetMs: Number.NaN }]) {
    assert.throws(() => new Dispatcher(new SystemClock(), () => {}, options), RangeError);
  }
});

test('Dispatcher activates everything that was scheduled, once, under random work', () => {
  const work = fc.array(fc.record({ item: fc.nat(20), costUs: fc.nat(400), again: fc.nat(3) }), { maxLength: 80 });
  fc.assert(
    fc.property(work, (steps) => {
      const clock = new ManualClock();
      const due = new Map<number, number>();
      const waiting = new Set<number>();
      const schedule = (item: number) => {
        if (waiting.has(item)) return;
        waiting.add(item);
        dispatcher.schedule(item);
      };
      const dispatcher: Dispatcher<number> = new Dispatcher(clock, (item) => {
        assert.ok(waiting.delete(item));
        const left = (due.get(item) ?? 0) - 1;
        due.set(item, left);
        clock.advanceOnly(0.07);
        if (left > 0) schedule(item);
      });
      for (const { item, costUs, again } of steps) {
        due.set(item, Math.max(due.get(item) ?? 0, again + 1));
        schedule(item);
        if (costUs % 3 === 0) clock.run();
      }
      clock.run();
      assert.equal(waiting.size, 0);
      for (const left of due.values()) assert.ok(left <= 0);
      assert.equal(clock.pendingCallbacks, 0);
    }),
  );
});
