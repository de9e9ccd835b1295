/** One alert, and what whoever is woken by it should know. */
export interface Alert {
  readonly name: string;
  /** In PromQL: what of its series are there is what is wrong. */
  readonly expr: string;
  /** How long it must have been so, as Prometheus writes it. */
  readonly for: string;
  /** `critical`: somebody has to act now. `warning`: somebody should look today. */
  readonly severity: 'critical' | 'warning';
  /** One line; `{{ $labels.component }}` and `{{ $value }}` are filled in. */
  readonly summary: string;
  readonly runbook: Runbook;
}

/** What the page of an alert says. */
interface Runbook {
  /** What it means, and what comes of it. */
  readonly means: string;
  /** Where to look, in this order. */
  readonly look: readonly string[];
  /** What helps. */
  readonly act: readonly string[];
}

/** Who is meant, where several nodes are scraped. */
export const NODE = 'job, instance';

/** The 99th percentile over five minutes of a histogram, for each node and each of `by`. */
export function p99(metric: string, by = '', selector = ''): string {
  const labels = by === '' ? `${NODE}, le` : `${NODE}, ${by}, le`;
  return `histogram_quantile(0.99, sum by (${labels}) (rate(${metric}_bucket${selector}[5m])))`;
}
