/** Results as text for a terminal, and as plain data. */
import Table from 'cli-table3';
import { type Figure, loadBaseline } from './baseline.ts';
import { barsOf } from './scale.ts';
import { judge, labelOf, type Result, short } from './statistics.ts';

/** Characters of the longest bar. */
const BAR = 12;

function referenceOf({ median, unit, alert }: Figure): string {
  return `${short(median)} ${unit}${alert === undefined ? '' : `, alert ${alert}`}`;
}

export function tableOf(result: Result): string {
  const table = new Table({
    head: [result.suite, 'median', 'log. scale', 'middle half', 'n', 'target', '', 'reference'],
    style: { head: [], border: [], compact: true },
  });
  const reference = loadBaseline('reference');
  const bars = barsOf(result.rows);
  for (const [i, row] of result.rows.entries()) {
    const published = row.contender === undefined ? reference.suites[result.suite]?.[row.name] : undefined;
    const verdict = row.target === undefined ? undefined : judge(row, row.target, result.rows);
    table.push([
      labelOf(row),
      `${short(row.median)} ${row.unit}`,
      '▇'.repeat(Math.ceil((bars[i] as number) * BAR)),
      `${short(row.low)} – ${short(row.high)}`,
      `${row.samples.length}`,
      verdict?.text ?? '',
      verdict === undefined ? '' : verdict.met ? 'met' : 'MISSED',
      published === undefined ? '' : referenceOf(published),
    ]);
  }
  const notes = result.notMeasured.map((what) => `not measured: ${what}`);
  return [table.toString(), ...notes, `${result.seconds.toFixed(1)} s`, ''].join('\n');
}

/** What `--output json` writes of a suite. */
export function dataOf(result: Result): unknown {
  const rows = result.rows.map(({ samples, ...row }) => ({
    ...row,
    count: samples.length,
    ...(row.target === undefined
      ? {}
      : { verdict: judge({ ...row, samples } as Result['rows'][number], row.target, result.rows) }),
  }));
  return { ...result, rows };
}
