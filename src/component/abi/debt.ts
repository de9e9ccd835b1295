/**
 * What was done for one instance and nobody has charged yet, in units of fuel: work of the host, and code that ran where it
 * could not be suspended. Who does more for a guest than a call takes anyway adds to it; with the next fuel that the guest
 * gets, or at the end of its call, it is paid.
 */
export class Debt {
  units = 0;
  /** Times that the guest was entered where it cannot be suspended, since {@link takeEntries}. */
  entries = 0;
  /** Units that {@link takeNew} has told of. */
  private told = 0;

  /** Gives what is owed, which is then charged. */
  take(): number {
    const { units } = this;
    this.units = 0;
    this.told = 0;
    return units;
  }

  /** Gives what was added since the last time; it stays owed. */
  takeNew(): number {
    const units = this.units - this.told;
    this.told = this.units;
    return units;
  }

  takeEntries(): number {
    const { entries } = this;
    this.entries = 0;
    return entries;
  }
}

/** Units that a call of the guest's allocator costs the host. */
export const ALLOCATE_UNITS = 32;

/** Units of debt with which a guest gives up the thread, or asks whether it may keep it: a slice of fuel. */
export const DEBT_MAX = 200_000;
