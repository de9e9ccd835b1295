import type { Clock } from '../time/index.ts';

/** What ends a process from outside, by number, since exit codes are 128 + number. `SIGPIPE`: the reader went away. */
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 } as const;

export type Interrupt = keyof typeof SIGNAL_NUMBERS;

/** The exit code of a process that ended because of `interrupt`. */
export function interruptExitCode(interrupt: Interrupt): number {
  return 128 + SIGNAL_NUMBERS[interrupt];
}

/**
 * Interrupts so soon after the first are echoes of it: one Ctrl-C reaches the process from the terminal and again from
 * each `npm run` above it.
 */
const ECHO_MS = 250;

/**
 * The first interrupt asks the command to end in order; the second ends the process at once, after the removals that
 * were registered.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #removals = new Set<() => void>();
  readonly #exit: (code: number) => void;
  readonly #clock: Clock;
  #interrupt: Interrupt | undefined;
  #raisedAtMs = 0;

  /** @param exit Ends the process. */
  constructor(exit: (code: number) => void, clock: Clock) {
    this.#exit = exit;
    this.#clock = clock;
  }

  /** Aborted by the first interrupt. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first interrupt, if there was one. */
  get interrupt(): Interrupt | undefined {
    return this.#interrupt;
  }

  raise(interrupt: Interrupt): void {
    if (this.#interrupt === undefined) {
      this.#interrupt = interrupt;
      this.#raisedAtMs = this.#clock.nowMs();
      this.#controller.abort(interrupt);
      return;
    }
    // A reader that went away is told once per write; it says nothing new.
    if (interrupt === 'SIGPIPE' || this.#clock.nowMs() - this.#raisedAtMs < ECHO_MS) return;
    this.end(interrupt);
  }

  /** Ends the process at once, after the removals. */
  end(interrupt: Interrupt): void {
    this.removeAll();
    this.#exit(interruptExitCode(interrupt));
  }

  /** Registers a synchronous removal of something that must not outlive the process; returns its cancellation. */
  onExit(remove: () => void): () => void {
    this.#removals.add(remove);
    return () => this.#removals.delete(remove);
  }

  removeAll(): void {
    for (const remove of this.#removals) {
      this.#removals.delete(remove);
      try {
        remove();
      } catch {
        // The process is ending; what cannot be removed now is recognised as stale by the next one.
      }
    }
  }
}
