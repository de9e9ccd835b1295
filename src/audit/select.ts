import { type AuditEntry, listAuditFiles, readAudit } from './read.ts';
import type { AuditRecord } from './record.ts';

/** Which records are wanted: those to which all that is given applies. */
export interface AuditFilter {
  readonly kind?: string | undefined;
  /** The action, or its beginning up to a dot: `filesystem` is all of `filesystem.read` and the like. */
  readonly action?: string | undefined;
  readonly outcome?: string | undefined;
  readonly actor?: string | undefined;
  readonly component?: string | undefined;
  readonly principal?: string | undefined;
  readonly traceId?: string | undefined;
  /** Anywhere in the resource. */
  readonly resource?: string | undefined;
  /** In milliseconds since 1970; the first is taken, the last is not. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

const EXACT = ['kind', 'outcome', 'actor', 'component', 'principal', 'traceId'] as const;

/** Whether a record is one of those. */
export function isSelected(record: AuditRecord, filter: AuditFilter): boolean {
  if (EXACT.some((key) => filter[key] !== undefined && filter[key] !== record[key])) return false;
  const { action, resource, sinceMs, untilMs } = filter;
  if (action !== undefined && record.action !== action && !record.action.startsWith(`${action}.`)) return false;
  if (resource !== undefined && record.resource?.includes(resource) !== true) return false;
  const ms = Date.parse(record.time);
  return !(sinceMs !== undefined && ms < sinceMs) && !(untilMs !== undefined && ms >= untilMs);
}

/** The last `count` lines of a log, in order. Reads no more files than hold them. */
export async function lastEntries(directory: string, count: number): Promise<AuditEntry[]> {
  const files = await listAuditFiles(directory);
  let found: AuditEntry[] = [];
  for (const segment of files.toReversed()) {
    const inFile: AuditEntry[] = [];
    for await (const entry of readAudit(directory, { segment, offset: 0, line: 0 })) {
      if (entry.next.segment !== segment) break;
      inFile.push(entry);
      if (inFile.length > 2 * count) inFile.splice(0, inFile.length - count);
    }
    found = [...inFile, ...found].slice(-count);
    if (found.length >= count) break;
  }
  return found;
}
