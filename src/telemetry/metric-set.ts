import { type LabelsOf, METRICS, type MetricName, type MetricOf, specOf } from './catalogue.ts';
import { Histogram } from './histogram.ts';

/** One series of a metric: its values of labels, in the order of the catalogue, and what it shows. */
export interface Series {
  readonly labels: readonly string[];
  value: number | Histogram;
}

/** What is shown at one moment, in the order of the catalogue. A series that is said twice is the sum. */
export class MetricSet {
  readonly #families = new Map<MetricName, Map<string, Series>>();
  readonly #linesMax: number;
  #lines = 0;
  #dropped = 0;

  /** @param linesMax Lines that are shown at most; the series beyond are left out, and counted. */
  constructor(linesMax = Number.POSITIVE_INFINITY) {
    this.#linesMax = linesMax;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Series that were left out. */
  get dropped(): number {
    return this.#dropped;
  }

  add<Name extends MetricOf<'counter' | 'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    const series = this.#series(name, labels, 1);
    if (series !== undefined) series.value = (series.value as number) + value;
  }

  addHistogram<Name extends MetricOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, histogram: Histogram): void {
    const lines = (specOf(name).bounds?.length ?? 0) + 3;
    const series = this.#series(name, labels, lines);
    if (series !== undefined) (series.value as Histogram).add(histogram.data);
  }

  /** Shows a number however many lines there are: what says how many were left out is not left out. */
  force(
    name: 'troupe_scrape_duration_seconds' | 'troupe_scrape_series' | 'troupe_scrape_series_dropped',
    value: number,
  ): void {
    this.#families.set(name, new Map([['', { labels: [], value }]]));
  }

  /** As {@link add}, of a gauge of which the largest value counts. */
  most<Name extends MetricOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    const series = this.#series(name, labels, 1);
    if (series !== undefined) series.value = Math.max(series.value as number, value);
  }

  #series(name: MetricName, given: Readonly<Record<string, string>>, lines: number): Series | undefined {
    const spec = specOf(name);
    const labels = spec.labels.map((label) => given[label] as string);
    const key = labels.join('\0');
    let family = this.#families.get(name);
    if (family === undefined) {
      family = new Map();
      this.#families.set(name, family);
    }
    const known = family.get(key);
    if (known !== undefined) return known;
    if (this.#lines + lines > this.#linesMax) {
      this.#dropped++;
      return undefined;
    }
    this.#lines += lines;
    const series: Series = { labels, value: spec.type === 'histogram' ? new Histogram() : 0 };
    family.set(key, series);
    return series;
  }

  /** Metrics that are shown, with their series. */
  *[Symbol.iterator](): IterableIterator<readonly [MetricName, Iterable<Series>]> {
    for (const name of Object.keys(METRICS) as MetricName[]) {
      const family = this.#families.get(name);
      if (family !== undefined) yield [name, family.values()];
    }
  }
}
