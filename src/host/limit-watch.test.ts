import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import { breachOf, type LimitBreach, LimitWatch } from './limit-watch.ts';
import { LIMIT_NAMES, LIMITS, type LimitSpec, toComponentLimits } from './limits.ts';

test('LimitWatch counts every breach, and tells of a flood once a second', () => {
  const clock = new ManualClock();
  const told: LimitBreach[] = [];
  const watch = new LimitWatch(clock, (breach) => told.push(breach));
  for (let nth = 1; nth <= 100_000; nth++) watch.note({ limit: 'sockets', limitValue: 3, used: nth });
  watch.note({ limit: 'handles', limitValue: 16, used: 16 });
  assert.deepEqual(told, [
    { limit: 'sockets', limitValue: 3, used: 1, times: 1 },
    { limit: 'handles', limitValue: 16, used: 16, times: 1 },
  ]);
  clock.advance(1_000);
  assert.deepEqual(told.slice(2), [{ limit: 'sockets', limitValue: 3, used: 100_000, times: 99_999 }]);
  assert.equal(watch.total('sockets'), 100_000);
  clock.advance(2_000);
  assert.equal(clock.advance(3_600_000), 0, 'who is quiet costs no timer');
  watch.note({ limit: 'sockets', limitValue: 3, used: 4 });
  assert.equal(told.length, 4, 'at once again');
});

test('breachOf knows what ended a guest by its limit', () => {
  const error = new RuntimeError('COMPONENT_LIMIT', 'x', { details: { limit: 'handles', limitValue: 5 } });
  assert.deepEqual(breachOf(error), { limit: 'handles', limitValue: 5, used: 5 });
  const late = new RuntimeError('COMPONENT_DEADLINE', 'x', { details: { deadlineMs: 30 } });
  assert.deepEqual(breachOf(late), { limit: 'deadline', limitValue: 30, used: 30 });
  assert.equal(breachOf(new RuntimeError('COMPONENT_TRAPPED', 'x', { details: { trap: 'unreachable' } })), undefined);
});

test('toComponentLimits fills in defaults, and refuses what is out of range', () => {
  assert.equal(toComponentLimits().fuelPerMessage, Number.POSITIVE_INFINITY);
  assert.equal(toComponentLimits({ sockets: 0 }).sockets, 0);
  for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 65_537])
    assert.throws(() => toComponentLimits({ sockets: bad }), RangeError, String(bad));
  assert.throws(() => toComponentLimits({ fuelPerMessage: 0 }), RangeError);
});

test('LIMITS has defaults that are in their ranges, and keys of their own', () => {
  assert.equal(new Set(LIMIT_NAMES.map((name) => LIMITS[name].key)).size, LIMIT_NAMES.length);
  for (const name of LIMIT_NAMES) {
    const { min, max, default: value, unboundable }: LimitSpec = LIMITS[name];
    assert.ok(value === undefined || (value >= min && value <= max) || (value === Infinity && unboundable), name);
  }
});
