import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../time/index.ts';
import { EventLimiter, type ShownEvent } from './event-limiter.ts';

function setUp() {
  const clock = new ManualClock();
  const shown: ShownEvent[] = [];
  return { clock, shown, limiter: new EventLimiter(clock, (event) => shown.push(event)) };
}

test('EventLimiter shows five events of an actor and type in a second and counts the rest', () => {
  const { clock, shown, limiter } = setUp();
  for (let index = 0; index < 1_000; index++) limiter.take({ type: 'denied', actor: 'a', text: `${index}` });
  limiter.take({ type: 'denied', actor: 'b' });
  limiter.take({ type: 'failed', actor: 'a' });
  assert.equal(shown.length, 7);
  limiter.release('due');
  assert.equal(shown.length, 7);
  clock.advance(1_000);
  limiter.release('due');
  assert.deepEqual(shown.at(-1), { type: 'denied', actor: 'a', text: '999', repeated: 995 });
  limiter.take({ type: 'denied', actor: 'a' });
  assert.equal(shown.at(-1)?.repeated, undefined);
});

test('EventLimiter holds nothing back at the end, and never what guests print', () => {
  const { shown, limiter } = setUp();
  for (let index = 0; index < 20; index++) limiter.take({ type: 'output', actor: 'a', text: 'x' });
  assert.equal(shown.length, 20);
  for (let index = 0; index < 7; index++) limiter.take({ type: 'dead-letter', actor: 'a' });
  limiter.release('end');
  limiter.release('end');
  assert.deepEqual(
    shown.slice(20).map(({ repeated }) => repeated),
    [undefined, undefined, undefined, undefined, undefined, 2],
  );
});

test('EventLimiter shows what an old window held before it opens a new one', () => {
  const { clock, shown, limiter } = setUp();
  for (let index = 0; index < 8; index++) limiter.take({ type: 'failed', actor: 'a' });
  clock.advance(2_000);
  limiter.take({ type: 'failed', actor: 'a' });
  assert.deepEqual(
    shown.slice(5).map(({ repeated }) => repeated),
    [3, undefined],
  );
});
