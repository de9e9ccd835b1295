import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './manual-clock.ts';
import { OwnLevel, SharedLevel } from './rate-level.ts';

const cellOf = (cells = new BigInt64Array(new SharedArrayBuffer(8))) => ({ cells, index: 0 });

test('SharedLevel says at any time what a level of one thread says', () => {
  const steps = fc.array(
    fc.record({
      ms: fc.integer({ min: 0, max: 3_000 }),
      units: fc.integer({ min: -50, max: 400 }),
      isBounded: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 1_000 }), (all, perSecond) => {
      const clock = new ManualClock();
      const [own, shared] = [new OwnLevel(clock, perSecond), new SharedLevel(clock, { ...cellOf(), perSecond })];
      for (const { ms, units, isBounded } of all) {
        clock.advance(ms);
        // A refund never lifts it above a second's worth, whoever looks first.
        const [level, atLeast] = [own.now, isBounded ? units : Number.NEGATIVE_INFINITY];
        const wanted = Math.max(units, level - perSecond);
        // On the very edge the two may round differently.
        if (Math.abs(level - atLeast) < 1e-3) continue;
        assert.equal(shared.take(wanted, atLeast), own.take(wanted, atLeast));
        assert.ok(Math.abs(shared.now - own.now) < 1e-2, `${shared.now} is ${own.now}`);
      }
    }),
  );
});

test('SharedLevel is one for all who share it: together they take no more than there is', () => {
  const clock = new ManualClock();
  const cells = cellOf();
  const threads = [1, 2, 3].map(() => new SharedLevel(clock, { ...cells, perSecond: 10 }));
  let taken = 0;
  for (let round = 0; round < 20; round++) for (const level of threads) if (level.take(1, 1)) taken++;
  assert.equal(taken, 10);
  clock.advance(500);
  for (let round = 0; round < 20; round++) for (const level of threads) if (level.take(1, 1)) taken++;
  assert.ok(taken === 15 || taken === 14, `${taken}`);
});
