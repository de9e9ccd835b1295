import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import { readLines } from './lines.ts';
import { type AuditRecord, decodeRecord } from './record.ts';
import { listSegments, type Segment } from './segments.ts';

/** Between two lines of a log. */
export interface AuditPosition {
  /** Number of the file. */
  readonly segment: number;
  /** Bytes of it that are before. */
  readonly offset: number;
  /** Lines of it that are before. */
  readonly line: number;
}

/** A line of the log. */
export interface AuditEntry {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `undefined`: its hash is not that of its text, or it is no record. */
  readonly record: AuditRecord | undefined;
  /** False: the last line of its file, which is being written or was torn. */
  readonly isWhole: boolean;
  /** Where in the file it begins, in bytes. */
  readonly start: number;
  /** Where to go on behind it. */
  readonly next: AuditPosition;
}

const BEGIN: AuditPosition = Object.freeze({ segment: 0, offset: 0, line: 0 });

/**
 * Reads a log, also while it is written: to where it ends at that moment, from where a reading before ended or from its
 * beginning. Files that went meanwhile, for their age, are left out.
 *
 * @throws {RuntimeError} (rejects) `FILE_NOT_FOUND`, `FILE_UNREADABLE` — the folder cannot be read, or holds no log.
 */
export async function* readAudit(directory: string, from: AuditPosition = BEGIN): AsyncGenerator<AuditEntry> {
  let at = from;
  for (let segment = await segmentFrom(directory, at); segment !== undefined; ) {
    if (segment.number !== at.segment) at = { segment: segment.number, offset: 0, line: 0 };
    // Asked before it is read: a file that is followed by another is not written any more.
    const follower = await segmentFrom(directory, { segment: segment.number + 1 });
    for await (const entry of entriesOf(segment, at)) {
      if (entry.isWhole || follower !== undefined) yield entry;
      else if ((await segmentFrom(directory, { segment: segment.number + 1 })) === undefined) yield entry;
      if (entry.isWhole) at = entry.next;
    }
    if (follower === undefined && (await segmentFrom(directory, { segment: segment.number + 1 })) === undefined) return;
    if (follower !== undefined) segment = follower;
  }
}

/** The numbers of the files of a log, oldest first. */
export async function listAuditFiles(directory: string): Promise<number[]> {
  return (await segmentsIn(directory)).map(({ number }) => number);
}

/** Bytes of all files of a log. */
export async function auditSize(directory: string): Promise<number> {
  let bytes = 0;
  for (const { path } of await segmentsIn(directory)) bytes += await sizeOf(path);
  return bytes;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    (error: NodeJS.ErrnoException) => {
      if (isMissing(error)) return 0;
      throw error;
    },
  );
}

async function* entriesOf(
  { path, number }: Segment,
  { offset, line: before }: AuditPosition,
): AsyncGenerator<AuditEntry> {
  let line = before;
  let start = offset;
  try {
    for await (const { text, isWhole, end } of readLines(path, offset)) {
      const record = isWhole && text !== undefined ? decodeRecord(text) : undefined;
      line++;
      yield { file: basename(path), line, record, isWhole, start, next: { segment: number, offset: end, line } };
      start = end;
    }
  } catch (error) {
    // It has just become too old.
    if (!isMissing(error)) throw error;
  }
}

/** The file of that number, or the next one that there is. */
async function segmentFrom(
  directory: string,
  { segment }: Pick<AuditPosition, 'segment'>,
): Promise<Segment | undefined> {
  return (await segmentsIn(directory)).find(({ number }) => number >= segment);
}

async function segmentsIn(directory: string): Promise<Segment[]> {
  const segments = await listSegments(directory).catch((error: NodeJS.ErrnoException) => {
    const reason = isMissing(error) ? 'it is not there' : `the system says ${error.code ?? 'nothing more'}`;
    const code = isMissing(error) ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE';
    throw new RuntimeError(code, `Cannot read the audit log in "${directory}": ${reason}`, { cause: error });
  });
  if (segments.length > 0) return segments;
  throw new RuntimeError('FILE_NOT_FOUND', `Cannot read the audit log in "${directory}": there is none`);
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
