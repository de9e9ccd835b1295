import { Histogram, type HistogramData } from './histogram.ts';

/** Names that are told apart; beyond, all are one. They may be as many as there are programs that make types. */
export const NAMES_MAX = 1_000;

/** What stands for all names that are not told apart. */
export const OTHER = 'other';

/** One thing for each name, as many as are told apart. Names come from code and files, so that few are ever new. */
export class ByName<T> {
  readonly #values = new Map<string, T>();
  readonly #make: (name: string) => T;

  constructor(make: (name: string) => T) {
    this.#make = make;
  }

  /** Whether there is one of its own for that name. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  of(name: string): T {
    return this.#values.get(name) ?? this.#add(this.#values.size < NAMES_MAX ? name : OTHER);
  }

  #add(name: string): T {
    const value = this.#values.get(name) ?? this.#make(name);
    this.#values.set(name, value);
    return value;
  }

  [Symbol.iterator](): MapIterator<[string, T]> {
    return this.#values.entries();
  }
}

/** Durations by name, as plain data. */
export type TimingsData = Readonly<Record<string, HistogramData>>;

/** Durations of one kind of operation, by name. */
export class Timings {
  readonly #histograms = new ByName(() => new Histogram());

  of(name: string): Histogram {
    return this.#histograms.of(name);
  }

  /** What was recorded since this was called last, where there is any. */
  take(): TimingsData {
    const recorded = [...this.#histograms].filter(([, { count }]) => count > 0);
    return Object.fromEntries(recorded.map(([name, histogram]) => [name, histogram.take()]));
  }

  /** Adds what was recorded elsewhere, of names that are known here: what a child process says may be anything. */
  add(data: TimingsData, isKnown: (name: string) => boolean): void {
    for (const [name, histogram] of Object.entries(data)) if (isKnown(name)) this.of(name).add(histogram);
  }

  [Symbol.iterator](): MapIterator<[string, Histogram]> {
    return this.#histograms[Symbol.iterator]();
  }
}
