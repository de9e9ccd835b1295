import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import {
  type AuditEntry,
  type AuditFilter,
  isSelected,
  lastEntries,
  readAudit,
  reportAudit,
  verifyAudit,
} from '../../audit/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { parseDuration } from '../../time/index.ts';
import { recordLine, reportLines, verdictLines } from '../audit/audit-text.ts';
import type { CliContext } from '../context.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import { withProgress } from '../progress.ts';
import type { OutputFormat } from '../report-error.ts';
import { toJson, writeLine } from '../text.ts';
import { OutputPace } from '../up/output-pace.ts';

/** Milliseconds between two looks for new records. Chosen: a person does not notice, and neither does the machine. */
const FOLLOW_MS = 250;
const LINES_MAX = 100_000;

interface LogOptions {
  readonly app: string;
  readonly log?: string;
  readonly output: OutputFormat;
}

/** `troupe audit`: reads and checks what an application has put on record. */
export function auditCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('audit').summary('read and check what was put on record');
  command.description(
    'Reads the audit log of an application ([audit] in troupe.toml), whether it runs or not: what ran, what it was granted, wanted and denied, and what operators did.',
  );
  command.helpCommand(false);
  command.addCommand(tailCommand(context));
  command.addCommand(queryCommand(context));
  command.addCommand(verifyCommand(context, finish));
  command.addCommand(reportCommand(context));
  return withExamples(command, [
    ['troupe audit tail --follow', 'what happens now'],
    ['troupe audit query --outcome deny --since 24h', 'what was denied since yesterday'],
    ['troupe audit verify', 'whether anything was changed or cut off'],
    ['troupe audit report', 'what is granted and never used'],
  ]);
}

function withLog(command: Command): Command {
  return withOutput(withApplication(command)).option('--log <dir>', 'folder of the log, instead of that of --app');
}

function tailCommand(context: CliContext): Command {
  const command = new Command('tail').summary('print the last records').description('Prints the last records.');
  withLog(command).option('-n, --lines <count>', 'how many', parseLines, 20);
  command.option('-f, --follow', 'go on with those that come, until interrupted');
  withExamples(command, [
    ['troupe audit tail', 'the last 20'],
    ['troupe audit tail -n 0 --follow --output json', 'new ones, one JSON object a line'],
  ]);
  return command.action(async (options: LogOptions & { readonly lines: number; readonly follow?: boolean }) => {
    const directory = await logDirectory(context, options);
    const entries = await lastEntries(directory, Math.max(1, options.lines));
    await writeEntries(context, options.output, entries.slice(entries.length - options.lines));
    if (options.follow === true) await follow(context, { directory, output: options.output }, entries.at(-1));
  });
}

interface Following {
  readonly directory: string;
  readonly output: OutputFormat;
}

async function follow(context: CliContext, { directory, output }: Following, last?: AuditEntry): Promise<void> {
  const { signal } = context.interrupts;
  let at = last?.next;
  // A torn line is read again when there is more of it.
  if (last?.isWhole === false) at = { ...last.next, offset: last.start, line: last.line - 1 };
  while (!signal.aborted) {
    const fresh: AuditEntry[] = [];
    for await (const entry of readAudit(directory, at)) if (entry.isWhole) fresh.push(entry);
    await writeEntries(context, output, fresh);
    at = fresh.at(-1)?.next ?? at;
    await nextLook(context);
  }
}

/** Resolves after a while, or at once when it is interrupted. */
function nextLook({ clock, interrupts: { signal } }: CliContext): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const timer = clock.after(FOLLOW_MS, end, true);
  signal.addEventListener('abort', end);
  return promise.finally(() => {
    timer.cancel();
    signal.removeEventListener('abort', end);
  });
}

function queryCommand(context: CliContext): Command {
  const command = new Command('query').summary('print the records that are wanted');
  command.description('Prints the records to which all that is given applies, oldest first.');
  withLog(command);
  for (const [flag, text] of [
    ['--kind <kind>', 'log, lifecycle, grant, capability, limit, operator or rollout'],
    ['--action <action>', 'the action, or all that begin so: filesystem, filesystem.read'],
    ['--outcome <outcome>', 'allow, deny, would-deny, done or failed'],
    ['--actor <name>', 'the actor'],
    ['--component <name>', 'the component'],
    ['--principal <name>', 'the operator'],
    ['--resource <text>', 'what the resource contains'],
    ['--trace-id <id>', 'the trace'],
  ] as const)
    command.option(flag, text);
  command.option('--since <time>', 'from then on: 2026-01-31, 2026-01-31T08:00:00Z, or 24h ago', parseTime(context));
  command.option('--until <time>', 'before then', parseTime(context));
  withExamples(command, [
    ['troupe audit query --outcome deny --component parse', 'what parse was denied'],
    ['troupe audit query --kind operator --since 7d', 'what operators did this week'],
    ['troupe audit query --action http --output json', 'one JSON object a line'],
  ]);
  return command.action(async (options: LogOptions & Omit<AuditFilter, 'sinceMs' | 'untilMs'> & Times) => {
    const { since: sinceMs, until: untilMs, output } = options;
    const filter: AuditFilter = { ...options, sinceMs, untilMs };
    const { signal } = context.interrupts;
    for await (const entry of readAudit(await logDirectory(context, options))) {
      signal.throwIfAborted();
      if (entry.record !== undefined && isSelected(entry.record, filter)) await writeEntries(context, output, [entry]);
    }
  });
}

