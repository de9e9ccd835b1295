import { sharedCounts } from '../collections/index.ts';
import { Rate } from '../time/index.ts';
import type { ComponentLimits } from './limits.ts';

/** What the actors of one component on several threads count together: memory that these share. */
export interface ComponentShare {
  /** Instances, one count for each thread. */
  readonly instances: Int32Array;
  /** Rates, in the order of {@link RATES}. */
  readonly rates: BigInt64Array;
}

/** A share, as one of the threads has it. */
export interface PlacedShare extends ComponentShare {
  /** Which of the counts is its own. */
  readonly place: number;
}

const RATES = ['fuelPerSecond', 'messagesPerSecond', 'bytesInPerSecond', 'bytesOutPerSecond'] as const;

export function componentShare(): ComponentShare {
  const rates = new BigInt64Array(new SharedArrayBuffer(RATES.length * BigInt64Array.BYTES_PER_ELEMENT));
  return { instances: sharedCounts(), rates };
}

/** The rates of all actors of a component. */
export type ComponentRates = Readonly<Record<(typeof RATES)[number], Rate>>;

export function ratesOf(limits: ComponentLimits, share: ComponentShare | undefined): ComponentRates {
  const rates = RATES.map((name, index) => [name, new Rate(limits[name], share && { cells: share.rates, index })]);
  return Object.fromEntries(rates) as ComponentRates;
}
