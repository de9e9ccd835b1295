import type { RuntimeError } from '../errors/index.ts';

/** Thrown by a handler to answer its message with a failure, without being one itself. */
export class Refusal {
  readonly #error: RuntimeError;

  constructor(error: RuntimeError) {
    this.#error = error;
  }

  get error(): RuntimeError {
    return this.#error;
  }

  /** Whether `thrown` is one. Asks nothing of it: what was thrown may be a proxy that throws when it is looked at. */
  static is(thrown: unknown): thrown is Refusal {
    return typeof thrown === 'object' && thrown !== null && #error in thrown;
  }

  /** What was meant by throwing `thrown`, where there is no message to refuse. */
  static unwrap(thrown: unknown): unknown {
    return Refusal.is(thrown) ? thrown.error : thrown;
  }
}
