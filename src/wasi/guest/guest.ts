import { RuntimeError } from '../../errors/index.ts';
import type { Clock } from '../../time/index.ts';
import type { Eventually } from './values.ts';

/**
 * "Not yet" answers in a row after which one comes only after a turn of the event loop. A guest that spins on such an
 * answer waits for I/O that needs that turn. Smaller: spinning costs more; larger: it delays others longer.
 */
const NOT_YET_ANSWERS_MAX = 16;

interface GuestOptions {
  readonly clock: Clock;
  /** Streams, pollables, errors and descriptors that the guest may hold at once. */
  readonly resourcesMax: number;
}

/** What all WASI interfaces of one component instance share: its clock, its waits and the count of what it holds. */
export class Guest {
  readonly clock: Clock;
  readonly #resourcesMax: number;
  readonly #waits = new Set<(reason: RuntimeError) => void>();
  #resources = 0;
  #notYetAnswers = 0;
  #disposed = false;

  constructor({ clock, resourcesMax }: GuestOptions) {
    this.clock = clock;
    this.#resourcesMax = resourcesMax;
  }

  /** True once the instance is gone; nothing is waited for or trapped any more. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Counts one more resource; ends a guest that collects more than it may. Undone by {@link release}. */
  hold(): void {
    if (this.#resources >= this.#resourcesMax) {
      throw new RuntimeError(
        'COMPONENT_LIMIT',
        `Cannot give the component another WASI resource: it holds ${this.#resources} of ${this.#resourcesMax}`,
        { details: { limit: this.#resourcesMax } },
      );
    }
    this.#resources += 1;
  }

  release(): void {
    this.#resources -= 1;
  }

  /**
   * Waits until `done` is called; rejects with `COMPONENT_KILLED` if the instance goes first, so that no suspended
   * stack is left behind.
   *
   * @param begin Starts the wait and returns how to give it up. It may call `done` at once.
   */
  wait(begin: (done: () => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#disposed) return reject(killed());
      let cancel: (() => void) | undefined;
      let settled = false;
      const settle = () => {
        settled = true;
        this.#waits.delete(abandon);
        cancel?.();
      };
      const abandon = (reason: RuntimeError) => {
        settle();
        reject(reason);
      };
      this.#waits.add(abandon);
      cancel = begin(() => {
        if (settled) return;
        settle();
        resolve();
      });
      if (settled) cancel();
    });
  }

  /** Lets the event loop have a turn. */
  turn(): Promise<void> {
    return this.wait((done) => {
      this.clock.soon(done);
      return () => {};
    });
  }

  /**
   * Gives `answer()`, one that says "not yet": at once, or, for one who keeps asking, after a turn of the event loop.
   */
  notYet<T>(answer: () => T): Eventually<T> {
    this.#notYetAnswers += 1;
    if (this.#notYetAnswers < NOT_YET_ANSWERS_MAX) return answer();
    this.#notYetAnswers = 0;
    return this.turn().then(answer);
  }

  /** Ends every wait. */
  dispose(): void {
    this.#disposed = true;
    for (const abandon of [...this.#waits]) abandon(killed());
  }
}

/** A resource that can only be had: it counts among those that the guest holds. */
export class Token {
  readonly #guest: Guest;

  constructor(guest: Guest) {
    guest.hold();
    this.#guest = guest;
  }

  drop(): void {
    this.#guest.release();
  }
}

function killed(): RuntimeError {
  return new RuntimeError('COMPONENT_KILLED', 'Cannot wait any longer: the component instance is gone');
}
