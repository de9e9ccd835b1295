import type { Clock } from '../time/index.ts';

/** Milliseconds that guests compute between two chances for everything else: as long as actors handle messages. */
const BUDGET_MS = 0.5;

/** Milliseconds that one guest computes before the next one's turn: some fifty slices of fuel of plain code. */
const QUANTUM_MS = 0.2;

/**
 * Lets guests that compute take turns on one thread. Components have their turns one after the other, and those that wait of
 * one component among themselves: five hundred instances of one hold up the others no more than a single one.
 *
 * ```
 *   guest computes ──quantum over──► wait ──its turn──► computes on
 *                                     │  after 0.5 ms: actors and I/O first
 * ```
 *
 * Who comes from elsewhere, with a message or out of a wait for the host, computes at once, for as long as guests have not used
 * up the time before actors and I/O; then it takes its place in the row. So five hundred whose timers fire at one moment take
 * a slice of fuel each.
 *
 * Whoever waits is waited for by nobody else than the guest: what it is given is a promise that is fulfilled when its
 * turn comes. A guest that is killed meanwhile is passed over.
 */
export class Turns {
  private readonly clock: Pick<Clock, 'nowMs' | 'soon'>;
  /** Those that wait, by component; a component without any is not in it. The first one is next. */
  private readonly waiting = new Map<object, (() => void)[]>();
  private isScheduled = false;
  private budgetEndsMs = 0;
  /** A guest was given its turn and has neither waited again nor ended, as far as is known. */
  private isGiven = false;
  /** When a guest first computed since actors and I/O had their turn; −1: none has. */
  private sinceMs = -1;

  constructor(clock: Pick<Clock, 'nowMs' | 'soon'>) {
    this.clock = clock;
  }

  /** Whether a guest that has computed since `sinceMs` should let others have their turn. */
  isOver(sinceMs: number): boolean {
    return this.clock.nowMs() - sinceMs >= QUANTUM_MS;
  }

  /** Whether guests have computed for so long that one without a turn has to wait for its own. */
  isCrowded(nowMs: number): boolean {
    if (this.sinceMs === -1) {
      this.sinceMs = nowMs;
      this.schedule();
    }
    return nowMs - this.sinceMs >= BUDGET_MS;
  }

  /** Is fulfilled when it is the turn of a guest of `component`. */
  wait(component: object): Promise<void> {
    const turn = new Promise<void>((resolve) => {
      const others = this.waiting.get(component);
      if (others === undefined) this.waiting.set(component, [resolve]);
      else others.push(resolve);
    });
    const { isGiven } = this;
    this.isGiven = false;
    if (isGiven && this.clock.nowMs() < this.budgetEndsMs) this.give();
    else this.schedule();
    return turn;
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.clock.soon(this.onPass);
  }

  /** Actors and I/O had their turn. */
  private readonly onPass = (): void => {
    this.isScheduled = false;
    this.sinceMs = -1;
    if (this.waiting.size === 0) return;
    this.sinceMs = this.clock.nowMs();
    this.budgetEndsMs = this.sinceMs + BUDGET_MS;
    this.schedule();
    this.give();
  };

  private give(): void {
    for (const [component, guests] of this.waiting) {
      this.waiting.delete(component);
      const guest = guests.shift();
      // Behind all others.
      if (guests.length > 0) this.waiting.set(component, guests);
      this.isGiven = true;
      guest?.();
      return;
    }
  }
}

const TURNS = new WeakMap<Clock, Turns>();

/** Where the guests of everybody who goes by `clock` take turns: there is one thread for all of them. */
export function turnsOf(clock: Clock): Turns {
  let turns = TURNS.get(clock);
  if (turns === undefined) {
    turns = new Turns(clock);
    TURNS.set(clock, turns);
  }
  return turns;
}
