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
export function exceed(
  ...[limit, message, limitValue]: ['handles' | 'lift-budget' | 'lower-budget', string, number]
): never {
  throw new RuntimeError('COMPONENT_LIMIT', message, { details: { limit, limitValue } });
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

/** What V8 says when a stack overflows: the only RangeError that a guest can cause. */
const STACK_OVERFLOW = /call stack/i;

/** V8's trap texts by our names; the texts are stable across Node 24 to 26. */
const TRAPS: readonly (readonly [pattern: RegExp, trap: string])[] = [
  [/unreachable/, 'unreachable'],
  [/memory access out of bounds|data segment .* out of bounds/, 'memory-out-of-bounds'],
  [/table.*out of bounds/, 'table-out-of-bounds'],
  [/divide by zero|remainder by zero/, 'integer-divide-by-zero'],
  [/divide result unrepresentable/, 'integer-overflow'],
  [/float unrepresentable/, 'invalid-conversion-to-integer'],
  [/null function|signature mismatch/, 'indirect-call-mismatch'],
  [/dereferencing a null/, 'null-reference'],
];

/** Tells whether this is a stack that overflowed, and no other failure of the same class. */
export function isStackOverflow(thrown: unknown): boolean {
  return thrown instanceof RangeError && STACK_OVERFLOW.test(thrown.message);
}

/**
 * Says what was thrown while guest or host code ran, as one of our errors. What a guest does wrong is
 * `COMPONENT_TRAPPED` with its name in `details.trap`; anything unknown is `INTERNAL`.
 */
export function toFailure(thrown: unknown): RuntimeError {
  if (RuntimeError.is(thrown)) return thrown;
  try {
    return guestFailure(thrown) ?? RuntimeError.from(thrown, 'INTERNAL');
  } catch {
    return RuntimeError.from(thrown, 'INTERNAL'); // a host's proxy that refuses to be looked at
  }
}

function guestFailure(thrown: unknown): RuntimeError | undefined {
  if (thrown instanceof WebAssembly.RuntimeError) {
    const name = TRAPS.find(([pattern]) => pattern.test(thrown.message))?.[1] ?? 'other';
    return trapped(name, `The component trapped: ${thrown.message}`, thrown);
  }
  if (isStackOverflow(thrown)) {
    return trapped('stack-overflow', 'The component trapped: its call stack overflowed', thrown);
  }
  if (thrown instanceof WebAssembly.Exception) {
    return trapped('uncaught-exception', 'The component trapped: it threw an exception that it did not catch', thrown);
  }
  return undefined;
}

function trapped(name: string, message: string, cause: unknown): RuntimeError {
  return new RuntimeError('COMPONENT_TRAPPED', message, { details: { trap: name }, cause });
}
