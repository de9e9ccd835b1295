/**
 * Durable: what outlasts a process, as bytes: sealed records, states with a version, bounds. No I/O.
 *
 * Guarantees
 *   U1  A record that was cut or changed is told from a whole one; it is never taken for another value.
 *   U2  A state is brought from its version to the present one step by step, or not at all: what was kept is not touched.
 *   U3  Nothing larger than its bound is made into a record.
 * Limits      values as `structuredClone` takes them; a record has 7 MiB. A record says nothing of who wrote it.
 * Not here    when a state is kept and who gets a message again (actor/); where the bytes are (store/).
 *
 * @module
 */
export { type KeepOptions, type KeepPolicy, RECORD_BYTES_MAX, toKeepPolicy } from './options.ts';
export { open, seal } from './record.ts';
export { type Migrations, openState, packState, unpackState } from './state.ts';
