import assert from 'node:assert/strict';
import { type ErrorCode, RuntimeError } from '../../src/errors/index.ts';

/** For `assert.rejects` and `assert.throws`: one of our errors with this code, and a message that fits. */
export const failsWith =
  (code: ErrorCode, pattern = /./) =>
  (error: unknown): boolean => {
    assert.ok(RuntimeError.is(error), String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
