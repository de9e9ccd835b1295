import { FUEL_SLICE, type FuelSupply } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Clock, TokenBucket } from '../time/index.ts';
import { type Turns, turnsOf } from './turns.ts';

/**
 * What a guest may use up where it cannot be suspended, in `cabi_realloc` and destructors, until it can be again: nobody
 * else runs meanwhile. So many units in any case, 0.2 ms of plain code, 2 ms of the slowest that computes and 10 ms of what
 * misses all caches; an allocator needs a thousandth of it. Then until the time is over; and never more than the most, for
 * clocks that stand still.
 */
const INSIDE = { freeUnits: 2_000_000, timeMs: 5, mostUnits: 50_000_000 };

/** Units that each time it is entered there may take beside that: many are needed for long lists, and none takes more. */
const ENTRY_UNITS = 500;

/** How long what a guest does may take. */
export interface TimeLimit {
  /** Milliseconds left for what is under way; undefined: no limit. */
  readonly leftMs: number | undefined;
  /** The error of what has taken too long. */
  overdue(): RuntimeError;
}

/** What bounds the fuel of instances. */
export interface FuelLimits {
  /** Units for one message; `Infinity`: as many as it wants. */
  readonly perMessage: number;
  /** Units a second, for all instances of a component together. */
  readonly rate: TokenBucket | undefined;
  /** Where what is used is counted. */
  readonly counts: { fuel: number };
  /** Hears that a guest has to wait, because its component has used more than its rate. */
  readonly onWait?: (rate: TokenBucket) => void;
}

/** No bounds but the time. */
export const UNLIMITED: FuelLimits = Object.freeze({
  perMessage: Number.POSITIVE_INFINITY,
  rate: undefined,
  counts: { fuel: 0 },
});

interface Bounds {
  /** Default: none. */
  readonly limits?: FuelLimits;
  /** Default: it may take as long as it likes. */
  readonly time?: TimeLimit;
}

/**
 * Gives one instance its fuel: as much as it wants, a slice at a time, when it is its turn among all guests, until its time is
 * over or its message has used what one may use.
 */
export class GuestFuel implements FuelSupply {
  private readonly clock: Clock;
  private readonly turns: Turns;
  private readonly component: object;
  private readonly limits: FuelLimits;
  private readonly time: TimeLimit | undefined;
  /** Units used for the message under way. */
  private used = 0;
  /** Units that the rate was charged for in advance. */
  private prepaid = 0;
  /** Units used up since it was last known to be where it can be suspended, and when that began; −1: it is there. */
  private usedInside = 0;
  private insideSinceMs = -1;
  /** The last call took long at its beginning or end, where it could not be suspended. */
  private tookLong = false;
  /** When it began to compute in its present turn; −1: with the next slice. */
  private sinceMs = -1;
  /** It was given its turn, and has not begun to compute in it. */
  private hasTurn = false;
  /** Ends the wait for the rate that is under way. */
  private giveUp: (() => void) | undefined = undefined;

  /** @param component Guests with the same one share its turns. */
  constructor(...[clock, component, { limits = UNLIMITED, time } = {}]: [Clock, object, Bounds?]) {
    this.clock = clock;
    this.turns = turnsOf(clock);
    this.component = component;
    this.limits = limits;
    this.time = time;
  }

  /** Units used for the message under way, or else for the last one. */
  get usedUnits(): number {
    return this.used;
  }

  /** What bounds it in a second. */
  get rate(): TokenBucket | undefined {
    return this.limits.rate;
  }

  /** The next message begins: whatever was used for others does not count for it. */
  begin(): void {
    this.used = 0;
  }

