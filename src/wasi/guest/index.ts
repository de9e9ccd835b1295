/**
 * What the WASI interfaces of one component instance have in common.
 *
 * Guarantees
 *   G1  Every wait ends: by its event, or when the instance is disposed of.
 *   G2  A guest holds a bounded number of resources; one more ends it.
 *   G3  An argument that is not of the type that WASI declares ends the guest before it is used.
 *   G4  What a package keeps for a guest is made when first used, and let go of with the guest.
 *   G5  What the host does for a guest, beyond what its calls cost anyway, is charged to its fuel.
 * Limits      counts are per instance; instances share settings, no state.
 * Not here    what the interfaces do (io/, clocks/, random/, cli/, filesystem/).
 *
 * @module
 */
export { type Breach, ON_LIMIT, reportLimit } from './breach.ts';
export { Guest, PartKey, Parts, Token } from './guest.ts';
export { defineInterfaces } from './interfaces.ts';
export {
  asBytes,
  asLength,
  asList,
  asListOf,
  asRecord,
  asResource,
  asS64,
  asText,
  asU32,
  asU64,
  type Err,
  type Eventually,
  err,
  isPromise,
  OK,
  type Ok,
  ok,
  type Result,
  trap,
} from './values.ts';
