/**
 * Reporter of `npm test`: a line for each file, failures in full when they happen and once more by name at the end,
 * and what a test says through `t.diagnostic`. Output of a test's own process is shown only when its file fails.
 */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect, styleText } from 'node:util';

interface FileResult {
  readonly notes: string[];
  readonly failures: string[];
  output: string;
  passed: number;
  skipped: number;
  ms: number;
}

/** Enough to see how a process ended; more would bury the failure itself. */
const OUTPUT_CHARS = 4_000;

const results = new Map<string, FileResult>();
/** Names of the suites around the test that runs, and its own. */
const path: string[] = [];

function fileOf(event: { readonly data: { readonly file?: string | undefined } }): FileResult | undefined {
  if (event.data.file === undefined) return undefined;
  const file = relative(process.cwd(), event.data.file);
  let result = results.get(file);
  if (result === undefined) {
    result = { notes: [], failures: [], output: '', passed: 0, skipped: 0, ms: 0 };
    results.set(file, result);
  }
  return result;
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ');
}

/** Remembers the suites around what runs now. Events of one file arrive in order. */
function onStart(event: Extract<TestEvent, { type: 'test:start' }>): void {
  path.length = event.data.nesting;
  path[event.data.nesting] = event.data.name;
}

function describeFailure(event: Extract<TestEvent, { type: 'test:fail' }>): string {
  const { name, nesting, details, file, line } = event.data;
  const error: unknown = details.error.cause ?? details.error;
  const full = typeof error === 'string' ? error : inspect(error, { colors: process.stdout.isTTY });
  const text = full.replaceAll(/^.*\(?node:internal\/.*\n?/gm, '').trimEnd();
  const title = `${[...path.slice(0, nesting), name].join(' › ')} (${relative(process.cwd(), file ?? '')}:${line ?? 0})`;
  return `${styleText('red', `✗ ${title}`)}\n${indent(text)}\n`;
}

function onPass(event: Extract<TestEvent, { type: 'test:pass' }>): void {
  const result = fileOf(event);
  if (result === undefined) return;
  if (event.data.nesting === 0) result.ms += event.data.details.duration_ms;
  if (event.data.details.type === 'suite') return;
  if (event.data.skip !== undefined || event.data.todo !== undefined) result.skipped++;
  else result.passed++;
}

function onFail(event: Extract<TestEvent, { type: 'test:fail' }>): string {
  const result = fileOf(event);
  if (result !== undefined && event.data.nesting === 0) result.ms += event.data.details.duration_ms;
  // A suite fails because a test in it does, and that one was shown.
  const cause = event.data.details.error as { failureType?: string };
  if (cause.failureType === 'subtestsFailed') return '';
  const text = describeFailure(event);
  result?.failures.push(text.split('\n', 1)[0] ?? '');
  return text;
}

function fileLine(file: string, result: FileResult): string {
  const failed = result.failures.length;
  const counts = [
    `${result.passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(result.skipped > 0 ? [`${result.skipped} skipped`] : []),
  ];
  const mark = failed > 0 ? styleText('red', '✗') : styleText('green', '✓');
  const lines = [`${mark} ${file}  ${counts.join(', ')}  ${Math.round(result.ms)} ms`];
  lines.push(...result.notes.map((note) => `    ${note}`));
  if (failed > 0 && result.output !== '') lines.push(indent(result.output.slice(-OUTPUT_CHARS).trimEnd()));
  return `${lines.join('\n')}\n`;
}

/** What is left to say about files when the run is over, and the totals. */
function* conclusion(shown: ReadonlySet<string>): Generator<string> {
  for (const [file, result] of results) if (!shown.has(file)) yield fileLine(file, result);
  const all = [...results.values()];
  const failures = all.flatMap((result) => result.failures);
  const sum = (pick: (result: FileResult) => number): number => all.reduce((total, result) => total + pick(result), 0);
  const skipped = sum((result) => result.skipped);
  yield `${sum((r) => r.passed)} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
  if (failures.length > 0) yield `${failures.join('\n')}\n`;
}

async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const shown = new Set<string>();
  for await (const event of events) {
    if (event.type === 'test:start') onStart(event);
    else if (event.type === 'test:pass') onPass(event);
    else if (event.type === 'test:fail') yield onFail(event);
    else if (event.type === 'test:diagnostic') fileOf(event)?.notes.push(event.data.message);
    else if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      const result = fileOf(event);
      if (result !== undefined) result.output = (result.output + event.data.message).slice(-OUTPUT_CHARS);
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      const file = relative(process.cwd(), event.data.file);
      const result = fileOf(event);
      shown.add(file);
      if (result !== undefined) yield fileLine(file, result);
    }
  }
  yield* conclusion(shown);
}

// biome-ignore lint/style/noDefaultExport: the test runner takes a reporter from the default export
export default report;
