/** What requests do to the tables, on the storage thread. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { assert, RuntimeError } from '../errors/index.ts';
import { storeError } from './database.ts';
import { ANSWER_BYTES_MAX, PAGE_KEYS, REQUEST_BYTES_MAX } from './options.ts';
import type { StoreOutcome, StoreRequest, ThreadSettings } from './requests.ts';
import type { Entry, Increment, KeyPage, Write, WriteOutcome } from './store.ts';

/** Digits of the largest number that anybody counts to: 2⁶⁴ − 1. */
const DIGITS_MAX = 20;
const DECIMAL = new RegExp(`^-?\\d{1,${DIGITS_MAX}}$`);

interface BucketRow {
  readonly id: number;
  readonly keys: number;
  readonly bytes: number;
}

/** What is written under a key, and what was there before. */
interface Put {
  readonly key: string;
  readonly value: Uint8Array;
  readonly before: EntryRow | undefined;
  readonly bucketBytesMax: number | undefined;
}

interface EntryRow {
  readonly version: number;
  readonly bytes: number;
}

/** Runs batches of requests, each batch in one transaction. */
export class Tables {
  readonly #database: DatabaseSync;
  readonly #settings: ThreadSettings;
  readonly #statements: Statements;

  constructor(database: DatabaseSync, settings: ThreadSettings) {
    this.#database = database;
    this.#settings = settings;
    this.#statements = new Statements(database);
  }

  /**
   * Runs requests in their order, and commits them together; returns when they are on disk. A request that is refused
   * has no effect, and does not disturb the others.
   *
   * @returns Outcomes of the first requests: of all, or of as many as fit into one answer.
   */
  run(requests: readonly StoreRequest[]): StoreOutcome[] {
    const { begin, commit } = this.#statements;
    try {
      begin.run();
      const outcomes = this.#runAll(requests);
      commit.run();
      return outcomes;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (requests.length === 1) return [failed(storeError(error, this.#settings.file))];
      // The database itself refused something. Halving finds whose it was: nobody else shall pay for it.
      return this.run(requests.slice(0, requests.length >> 1));
    }
  }

  #runAll(requests: readonly StoreRequest[]): StoreOutcome[] {
    const outcomes: StoreOutcome[] = [];
    let bytes = 0;
    for (const request of requests) {
      const outcome = this.#runOne(request);
      outcomes.push(outcome);
      bytes += bytesOf(request, outcome);
      if (bytes > ANSWER_BYTES_MAX) break;
    }
    return outcomes;
  }

  #runOne(request: StoreRequest): StoreOutcome {
    switch (request.op) {
      case 'read':
        return attempt(() => this.#read(request.bucket, request.keys));
      case 'exists':
        return attempt(() => this.#statements.entry.get(request.bucket, request.key) !== undefined);
      case 'list':
        return attempt(() => this.#list(request.bucket, request.after));
      case 'write':
        return this.#whole(() => this.#write(request.writes));
      case 'increment':
        return this.#whole(() => this.#increment(request));
      default:
        return request satisfies never;
    }
  }

  /** All of `work` or, if it is refused, nothing. */
  #whole(work: () => unknown): StoreOutcome {
    const { savepoint, release, rollback } = this.#statements;
    savepoint.run();
    const outcome = attempt(work);
    if (!outcome.ok || outcome.value === 'conflict') rollback.run();
    release.run();
    return outcome;
  }

  #read(bucket: string, keys: readonly string[]): (Entry | undefined)[] {
    let bytes = 0;
    return keys.map((key) => {
      const entry = this.#statements.value.get(bucket, key) as Entry | undefined;
      bytes += entry?.value.length ?? 0;
      if (bytes > REQUEST_BYTES_MAX) {
        throw limit(
          `Cannot read ${keys.length} entries at once: their values have more than ${REQUEST_BYTES_MAX} bytes`,
        );
      }
      return entry;
    });
  }

  #list(bucket: string, after: number): KeyPage {
    // One more than a page holds says whether there is another.
    const rows = this.#statements.keys.all(bucket, after, PAGE_KEYS + 1) as unknown as { id: number; key: string }[];
    const page = rows.slice(0, PAGE_KEYS);
    const last = page.at(-1);
    const keys = page.map(({ key }) => key);
    return rows.length <= PAGE_KEYS || last === undefined ? { keys } : { keys, next: last.id };
  }

  #write(writes: readonly Write[]): WriteOutcome {
    for (const { bucket, key, value, ifVersion, bucketBytesMax } of writes) {
      const before = this.#statements.entry.get(bucket, key) as EntryRow | undefined;
      if (ifVersion !== undefined && ifVersion !== (before?.version ?? 0)) return 'conflict';
      if (value !== undefined) this.#put(bucket, { key, value, before, bucketBytesMax });
      else if (before !== undefined) this.#delete(bucket, key, before);
    }
    return 'written';
  }

