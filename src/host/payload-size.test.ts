import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadBytes } from './payload-size.ts';

test('payloadBytes counts text and typed arrays by length, and everything in everything', () => {
  assert.equal(payloadBytes([], 100), 0);
  assert.equal(payloadBytes(['abc', new Uint8Array(10), 1n], 100), 3 + 10 + 3 * 8);
  assert.equal(payloadBytes([{ tag: 'some', val: [true, undefined] }], 100), 8 + 16 + (8 + 4) + 8 + 8 + 8);
});

test('payloadBytes looks no further than it has to', () => {
  const hidden = { text: 'x'.repeat(1_000) };
  const trap = Object.defineProperty({}, 'a', { enumerable: true, get: () => assert.fail('was read') });
  assert.ok(payloadBytes([hidden, trap], 100) > 100);
});
