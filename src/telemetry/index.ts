/**
 * Telemetry: the catalogue of what is measured, and what it is counted in. No I/O, no clock of its own.
 *
 * Guarantees
 *   TM1  Every metric and event is in the catalogue, with unit, help and labels; what is not there cannot be shown.
 *   TM2  To count and to record allocates nothing; what is timed is chosen so that the clock costs little.
 *   TM3  However many names there are, no more than 1,000 are told apart, and no more lines are shown than asked for;
 *        what is left out is counted.
 * Limits      durations from 100 ns to 10 s are told apart.
 * Not here    what is measured (actor/, host/, runtime/), how it is written (observe/).
 *
 * @module
 */
export {
  BUCKETS_S,
  LABELS,
  type LabelName,
  type LabelsOf,
  METRICS,
  type MetricName,
  type MetricOf,
  specOf,
} from './catalogue.ts';
export { EVENTS, type EventName } from './events.ts';
export { Histogram, type HistogramData } from './histogram.ts';
export { MetricSet, type Series } from './metric-set.ts';
export { Sampler } from './sampler.ts';
export { ByName, NAMES_MAX, OTHER, Timings, type TimingsData } from './timings.ts';
