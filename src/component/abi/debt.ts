/**
 * What the host has done for one instance and nobody has charged yet, in units of fuel. Who does more for a guest than a
 * call takes anyway adds to it; with the next fuel that the guest gets, or at the end of its call, it is paid.
 */
export class Debt {
  units = 0;

  /** Gives what is owed, which is then charged. */
  take(): number {
    const { units } = this;
    this.units = 0;
    return units;
  }
}

/** Units that a call of the guest's allocator costs the host. What its code does is charged there. */
export const ALLOCATE_UNITS = 32;

/** Units of debt with which a guest gives up the thread, or asks whether it may keep it: a slice of fuel. */
export const DEBT_MAX = 200_000;
