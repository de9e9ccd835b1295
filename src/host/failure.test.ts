import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_KINDS, type ErrorCode, type ErrorKind, RuntimeError } from '../errors/index.ts';
import { fromGuest, toGuest } from './failure.ts';

const EXPECTED: Readonly<Record<ErrorKind, ErrorCode>> = {
  invalid: 'ANSWER_INVALID',
  denied: 'ANSWER_DENIED',
  'not-found': 'ANSWER_NOT_FOUND',
  conflict: 'ANSWER_CONFLICT',
  overload: 'ANSWER_OVERLOAD',
  timeout: 'ANSWER_TIMEOUT',
  unavailable: 'ANSWER_UNAVAILABLE',
  cancelled: 'ANSWER_CANCELLED',
  internal: 'ANSWER_INTERNAL',
};

for (const kind of Object.keys(ERROR_KINDS) as ErrorKind[]) {
  test(`fromGuest gives an answer of kind "${kind}" a code of its own and keeps the kind`, () => {
    const error = fromGuest({ kind, code: 'MAILBOX_FULL', message: 'Too much' });
    assert.equal(error.code, EXPECTED[kind]);
    assert.equal(error.kind, kind);
    assert.equal(error.message, 'Too much');
    assert.equal(error.details.answerCode, 'MAILBOX_FULL');
  });
}

test('fromGuest bounds what a guest says, and says something when the guest says nothing', () => {
  const long = fromGuest({ kind: 'invalid', code: 'C'.repeat(1e5), message: 'm'.repeat(1e6) });
  assert.equal((long.details.answerCode as string).length, 64);
  assert.equal(long.message.length, 2_000);
  assert.notEqual(fromGuest({ kind: 'invalid', code: '', message: '' }).message, '');
});

test("toGuest passes another guest's code on, and our own as it is", () => {
  const passed = toGuest(fromGuest({ kind: 'conflict', code: 'SEEN', message: 'Again' }));
  assert.deepEqual(passed, { kind: 'conflict', code: 'SEEN', message: 'Again' });
  const own = toGuest(new RuntimeError('ASK_TIMEOUT', 'No reply within 5 ms', { cause: new Error('secret') }));
  assert.deepEqual(own, { kind: 'timeout', code: 'ASK_TIMEOUT', message: 'No reply within 5 ms' });
});
