import type { RuntimeError } from '../errors/index.ts';

/** Thrown by a handler to answer its message with a failure, without being one itself. */
export class Refusal {
  readonly error: RuntimeError;

  constructor(error: RuntimeError) {
    this.error = error;
  }

  /** What was meant by throwing `thrown`, where there is no message to refuse. */
  static unwrap(thrown: unknown): unknown {
    return thrown instanceof Refusal ? thrown.error : thrown;
  }
}
