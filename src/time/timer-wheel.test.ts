import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './manual-clock.ts';
import { TICK_MS, TimerNode, TimerWheel } from './timer-wheel.ts';

test('TimerWheel fires at the first tick at or after the due time', () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const firedMs: number[] = [];
  for (const delayMs of [0, 1, 4, 5, 255, 256, 257, 5_000, 16_384, 3_600_000]) {
    wheel.after(delayMs, () => {
      firedMs.push(clock.nowMs());
      assert.ok(clock.nowMs() >= delayMs && clock.nowMs() <= delayMs + TICK_MS, `${delayMs} fired at ${clock.nowMs()}`);
    });
  }
  clock.advance(3_600_004);
  assert.equal(firedMs.length, 10);
  assert.equal(wheel.size, 0);
  assert.equal(clock.pendingTimers, 0);
});

test('TimerWheel sleeps through empty time with few wake-ups', () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  let fired = 0;
  wheel.after(40 * 3_600_000, () => fired++);
  const wakeUps = clock.advance(41 * 3_600_000);
  assert.equal(fired, 1);
  assert.ok(wakeUps < 20, `${wakeUps} wake-ups`);
});

test('TimerWheel plans nothing more once everything was cancelled', () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const timers = [10, 500, 20_000].map((ms) => wheel.after(ms, () => assert.fail('cancelled')));
  for (const timer of timers) wheel.cancel(timer);
  for (const timer of timers) wheel.cancel(timer);
  clock.advance(30_000);
  assert.equal(clock.pendingTimers, 0);
  assert.equal(wheel.size, 0);
});

test('TimerWheel lets a timer that fires cancel its neighbour and add others', () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const seen: string[] = [];
  let victim: TimerNode;
  wheel.after(8, () => {
    seen.push('first');
    wheel.cancel(victim);
    wheel.after(0, () => seen.push('at once'));
    wheel.after(8, () => seen.push('later'));
  });
  victim = wheel.after(8, () => seen.push('victim'));
  clock.advance(100);
  assert.deepEqual(seen, ['first', 'at once', 'later']);
});

test('TimerWheel.clear forgets all and can be used again', () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  for (let ms = 0; ms < 100_000; ms += 777) wheel.after(ms, () => assert.fail('cleared'));
  wheel.clear();
  assert.equal(clock.pendingTimers, 0);
  let fired = 0;
  wheel.after(10, () => fired++);
  clock.advance(100_000);
  assert.equal(fired, 1);
});

test('TimerWheel keeps the process alive only while it holds a timer', () => {
  const clock = new ManualClock();
  const holds: boolean[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, callback, keepAlive = false) => {
    holds.push(keepAlive);
    const handle = after(delayMs, callback, keepAlive);
    return { cancel: () => handle.cancel(), hold: (keep) => holds.push(keep) };
  };
  const wheel = new TimerWheel(clock);
  const timer = wheel.after(1_000, () => assert.fail('cancelled'));
  wheel.cancel(timer);
  wheel.cancel(wheel.after(2_000, () => assert.fail('cancelled')));
  assert.deepEqual(holds, [true], 'asks in a row do not toggle');
  clock.run();
  assert.deepEqual(holds, [true, false]);
  wheel.after(2_000, () => {});
  assert.deepEqual(holds, [true, false, true]);
});

class Probe extends TimerNode {
  readonly dueMs: number;
  readonly #fire: (probe: Probe) => void;

  constructor(dueMs: number, fire: (probe: Probe) => void) {
    super();
    this.dueMs = dueMs;
    this.#fire = fire;
  }

  override onTimer(): void {
    this.#fire(this);
  }
}

test('TimerWheel.startSoon begins the wait of what addSoon took, and of nothing that was cancelled', () => {
  const clock = new ManualClock({ startMs: 1_000 });
  const wheel = new TimerWheel(clock);
  const firedMs: number[] = [];
  class Limited extends Probe {
    override onWait(_nowMs: number, waitMs: number): number {
      return Math.min(waitMs, 20);
    }
  }
  const note = (): void => void firedMs.push(clock.nowMs());
  const [short, long, cancelled] = [new Probe(0, note), new Limited(0, note), new Probe(0, note)];
  wheel.addSoon(short, 8);
  wheel.addSoon(long, 1_000_000);
  wheel.addSoon(cancelled, 8);
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  assert.deepEqual([wheel.size, wheel.hasSoon, clock.pendingTimers], [2, true, 0]);
  clock.advance(100);
  wheel.startSoon(clock.nowMs());
  assert.deepEqual([wheel.size, wheel.hasSoon, firedMs.length], [2, false, 0]);
  clock.advance(100);
  assert.deepEqual(firedMs, [1_108, 1_120]);
  wheel.addSoon(cancelled, 8);
  wheel.clear();
  assert.deepEqual([wheel.size, wheel.hasSoon], [0, false]);
  wheel.startSoon(clock.nowMs());
  clock.advance(100);
  assert.equal(firedMs.length, 2);
});

test('TimerWheel agrees with a sorted list under random adds, cancels and jumps of time', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), ms: fc.oneof(fc.nat(300), fc.nat(70_000), fc.nat(100_000_000)) }),
    fc.record({ kind: fc.constant('soon' as const), ms: fc.integer({ min: 1, max: 70_000 }) }),
    fc.record({ kind: fc.constant('cancel' as const), ms: fc.nat() }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(fc.nat(20), fc.nat(20_000), fc.nat(80_000_000)) }),
  );
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.array(step, { maxLength: 60 }), (startMs, steps) => {
      const clock = new ManualClock({ startMs });
      const wheel = new TimerWheel(clock);
      const live = new Set<Probe>();
      const fire = (probe: Probe) => {
        assert.ok(live.delete(probe), 'fired once, and not after a cancel');
        assert.ok(clock.nowMs() >= probe.dueMs, 'not early');
        assert.ok(clock.nowMs() <= probe.dueMs + TICK_MS, 'not late');
      };
      for (const { kind, ms } of steps) {
        if (kind === 'add') {
          const probe = new Probe(clock.nowMs() + ms, fire);
          live.add(probe);
          wheel.add(probe, clock.nowMs(), ms);
        } else if (kind === 'soon') {
          const probe = new Probe(clock.nowMs() + ms, fire);
          live.add(probe);
          wheel.addSoon(probe, ms);
        } else if (kind === 'cancel') {
          const probe = [...live][ms % Math.max(1, live.size)];
          if (probe !== undefined && live.delete(probe)) wheel.cancel(probe);
        } else {
          wheel.startSoon(clock.nowMs());
          clock.advance(ms);
        }
        assert.equal(wheel.size, live.size);
        for (const probe of live) assert.ok(probe.dueMs + TICK_MS >= clock.nowMs(), 'nothing is overdue');
      }
      wheel.startSoon(clock.nowMs());
      clock.advance(200_000_000);
      assert.equal(live.size, 0);
      assert.equal(clock.pendingTimers, 0);
    }),
    { numRuns: 300 },
  );
});
