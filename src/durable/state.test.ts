import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../errors/index.ts';
import { RECORD_BYTES_MAX, toKeepPolicy } from './options.ts';
import { open, seal } from './record.ts';
import { packState, unpackState } from './state.ts';

const owner = (version: number, type = 'test:counter@1.0.0') => ({ actor: 'c', type, version });
const codeOf = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return RuntimeError.is(error) ? error.code : error;
  }
};

test('S63: open gives back what was sealed, and nothing of a record that was cut or changed', () => {
  const value = { n: 1, when: new Date(5), map: new Map([['a', new Uint8Array([1, 2])]]), big: 10n };
  const record = seal(value);
  assert.deepEqual(open(record)?.value, value);
  for (let length = 0; length < record.length; length++) assert.equal(open(record.subarray(0, length)), undefined);
  fc.assert(
    fc.property(fc.nat(record.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Uint8Array.from(record);
      changed[at] = (changed[at] as number) ^ flip;
      assert.equal(open(changed), undefined);
    }),
  );
});

test('unpackState migrates a state step by step, from every version there was', () => {
  const migrations = { 1: (n: number) => ({ n }), 2: ({ n }: { n: number }) => ({ count: n }) };
  const first = packState(owner(1), 7, 1_000);
  assert.deepEqual(unpackState(owner(3, 'test:counter@2.0.0'), first, migrations), { count: 7 });
  assert.deepEqual(unpackState(owner(3), packState(owner(2), { n: 8 }, 1_000), migrations), { count: 8 });
  assert.deepEqual(unpackState(owner(1), first), 7);
});

test('unpackState refuses what it does not know by name', () => {
  const kept = packState(owner(2), 1, 1_000);
  assert.equal(
    codeOf(() => unpackState(owner(1), kept)),
    'STATE_VERSION_UNKNOWN',
  );
  assert.equal(
    codeOf(() => unpackState(owner(3), kept)),
    'STATE_VERSION_UNKNOWN',
  );
  assert.equal(
    codeOf(() => unpackState(owner(2, 'test:other'), kept)),
    'STATE_VERSION_UNKNOWN',
  );
  assert.equal(
    codeOf(() => unpackState(owner(2), kept.subarray(1))),
    'STATE_CORRUPT',
  );
  assert.equal(
    codeOf(() => unpackState(owner(2), seal('no state'))),
    'STATE_CORRUPT',
  );
});

test('packState refuses what is no data, and what is too large', () => {
  assert.equal(
    codeOf(() => packState(owner(1), { run: () => 0 }, 1_000)),
    'STATE_INVALID',
  );
  assert.equal(
    codeOf(() => packState(owner(1), 'x'.repeat(1_000), 1_000)),
    'STATE_INVALID',
  );
});

test('toKeepPolicy fills in defaults and refuses what is out of range', () => {
  assert.deepEqual(toKeepPolicy(), { everyMessages: 64, everyMs: 1_000, maxBytes: 1_024 ** 2 });
  assert.throws(() => toKeepPolicy({ everyMessages: 0 }), RangeError);
  assert.throws(() => toKeepPolicy({ maxBytes: RECORD_BYTES_MAX + 1 }), RangeError);
});
