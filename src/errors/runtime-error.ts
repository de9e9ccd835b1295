import { ERROR_CODES, ERROR_KINDS, type ErrorCode, type ErrorKind } from './codes.ts';

/** Survives realms, worker threads and second copies of this package, which `instanceof` does not. */
const BRAND = Symbol.for('troupe.RuntimeError');

/** Public facts about a failure: JSON values only, never a secret and never a payload. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The form that crosses threads, processes and HTTP. `stack` and `cause` stay where they arose. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly details?: ErrorDetails;
}

interface RuntimeErrorOptions {
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** Text of whatever was thrown; empty if reading it throws in its turn. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return '';
  }
}

/**
 * The one class of operating errors. Match on `code`, never on the text.
 *
 * @example
 * ```ts
 * try { await ref.ask.get(undefined, { timeoutMs: 50 }); }
 * catch (error) { if (RuntimeError.is(error, 'ASK_TIMEOUT')) retryLater(); else throw error; }
 * ```
 */
export class RuntimeError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /**
   * @param code One of {@link ERROR_CODES}.
   * @param message Sentence case, no final period: the action, the quoted values, the state, what to do.
   * @param options.details Facts a caller may act on. @param options.cause What led to it; stays in this process.
   */
  constructor(code: ErrorCode, message: string, options: RuntimeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RuntimeError';
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  get kind(): ErrorKind {
    return ERROR_CODES[this.code].kind;
  }

  get retryable(): boolean | 'if-idempotent' {
    return ERROR_CODES[this.code].retryable;
  }

  get exitCode(): number {
    return ERROR_KINDS[this.kind].exitCode;
  }

  /** Tells whether `value` is one of ours, and, if `code` is given, that one. */
  static is(value: unknown, code?: ErrorCode): value is RuntimeError {
    if (typeof value !== 'object' || value === null) return false;
    try {
      if (!(BRAND in value)) return false;
    } catch {
      return false; // a proxy that refuses to be looked at is not ours
    }
    return code === undefined || (value as { code?: unknown }).code === code;
  }

  /** Wraps whatever was thrown; what is ours already is returned as it is. */
  static from(thrown: unknown, code: ErrorCode = 'INTERNAL'): RuntimeError {
    if (RuntimeError.is(thrown)) return thrown;
    const text = textOf(thrown);
    return new RuntimeError(code, text === '' ? ERROR_CODES[code].summary : text, { cause: thrown });
  }

  toWire(): WireError {
    return { code: this.code, message: this.message, details: this.details };
  }

  /** Rebuilds an error from its wire form; a code that is not known here becomes `INTERNAL_REMOTE`. */
  static fromWire(wire: WireError): RuntimeError {
    const details = wire.details ?? {};
    if (Object.hasOwn(ERROR_CODES, wire.code)) {
      return new RuntimeError(wire.code as ErrorCode, wire.message, { details });
    }
    return new RuntimeError('INTERNAL_REMOTE', wire.message, { details: { ...details, remoteCode: wire.code } });
  }
}

/** Ends the current turn when an invariant is broken: a bug here, not an operating error. Never caught. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new RuntimeError('INTERNAL', `Broken invariant: ${invariant}`);
}
