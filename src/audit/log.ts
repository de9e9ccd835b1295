import { basename } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import { type Clock, systemClock, type TimerHandle } from '../time/index.ts';
import { lockFolder } from './lock.ts';
import { AUDIT_DEFAULTS, type AuditOptions, checkOptions } from './options.ts';
import { type AuditEvent, describeEvent, sealRecord } from './record.ts';
import { findEnd, keepTorn, type LogEnd } from './recover.ts';
import { firstPrev } from './retain.ts';
import {
  type AuditFiles,
  changedMs,
  DISK,
  listSegments,
  makeFolder,
  removeSegment,
  type Segment,
  type SegmentWriter,
  segmentOf,
  writeHead,
} from './segments.ts';

/** Events that wait to be written. Beyond, none is taken: whoever acts on them must not act. */
const WAITING_MAX = 65_536;
/** Characters of them. */
const WAITING_CHARS_MAX = 16_777_216;
/** Characters that are written at a time, in a single group. */
const GROUP_CHARS = 1_048_576;
/** Milliseconds after a failure until it is tried again. */
const RETRY_MS = 1_000;
/** Milliseconds between two heads: how much of the end can be cut off unnoticed by whoever can also cut the process off. */
const HEAD_MS = 1_000;

/** How the log is. */
export interface AuditStatus {
  readonly state: 'open' | 'failing' | 'closed';
  /** Records that are on disk. */
  readonly seq: number;
  /** The hash of the last of them: whoever has noted it elsewhere can prove that nothing was cut off or changed. */
  readonly hash: string;
  readonly waiting: number;
  /** Events that could not be written since the log was opened. */
  readonly lost: number;
}

/** Events that are written together, and who waits for that. */
class Group {
  readonly events: string[] = [];
  chars = 0;
  readonly #written = Promise.withResolvers<void>();
  #isAwaited = false;

  get written(): Promise<void> {
    this.#isAwaited = true;
    return this.#written.promise;
  }

  succeed(): void {
    this.#written.resolve();
  }

  fail(error: RuntimeError): void {
    if (this.#isAwaited) this.#written.reject(error);
  }
}

/**
 * An append-only log of what was decided and done. Each record holds the hash of the one before, so that none can be
 * changed, taken out or put in between without a trace.
 *
 * Events that come while others are being written are written together next, with one sync for all of them.
 */
export class AuditLog implements AsyncDisposable {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #files: AuditFiles;
  readonly #options: Required<Pick<AuditOptions, 'segmentBytes' | 'retentionMs' | 'durability'>>;
  readonly #onFailure: ((error: RuntimeError) => void) | undefined;
  readonly #lock: { release(): void };
  #segment: Segment;
  /** `undefined` after a failure: it is opened again before the next try. */
  #writer: SegmentWriter | undefined;
  #sizeBytes: number;
  #seq: number;
  #hash: string;
  /** What waits, in order; new events join the last one. */
  readonly #groups: Group[] = [];
  #waiting = 0;
  #waitingChars = 0;
  #work: Promise<void> | undefined;
  #failure: RuntimeError | undefined;
  #retry: TimerHandle | undefined;
  #lost = 0;
  /** Of those, what no record tells of yet. */
  #untold = 0;
  #headAtMs = Number.NEGATIVE_INFINITY;
  #headSeq = -1;
  #isClosed = false;

  /** Use {@link AuditLog.open}. */
  private constructor(options: AuditOptions, parts: { lock: { release(): void }; end: LogEnd }) {
    const { segment, sizeBytes, seq, hash } = parts.end;
    this.#directory = options.directory;
    this.#clock = options.clock ?? systemClock;
    this.#files = options.files ?? DISK;
    this.#options = { ...AUDIT_DEFAULTS, ...given(options) };
    this.#onFailure = options.onFailure;
    this.#lock = parts.lock;
    this.#segment = segment ?? segmentOf(options.directory, 0);
    this.#sizeBytes = sizeBytes;
    this.#seq = seq;
    this.#hash = hash;
  }

