/**
 * `npm run bench -- [suite…] [--output table|json]`: runs the suites of this folder whose name contains one of the words.
 * A missed target is shown as it is and changes no exit code; only an error does.
 */
import { globSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { Report, Row, Suite, Target } from './suite.ts';

/** A row with what was computed from its samples. */
interface Measured extends Row {
  readonly median: number;
  /** Half of the samples lie between these two. */
  readonly low: number;
  readonly high: number;
}

interface Result {
  readonly suite: string;
  readonly rows: readonly Measured[];
  readonly notMeasured: readonly string[];
  readonly seconds: number;
}

interface Verdict {
  /** What was compared with the target. */
  readonly value: number;
  readonly text: string;
  readonly met: boolean;
}

/** The value below which `share` of the sorted samples lie, between neighbours by proportion. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below + (above - below) * (at - Math.floor(at));
}

function measured(row: Row): Measured {
  if (row.samples.length === 0) throw new RangeError(`Row "${row.name}" has no samples`);
  const sorted = row.samples.toSorted((a, b) => a - b);
  return { ...row, median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

function medianOf(rows: readonly Measured[], name: string): number {
  const row = rows.find((candidate) => candidate.name === name);
  if (row === undefined) throw new RangeError(`A target names the row "${name}", which was not measured`);
  return row.median;
}

function judge(row: Pick<Measured, 'median' | 'unit'>, target: Target, rows: readonly Measured[]): Verdict {
  if ('timesFasterThan' in target) {
    const value = medianOf(rows, target.timesFasterThan) / row.median;
    return {
      value,
      text: `${short(value)}× faster than ${target.timesFasterThan} (≥ ${target.atLeast}×)`,
      met: value >= target.atLeast,
    };
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
    return { value: row.median, text: `≤ ${target.atMost} ${row.unit}`, met: row.median <= target.atMost };
  return { value: row.median, text: `≥ ${target.atLeast} ${row.unit}`, met: row.median >= target.atLeast };
}

function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

function conditions(): Readonly<Record<string, string | number>> {
  const [cpu] = cpus();
  return {
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpu?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
    date: new Date().toISOString(),
  };
}

async function runSuite(suite: Suite): Promise<Result> {
  const rows: Measured[] = [];
  const notMeasured: string[] = [];
  const report: Report = {
    row: (row) => void rows.push(measured(row)),
    notMeasured: (what) => void notMeasured.push(what),
  };
  const started = performance.now();
  await suite.run(report);
  return { suite: suite.name, rows, notMeasured, seconds: (performance.now() - started) / 1000 };
}

function showTable(result: Result): void {
  const table = new Table({
    head: [result.suite, 'median', 'middle half', 'n', 'target', ''],
    style: { head: [], border: [] },
  });
  for (const row of result.rows) {
    const verdict = row.target === undefined ? undefined : judge(row, row.target, result.rows);
    table.push([
      row.name,
      `${short(row.median)} ${row.unit}`,
      `${short(row.low)} – ${short(row.high)}`,
      `${row.samples.length}`,
      verdict?.text ?? '',
      verdict === undefined ? '' : verdict.met ? 'met' : 'MISSED',
    ]);
  }
  console.log(table.toString());
  for (const what of result.notMeasured) console.log(`not measured: ${what}`);
  console.log(`${result.seconds.toFixed(1)} s\n`);
}

function toJson(result: Result): unknown {
  const rows = result.rows.map(({ samples, ...row }) => ({
    ...row,
    count: samples.length,
    ...(row.target === undefined ? {} : { verdict: judge(row, row.target, result.rows) }),
  }));
  return { ...result, rows };
}

async function loadSuites(words: readonly string[]): Promise<Suite[]> {
  const suites: Suite[] = [];
  for (const file of globSync('*.bench.ts', { cwd: import.meta.dirname }).sort()) {
    const module = (await import(join(import.meta.dirname, file))) as { readonly suite?: Suite };
    if (module.suite === undefined) throw new TypeError(`bench/${file} does not export "suite"`);
    const { name } = module.suite;
    if (words.length === 0 || words.some((word) => name.includes(word))) suites.push(module.suite);
  }
  return suites;
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', default: 'table' } },
  });
  const suites = await loadSuites(positionals);
  if (suites.length === 0) {
    console.error(
      `No suite has ${positionals.map((word) => `"${word}"`).join(' or ') || 'a file *.bench.ts'} in its name`,
    );
    return 64;
  }
  const machine = conditions();
  const asJson = values.output === 'json';
  if (!asJson)
    console.log(
      `${Object.entries(machine)
        .map(([key, value]) => `${key} ${value}`)
        .join(' · ')}\n`,
    );
  const results: unknown[] = [];
  for (const suite of suites) {
    const result = await runSuite(suite);
    results.push(toJson(result));
    if (!asJson) showTable(result);
  }
  if (asJson) console.log(JSON.stringify({ machine, results }, undefined, 2));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
