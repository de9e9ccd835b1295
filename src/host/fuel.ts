import { FUEL_SLICE, type FuelSupply } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { type Turns, turnsOf } from './turns.ts';

/**
 * Units that a guest may use up where it cannot be suspended: in `cabi_realloc` and destructors. Some 5 ms of plain code,
 * during which nobody else runs; an allocator needs a thousandth of it.
 */
const INSIDE_MAX = 50_000_000;

/** How long what a guest does may take. */
export interface TimeLimit {
  /** Milliseconds left for what is under way; undefined: no limit. */
  readonly leftMs: number | undefined;
  /** The error of what has taken too long. */
  overdue(): RuntimeError;
}

/** Gives one instance its fuel: as much as it wants, a slice at a time, when it is its turn among all guests, until its time is over. */
export class GuestFuel implements FuelSupply {
  private readonly clock: Clock;
  private readonly turns: Turns;
  private readonly component: object;
  private readonly limit: TimeLimit | undefined;
  /** Units used up since it was entered where it cannot be suspended, and which time that was. */
  private usedInside = 0;
  private entry = 0;
  /** When it began to compute in its present turn; −1: with the next slice. */
  private sinceMs = -1;

  /** @param component Guests with the same one share its turns. @param limit Default: it may take as long as it likes. */
  constructor(...[clock, component, limit]: [clock: Clock, component: object, limit?: TimeLimit]) {
    this.clock = clock;
    this.turns = turnsOf(clock);
    this.component = component;
    this.limit = limit;
  }

  refuel(units: number, entry: number | undefined): number | Promise<void> {
    const leftMs = this.limit?.leftMs;
    if (this.limit !== undefined && leftMs !== undefined && leftMs <= 0) throw this.limit.overdue();
    if (entry !== undefined) return this.inside(units, entry);
    if (this.sinceMs === -1) this.sinceMs = this.clock.nowMs();
    if (!this.turns.isOver(this.sinceMs)) return FUEL_SLICE;
    this.sinceMs = -1;
    return this.turns.wait(this.component);
  }

  /** The call is over: the next one has a turn of its own. */
  spend(): void {
    this.sinceMs = -1;
  }

  private inside(units: number, entry: number): number {
    // What was used up before it was entered is among the units of the first time.
    this.usedInside = entry === this.entry ? this.usedInside + units : 0;
    this.entry = entry;
    if (this.usedInside <= INSIDE_MAX) return FUEL_SLICE;
    const text = `The component used more than ${INSIDE_MAX} units of fuel to allocate memory or to drop a resource, where it cannot be suspended`;
    throw new RuntimeError('COMPONENT_LIMIT', text, { details: { limit: 'fuel-inside', limitUnits: INSIDE_MAX } });
  }
}
