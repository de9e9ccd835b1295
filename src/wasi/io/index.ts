/**
 * `wasi:io`: streams with back-pressure, pollables and stream errors.
 *
 * Guarantees
 *   I1  A read gives at most 64 KiB and the host allocates no more for it, whatever length the guest names.
 *   I2  A stream holds at most 64 KiB of unwritten bytes. Writing more than `check-write` permits ends the guest.
 *   I3  A failure is reported once, as `last-operation-failed`; from then on the stream is `closed`.
 *   I4  Waiting suspends the guest and never blocks the event loop; a guest that spins instead still lets I/O happen.
 *   I5  What can complete at once completes without a promise.
 *   I6  Who reads or writes more than the rate of its component waits, and gets or gives the bytes later.
 * Limits      16,384 pollables in one poll; 4,096 bytes in one blocking write, as the interface says.
 * Not here    where bytes come from and go to (cli/, filesystem/).
 *
 * @module
 */
export { IO_INTERFACES } from './interfaces.ts';
export { IoError } from './io-error.ts';
export { BYTE_RATES, paidFor } from './pace.ts';
export { Pollable, type Readiness } from './pollable.ts';
export type { ByteSink, ByteSource } from './ports.ts';
export { Reader } from './reader.ts';
export { InputStream, OutputStream } from './streams.ts';
export { Writer } from './writer.ts';