interface Times {
  readonly since?: number;
  readonly until?: number;
}

function verifyCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('verify').summary('check that nothing was changed or cut off');
  command.description(
    'Checks every record: its hash, its place in the chain, and that the beginning and the end are there. Ends with 0 if the log is whole, with 1 if it is not.',
  );
  withLog(command).option('--head <hash>', 'a hash that was noted elsewhere: one of the records must have it');
  withExamples(command, [
    ['troupe audit verify', 'and prints the head, to be noted elsewhere'],
    ['troupe audit verify --head 9f2c…', 'also against a chain that was made anew as a whole'],
    ['troupe audit verify --log /backup/audit', 'a copy'],
  ]);
  return command.action(async (options: LogOptions & { readonly head?: string }) => {
    const { signal } = context.interrupts;
    const directory = await logDirectory(context, options);
    const report = await withProgress(context, 'Checking the log', (tell) => {
      const onProgress = (bytes: number, total: number): void =>
        tell(`Checking the log: ${Math.min(100, Math.floor((100 * bytes) / Math.max(1, total)))} %`);
      return verifyAudit(directory, { head: options.head, signal, onProgress });
    });
    writeLine(context.stdout, options.output === 'json' ? toJson(report) : verdictLines(report).join('\n'));
    if (!report.ok) finish(1);
  });
}

function reportCommand(context: CliContext): Command {
  const command = new Command('report').summary('sum up what was granted, used and denied');
  command.description(
    'Sums up the log: for each component which grants it never used, which it did, what it was denied, and which limits it ran into.',
  );
  withExamples(withLog(command), [['troupe audit report --output json', 'for a script that takes grants away']]);
  return command.action(async (options: LogOptions) => {
    const { signal } = context.interrupts;
    const directory = await logDirectory(context, options);
    const report = await withProgress(context, 'Reading the log', reportAudit(directory, { signal }));
    writeLine(context.stdout, options.output === 'json' ? toJson(report) : reportLines(report).join('\n'));
  });
}

/** The folder that is named, or that of the application. */
async function logDirectory(context: CliContext, { app, log }: LogOptions): Promise<string> {
  if (log !== undefined) return log;
  const { loadApplication } = await import('../../config/index.ts');
  const { audit, directory } = await loadApplication(app, { environment: context.environment });
  if (audit !== undefined) return audit.directory;
  const file = join(directory, 'troupe.toml');
  throw new RuntimeError('FILE_NOT_FOUND', `Cannot find the audit log of "${file}": it keeps none`, {
    details: { help: ['add [audit] to it', 'or name the folder of a log: --log DIR'] },
  });
}

async function writeEntries(
  { stdout, clock }: CliContext,
  output: OutputFormat,
  entries: readonly AuditEntry[],
): Promise<void> {
  const pace = new OutputPace(clock, [stdout]);
  for (const entry of entries) {
    const { file, line, record } = entry;
    writeLine(stdout, output === 'json' ? toJson(record ?? { file, line, damaged: true }, 'line') : recordLine(entry));
    await pace.take();
  }
}

function parseLines(text: string): number {
  const lines = Number(text);
  if (Number.isInteger(lines) && lines >= 0 && lines <= LINES_MAX) return lines;
  throw new InvalidArgumentError(`Expected a number from 0 to ${LINES_MAX}.`);
}

/** A moment, or how long ago it was. */
function parseTime({ clock }: CliContext): (text: string) => number {
  return (text) => {
    if (/^\d{4}-/.test(text)) {
      const ms = Date.parse(text);
      if (!Number.isNaN(ms)) return ms;
    }
    try {
      return clock.wallMs() - parseDuration(text);
    } catch {
      throw new InvalidArgumentError('Expected a time such as "2026-01-31T08:00:00Z", or how long ago: "24h", "7d".');
    }
  };
}
