import { type FileHandle, open, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import { type Line, readLines } from './lines.ts';
import { type AuditRecord, decodeRecord, NO_HASH } from './record.ts';
import { FILE_MODE, type Head, listSegments, readHead, type Segment, tornPath } from './segments.ts';

/** Where a log goes on. */
export interface LogEnd extends Head {
  /** The file that is written; `undefined`: there is none yet. */
  readonly segment: Segment | undefined;
  /** Bytes of whole records in it. */
  readonly sizeBytes: number;
  /** Bytes behind them, of records that were being written when the process ended. Nobody was told that they were on disk. */
  readonly tornBytes: number;
  /** When the file was begun, in milliseconds since 1970. */
  readonly sinceMs: number;
}

/**
 * Finds the end of the log in a folder, and changes nothing. From the head on, records are followed as far as they are a chain:
 * what a loss of power leaves behind that can be anything.
 *
 * @throws {RuntimeError} `AUDIT_CORRUPT` — the head is missing, or not the record that was written.
 */
export async function findEnd(directory: string): Promise<LogEnd> {
  const segments = await listSegments(directory);
  const head = await readHead(directory);
  if (head === undefined && segments.length > 0)
    throw corrupt(directory, 'what says where it ended is missing or damaged');
  const begin = head ?? { seq: 0, hash: NO_HASH, file: '', at: 0 };
  const first = segments.findIndex(({ path }) => basename(path) === begin.file);
  if (begin.seq > 0 && first < 0) throw corrupt(directory, `"${begin.file}" is missing`);
  let end: LogEnd = { ...begin, segment: undefined, sizeBytes: 0, tornBytes: 0, sinceMs: 0 };
  for (const segment of segments.slice(Math.max(0, first))) end = await follow(end, segment);
  return end;
}

/** Keeps what was torn beside the log, for whoever wants to know. */
export async function keepTorn({ segment, sizeBytes, tornBytes }: LogEnd): Promise<void> {
  if (segment === undefined || tornBytes === 0) return;
  const bytes = Buffer.alloc(tornBytes);
  const handle = await open(segment.path);
  try {
    await readFully(handle, bytes, sizeBytes);
  } finally {
    await handle.close();
  }
  await writeFile(tornPath(segment), bytes, { mode: FILE_MODE });
}

async function readFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) return;
    at += bytesRead;
  }
}

/** Goes on from `before` through the records of a file: the one that the head names, or a later one. */
async function follow(before: LogEnd, segment: Segment): Promise<LogEnd> {
  // Nothing is written to a file before what is behind the last whole record of the one before it is gone.
  if (before.tornBytes > 0) throw corrupt(segment.path, 'the file before it was cut off');
  const file = basename(segment.path);
  const headAt = file === before.file ? before.at : undefined;
  let sizeBytes = headAt ?? 0;
  let end = before;
  for await (const line of readLines(segment.path, sizeBytes)) {
    const record = recordOf(line);
    const isHead = sizeBytes === headAt;
    if (isHead && record?.hash !== before.hash) break;
    if (record === undefined || (!isHead && record.prev !== end.hash)) break;
    end = { ...end, seq: record.seq, hash: record.hash, file, at: sizeBytes };
    sizeBytes = line.end;
  }
  if (sizeBytes === headAt) throw corrupt(segment.path, `record ${before.seq} is not there as it was written`);
  const { size } = await stat(segment.path);
  const sinceMs = Date.parse((await firstRecord(segment))?.time ?? '') || 0;
  return { ...end, segment, sizeBytes, tornBytes: size - sizeBytes, sinceMs };
}

function recordOf({ text, isWhole }: Line): AuditRecord | undefined {
  return isWhole && text !== undefined ? decodeRecord(text) : undefined;
}

/** The first record of a file; `undefined` if it holds none, or a damaged one. */
export async function firstRecord({ path }: Segment): Promise<AuditRecord | undefined> {
  for await (const line of readLines(path)) return recordOf(line);
  return undefined;
}

function corrupt(where: string, what: string): RuntimeError {
  const help = 'keep the folder for whoever looks into it, and let a new one be used';
  return new RuntimeError('AUDIT_CORRUPT', `Cannot go on with the audit log "${where}": ${what}; ${help}`, {
    details: { path: where },
  });
}
