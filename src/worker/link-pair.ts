import type { Transferable } from 'node:worker_threads';
import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { Link } from './link.ts';
import { type Bell, type BellMessage, createRingMemories, RingLink } from './ring-link.ts';

/** Two ends of a link in one thread, and what can go wrong between them: for tests and simulation. */
export interface LinkPair {
  readonly main: Link;
  readonly worker: Link;
  /** Loses both ends, as when a worker dies; what was sent and not delivered is gone. */
  lose(reason?: RuntimeError): void;
  /** Delivers nothing to either end until it is called with false; nothing is lost. What is written meanwhile fills the rings. */
  stall(stalled: boolean): void;
}

/**
 * A pair of linked ends over real rings, whose bells ring by way of the clock: what is delivered when is the clock's.
 *
 * @param options.ringBytes Of each direction; a power of two, 1_024 or more. Small ones show a writer without room.
 */
export function linkPair(options: { readonly clock: Clock; readonly ringBytes?: number }): LinkPair {
  const { clock } = options;
  const stalling = new Stall();
  const [one, other] = [new PairBell(clock, stalling), new PairBell(clock, stalling)];
  [one.peer, other.peer] = [other, one];
  const [first, second] = createRingMemories(options.ringBytes);
  const end = (bell: PairBell, memory: typeof first) => new RingLink({ memory, bell, clock: stalling.clock(clock) });
  const [main, worker] = [end(one, first), end(other, second)];
  return {
    main,
    worker,
    lose(reason = new RuntimeError('WORKER_LOST', 'Cannot reach the worker: it is gone')) {
      main.lose(reason);
      worker.lose(reason);
    },
    stall: (stalled) => stalling.set(stalled),
  };
}

/** Holds back what would be delivered. */
class Stall {
  #stalled = false;
  readonly #held: (() => void)[] = [];

  set(stalled: boolean): void {
    this.#stalled = stalled;
    if (!stalled) for (const callback of this.#held.splice(0)) callback();
  }

  run(callback: () => void): void {
    if (this.#stalled) this.#held.push(callback);
    else callback();
  }

  /** A clock whose `soon` is held back too: a link reads on by it. */
  clock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      after: (delayMs, callback, keepAlive) => clock.after(delayMs, callback, keepAlive),
      soon: (callback) => clock.soon(() => this.run(callback)),
      next: (callback) => clock.next(callback),
    };
  }
}

/** Carries control messages as clones, as threads would get them. */
class PairBell implements Bell {
  peer: PairBell | undefined;
  onMessage: (message: BellMessage) => void = () => {};
  readonly #clock: Clock;
  readonly #stall: Stall;

  constructor(clock: Clock, stall: Stall) {
    this.#clock = clock;
    this.#stall = stall;
  }

  post(message: BellMessage, transfer: readonly Transferable[] = []): void {
    const copy = structuredClone(message, { transfer: [...transfer] as ArrayBuffer[] });
    this.#clock.soon(() => this.#stall.run(() => this.peer?.onMessage(copy)));
  }

  hold(): void {}

  close(): void {}
}
