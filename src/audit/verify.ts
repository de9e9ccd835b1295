import { type AuditEntry, auditSize, readAudit } from './read.ts';
import { type AuditRecord, NO_HASH } from './record.ts';
import { type Head, readHead } from './segments.ts';

/** Problems that a report lists; what is beyond is counted. */
const LISTED_MAX = 100;
/** Milliseconds that the time of a record may be before that of the one before; more is a clock that was set back. */
const STEP_MS = 1_000;
/** Records between two reports of progress: ten a second or so. */
const PROGRESS_RECORDS = 10_000;

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
  /** How often the clock was set back by more than a second: then times say less of the order than numbers do. */
  readonly clockSteps: number;
  readonly problems: readonly AuditProblem[];
  readonly problemCount: number;
}

export interface VerifyOptions {
  /** A hash that was noted elsewhere: one of the records must have it. */
  readonly head?: string | undefined;
  /** Hears now and then how many of the bytes were checked; those that came meanwhile are beyond `total`. */
  readonly onProgress?: (bytes: number, total: number) => void;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/**
 * Checks every record of a log, also while it is written: its hash, what it is chained to, its number, and that the end is
 * there.
 *
 * Whoever may write the folder can make a whole chain anew. Against that, note a hash elsewhere and give it as `head`.
 *
 * @throws {RuntimeError} (rejects) as {@link readAudit}; the reason of `signal`.
 */
export async function verifyAudit(directory: string, options: VerifyOptions = {}): Promise<AuditReport> {
  const { head, onProgress, signal } = options;
  const total = await auditSize(directory);
  // Before the records: the log may grow meanwhile.
  const chain = new ChainCheck(await readHead(directory), head);
  let bytes = 0;
  let before = 0;
  for await (const entry of readAudit(directory)) {
    signal?.throwIfAborted();
    chain.take(entry);
    bytes += entry.line === 1 ? entry.next.offset : entry.next.offset - before;
    before = entry.next.offset;
    if (onProgress !== undefined && chain.records % PROGRESS_RECORDS === 0) onProgress(bytes, total);
  }
  return chain.report();
}

/** Follows a chain from its first record. */
class ChainCheck {
  readonly #problems: AuditProblem[] = [];
  readonly #saved: Head | undefined;
  readonly #expectedHead: string | undefined;
  readonly #files = new Set<string>();
  #problemCount = 0;
  #clockSteps = 0;
  #first: AuditRecord | undefined;
  #last: AuditRecord | undefined;
  /** What the first record is chained to must be on record, if it is not where chains begin. */
  #isBeginKnown = true;
  #isHeadSeen = false;
  #torn: AuditEntry | undefined;
  #at: Pick<AuditEntry, 'file' | 'line'> = { file: '', line: 0 };
  records = 0;

  constructor(saved: Head | undefined, expectedHead: string | undefined) {
    this.#saved = saved;
    this.#expectedHead = expectedHead;
  }

  take(entry: AuditEntry): void {
    this.#files.add(entry.file);
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
      const text = `record ${record.seq} was written after another record ${before.seq} than this one`;
      this.#problem('chain', text, entry);
    }
    if (before !== undefined && Date.parse(record.time) < Date.parse(before.time) - STEP_MS) this.#clockSteps++;
    const { action, details } = record;
    if (action === 'log.expired' && record.kind === 'log' && details?.lastHash === this.#first?.prev)
      this.#isBeginKnown = true;
    this.records++;
    this.#last = record;
    if (record.hash === this.#expectedHead) this.#isHeadSeen = true;
    if (record.seq === this.#saved?.seq && record.hash !== this.#saved.hash)
      this.#problem('head', `record ${record.seq} is another than the one that was written`, entry);
  }

  report(): AuditReport {
    const last = this.#last?.seq ?? 0;
    const saved = this.#saved;
    if (!this.#isBeginKnown) this.#problem('truncated', 'what came before is missing, and no record says so', this.#at);
    if (saved === undefined)
      this.#problem('truncated', 'what says where it ended is missing or damaged: head.json', this.#at);
    else if (saved.seq > last)
      this.#problem('truncated', `it ends with record ${last}, and ${saved.seq - last} more were written`, this.#at);
    if (this.#expectedHead !== undefined && !this.#isHeadSeen)
      this.#problem('head', 'no record has the hash that was noted', this.#at);
    return {
      ok: this.#problemCount === 0,
      files: this.#files.size,
      records: this.records,
      first: this.#first?.seq,
      last: this.#last?.seq,
      head: this.#last?.hash ?? NO_HASH,
      clockSteps: this.#clockSteps,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  #problem(kind: AuditProblem['kind'], text: string, { file, line }: Pick<AuditEntry, 'file' | 'line'>): void {
    this.#problemCount++;
    if (this.#problems.length < LISTED_MAX) this.#problems.push({ kind, file, line, text });
  }
}
