import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { asLength, asListOf, asU32, asU64 } from './values.ts';

function ends(read: () => unknown): void {
  assert.throws(read, (error) => RuntimeError.is(error, 'COMPONENT_TRAPPED'));
}

test('G3: asU64 and asLength end a guest that declares another 64-bit type', () => {
  assert.equal(asU64(2n ** 64n - 1n), 2n ** 64n - 1n);
  assert.equal(asLength(70_000n, 100), 100);
  for (const wrong of [-1n, -(2n ** 63n), 1, '1', undefined]) {
    ends(() => asU64(wrong));
    ends(() => asLength(wrong, 100));
  }
});

test('G3: asU32 ends a guest that declares another 32-bit type', () => {
  assert.equal(asU32(2 ** 32 - 1), 2 ** 32 - 1);
  for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1n, '1']) ends(() => asU32(wrong));
});

test('G3: asListOf reads every element, and ends a guest whose list has a hole where a value must be', () => {
  assert.deepEqual(asListOf([1, 2], asU32), [1, 2]);
  ends(() => asListOf(new Array(3), asU32));
});
