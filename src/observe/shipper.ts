import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditPosition, type AuditRecord, readAudit, replaceFile } from '../audit/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { type Backoff, backoffDelayMs, type Clock, type Random, SystemRandom, systemClock } from '../time/index.ts';

/** Records of one batch, and characters: what every receiver takes at once. */
const BATCH_RECORDS = 500;
const BATCH_CHARS = 1_048_576;
/** Milliseconds between two looks for new records. */
const LOOK_MS = 500;
const BACKOFF: Backoff = Object.freeze({ minMs: 500, maxMs: 30_000, factor: 2, jitter: 0.5 });

/** Where records go. */
export interface Destination {
  /** Resolves when the receiver has taken all of them; rejects if it is not known that it has. They may then come again. */
  send(records: readonly AuditRecord[], signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface ShipperOptions {
  /** The folder of the log. */
  readonly directory: string;
  /** What its checkpoint is called by; one for each destination. */
  readonly name: string;
  readonly destination: Destination;
  /** The number of the last record that is on disk for certain: no other is sent. */
  readonly acknowledged: () => number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** How far a shipper is. */
export interface ShipperStatus {
  /** The number of the last record that arrived. */
  readonly seq: number;
  /** Records that went before they were sent, or were damaged. */
  readonly skipped: number;
  /** Why nothing arrives, and since when, in milliseconds of the clock. */
  readonly failure?: { readonly error: RuntimeError; readonly sinceMs: number };
}

/** The last record that arrived, and where to go on. */
interface Checkpoint {
  readonly seq: number;
  readonly position: AuditPosition | undefined;
}

const NOTHING: Checkpoint = Object.freeze({ seq: 0, position: undefined });

interface Batch {
  readonly records: readonly AuditRecord[];
  readonly position: AuditPosition | undefined;
  readonly skipped: number;
}

/** Sends the records of a log to one destination, from where it was when the process before ended. */
export class AuditShipper {
  readonly #options: ShipperOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ended = new AbortController();
  #checkpoint: Checkpoint = NOTHING;
  #skipped = 0;
  #failure: ShipperStatus['failure'];
  #work: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? new SystemRandom();
  }

  get status(): ShipperStatus {
    const { seq } = this.#checkpoint;
    return { seq, skipped: this.#skipped, ...(this.#failure && { failure: this.#failure }) };
  }

  start(): void {
    this.#work ??= this.#run();
  }

  /** Ends; what is under way may come again. What was not sent is sent by the next process. */
  async close(): Promise<void> {
    this.#ended.abort();
    this.#wake?.();
    this.#options.destination.close();
    await this.#work;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#ended;
    for (let failures = 0; !signal.aborted; ) {
      try {
        this.#checkpoint = await this.#load();
        for (; !signal.aborted; failures = 0) await this.#step();
      } catch (error) {
        this.#failure ??= { error: RuntimeError.from(error), sinceMs: this.#clock.nowMs() };
        await this.#wait(backoffDelayMs(BACKOFF, failures++, this.#random.next()));
      }
    }
  }

  async #step(): Promise<void> {
    const batch = await this.#collect();
    if (batch.records.length === 0) {
      await this.#wait(LOOK_MS);
      return;
    }
    await this.#options.destination.send(batch.records, this.#ended.signal);
    const seq = batch.records.at(-1)?.seq ?? this.#checkpoint.seq;
    this.#checkpoint = { seq, position: batch.position };
    this.#skipped += batch.skipped;
    this.#failure = undefined;
    await replaceFile(this.#path, `${JSON.stringify(this.#checkpoint)}\n`);
  }

  /** What comes next and is on disk for certain. */
  async #collect(): Promise<Batch> {
    const { directory, acknowledged } = this.#options;
    const records: AuditRecord[] = [];
    const last = acknowledged();
    // Another log took the place of the one that was sent.
    if (last < this.#checkpoint.seq) this.#checkpoint = NOTHING;
    let { seq, position } = this.#checkpoint;
    let [chars, skipped] = [0, 0];
    for await (const { record, isWhole, start, next } of readAudit(directory, position)) {
      if (!isWhole || (record !== undefined && record.seq > last)) break;
      position = next;
      // Of damaged lines the numbers behind them tell.
      if (record === undefined || record.seq <= seq) continue;
      skipped += record.seq - seq - 1;
      seq = record.seq;
      records.push(record);
      chars += next.offset - start;
      if (records.length >= BATCH_RECORDS || chars >= BATCH_CHARS) break;
    }
    return { records, position, skipped };
  }

  get #path(): string {
    return join(this.#options.directory, `shipped-${this.#options.name}.json`);
  }

  /** Without a checkpoint that can be read, everything is sent once more. */
  async #load(): Promise<Checkpoint> {
    try {
      const { seq, position } = JSON.parse(await readFile(this.#path, 'utf8')) as Checkpoint;
      const isWhole = Number.isSafeInteger(seq) && (position === undefined || Number.isSafeInteger(position.offset));
      return isWhole ? { seq, position } : NOTHING;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING;
      throw error;
    }
  }

  #wait(ms: number): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(ms, resolve);
    this.#wake = resolve;
    return promise.finally(() => timer.cancel());
  }
}
