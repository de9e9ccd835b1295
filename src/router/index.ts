/**
 * Routers: one reference for many actors. A pool also makes them, and looks after them.
 *
 * Guarantees (in full, with their tests: docs/explanation/semantics.md)
 *   R1  What is sent to a router goes into the mailbox of a routee at once: no turn and no queue are between.
 *   R2  Who does not handle messages now, or has no room, is passed over while another can have the message; except by
 *       `consistent-hash`, where a key stays with its routee for as long as that lives.
 *   R3  When a routee comes or goes, `consistent-hash` gives about one n-th of the keys another routee, and no more.
 *   R4  A leased routee gets messages from its lessee only. Every wait for one has a deadline, and an actor's lease ends
 *       with its incarnation.
 *   R5  What routees emit is heard at their router; a pool that is drained lets them finish.
 * Limits      1,024 routees; 1,024 wait for a lease; `least-loaded` looks at every routee for each message.
 * Not here    groups of subscribers (broker/).
 *
 * @module
 */
export { acquire, type Lease, type LeaseOptions } from './lease.ts';
export type { RouterStrategy, RoutingOptions } from './options.ts';
export { type PoolOptions, pool } from './pool.ts';
export { type RouterOptions, router } from './router.ts';
