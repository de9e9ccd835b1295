/**
 * The embedded store: durable buckets of entries in one SQLite file, on a thread of its own.
 *
 * Guarantees
 *   ST1  A write that was acknowledged is on disk: it survives `kill -9` and, as far as the disk keeps its word, a
 *        loss of power. One that was not acknowledged is there whole or not at all.
 *   ST2  Requests are done in the order in which they were asked; each sees those before it.
 *   ST3  A group of writes is done whole or not at all, also across buckets; a request that is refused changes nothing
 *        and disturbs no other.
 *   ST4  Each request is answered within its deadline, whatever becomes of the thread, the file or the disk.
 *   ST5  What waits is bounded in number and in bytes; so are keys, values, buckets, and the file.
 *   ST6  The calling thread never waits for the disk.
 *   ST7  A storage thread that dies takes no more with it than the batch that it had; another takes its place.
 *   ST8  One process has the file at a time; a file that is damaged or of somebody else is refused, not changed.
 * Limits      a key has 1,024 bytes, a value 8 MiB, a request 1,024 entries and 16 MiB; 8,192 requests and 64 MiB wait;
 *             by default a bucket has 256 MiB and 1,048,576 keys, a store 1,024 buckets and 4 GiB. A store in memory
 *             is empty again when its thread was lost.
 * Not here    who may use which bucket (capability/, wasi/keyvalue); what an actor keeps (actor/).
 *
 * @module
 */
export { openStore } from './open-store.ts';
export {
  REQUEST_BYTES_MAX,
  REQUEST_ITEMS_MAX,
  STORE_DEFAULTS,
  type StoreLimits,
  type StoreOptions,
} from './options.ts';
export type { Entry, Increment, KeyPage, Store, Write, WriteOutcome } from './store.ts';
