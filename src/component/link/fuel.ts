/**
 * Who gives fuel to the code of one instance. A unit of fuel is about what a simple instruction takes; code asks for
 * more when it has used up what it was given.
 *
 * Both functions are called while the guest's stack is below them: they must not call the instance. What they throw
 * ends the instance, in a way that no guest can catch.
 */
export interface FuelSupply {
  /**
   * `units` were used up, by its code or for it.
   *
   * @param entries Undefined where the guest can be suspended. Else how many times it was entered where it cannot, since it
   *   was last asked there: to allocate memory, or to drop a resource. There an answer that is a promise ends it, and what
   *   was used is not paid by that: it is among the units of a later time, where it can be suspended, or is spent.
   * @returns Units to go on with, 1 to 1,000,000,000; or a promise: the guest is suspended until it is fulfilled, and
   *   asks again. It must settle at some time, or the instance be killed: a stack that waits for ever is never collected.
   */
  refuel(units: number, entries: number | undefined): number | Promise<void>;
  /**
   * A call is over that used `units` more: one from outside. Those between components of a composition are part of it.
   */
  spend(units: number): void;
}

/**
 * Units that a call begins with, and most that one stretch of code takes before somebody can say no. 10 µs of plain
 * code, and 5 ms of code whose every access misses all caches.
 */
export const FUEL_SLICE = 200_000;

/** As much as anyone wants. */
export const ENDLESS: FuelSupply = Object.freeze({ refuel: () => FUEL_SLICE, spend: () => undefined });

/** Keeps count of what one core module was given; its code says what is left of it. */
export class FuelGauge {
  private granted = 0;

  /** `left` units of what was granted are left; gives what was used since the last time. */
  used(left: number): number {
    const units = this.granted - left;
    this.granted = left;
    return units;
  }

  grant(units: number): void {
    this.granted = units;
  }
}
