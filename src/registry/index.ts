/**
 * Registry: which actor has which name.
 *
 * Guarantees
 *   N1  A name belongs to at most one living actor; it is free again as soon as that actor has ended.
 *   N2  `lookup` is O(1).
 * Limits      as many names as there are actors.
 * Not here    which names are well-formed (actor/).
 *
 * @module
 */
export { type NameListener, Registry } from './registry.ts';
