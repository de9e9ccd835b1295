import type { RequestRecord } from '../ingress/index.ts';
import { ByName, type MetricSet, Timings, type TimingsData } from '../telemetry/index.ts';

/** Whose a request is that no route led to anybody. */
const NOBODY = 'none';

/** What a request can have been answered with. */
const STATUSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'] as const;

/** Requests that are over, as plain data: for each component the number of each of {@link STATUSES}. */
export interface RequestCountsData {
  readonly answers: Readonly<Record<string, readonly number[]>>;
  readonly durations: TimingsData;
}

/** Counts requests that are over, by component. */
export class RequestCounts {
  readonly #answers = new ByName(() => STATUSES.map(() => 0));
  readonly #durations = new Timings();

  note({ component = NOBODY, status, durationMs }: RequestRecord): void {
    const nth = status >= 100 && status <= 599 ? Math.trunc(status / 100) - 1 : STATUSES.length - 1;
    (this.#answers.of(component)[nth] as number)++;
    this.#durations.of(component).record(durationMs);
  }

  /** Adds what was counted on another thread, of components that are known here. */
  add({ answers, durations }: RequestCountsData, isComponent: (name: string) => boolean): void {
    const isKnown = (name: string): boolean => name === NOBODY || isComponent(name);
    this.#durations.add(durations, isKnown);
    for (const [component, counts] of Object.entries(answers)) {
      if (!isKnown(component)) continue;
      const sums = this.#answers.of(component);
      for (const nth of STATUSES.keys()) (sums[nth] as number) += countOf(counts[nth]);
    }
  }

  /** What was counted since this was called last. */
  take(): RequestCountsData {
    const answers: Record<string, readonly number[]> = {};
    for (const [component, counts] of this.#answers) {
      if (counts.some((count) => count > 0))
        answers[component] = counts.splice(0, counts.length, ...STATUSES.map(() => 0));
    }
    return { answers, durations: this.#durations.take() };
  }

  addTo(set: MetricSet): void {
    for (const [component, times] of this.#durations) {
      set.addHistogram('troupe_http_request_duration_seconds', { component }, times);
    }
    for (const [component, counts] of this.#answers) {
      for (const [nth, status] of STATUSES.entries()) {
        const count = counts[nth] as number;
        if (count > 0) set.add('troupe_http_requests_total', { component, status }, count);
      }
    }
  }
}

/** What a child process says may be anything. */
function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : 0;
}
