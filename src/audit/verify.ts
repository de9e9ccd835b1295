import { basename } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import { readLines } from './lines.ts';
import { type AuditRecord, decodeRecord, NO_HASH } from './record.ts';
import { type Head, listSegments, readHead } from './segments.ts';

/** Problems that a report lists; what is beyond is counted. */
const LISTED_MAX = 100;

/** Something in the log that nobody who keeps to the rules has written. */
export interface AuditProblem {
  readonly kind: 'damaged' | 'chain' | 'sequence' | 'truncated' | 'torn' | 'head';
  /** Name of the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** What became of the check of a log. */
export interface AuditReport {
  /** Whether nothing was changed, taken out, put in or cut off. What was torn at the end of the last file is no problem. */
  readonly ok: boolean;
  readonly files: number;
  readonly records: number;
  /** Sequence numbers. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** The hash of the last record. */
  readonly head: string;
  readonly problems: readonly AuditProblem[];
  readonly problemCount: number;
}

export interface VerifyOptions {
  /** A hash that was noted elsewhere: one of the records must have it. */
  readonly head?: string | undefined;
}

/** A whole line of the log. */
export interface AuditEntry {
  readonly file: string;
  readonly line: number;
  /** `undefined`: its hash is not that of its text, or it is no record. */
  readonly record: AuditRecord | undefined;
  /** False: the last line of its file, which was torn. */
  readonly isWhole: boolean;
}

/**
 * Reads a log from its beginning, also while it is written.
 *
 * @throws {RuntimeError} (rejects) `FILE_NOT_FOUND`, `FILE_UNREADABLE` — the folder cannot be read, or holds no log.
 */
export async function* readAudit(directory: string): AsyncGenerator<AuditEntry> {
  for (const { path } of await segmentsIn(directory)) {
    let line = 0;
    for await (const { text, isWhole } of readLines(path))
      yield { file: basename(path), line: ++line, record: isWhole ? decodeRecord(text) : undefined, isWhole };
  }
}

/**
 * Checks every record of a log: its hash, what it is chained to, its number, and that the end is there.
 *
 * Whoever may write the folder can make a whole chain anew. Against that, note a hash elsewhere and give it as `head`.
 *
 * @throws {RuntimeError} (rejects) as {@link readAudit}.
 */
export async function verifyAudit(directory: string, { head }: VerifyOptions = {}): Promise<AuditReport> {
  const chain = new Chain(head);
  const files = new Set<string>();
  // Before the records: the log may grow meanwhile.
  const saved = await readHead(directory).catch(() => undefined);
  for (const { path } of await segmentsIn(directory)) files.add(basename(path));
  for await (const entry of readAudit(directory)) chain.take(entry);
  return { files: files.size, ...chain.report(saved) };
}

async function segmentsIn(directory: string) {
  const segments = await listSegments(directory).catch((error: NodeJS.ErrnoException) => {
    const isMissing = error.code === 'ENOENT' || error.code === 'ENOTDIR';
    const reason = isMissing ? 'it is not there' : `the system says ${error.code ?? 'nothing more'}`;
    const code = isMissing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE';
    throw new RuntimeError(code, `Cannot read the audit log in "${directory}": ${reason}`, { cause: error });
  });
  if (segments.length > 0) return segments;
  throw new RuntimeError('FILE_NOT_FOUND', `Cannot read the audit log in "${directory}": there is none`);
}

/** Follows a chain from its first record. */
class Chain {
  readonly #problems: AuditProblem[] = [];
  readonly #expectedHead: string | undefined;
  #problemCount = 0;
  #records = 0;
  #first: AuditRecord | undefined;
  #last: AuditRecord | undefined;
  /** What the first record is chained to must be on record, if it is not where chains begin. */
  #isBeginKnown = true;
  #isHeadSeen = false;
  #torn: AuditEntry | undefined;
  #at: Pick<AuditEntry, 'file' | 'line'> = { file: '', line: 0 };

  constructor(head: string | undefined) {
    this.#expectedHead = head;
  }

  take(entry: AuditEntry): void {
    // Only the last file may end in the middle of a record.
    if (this.#torn !== undefined) this.#problem('torn', 'the file ends in the middle of a record', this.#torn);
    this.#torn = entry.isWhole ? undefined : entry;
    if (!entry.isWhole) return;
    this.#at = entry;
    const { record } = entry;
    if (record === undefined) this.#problem('damaged', 'this is not what was written: its hash is another', entry);
    else this.#follow(record, entry);
  }

  #follow(record: AuditRecord, entry: AuditEntry): void {
    const before = this.#last;
    if (before === undefined) {
      this.#first = record;
      this.#isBeginKnown = record.prev === NO_HASH;
    } else if (record.seq !== before.seq + 1) {
      this.#problem('sequence', `record ${record.seq} follows on record ${before.seq}`, entry);
    } else if (record.prev !== before.hash) {
      this.#problem(
        'chain',
        `record ${record.seq} was written after another record ${before.seq} than this one`,
        entry,
      );
    }
    const { action, details } = record;
    if (action === 'log.expired' && record.kind === 'log' && details?.lastHash === this.#first?.prev)
      this.#isBeginKnown = true;
    this.#records++;
    this.#last = record;
    if (record.hash === this.#expectedHead) this.#isHeadSeen = true;
  }

  report(saved: Head | undefined): Omit<AuditReport, 'files'> {
    const last = this.#last?.seq ?? 0;
    if (!this.#isBeginKnown) this.#problem('truncated', 'what came before is missing, and no record says so', this.#at);
    if (saved !== undefined && saved.seq > last)
      this.#problem('truncated', `it ends with record ${last}, and ${saved.seq - last} more were written`, this.#at);
    if (this.#expectedHead !== undefined && !this.#isHeadSeen)
      this.#problem('head', 'no record has the hash that was noted', this.#at);
    return {
      ok: this.#problemCount === 0,
      records: this.#records,
      first: this.#first?.seq,
      last: this.#last?.seq,
      head: this.#last?.hash ?? NO_HASH,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  #problem(kind: AuditProblem['kind'], text: string, { file, line }: Pick<AuditEntry, 'file' | 'line'>): void {
    this.#problemCount++;
    if (this.#problems.length < LISTED_MAX) this.#problems.push({ kind, file, line, text });
  }
}
