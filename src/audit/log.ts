import { RuntimeError } from '../errors/index.ts';
import { type Clock, systemClock, type TimerHandle } from '../time/index.ts';
import { Chain } from './chain.ts';
import { lockFolder } from './lock.ts';
import { AUDIT_DEFAULTS, type AuditOptions, checkOptions } from './options.ts';
import { type AuditEvent, describeEvent } from './record.ts';
import { findEnd, keepTorn } from './recover.ts';
import { DISK, makeFolder } from './segments.ts';
import type { AuditSink } from './sink.ts';

/** Events that wait to be written. Beyond, none is taken: whoever acts on them must not act. */
const WAITING_MAX = 65_536;
/** Characters of them. */
const WAITING_CHARS_MAX = 16_777_216;
/** Characters that are written at a time, in a single group. */
const GROUP_CHARS = 1_048_576;
/** Milliseconds after a failure until it is tried again. */
const RETRY_MS = 1_000;
/** Milliseconds between two looks at how old the files are, for a log that nothing is written to. */
const TEND_MS = 3_600_000;

/** How the log is. */
export interface AuditStatus {
  readonly state: 'open' | 'failing' | 'closed';
  /** Why it is failing, and since when, in milliseconds of the log's clock. */
  readonly failure?: { readonly text: string; readonly sinceMs: number };
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
export class AuditLog implements AuditSink, AsyncDisposable {
  readonly counting = new Set<{ flush(): void }>();
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #onFailure: ((error: RuntimeError) => void) | undefined;
  readonly #lock: { release(): void };
  readonly #chain: Chain;
  readonly #watchers = new Set<(failure: RuntimeError | undefined) => void>();
  /** What waits, in order; new events join the last one. */
  readonly #groups: Group[] = [];
  #waiting = 0;
  #waitingChars = 0;
  #work: Promise<void> | undefined;
  #failure: RuntimeError | undefined;
  #failedAtMs = 0;
  /** Of the next try after a failure, or of the next look at how old the files are. */
  #timer: TimerHandle | undefined;
  #lost = 0;
  /** Of those, what no record tells of yet. */
  #untold = 0;
  #isClosed = false;

  /** Use {@link AuditLog.open}. */
  private constructor(options: AuditOptions, parts: { lock: { release(): void }; chain: Chain }) {
    this.#directory = options.directory;
    this.#clock = options.clock ?? systemClock;
    this.#onFailure = options.onFailure;
    this.#lock = parts.lock;
    this.#chain = parts.chain;
    this.#tendLater();
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
      const { directory, clock = systemClock, files = DISK } = options;
      const chain = new Chain({ directory, clock, files, policy: { ...AUDIT_DEFAULTS, ...given(options) } }, end);
      await chain.begin(end);
      return new AuditLog(options, { lock, chain });
    } catch (error) {
      lock?.release();
      throw RuntimeError.is(error) ? error : unavailable(options.directory, error);
    }
  }

  /** How it is. Looks at nothing but memory. */
  get status(): AuditStatus {
    const state = this.#isClosed ? 'closed' : this.#failure === undefined ? 'open' : 'failing';
    const { seq, hash } = this.#chain.head;
    const failure = this.#failure && { text: this.#failure.message, sinceMs: this.#failedAtMs };
    return { state, ...(failure && { failure }), seq, hash, waiting: this.#waiting, lost: this.#lost };
  }

  /** Why nothing can be put on record now: what has to be must not be done. */
  get failure(): RuntimeError | undefined {
    return this.#isClosed ? closed() : this.#failure;
  }

  watch(listener: (failure: RuntimeError | undefined) => void): () => void {
    this.#watchers.add(listener);
    listener(this.failure);
    return () => void this.#watchers.delete(listener);
  }

  #tellWatchers(): void {
    for (const listener of this.#watchers) listener(this.failure);
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

  /** Puts on record what was only counted so far. */
  settleCounts(): void {
    for (const tally of this.counting) tally.flush();
  }

  /** Resolves when everything that was taken is on disk, or is lost. */
  async flush(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** Writes what waits, and ends. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return this.flush();
    this.settleCounts();
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.flush();
    await this.#chain.close();
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
    if (this.failure !== undefined) return this.failure;
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

  async #write(group: Group): Promise<void> {
    const told = this.#untold;
    const count = group.events.length;
    try {
      await this.#chain.prepare();
      if (told > 0) group.events.unshift(describeEvent(lossEvent(told, this.#failure), this.#clock.wallMs()));
      if (group.events.length > 0) await this.#chain.append(group.events);
      this.#untold -= told;
      this.#recover();
      group.succeed();
      await this.#chain.saveHeadSometimes();
    } catch (error) {
      group.fail(await this.#fail(error, count));
    }
  }

  #recover(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#tellWatchers();
    this.#tendLater();
  }

  async #fail(thrown: unknown, count: number): Promise<RuntimeError> {
    const error = unavailable(this.#directory, thrown);
    const isNews = this.#failure === undefined;
    if (isNews) this.#failedAtMs = this.#clock.nowMs();
    this.#failure = error;
    this.#lose(count);
    this.#later(RETRY_MS);
    await this.#chain.abandon();
    if (!isNews) return error;
    this.#tellWatchers();
    this.#onFailure?.(error);
    return error;
  }

  #tendLater(): void {
    this.#later(TEND_MS);
  }

  /** Writes, when that time has passed, how much was lost, if anything was; when that is on disk, the rest will be. */
  #later(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#tendLater();
      this.#work ??= this.#write(new Group()).then(() => this.#drain());
    });
  }
}

function given({ segmentBytes, retentionMs, durability }: AuditOptions): Partial<AuditOptions> {
  return {
    ...(segmentBytes !== undefined && { segmentBytes }),
    ...(retentionMs !== undefined && { retentionMs }),
    ...(durability !== undefined && { durability }),
  };
}

function closed(): RuntimeError {
  return new RuntimeError('AUDIT_UNAVAILABLE', 'Cannot write to the audit log: it is closed');
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
