import { copyFile, stat } from 'node:fs/promises';
import { RuntimeError } from '../errors/index.ts';
import { readLines } from './lines.ts';
import { decodeRecord, LINE_BYTES_MAX, NO_HASH } from './record.ts';
import { listSegments, readHead, type Segment } from './segments.ts';

/** Where a log goes on. */
export interface LogEnd {
  readonly seq: number;
  readonly hash: string;
  /** The file that is written; `undefined`: there is none yet. */
  readonly segment: Segment | undefined;
  /** Bytes of whole records in it. */
  readonly sizeBytes: number;
  /** Bytes behind them, of a record that was being written when the process ended. Nobody was told that it was on disk. */
  readonly tornBytes: number;
}

/**
 * Finds the end of the log in a folder, and changes nothing.
 *
 * @throws {RuntimeError} `AUDIT_CORRUPT` — its last record is damaged, or records are missing that were there.
 */
export async function findEnd(directory: string): Promise<LogEnd> {
  const segments = await listSegments(directory);
  const end = await endOf(segments);
  const head = await readHead(directory);
  if (head !== undefined && head.seq > end.seq) {
    const lost = head.seq - end.seq;
    throw corrupt(directory, `it ends with record ${end.seq}, and ${lost} more were written`);
  }
  if (head !== undefined && head.seq === end.seq && head.hash !== end.hash)
    throw corrupt(directory, `record ${end.seq} is not the one that was written`);
  return end;
}

/** Keeps what was torn beside the log, for whoever wants to know. */
export async function keepTorn(end: LogEnd): Promise<void> {
  if (end.segment !== undefined && end.tornBytes > 0) await copyFile(end.segment.path, `${end.segment.path}.torn`);
}

async function endOf(segments: readonly Segment[]): Promise<LogEnd> {
  const segment = segments.at(-1);
  if (segment === undefined) return { seq: 0, hash: NO_HASH, segment, sizeBytes: 0, tornBytes: 0 };
  const { size } = await stat(segment.path);
  const { last, wholeBytes } = await lastLine(segment, size);
  const tornBytes = size - wholeBytes;
  if (last !== undefined) {
    const record = decodeRecord(last);
    if (record === undefined) throw corrupt(segment.path, 'its last record is damaged');
    return { seq: record.seq, hash: record.hash, segment, sizeBytes: wholeBytes, tornBytes };
  }
  if (wholeBytes > 0) throw corrupt(segment.path, 'its last record is damaged');
  // Made, and nothing was written any more.
  const { seq, hash } = await endOf(segments.slice(0, -1));
  return { seq, hash, segment, sizeBytes: 0, tornBytes };
}

/** The last whole line of a file. The file may be large: only its end is read, unless that holds no line feed. */
async function lastLine(
  { path }: Segment,
  sizeBytes: number,
): Promise<{ last: string | undefined; wholeBytes: number }> {
  const start = Math.max(0, sizeBytes - 2 * LINE_BYTES_MAX);
  let last: string | undefined;
  let wholeBytes = start;
  let isFirst = true;
  for await (const line of readLines(path, start)) {
    // Where reading began in the middle of a line, what comes first is the rest of it.
    const isRest = isFirst && start > 0;
    isFirst = false;
    if (!line.isWhole) break;
    wholeBytes = line.offset + Buffer.byteLength(line.text) + 1;
    if (!isRest) last = line.isTooLong ? '' : line.text;
  }
  return { last, wholeBytes };
}

function corrupt(where: string, what: string): RuntimeError {
  const help = 'keep the folder for whoever looks into it, and let a new one be used';
  return new RuntimeError('AUDIT_CORRUPT', `Cannot go on with the audit log "${where}": ${what}; ${help}`, {
    details: { path: where },
  });
}
