/**
 * `npm run bench -- [suite…]`: runs the suites of this folder whose name contains one of the words. The options are in
 * README.md. A missed target is shown as it is and changes no exit code; what fails is an error, and a row that is more
 * than twice as bad as in the baseline.
 */
import { globSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Baseline, checkBaselineName, compare, loadBaseline, saveBaseline, toBaseline } from './baseline.ts';
import { usePeers } from './contenders.ts';
import { lineOf, pictureOf } from './picture.ts';
import { type Measured, measured, type Result, short } from './statistics.ts';
import type { Report, Suite } from './suite.ts';
import { dataOf, tableOf } from './table.ts';

const USAGE_ERROR = 64;

type Machine = Baseline['machine'];

function conditions(): Machine {
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

/** Says on stderr, beside any output, how the run compares. Returns whether nothing has become much worse. */
function holdsAgainst(name: string, baseline: Baseline, results: readonly Result[]): boolean {
  const { worse, factors, missing } = compare(baseline, results);
  console.error(`Against baseline "${name}" (${lineOf(baseline.machine)}):`);
  for (const [label, factor] of factors) console.error(`  ${short(factor)}×  ${label}`);
  for (const label of missing) console.error(`  not in this run: ${label}`);
  for (const line of worse) console.error(`WORSE by more than 2×: ${line}`);
  if (factors.size === 0) console.error('Nothing of this run is in the baseline: run the suites that it was made of');
  return worse.length === 0 && factors.size > 0;
}

function readArguments() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      output: { type: 'string', default: 'table' },
      peers: { type: 'boolean', default: false },
      picture: { type: 'string' },
      baseline: { type: 'string' },
      'save-baseline': { type: 'string' },
    },
  });
  if (values.output !== 'table' && values.output !== 'json') {
    throw new RangeError(`Cannot write "${values.output}": --output is table or json`);
  }
  if (values['save-baseline'] !== undefined) checkBaselineName(values['save-baseline']);
  return { words: positionals, ...values };
}

async function main(): Promise<number> {
  let options: ReturnType<typeof readArguments>;
  try {
    options = readArguments();
  } catch (error) {
    console.error((error as Error).message);
    return USAGE_ERROR;
  }
  const { words, output, peers, picture, baseline, 'save-baseline': saveAs } = options;
  const before = baseline === undefined ? undefined : loadBaseline(baseline);
  const suites = await loadSuites(words);
  if (suites.length === 0) {
    console.error(`No suite has ${words.map((word) => `"${word}"`).join(' or ') || 'a file *.bench.ts'} in its name`);
    return USAGE_ERROR;
  }
  if (peers) usePeers();
  const machine = conditions();
  if (output === 'table') console.log(`${lineOf(machine)}\n`);
  const results: Result[] = [];
  for (const suite of suites) {
    const result = await runSuite(suite);
    results.push(result);
    if (output === 'table') console.log(tableOf(result));
  }
  if (output === 'json') console.log(JSON.stringify({ machine, results: results.map(dataOf) }, undefined, 2));
  const kept = toBaseline(machine, results);
  if (picture !== undefined) writeFileSync(picture, pictureOf(kept));
  if (saveAs !== undefined) console.error(`Saved as ${saveBaseline(saveAs, kept)}`);
  return before === undefined || holdsAgainst(baseline as string, before, results) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
