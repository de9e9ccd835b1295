/** Figures that were kept, and the comparison of a run with them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge, labelOf, type Measured, type Result } from './statistics.ts';

const FOLDER = join(import.meta.dirname, 'baselines');
/** It becomes the name of a file. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
/** Beyond so many times a baseline, performance has degraded. */
const WORSE_AT_MOST = 2;

export interface Figure {
  readonly median: number;
  readonly unit: string;
  /** Who did the work, if it was not this project; the row's name then ends in " · " and this. */
  readonly contender?: string;
  /** What the median should have been, and whether it was. */
  readonly target?: { readonly text: string; readonly met: boolean };
  /** Of the reference: beyond what operators are told. */
  readonly alert?: string;
}

export interface Baseline {
  /** Where and when it was measured. */
  readonly machine: Readonly<Record<string, string | number>>;
  /** By suite, then by row. */
  readonly suites: Readonly<Record<string, Readonly<Record<string, Figure>>>>;
}

export interface Comparison {
  /** What has become worse by more than a factor of two, with both figures. */
  readonly worse: readonly string[];
  /** All rows that could be compared: how many times as long, or as much, as the baseline. */
  readonly factors: ReadonlyMap<string, number>;
  /** Rows of suites that ran, which the run does not have. */
  readonly missing: readonly string[];
}

function fileOf(name: string): string {
  if (NAME.test(name)) return join(FOLDER, `${name}.json`);
  throw new RangeError(`Cannot use the baseline name ${JSON.stringify(name)}: use letters, digits and ". _ -"`);
}

/** Throws when the name is no name, before anybody waits for a run. */
export function checkBaselineName(name: string): void {
  fileOf(name);
}

function figureOf(row: Measured, rows: readonly Measured[]): Figure {
  const { unit, target, contender } = row;
  const median = Number(row.median.toPrecision(4));
  const figure = { median, unit, ...(contender !== undefined && { contender }) };
  if (target === undefined) return figure;
  const { text, met } = judge(row, target, rows);
  return { ...figure, target: { text, met } };
}

/** What a run is kept as. */
export function toBaseline(machine: Baseline['machine'], results: readonly Result[]): Baseline {
  const rowsOf = ({ rows }: Result) => rows.map((row) => [labelOf(row), figureOf(row, rows)] as const);
  return { machine, suites: Object.fromEntries(results.map((one) => [one.suite, Object.fromEntries(rowsOf(one))])) };
}

export function saveBaseline(name: string, baseline: Baseline): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = fileOf(name);
  writeFileSync(file, `${JSON.stringify(baseline, undefined, 2)}\n`);
  return file;
}

export function loadBaseline(name: string): Baseline {
  const file = fileOf(name);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const help = `save one first: npm run bench -- --save-baseline ${name}`;
    throw new Error(`Cannot read the baseline "${name}": ${(error as Error).message}; ${help}`, { cause: error });
  }
  return JSON.parse(text) as Baseline;
}

/** Compares all rows that both have, in the same unit. */
export function compare(baseline: Baseline, results: readonly Result[]): Comparison {
  const worse: string[] = [];
  const missing: string[] = [];
  const factors = new Map<string, number>();
  for (const { suite, rows } of results) {
    for (const [name, before] of Object.entries(baseline.suites[suite] ?? {})) {
      const row = rows.find((candidate) => labelOf(candidate) === name);
      const label = `${suite}: ${name}`;
      if (row === undefined || row.unit !== before.unit) {
        missing.push(label);
        continue;
      }
      // Of a rate, less is worse.
      const factor = row.unit === 'per second' ? before.median / row.median : row.median / before.median;
      // Nothing was taken before, and nothing is now.
      const times = Number.isNaN(factor) ? 1 : factor;
      factors.set(label, times);
      if (times > WORSE_AT_MOST) worse.push(`${label}: ${row.median} ${row.unit}, was ${before.median}`);
    }
  }
  return { worse, factors, missing };
}
