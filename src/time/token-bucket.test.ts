import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './manual-clock.ts';
import { TokenBucket } from './token-bucket.ts';

test('TokenBucket refuses what is not there, and has it after the time that it takes', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, 10);
  assert.ok(bucket.tryTake(10));
  assert.ok(!bucket.tryTake(1));
  clock.advance(99);
  assert.ok(!bucket.tryTake(1));
  clock.advance(1);
  assert.ok(bucket.tryTake(1));
  clock.advance(3_600_000);
  assert.equal(bucket.level, 10);
});

test('TokenBucket lets those who wait go on in order when the debt is paid, and charges each', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, 1_000);
  const order: string[] = [];
  bucket.spend(1_500);
  bucket.wait(() => order.push('first'), 500);
  const giveUp = bucket.wait(() => order.push('second'), 500);
  bucket.wait(() => order.push('third'), 500);
  assert.deepEqual(order, []);
  clock.advance(499);
  assert.deepEqual(order, []);
  clock.advance(1);
  assert.deepEqual(order, ['first']);
  giveUp();
  clock.advance(500);
  assert.deepEqual(order, ['first', 'third']);
  assert.equal(clock.advance(3_600_000), 0);
});

test('TokenBucket leaves no timer when the last one gives up', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, 1);
  bucket.spend(100);
  const giveUp = bucket.wait(() => assert.fail('it gave up'));
  giveUp();
  giveUp();
  assert.equal(clock.advance(3_600_000), 0);
});

test('T7: TokenBucket never gives more than a second and the time that passed are worth', () => {
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ advance: fc.integer({ min: 1, max: 2_000 }) }),
    fc.record({ wait: fc.integer({ min: 0, max: 50 }) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 60 }), (perSecond, steps) => {
      const clock = new ManualClock();
      const bucket = new TokenBucket(clock, perSecond);
      let takenUnits = 0;
      for (const item of steps) {
        if ('advance' in item) clock.advance(item.advance);
        else if ('take' in item) takenUnits += bucket.tryTake(item.take) ? item.take : 0;
        else
          bucket.wait(() => {
            takenUnits += item.wait;
          }, item.wait);
        const worth = perSecond + (clock.nowMs() / 1_000) * perSecond;
        // One that waited is charged when it goes on: at most one is above.
        assert.ok(takenUnits <= worth + 50 + 1e-6, `${takenUnits} of ${worth}`);
      }
    }),
    { numRuns: 200 },
  );
});
