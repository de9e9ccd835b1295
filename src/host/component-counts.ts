/** What the actors of a component have used and run into, as plain data. */
export interface ComponentCountsData {
  readonly fuel: number;
  readonly denials: number;
  readonly breaches: Readonly<Record<string, number>>;
}

/** Limits that are told apart: more than there are. What a child process says may be anything. */
const LIMITS_MAX = 64;

/** What names of limits look like. */
const LIMIT_PATTERN = /^[a-z-]{1,32}$/;

/** What the actors of a component have used and run into since it was made, over all of their incarnations. */
export class ComponentCounts {
  /** Units. */
  fuel = 0;
  denials = 0;
  /** By limit. */
  readonly breaches = new Map<string, number>();

  noteBreach(limit: string, times = 1): void {
    const before = this.breaches.get(limit);
    if (before === undefined && this.breaches.size >= LIMITS_MAX) return;
    this.breaches.set(limit, (before ?? 0) + times);
  }

  /** Adds what was counted elsewhere. */
  add({ fuel, denials, breaches }: ComponentCountsData): void {
    this.fuel += countOf(fuel);
    this.denials += countOf(denials);
    for (const [limit, times] of Object.entries(breaches)) {
      if (LIMIT_PATTERN.test(limit)) this.noteBreach(limit, countOf(times));
    }
  }

  /** What has been counted since this was called last; `undefined`: nothing. */
  take(): ComponentCountsData | undefined {
    const { fuel, denials, breaches } = this;
    if (fuel === 0 && denials === 0 && breaches.size === 0) return undefined;
    const data = { fuel, denials, breaches: Object.fromEntries(breaches) };
    this.fuel = 0;
    this.denials = 0;
    breaches.clear();
    return data;
  }
}

/** A counter that has gone back, or is no number, is worth nothing to anybody. */
function countOf(value: number): number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : 0;
}
