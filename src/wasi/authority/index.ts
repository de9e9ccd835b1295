/**
 * What a guest may do: decided when it wants to, put on record, reported if it is denied.
 *
 * Guarantees
 *   A1  What no grant covers is denied, and so is what cannot be put on record.
 *   A2  Every decision is put on record before the guest hears of it; every denial is charged to its fuel.
 * Limits      a record that is not on disk yet holds nobody up: see audit/.
 * Not here    what is granted (capability/); what a denial looks like to a guest (each interface).
 *
 * @module
 */
export { AUTHORITY, decideFor, isAllowed, ON_DENIED, RECORD, uphold } from './authority.ts';
