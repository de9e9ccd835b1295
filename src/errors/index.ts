/**
 * Errors: one class, one table of codes, nine kinds.
 *
 * Guarantees
 *   E1  Every operating error that crosses the public API is a `RuntimeError` with a code of the table.
 *   E2  A code is forever; HTTP status, exit code, retry advice and log level derive from its kind.
 *   E3  `message` and `details` are public and hold no secret and no payload; `cause` and `stack` stay in the process.
 * Limits      details are JSON values.
 * Not here    how an error is shown (cli/), logged (observe/) or sent (admin/, cluster/).
 *
 * @module
 */
export { ERROR_CODES, ERROR_KINDS, type ErrorCode, type ErrorKind } from './codes.ts';
export { assert, type ErrorDetails, RuntimeError, type WireError } from './runtime-error.ts';
