import type { RuntimeError } from '../errors/index.ts';
import type { ActorRef } from './actor-ref.ts';

/** What a handler decides over its message, without having failed. */
export type Decided =
  /** It is answered with an error. */
  | { readonly kind: 'refuse'; readonly error: RuntimeError }
  /** It is put aside until `unstash`. */
  | { readonly kind: 'stash' }
  /** Another actor gets it, and answers it. */
  | { readonly kind: 'forward'; readonly to: ActorRef; readonly op: string; readonly payload: unknown };

/** Thrown by a handler to decide over its message: nothing after it runs, and it is no failure of the actor. */
export class Verdict {
  readonly #decided: Decided;

  constructor(decided: Decided) {
    this.#decided = decided;
  }

  get decided(): Decided {
    return this.#decided;
  }

  /** Whether `thrown` is one. Asks nothing of it: what was thrown may be a proxy that throws when it is looked at. */
  static is(thrown: unknown): thrown is Verdict {
    return typeof thrown === 'object' && thrown !== null && #decided in thrown;
  }

  /** What was meant by throwing `thrown`, where there is no message to decide over. */
  static unwrap(thrown: unknown): unknown {
    if (!Verdict.is(thrown)) return thrown;
    const { decided } = thrown;
    return decided.kind === 'refuse' ? decided.error : new TypeError(`There is no message to ${decided.kind}`);
  }
}