  /**
   * Opens the log in a folder, and goes on where it ended. What a process was writing when it was killed is put aside, and said
   * in a record.
   *
   * @throws {RuntimeError} `AUDIT_LOCKED` — another process writes it.
   * @throws {RuntimeError} `AUDIT_CORRUPT` — it was changed or cut off.
   * @throws {RuntimeError} `AUDIT_UNAVAILABLE` — it cannot be written: the disk is full, or the folder is somebody else's.
   * @throws {RangeError} (rejects) An option is out of range.
   *
   * @example
   * ```ts
   * await using log = await AuditLog.open({ directory: './audit' });
   * await log.append({ kind: 'grant', action: 'grant.added', outcome: 'done', actor: 'parse', principal: 'ann' });
   * ```
   */
  static async open(options: AuditOptions): Promise<AuditLog> {
    checkOptions(options);
    let lock: { release(): void } | undefined;
    try {
      await makeFolder(options.directory);
      lock = lockFolder(options.directory);
      const end = await findEnd(options.directory);
      await keepTorn(end);
      const log = new AuditLog(options, { lock, end });
      await log.#begin(end);
      return log;
    } catch (error) {
      lock?.release();
      throw RuntimeError.is(error) ? error : unavailable(options.directory, error);
    }
  }

  /** How it is. Looks at nothing but memory. */
  get status(): AuditStatus {
    const state = this.#isClosed ? 'closed' : this.#failure === undefined ? 'open' : 'failing';
    return { state, seq: this.#seq, hash: this.#hash, waiting: this.#waiting, lost: this.#lost };
  }

  /**
   * Puts an event on record, and resolves when it is on disk. Rejects with `AUDIT_UNAVAILABLE` if it is not, and will not be:
   * what it is about must then not be done.
   */
  append(event: AuditEvent): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#put(event).written;
  }

