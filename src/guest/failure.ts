import type { FailureKind, Failure as WireFailure } from 'troupe:actor/types@0.1.0';

const KINDS: readonly FailureKind[] = [
  'invalid',
  'denied',
  'not-found',
  'conflict',
  'overload',
  'timeout',
  'unavailable',
  'cancelled',
  'internal',
];

/**
 * Why something did not happen. Thrown in a handler it is the answer; the actor goes on.
 *
 * @example
 * ```ts
 * throw new Failure('not-found', 'NO_SUCH_ITEM', `There is no item "${name}"`);
 * ```
 */
export class Failure extends Error {
  readonly kind: FailureKind;
  /** Stable upper-case code. */
  readonly code: string;

  constructor(kind: FailureKind, code: string, message: string) {
    super(message);
    this.name = 'Failure';
    this.kind = kind;
    this.code = code;
  }
}

/** Runs a call of the host; what it refuses with comes out as a {@link Failure}. */
export function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    const payload = payloadOf(thrown);
    throw payload === undefined ? thrown : new Failure(payload.kind, payload.code, payload.message);
  }
}

/** The error of a `result`, as the bindings throw it. */
export function payloadOf(thrown: unknown): WireFailure | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('payload' in thrown)) return undefined;
  const { payload } = thrown;
  return typeof payload === 'object' && payload !== null && 'kind' in payload ? (payload as WireFailure) : undefined;
}

/** What a handler threw, as the host takes it: a failure as it is, a mistake as `internal` with its name and place. */
export function toWire(thrown: unknown): WireFailure {
  if (typeof thrown === 'object' && thrown !== null && 'kind' in thrown && KINDS.includes(thrown.kind as FailureKind)) {
    const { kind, code, message } = thrown as WireFailure;
    return { kind, code: String(code), message: String(message) };
  }
  return { kind: 'internal', code: 'GUEST_ERROR', message: messageOf(thrown) };
}

/** One line: what was thrown and where. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `Thrown: ${String(thrown)}`;
  const place = thrown.stack?.trim().split('\n')[0]?.trim();
  return `${thrown.name}: ${thrown.message}${place ? ` (${place})` : ''}`;
}
