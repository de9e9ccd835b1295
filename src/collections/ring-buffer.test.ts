import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RingBuffer } from './ring-buffer.ts';

test('RingBuffer agrees with an array under random pushes, shifts, pops and clears', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.nat() },
    { weight: 4, arbitrary: fc.constantFrom('shift', 'pop') },
    fc.constant('clear'),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ring = new RingBuffer<number>();
      const model: number[] = [];
      for (const step of steps) {
        if (typeof step === 'number') {
          ring.push(step);
          model.push(step);
        } else if (step === 'shift') {
          assert.equal(ring.shift(), model.shift());
        } else if (step === 'pop') {
          assert.equal(ring.pop(), model.pop());
        } else {
          ring.clear();
          model.length = 0;
        }
        assert.equal(ring.size, model.length);
      }
      while (model.length > 0) assert.equal(ring.shift(), model.shift());
      assert.equal(ring.shift(), undefined);
    }),
  );
});