  /** Puts an event on record soon. What cannot be written is counted, and said in a record when that can be written. */
  note(event: AuditEvent): void {
    if (this.#refusal() === undefined) this.#put(event);
    else this.#lose(1);
  }

  /** Resolves when everything that was taken is on disk, or is lost. */
  async flush(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** Writes what waits, and ends. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return this.flush();
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.flush();
    await this.#saveHead(true);
    await this.#writer?.close().catch(() => undefined);
    this.#lock.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #put(event: AuditEvent): Group {
    let group = this.#groups.at(-1);
    if (group === undefined || group.chars >= GROUP_CHARS) {
      group = new Group();
      this.#groups.push(group);
    }
    const described = describeEvent(event, this.#clock.wallMs());
    group.events.push(described);
    group.chars += described.length;
    this.#waiting++;
    this.#waitingChars += described.length;
    this.#work ??= this.#drain();
    return group;
  }

  #refusal(): RuntimeError | undefined {
    if (this.#isClosed) return new RuntimeError('AUDIT_UNAVAILABLE', 'Cannot write to the audit log: it is closed');
    if (this.#failure !== undefined) return this.#failure;
    if (this.#waiting < WAITING_MAX && this.#waitingChars < WAITING_CHARS_MAX) return undefined;
    const text = `Cannot write to the audit log: ${this.#waiting} records wait for the disk; try again when there are fewer`;
    return new RuntimeError('AUDIT_UNAVAILABLE', text, { details: { waiting: this.#waiting } });
  }

  #lose(count: number): void {
    this.#lost += count;
    this.#untold += count;
  }

  async #drain(): Promise<void> {
    // What is put in this turn of the event loop is written together.
    await Promise.resolve();
    for (let group = this.#groups.shift(); group !== undefined; group = this.#groups.shift()) {
      const { length } = group.events;
      await this.#write(group);
      this.#waiting -= length;
      this.#waitingChars -= group.chars;
    }
    this.#work = undefined;
  }

  /** Writes how much was lost: when that is on disk, the rest will be. */
  async #tryAgain(): Promise<void> {
    await this.#write(new Group());
    await this.#drain();
  }

  async #write(group: Group): Promise<void> {
    const told = this.#untold;
    const count = group.events.length;
    try {
      await this.#prepare();
      if (told > 0) group.events.unshift(describeEvent(lossEvent(told, this.#failure), this.#clock.wallMs()));
      await this.#appendAll(group.events);
      this.#untold -= told;
      this.#failure = undefined;
      group.succeed();
      await this.#saveHead(false);
    } catch (error) {
      group.fail(await this.#fail(error, count));
    }
  }

  /** Has the file open, with room in it. */
  async #prepare(): Promise<void> {
    if (this.#writer === undefined) {
      this.#writer = await this.#files.open(this.#segment.path, false);
      // What a failed write left.
      await this.#writer.truncate(this.#sizeBytes);
    }
    if (this.#sizeBytes >= this.#options.segmentBytes) await this.#rotate();
  }

  /** Writes records and, when they are on disk, lets the chain go on from them; if that fails, nothing has changed. */
  async #appendAll(events: readonly string[]): Promise<void> {
    const writer = this.#writer as SegmentWriter;
    let [seq, prev] = [this.#seq, this.#hash];
    const lines = events.map((described) => {
      const { line, hash } = sealRecord(described, { seq: ++seq, prev });
      prev = hash;
      return `${line}\n`;
    });
    const bytes = Buffer.from(lines.join(''));
    await writer.append(bytes);
    if (this.#options.durability === 'disk') await writer.sync();
    this.#seq = seq;
    this.#hash = prev;
    this.#sizeBytes += bytes.length;
  }

  async #fail(thrown: unknown, count: number): Promise<RuntimeError> {
    const error = unavailable(this.#directory, thrown);
    const isNews = this.#failure === undefined;
    this.#failure = error;
    this.#lose(count);
    if (!this.#isClosed) {
      this.#retry = this.#clock.after(RETRY_MS, () => {
        this.#work ??= this.#tryAgain();
      });
    }
    const writer = this.#writer;
    this.#writer = undefined;
    // Nothing more can be done for it; the next try begins with a file that is opened anew.
    await writer?.close().catch(() => undefined);
    if (isNews) this.#onFailure?.(error);
    return error;
  }

  // ── files ──

  async #begin(end: LogEnd): Promise<void> {
    if (end.segment === undefined) await this.#openNext('log.opened');
    else {
      this.#writer = await this.#files.open(this.#segment.path, false);
      await this.#writer.truncate(end.sizeBytes);
      const details = end.tornBytes === 0 ? undefined : { tornBytes: end.tornBytes };
      await this.#record({ kind: 'log', action: 'log.resumed', outcome: 'done', details });
    }
    await this.#expire();
    await this.#saveHead(true);
  }

  async #rotate(): Promise<void> {
    await this.#saveHead(true);
    await this.#writer?.close();
    this.#writer = undefined;
    await this.#openNext('log.continued');
    await this.#expire();
  }

  async #openNext(action: string): Promise<void> {
    // Not always the next number: a file may have been made, and nothing more.
    const newest = (await listSegments(this.#directory)).at(-1)?.number ?? 0;
    const segment = segmentOf(this.#directory, Math.max(newest, this.#segment.number) + 1);
    this.#writer = await this.#files.open(segment.path, true);
    this.#segment = segment;
    this.#sizeBytes = 0;
    await this.#record({ kind: 'log', action, outcome: 'done', resource: basename(segment.path) });
  }

  /** Removes files whose records are older than they are kept; what the chain began with then is on record first. */
  async #expire(): Promise<void> {
    const segments = await listSegments(this.#directory);
    for (const [at, segment] of segments.slice(0, -1).entries()) {
      if ((await changedMs(segment)) > this.#clock.wallMs() - this.#options.retentionMs) return;
      const lastHash = await firstPrev(segments[at + 1] as Segment);
      if (lastHash === undefined) return;
      const event = { kind: 'log', action: 'log.expired', outcome: 'done', resource: basename(segment.path) } as const;
      await this.#record({ ...event, details: { lastHash } });
      await removeSegment(segment);
    }
  }

  async #record(event: AuditEvent): Promise<void> {
    await this.#appendAll([describeEvent(event, this.#clock.wallMs())]);
  }

  /** @param isNow Also if the last one is not old. */
  async #saveHead(isNow: boolean): Promise<void> {
    if (this.#headSeq === this.#seq || (!isNow && this.#clock.nowMs() < this.#headAtMs + HEAD_MS)) return;
    const seq = this.#seq;
    this.#headAtMs = this.#clock.nowMs();
    // Without it, less is noticed of what is cut off; what is recorded is recorded all the same.
    const isSaved = await writeHead(this.#directory, { seq, hash: this.#hash }).then(
      () => true,
      () => false,
    );
    if (isSaved) this.#headSeq = seq;
  }
}

function given({ segmentBytes, retentionMs, durability }: AuditOptions): Partial<AuditOptions> {
  return {
    ...(segmentBytes !== undefined && { segmentBytes }),
    ...(retentionMs !== undefined && { retentionMs }),
    ...(durability !== undefined && { durability }),
  };
}

function lossEvent(count: number, failure: RuntimeError | undefined): AuditEvent {
  return { kind: 'log', action: 'log.lost', outcome: 'failed', count, reason: failure?.message };
}

function unavailable(directory: string, cause: unknown): RuntimeError {
  if (RuntimeError.is(cause)) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  const why: Record<string, string> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota of this user is used up',
    EACCES: 'this user may not write there',
    EPERM: 'this user may not write there',
    EROFS: 'the disk is read-only',
  };
  const reason = why[code ?? ''] ?? `the system says ${code ?? 'nothing more'}`;
  return new RuntimeError('AUDIT_UNAVAILABLE', `Cannot write the audit log in "${directory}": ${reason}`, {
    details: { directory, ...(code !== undefined && { system: code }) },
    cause,
  });
}
