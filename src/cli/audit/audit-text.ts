import type { AuditEntry, AuditRecord, AuditReport, UseReport } from '../../audit/index.ts';
import { count, humanDuration, sanitizeLine } from '../text.ts';

/** A record as one line for people, safe for a terminal. */
export function recordLine({ record, file, line }: AuditEntry): string {
  if (record === undefined) return `${file}:${line} is damaged or torn`;
  const { time, outcome, kind, action } = record;
  const parts = [time, outcome.padEnd(10), kind === 'capability' ? action : `${kind} ${action}`, whoText(record)];
  if (record.resource !== undefined) parts.push(`→ ${record.resource}`);
  if (record.rule !== undefined) parts.push(`by ${record.rule}`);
  if (record.count !== undefined) parts.push(`(${timesText(record)})`);
  if (record.reason !== undefined && outcome !== 'allow') parts.push(`: ${record.reason}`);
  return sanitizeLine(parts.filter((part) => part !== '').join(' '));
}

function whoText({ actor, component, principal }: AuditRecord): string {
  const who = actor ?? component ?? '';
  if (principal !== undefined) return `${principal}${who === '' ? '' : ` for ${who}`}`;
  return actor !== undefined && component !== undefined && actor !== component ? `${actor} of ${component}` : who;
}

function timesText({ count: times = 1, sinceMs, time }: AuditRecord): string {
  const text = `${times.toLocaleString('en-US')} times`;
  return sinceMs === undefined ? text : `${text} in ${humanDuration(Math.max(0, Date.parse(time) - sinceMs))}`;
}

/** What a check came to. */
export function verdictLines(report: AuditReport): string[] {
  const { ok, records, files, first, last, head, clockSteps, problems, problemCount } = report;
  const lines = problems.map(({ kind, file, line, text }) => sanitizeLine(`${file}:${line}: ${kind}: ${text}`));
  if (problemCount > problems.length) lines.push(`… and ${problemCount - problems.length} more`);
  const range = first === undefined ? '' : `, ${first} to ${last}`;
  lines.push(`${ok ? 'Whole' : 'NOT WHOLE'}: ${count(records, 'record')} in ${count(files, 'file')}${range}`);
  if (clockSteps > 0) lines.push(`The clock was set back ${clockSteps === 1 ? 'once' : `${clockSteps} times`}`);
  lines.push(`head ${head}`);
  return lines;
}

/** What a log says in sum. */
export function reportLines({ components, records, since, until, lost, damaged }: UseReport): string[] {
  const lines = [`${count(records, 'record')}${since === undefined ? '' : ` from ${since} to ${until}`}`];
  if (lost > 0) lines.push(`${count(lost, 'event')} could not be put on record`);
  if (damaged > 0) lines.push(`${count(damaged, 'line')} damaged: troupe audit verify`);
  for (const { component, revision, granted, denied, limits } of components) {
    lines.push('', revision === undefined ? component : `${component}  (sha256 ${revision.slice(0, 12)})`);
    const unused = granted.filter((use) => use.count === 0);
    lines.push(...section('granted and never used', unused, ({ action, rule }) => `${action}  by ${rule}`));
    const used = granted.filter((use) => use.count > 0);
    lines.push(...section('used', used, (use) => `${use.action}  by ${use.rule}  ${times(use)}`));
    for (const [outcome, title] of [['deny', 'denied'] as const, ['would-deny', 'would be denied'] as const]) {
      const alike = denied.filter((denial) => denial.outcome === outcome);
      lines.push(...section(title, alike, (denial) => `${denial.action}  → ${denial.resource}  ${times(denial)}`));
    }
    const reached = Object.entries(limits);
    lines.push(...section('limits reached', reached, ([limit, reachedTimes]) => `${limit}  ${reachedTimes} times`));
  }
  return lines.map(sanitizeLine);
}

function section<Item>(title: string, items: readonly Item[], text: (item: Item) => string): string[] {
  return items.length === 0 ? [] : [`  ${title}:`, ...items.map((item) => `    ${text(item)}`)];
}

function times({ count: amount, lastTime }: { readonly count: number; readonly lastTime?: string }): string {
  return `${amount.toLocaleString('en-US')} times, last ${lastTime}`;
}