  #increment({ bucket, key, delta, min, max, bucketBytesMax }: Increment): bigint {
    const before = this.#statements.value.get(bucket, key) as Entry | undefined;
    const text = before === undefined ? '0' : Buffer.from(before.value.subarray(0, DIGITS_MAX + 2)).toString('latin1');
    if (!DECIMAL.test(text)) throw notANumber('it does not hold a decimal integer');
    const sum = BigInt(text) + delta;
    if (sum < min || sum > max) throw notANumber(`the sum would not be between ${min} and ${max}`);
    const row = before && { version: before.version, bytes: before.value.length };
    this.#put(bucket, { key, value: Buffer.from(`${sum}`, 'latin1'), before: row, bucketBytesMax });
    return sum;
  }

  #put(name: string, { key, value, before, bucketBytesMax = Number.POSITIVE_INFINITY }: Put): void {
    const row = this.#bucket(name) ?? this.#makeBucket(name);
    const added = before === undefined ? Buffer.byteLength(key) + value.length : value.length - before.bytes;
    const keys = row.keys + (before === undefined ? 1 : 0);
    const bytes = row.bytes + added;
    const { bucketKeys } = this.#settings;
    const bucketBytes = Math.min(this.#settings.bucketBytes, bucketBytesMax);
    if (before === undefined && keys > bucketKeys) {
      throw limit(`Cannot add to the bucket "${name}": it holds ${row.keys} of ${bucketKeys} keys`);
    }
    // What makes a bucket smaller is never refused.
    if (added > 0 && bytes > bucketBytes) {
      throw limit(
        `Cannot write ${value.length} bytes to the bucket "${name}": it holds ${row.bytes} of ${bucketBytes} bytes`,
      );
    }
    const version = this.#nextVersion();
    this.#statements.put.run(version, row.id, key, value);
    this.#statements.resize.run(keys, bytes, row.id);
  }

  #delete(name: string, key: string, before: EntryRow): void {
    const row = this.#bucket(name);
    assert(row !== undefined, 'an entry is in a bucket');
    this.#statements.delete.run(row.id, key);
    if (row.keys === 1) this.#statements.dropBucket.run(row.id);
    else this.#statements.resize.run(row.keys - 1, row.bytes - before.bytes - Buffer.byteLength(key), row.id);
  }

  #bucket(name: string): BucketRow | undefined {
    return this.#statements.bucket.get(name) as BucketRow | undefined;
  }

  #makeBucket(name: string): BucketRow {
    const { count } = this.#statements.buckets.get() as { count: number };
    const { buckets } = this.#settings;
    if (count >= buckets) throw limit(`Cannot make the bucket "${name}": there are ${count} of ${buckets}`);
    const { lastInsertRowid } = this.#statements.makeBucket.run(name);
    return { id: Number(lastInsertRowid), keys: 0, bytes: 0 };
  }

  #nextVersion(): number {
    return (this.#statements.nextVersion.get() as { version: number }).version;
  }
}

/** Every statement, prepared once. */
class Statements {
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly savepoint: StatementSync;
  readonly release: StatementSync;
  readonly rollback: StatementSync;
  readonly nextVersion: StatementSync;
  readonly bucket: StatementSync;
  readonly buckets: StatementSync;
  readonly makeBucket: StatementSync;
  readonly dropBucket: StatementSync;
  readonly resize: StatementSync;
  readonly entry: StatementSync;
  readonly value: StatementSync;
  readonly keys: StatementSync;
  readonly put: StatementSync;
  readonly delete: StatementSync;

  constructor(database: DatabaseSync) {
    const inBucket = 'bucket = (SELECT id FROM bucket WHERE name = ?)';
    this.begin = database.prepare('BEGIN');
    this.commit = database.prepare('COMMIT');
    this.savepoint = database.prepare('SAVEPOINT request');
    this.release = database.prepare('RELEASE request');
    this.rollback = database.prepare('ROLLBACK TO request');
    this.nextVersion = database.prepare('UPDATE latest SET version = version + 1 RETURNING version');
    this.bucket = database.prepare('SELECT id, keys, bytes FROM bucket WHERE name = ?');
    this.buckets = database.prepare('SELECT count(*) AS count FROM bucket');
    this.makeBucket = database.prepare('INSERT INTO bucket (name, keys, bytes) VALUES (?, 0, 0)');
    this.dropBucket = database.prepare('DELETE FROM bucket WHERE id = ?');
    this.resize = database.prepare('UPDATE bucket SET keys = ?, bytes = ? WHERE id = ?');
    this.entry = database.prepare(`SELECT version, length(value) AS bytes FROM entry WHERE ${inBucket} AND key = ?`);
    this.value = database.prepare(`SELECT version, value FROM entry WHERE ${inBucket} AND key = ?`);
    this.keys = database.prepare(`SELECT id, key FROM entry WHERE ${inBucket} AND id > ? ORDER BY id LIMIT ?`);
    this.put = database.prepare(
      `INSERT INTO entry (id, bucket, key, version, value) VALUES (?1, ?2, ?3, ?1, ?4)
       ON CONFLICT (bucket, key) DO UPDATE SET version = excluded.version, value = excluded.value`,
    );
    this.delete = database.prepare('DELETE FROM entry WHERE bucket = ? AND key = ?');
  }
}

/** What is ours to refuse becomes the request's outcome; what the database says concerns the whole transaction. */
function attempt(work: () => unknown): StoreOutcome {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    if (RuntimeError.is(error)) return failed(error);
    throw error;
  }
}

function failed(error: RuntimeError): StoreOutcome {
  return { ok: false, error: error.toWire() };
}

/** Bytes of the entries or keys in an outcome; whatever else is in it is small. */
function bytesOf({ op }: StoreRequest, outcome: StoreOutcome): number {
  if (!outcome.ok) return 0;
  if (op === 'list') return (outcome.value as KeyPage).keys.reduce((sum, key) => sum + key.length, 0);
  if (op !== 'read') return 0;
  return (outcome.value as (Entry | undefined)[]).reduce((sum, entry) => sum + (entry?.value.length ?? 0), 0);
}

function limit(message: string): RuntimeError {
  return new RuntimeError('STORE_LIMIT', message);
}

function notANumber(why: string): RuntimeError {
  return new RuntimeError('STORE_NUMBER_INVALID', `Cannot increment the entry: ${why}`);
}
