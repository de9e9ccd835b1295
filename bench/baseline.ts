/** Figures that were kept, and the comparison of a run with them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from './statistics.ts';

const FOLDER = join(import.meta.dirname, 'baselines');
/** It becomes the name of a file. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
/** Beyond so many times a baseline, performance has degraded. */
const WORSE_AT_MOST = 2;

interface Figure {
  readonly median: number;
  readonly unit: string;
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

export function saveBaseline(name: string, machine: Baseline['machine'], results: readonly Result[]): string {
  const rowsOf = ({ rows }: Result) => rows.map(({ name: row, median, unit }) => [row, { median, unit }] as const);
  const suites = Object.fromEntries(results.map((result) => [result.suite, Object.fromEntries(rowsOf(result))]));
  mkdirSync(FOLDER, { recursive: true });
  const file = fileOf(name);
  writeFileSync(file, `${JSON.stringify({ machine, suites } satisfies Baseline, undefined, 2)}\n`);
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
      const row = rows.find((candidate) => candidate.name === name);
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
