import { RuntimeError } from '../../errors/index.ts';

/** What V8 says when a wasm stack overflows; the only RangeError that a guest can cause. */
const STACK_OVERFLOW = /call stack/i;

/** V8's trap texts by our names; the texts are stable across Node 24 to 26. */
const TRAPS: readonly (readonly [pattern: RegExp, trap: string])[] = [
  [/unreachable/, 'unreachable'],
  [/memory access out of bounds/, 'memory-out-of-bounds'],
  [/table index is out of bounds|table access out of bounds|table.*out of bounds/, 'table-out-of-bounds'],
  [/divide by zero|remainder by zero/, 'integer-divide-by-zero'],
  [/divide result unrepresentable/, 'integer-overflow'],
  [/float unrepresentable/, 'invalid-conversion-to-integer'],
  [/null function|signature mismatch/, 'indirect-call-mismatch'],
  [/dereferencing a null/, 'null-reference'],
];

/**
 * Names what ended a guest. `thrown` is what came out of wasm; a reason that the host recorded (a kill, a broken rule
 * of the canonical ABI, an exit) goes before it and is not given to this function.
 */
export function nameTrap(thrown: unknown): RuntimeError {
  if (RuntimeError.is(thrown)) return thrown;
  if (thrown instanceof WebAssembly.RuntimeError) {
    const trap = TRAPS.find(([pattern]) => pattern.test(thrown.message))?.[1] ?? 'other';
    return trapped(trap, `The component trapped: ${thrown.message}`, thrown);
  }
  if (thrown instanceof RangeError && STACK_OVERFLOW.test(thrown.message)) {
    return trapped('stack-overflow', 'The component trapped: its call stack overflowed', thrown);
  }
  if (thrown instanceof WebAssembly.Exception) {
    return trapped('uncaught-exception', 'The component trapped: it threw an exception that it did not catch', thrown);
  }
  return RuntimeError.from(thrown, 'INTERNAL');
}

function trapped(trap: string, message: string, cause: unknown): RuntimeError {
  return new RuntimeError('COMPONENT_TRAPPED', message, { details: { trap }, cause });
}

/** A blocking import was called where the wasm stack cannot be suspended. */
export function cannotSuspend(): RuntimeError {
  return trapped(
    'cannot-suspend',
    'The component trapped: it made a blocking call where it cannot be suspended (in a destructor, for one)',
    undefined,
  );
}

/** Names what V8 says when a core module cannot be compiled or instantiated. */
export function nameLinkFailure(thrown: unknown): RuntimeError {
  if (RuntimeError.is(thrown)) return thrown;
  if (thrown instanceof WebAssembly.CompileError || thrown instanceof WebAssembly.LinkError) {
    const text = thrown.message.replace(/^WebAssembly\.\w+\(\): /, '');
    return new RuntimeError('COMPONENT_INVALID', `Cannot compile the component: a core module is invalid: ${text}`, {
      cause: thrown,
    });
  }
  if (thrown instanceof RangeError && !STACK_OVERFLOW.test(thrown.message)) {
    return new RuntimeError(
      'COMPONENT_LIMIT',
      'Cannot instantiate the component: the process has no room for another linear memory; stop some instances or run fewer in one process',
      { details: { limit: 'process-memories' }, cause: thrown },
    );
  }
  return nameTrap(thrown);
}
