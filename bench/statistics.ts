/** From samples to the figures that are shown, and from those to what became of a target. */
import type { Row, Target } from './suite.ts';

/** A row with what was computed from its samples. */
export interface Measured extends Row {
  readonly median: number;
  /** Half of the samples lie between these two. */
  readonly low: number;
  readonly high: number;
}

export interface Result {
  readonly suite: string;
  readonly rows: readonly Measured[];
  readonly notMeasured: readonly string[];
  readonly seconds: number;
}

export interface Verdict {
  /** What was compared with the target. */
  readonly value: number;
  readonly text: string;
  readonly met: boolean;
}

/** The value below which `share` of the sorted samples lie, between neighbours by proportion. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below + (above - below) * (at - Math.floor(at));
}

export function measured(row: Row): Measured {
  if (row.samples.length === 0) throw new RangeError(`Row "${row.name}" has no samples`);
  const sorted = row.samples.toSorted((a, b) => a - b);
  return { ...row, median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** How a row is called among all of its suite. */
export function labelOf({ name, contender }: Pick<Row, 'name' | 'contender'>): string {
  return contender === undefined ? name : `${name} · ${contender}`;
}

function medianOf(rows: readonly Measured[], name: string): number {
  const row = rows.find((candidate) => candidate.name === name && candidate.contender === undefined);
  if (row === undefined) throw new RangeError(`A target names the row "${name}", which was not measured`);
  return row.median;
}

export function judge(row: Measured, target: Target, rows: readonly Measured[]): Verdict {
  if ('timesFasterThan' in target) {
    const value = medianOf(rows, target.timesFasterThan) / row.median;
    return {
      value,
      text: `${short(value)}× faster than ${target.timesFasterThan} (≥ ${target.atLeast}×)`,
      met: value >= target.atLeast,
    };
  }
  if ('timesAsMuchAs' in target) {
    const value = row.median / medianOf(rows, target.timesAsMuchAs);
    return { value, text: `${short(value)}× as much as ours (≥ ${target.atLeast}×)`, met: value >= target.atLeast };
  }
  if ('fractionOf' in target) {
    const value = row.median / medianOf(rows, target.fractionOf);
    return { value, text: `${short(value)} of ${target.fractionOf} (≤ ${target.atMost})`, met: value <= target.atMost };
  }
  if ('shareOf' in target) {
    const value = row.median / medianOf(rows, target.shareOf);
    return { value, text: `${short(value)} of ${target.shareOf} (≥ ${target.atLeast})`, met: value >= target.atLeast };
  }
  if ('atMost' in target)
    return {
      value: row.median,
      text: `≤ ${target.atMost.toLocaleString('en')} ${row.unit}`,
      met: row.median <= target.atMost,
    };
  return {
    value: row.median,
    text: `≥ ${target.atLeast.toLocaleString('en')} ${row.unit}`,
    met: row.median >= target.atLeast,
  };
}

/** Three digits that matter, for people. */
export function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}
