/**
 * Data structures that the hot paths need and the language lacks.
 *
 * Guarantees
 *   C1  `RingBuffer` gives items back in the order in which they came; both ends are O(1), amortised.
 *   C2  What was taken is not kept alive by the structure.
 *   C3  `SharedCount` is exact for threads that live, and without those that were cleared.
 * Limits      a ring holds up to 2³⁰ items; its owner says what bounds it.
 * Not here    the queue in front of an actor, which has lanes and an overflow policy (mailbox/).
 *
 * @module
 */
export { RingBuffer } from './ring-buffer.ts';
export { SHARING_THREADS_MAX, SharedCount, sharedCounts } from './shared-count.ts';
