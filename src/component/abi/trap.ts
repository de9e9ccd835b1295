import { RuntimeError } from '../../errors/index.ts';

/** The rule of the Canonical ABI that a guest broke, in `details.rule` of the error. */
export type TrapRule =
  | 'borrow-remains'
  | 'cannot-leave'
  | 'char-range'
  | 'discriminant'
  | 'handle-lent'
  | 'handle-missing'
  | 'handle-not-own'
  | 'handle-type'
  | 'list-align'
  | 'list-bounds'
  | 'list-length'
  | 'pointer-align'
  | 'pointer-bounds'
  | 'realloc-align'
  | 'realloc-bounds'
  | 'reenter'
  | 'string-align'
  | 'string-bounds'
  | 'string-length'
  | 'string-utf16'
  | 'string-utf8';

/**
 * Ends the guest because it broke a rule of the Canonical ABI. The guest never sees what is thrown: the engine turns
 * it into a trap inside the guest.
 */
export function trap(rule: TrapRule, message: string): never {
  throw new RuntimeError('COMPONENT_TRAPPED', message, { details: { trap: 'abi', rule } });
}

/** Ends the guest because it asked for more than `limit` allows. */
export function exceed(limit: 'handles' | 'lift-budget' | 'lower-budget', message: string): never {
  throw new RuntimeError('COMPONENT_LIMIT', message, { details: { limit } });
}

/**
 * Thrown by the compiled lowering code when a value does not have its type. It is one object, so that finding out
 * costs nothing on the way; whoever catches it explains with the value at hand.
 */
export const MISMATCH: unique symbol = Symbol('value does not have the declared type');

/** Throws {@link MISMATCH}. */
export function mismatch(): never {
  throw MISMATCH;
}

/**
 * Says what was thrown while guest or host code ran, as one of our errors: a trap of the guest's own is
 * `COMPONENT_TRAPPED`, anything unknown `INTERNAL`.
 */
export function toFailure(thrown: unknown): RuntimeError {
  if (RuntimeError.is(thrown)) return thrown;
  const isTrap = thrown instanceof WebAssembly.RuntimeError;
  return RuntimeError.from(thrown, isTrap ? 'COMPONENT_TRAPPED' : 'INTERNAL');
}