  refuel(units: number, entries: number | undefined): number | Promise<void> {
    const { time } = this;
    const leftMs = time?.leftMs;
    if (time !== undefined && leftMs !== undefined && leftMs <= 0) throw time.overdue();
    if (entries !== undefined) return this.inside(units, entries);
    this.insideSinceMs = -1;
    this.charge(units);
    if (this.isOverRate) return this.whenPaid();
    if (!this.isTurnOver()) return FUEL_SLICE;
    this.sinceMs = -1;
    this.hasTurn = true;
    return this.turns.wait(this.component);
  }

  private isTurnOver(): boolean {
    if (this.sinceMs !== -1) return this.turns.isOver(this.sinceMs);
    this.sinceMs = this.clock.nowMs();
    const { hasTurn } = this;
    this.hasTurn = false;
    return !hasTurn && this.turns.isCrowded(this.sinceMs);
  }

  /** A call is over: the next one has a turn of its own. */
  spend(units: number): void {
    this.sinceMs = -1;
    if (units >= FUEL_SLICE || this.insideSinceMs !== -1) this.tookLong = true;
    this.insideSinceMs = -1;
    this.charge(units);
  }

  /** Whether others should have their turn before its next message, since the last one took long and could not be suspended. Once. */
  takeLong(): boolean {
    const { tookLong } = this;
    this.tookLong = false;
    return tookLong;
  }

  /** Whether the component has used more than its rate: then no message of it should begin. */
  get isOverRate(): boolean {
    const { rate } = this.limits;
    return rate !== undefined && this.prepaid === 0 && rate.level < 0;
  }

  /** Is fulfilled when the component may go on, or is over. One at a time. */
  whenPaid(): Promise<void> {
    const rate = this.limits.rate as TokenBucket;
    this.sinceMs = -1;
    this.limits.onWait?.(rate);
    return new Promise((resolve) => {
      const cancel = rate.wait(() => {
        this.giveUp = undefined;
        this.prepaid = FUEL_SLICE;
        resolve();
      }, FUEL_SLICE);
      this.giveUp = () => {
        cancel();
        resolve();
      };
    });
  }

  /** The instance is gone: nothing is waited for any more. */
  end(): void {
    this.giveUp?.();
    this.giveUp = undefined;
    if (this.prepaid > 0) this.limits.rate?.refund(this.prepaid);
    this.prepaid = 0;
  }

  /** Takes note of units that were used, by its code or for it. */
  charge(units: number): void {
    const { rate, perMessage, counts } = this.limits;
    this.used += units;
    counts.fuel += units;
    if (rate !== undefined && units > 0) {
      rate.spend(units - this.prepaid);
      this.prepaid = 0;
    }
    if (this.used > perMessage) throw this.exhausted();
  }

  private exhausted(): RuntimeError {
    const { used } = this;
    const { perMessage } = this.limits;
    const text = `The component used more than ${perMessage} units of fuel for one message; raise "fuel-per-message" in [limits] if it should`;
    const details = { limit: 'fuel-per-message', limitValue: perMessage, used };
    return new RuntimeError('COMPONENT_FUEL', text, { details });
  }

  private inside(units: number, entries: number): number {
    const { clock } = this;
    if (this.insideSinceMs === -1) {
      // What was used up before it was entered is among the units of the first time.
      this.usedInside = 0;
      this.insideSinceMs = clock.nowMs();
      return FUEL_SLICE;
    }
    this.usedInside = Math.max(0, this.usedInside + units - entries * ENTRY_UNITS);
    const used = this.usedInside;
    if (used <= INSIDE.freeUnits) return FUEL_SLICE;
    if (used <= INSIDE.mostUnits && clock.nowMs() - this.insideSinceMs < INSIDE.timeMs) return FUEL_SLICE;
    const { timeMs, mostUnits } = INSIDE;
    const text = `The component computed for too long to allocate memory or to drop resources, where it cannot be suspended: at most ${timeMs} ms and ${mostUnits} units of fuel`;
    const details = { limit: 'fuel-inside', limitValue: INSIDE.freeUnits, used };
    throw new RuntimeError('COMPONENT_LIMIT', text, { details });
  }
}
