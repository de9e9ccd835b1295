import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../errors/index.ts';
import { backoffDelayMs } from './backoff.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { ManualClock } from './manual-clock.ts';
import { SeededRandom, SystemRandom } from './random.ts';
import { systemClock } from './system-clock.ts';

test('ManualClock.nextTimerMs is when the next timer falls due', () => {
  const clock = new ManualClock({ startMs: 5 });
  assert.equal(clock.nextTimerMs, undefined);
  clock.after(20, () => {});
  const sooner = clock.after(10, () => {});
  assert.equal(clock.nextTimerMs, 15);
  sooner.cancel();
  assert.equal(clock.nextTimerMs, 25);
});

test('parseDuration reads every unit', () => {
  assert.equal(parseDuration('0ms'), 0);
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('1.5s'), 1_500);
  assert.equal(parseDuration('2m'), 120_000);
  assert.equal(parseDuration('1h'), 3_600_000);
  assert.equal(parseDuration('0.5d'), 43_200_000);
});

test('parseDuration refuses what is not a duration and quotes it, shortened', () => {
  for (const text of ['', '5', 's', '5 s', '-1s', '1e3ms', '5S', '1s2', '.5s', 'Infinityms', '1.2345s']) {
    assert.throws(
      () => parseDuration(text),
      (error) => RuntimeError.is(error, 'CONFIG_INVALID'),
      text,
    );
  }
  const long = 'x'.repeat(10_000);
  assert.throws(
    () => parseDuration(long),
    (error: Error) => error.message.length < 200,
  );
});

test('formatDuration writes the longest exact unit', () => {
  assert.equal(formatDuration(0), '0ms');
  assert.equal(formatDuration(0.25), '0.25ms');
  assert.equal(formatDuration(999), '999ms');
  assert.equal(formatDuration(1_500), '1.5s');
  assert.equal(formatDuration(61_000), '61s');
  assert.equal(formatDuration(90_000), '1.5m');
  assert.equal(formatDuration(86_400_000), '1d');
});

test('formatDuration is read back by parseDuration', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (us) => parseDuration(formatDuration(us / 1_000)) === us / 1_000),
  );
});

test('backoffDelayMs grows by the factor up to the maximum', () => {
  const backoff = { minMs: 50, maxMs: 1_000, factor: 2, jitter: 0 };
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 5_000].map((attempt) => backoffDelayMs(backoff, attempt, 0.5)),
    [50, 100, 200, 400, 800, 1_000, 1_000],
  );
  assert.equal(backoffDelayMs({ ...backoff, minMs: 0 }, 7, 0), 0);
});

test('backoffDelayMs stays within its bounds for any jitter', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(5_000), fc.double({ min: 0, max: 1, noNaN: true }), chance, (attempt, jitter, random) => {
      const delay = backoffDelayMs({ minMs: 10, maxMs: 500, factor: 1.7, jitter }, attempt, random);
      return delay <= 500 && delay >= 10 * (1 - jitter);
    }),
  );
});

test('SeededRandom repeats its numbers and spreads them evenly', () => {
  const first = new SeededRandom(42);
  const second = new SeededRandom(42);
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const number = first.next();
    assert.equal(number, second.next());
    buckets[Math.floor(number * 10)]! += 1;
  }
  for (const count of buckets) assert.ok(count > 850 && count < 1_150, `${buckets}`);
  assert.notEqual(new SeededRandom(1).next(), new SeededRandom(2).next());
});

test('SystemRandom gives numbers in [0, 1)', () => {
  const random = new SystemRandom();
  for (let i = 0; i < 100; i++) {
    const number = random.next();
    assert.ok(number >= 0 && number < 1);
  }
});

test('ManualClock runs due callbacks in the order of time, then of registration', () => {
  const clock = new ManualClock({ startMs: 5, wallMs: 1_000 });
  const seen: string[] = [];
  const note = (name: string) => () => void seen.push(`${name}@${clock.nowMs()}`);
  clock.after(20, note('b'));
  clock.after(10, () => {
    note('a')();
    clock.after(0, note('a2'));
  });
  clock.after(20, note('c'));
  const cancelled = clock.after(15, note('never'));
  cancelled.cancel();
  assert.equal(clock.advance(9), 0);
  clock.advance(11);
  assert.deepEqual(seen, ['a@15', 'a2@15', 'b@25', 'c@25']);
  assert.equal(clock.wallMs(), 1_020);
  assert.equal(clock.pendingTimers, 0);
});

test('ManualClock runs next before soon, as the event loop does', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  clock.soon(() => {
    seen.push('soon 1');
    clock.next(() => seen.push('next from soon'));
  });
  clock.soon(() => seen.push('soon 2'));
  clock.next(() => {
    seen.push('next 1');
    clock.next(() => seen.push('next 2'));
  });
  assert.equal(clock.run(), 5);
  assert.deepEqual(seen, ['next 1', 'next 2', 'soon 1', 'next from soon', 'soon 2']);
});

test('ManualClock reports code that feeds itself for ever', () => {
  const clock = new ManualClock();
  const again = () => clock.soon(again);
  clock.soon(again);
  assert.throws(() => clock.run(), /Broken invariant/);
});

test('ManualClock never goes back, whatever its callbacks do', async () => {
  const clock = new ManualClock();
  clock.after(1, () => clock.advanceOnly(100));
  clock.advance(20);
  assert.equal(clock.nowMs(), 101);
  clock.after(1, () => clock.advanceOnly(100));
  await clock.elapse(20);
  assert.equal(clock.nowMs(), 202);
  assert.throws(() => clock.advance(-1), RangeError);
  assert.throws(() => clock.advanceOnly(Number.NaN), RangeError);
  await assert.rejects(clock.elapse(-1), RangeError);
});

test('ManualClock elapses through timers that promises start', async () => {
  const clock = new ManualClock();
  const sleep = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const seen: number[] = [];
  const done = (async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(10);
      seen.push(clock.nowMs());
    }
  })();
  await clock.elapse(100);
  await done;
  assert.deepEqual(seen, [10, 20, 30]);
  assert.equal(clock.nowMs(), 100);
});

test('SystemClock runs next when the job ends, soon and after later and never early, and cancels', async () => {
  const seen: string[] = [];
  const startMs = systemClock.nowMs();
  systemClock.after(0, () => seen.push('cancelled')).cancel();
  systemClock.next(() => seen.push('next'));
  await new Promise<void>((resolve) => systemClock.soon(resolve));
  assert.deepEqual(seen, ['next']);
  await new Promise<void>((resolve) => systemClock.after(1.5, resolve).hold(true));
  assert.ok(systemClock.nowMs() - startMs >= 1.5);
  assert.deepEqual(seen, ['next']);
  assert.ok(Math.abs(systemClock.wallMs() - Date.now()) < 1_000);
});
