/**
 * `wasi:random`: unpredictable bytes, never faked. Without the grant the interfaces are not offered at all.
 *
 * Guarantees
 *   RA1  Bytes come from the operating system's generator unless the caller gives another.
 *   RA2  Many bytes are drawn off the calling thread.
 * Limits      16 MiB a request; more ends the guest, since the interface cannot give fewer.
 * Not here    randomness of the runtime's own, such as jitter (time/).
 *
 * @module
 */
export { RANDOM_BYTES, RANDOM_INTERFACES, type RandomBytes, SYSTEM_RANDOM_BYTES } from './random.ts';
