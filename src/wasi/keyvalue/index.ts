/**
 * `wasi:keyvalue`: buckets of the application's store, by grant.
 *
 * Guarantees
 *   KV1  A guest reaches the buckets that it was granted, and answers `access-denied` tell nothing of any other.
 *   KV2  A bucket belongs to the application: components that are granted the same name share its entries.
 *   KV3  A write that was answered with success is as durable as the store; reads see all writes before them, whoever
 *        made them.
 *   KV4  `increment` and `swap` are atomic among all guests. A swap never succeeds on an entry that was written
 *        meanwhile, were it with the same value.
 *   KV5  Whatever the store refuses is an answer, `other`, with a code; no path of this machine is in it.
 *   KV6  A cursor is valid for ever, in any instance; an entry that stays is on exactly one page.
 * Limits      both drafts, `0.2.0-draft` and `0.2.0-draft2`; `open("")` is the bucket `default`; what `increment` counts
 *             is decimal text; keys, values and buckets as large as the store takes (store/); `get-many` gives up to 16 MiB.
 * Not here    `watcher`: a component that exports it is refused by name (host/); grants (capability/).
 *
 * @module
 */
export { KEYVALUE_INTERFACES, KEYVALUE_SETTINGS, type KeyValueSettings } from './interfaces.ts';
