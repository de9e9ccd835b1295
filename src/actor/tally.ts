import type { DeadLetterReason } from './dead-letters.ts';

/** What the actors of one type have done, as far as it is not counted in the cells that live. Shared by all that have its label. */
export class Tally {
  /** Actors that are no more, and what they have handled. */
  ended = 0;
  private handledByEnded = 0;
  restarts = 0;
  /** Messages that were not accepted. */
  refused = 0;
  /** Asks without a reply in time. */
  overdue = 0;
  /** By the code of what they failed of: as many as there are codes. */
  readonly failures = new Map<string, number>();
  readonly deadLetters = new Map<DeadLetterReason, number>();

  /** Messages that were given to a handler by actors that are no more. */
  get handled(): number {
    return this.handledByEnded;
  }

  noteEnd({ handled }: { readonly handled: number }): void {
    this.ended++;
    this.handledByEnded += handled;
  }

  noteFailure(code: string): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
  }

  noteDeadLetter(reason: DeadLetterReason): void {
    this.deadLetters.set(reason, (this.deadLetters.get(reason) ?? 0) + 1);
  }
}
