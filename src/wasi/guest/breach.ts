import { type Guest, PartKey } from './guest.ts';

/** A limit that a guest has run into. */
export interface Breach {
  /** As it is called in `[limits]`. */
  readonly limit: string;
  readonly limitValue: number;
  /** What it had, or wanted to have. */
  readonly used: number;
}

/** Hears of every limit that a guest of one component runs into and goes on: it was refused something, or waits. */
export const ON_LIMIT = new PartKey<(guest: Guest, breach: Breach) => void>('limits', { make: () => () => undefined });

/** Reports that `guest` was refused something, or has to wait. @param breach What it `used` is the limit, unless it says. */
export function reportLimit(guest: Guest, breach: Omit<Breach, 'used'> & Partial<Breach>): void {
  if (!guest.disposed) guest.part(ON_LIMIT)(guest, { used: breach.limitValue, ...breach });
}
