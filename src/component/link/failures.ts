import { RuntimeError } from '../../errors/index.ts';
import { isStackOverflow, toFailure } from '../abi/index.ts';

/** A blocking import was called where the wasm stack cannot be suspended. */
export function cannotSuspend(): RuntimeError {
  return new RuntimeError(
    'COMPONENT_TRAPPED',
    'The component trapped: it made a blocking call where it cannot be suspended (in a destructor, for one)',
    { details: { trap: 'cannot-suspend' } },
  );
}

/** A component of a composition was called while it was in a call. */
export function reentered(name: string): RuntimeError {
  return new RuntimeError(
    'COMPONENT_TRAPPED',
    `The component trapped: "${name}" was called while its component was in a call`,
    {
      details: { trap: 'abi', rule: 'reenter' },
    },
  );
}

/** The components of a composition call each other, one from inside the other, without end. */
export function tooDeep(max: number): RuntimeError {
  return new RuntimeError(
    'COMPONENT_TRAPPED',
    `The component trapped: more than ${max} calls between its components are inside each other`,
    { details: { trap: 'stack-overflow' } },
  );
}

/** A memory that was not allowed to grow, in bytes. */
export interface GrowRefusal {
  /** All memories of the instance together, then. */
  readonly hasBytes: number;
  readonly moreBytes: number;
  /** What they may have together. */
  readonly limitBytes: number;
}

/** What allocators do when `memory.grow` gave −1 to them: they trap, hand out a pointer that nobody checks, or throw. */
const OUT_OF_MEMORY_TRAPS: ReadonlySet<unknown> = new Set([
  'unreachable',
  'memory-out-of-bounds',
  'uncaught-exception',
]);

/** The failure of a guest that trapped in a call in which its memory was not allowed to grow: the limit is what it ended by. */
export function withRefusal(reason: RuntimeError, refusal: GrowRefusal): RuntimeError {
  const { hasBytes, moreBytes, limitBytes: limitValue } = refusal;
  const { code, message, details, cause } = reason;
  if (code !== 'COMPONENT_TRAPPED' || !OUT_OF_MEMORY_TRAPS.has(details.trap)) return reason;
  const text = `${message}, after it was refused ${moreBytes} bytes of memory; it has ${hasBytes} of ${limitValue}: raise "memory" in [limits] if it needs more`;
  const known = { ...details, limit: 'memory', limitValue, used: hasBytes, refusedBytes: moreBytes };
  return new RuntimeError('COMPONENT_LIMIT', text, { details: known, cause });
}

/**
 * Lets go of the frames that V8 keeps of an error until its stack is read, and with them of the guest's memory: errors
 * outlive guests, in logs and dead letters.
 *
 * @param namesTrap Whether `reason` was made after the guest's stack had gone, to name what came out of it.
 */
export function releaseFrames(reason: RuntimeError, namesTrap: boolean): void {
  const { cause } = reason;
  try {
    if (cause instanceof Error) void cause.stack;
    // Reading takes 3 µs, so it is left out where there is nothing to let go of.
    if (!namesTrap) void reason.stack;
  } catch {
    // What a host function threw may refuse to be read, and then holds what it likes.
  }
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
  if (thrown instanceof RangeError && !isStackOverflow(thrown)) {
    return new RuntimeError(
      'COMPONENT_LIMIT',
      'Cannot instantiate the component: the process has no room for another linear memory; stop some instances or run fewer in one process',
      { details: { limit: 'process-memories' }, cause: thrown },
    );
  }
  return toFailure(thrown);
}
