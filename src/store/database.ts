/** The file of a store, on the storage thread. */
import { DatabaseSync } from 'node:sqlite';
import { RuntimeError } from '../errors/index.ts';

/** Says that a SQLite file is ours: "Trpe". In the file's header for ever. */
const APPLICATION_ID = 0x54727065;

/** Of the tables below. One that is newer than this is refused; older ones would be migrated here. */
const FORMAT = 1;

/** Milliseconds for which a lock of a process that is just ending is waited for. */
const LOCK_WAIT_MS = 250;

const PAGE_BYTES = 4_096;

/** Bytes of the write-ahead log that stay on disk after a checkpoint. */
const LOG_BYTES_MAX = 16 * 1_024 ** 2;

/**
 * `entry.id` is the version that the entry was made with: entries are listed in that order, and it is never used again,
 * so that a cursor stays valid. `bucket.keys` and `bucket.bytes` are kept in the transactions that change entries.
 */
const TABLES = `
  CREATE TABLE latest (version INTEGER NOT NULL) STRICT;
  INSERT INTO latest VALUES (0);
  CREATE TABLE bucket (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, keys INTEGER NOT NULL, bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL,
    UNIQUE (bucket, key)
  ) STRICT;
  CREATE INDEX entry_in_order ON entry (bucket);
`;

/**
 * Opens the database for this process alone, and makes its tables if it is new. A commit returns when the write-ahead
 * log is on disk.
 *
 * @param file Absolute path, or `:memory:`.
 * @throws {RuntimeError} `STORE_LOCKED`, `STORE_UNUSABLE`.
 */
export function openDatabase(file: string, bytes: number): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
    // Before the first look into the file: with a lock held all the time there is no shared memory to go wrong.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    prepareTables(database, file);
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;
      PRAGMA journal_size_limit = ${LOG_BYTES_MAX}; PRAGMA max_page_count = ${Math.floor(bytes / PAGE_BYTES)}`);
    return database;
  } catch (error) {
    database?.close();
    throw storeError(error, file);
  }
}

function prepareTables(database: DatabaseSync, file: string): void {
  const number = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0] as number;
  database.exec('BEGIN IMMEDIATE');
  const id = number('PRAGMA application_id');
  const isEmpty = number('SELECT count(*) FROM sqlite_schema') === 0;
  if (id === 0 && isEmpty) {
    database.exec(`${TABLES}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`);
  } else if (id !== APPLICATION_ID) {
    throw unusable(file, 'it is a SQLite database of another program; move it away, or name another folder');
  }
  const format = number('PRAGMA user_version');
  if (format !== FORMAT) {
    throw unusable(file, `its format is ${format} and this version of Troupe knows ${FORMAT}; use a newer one`);
  }
  database.exec('COMMIT');
}

/** SQLite's primary result codes that mean something to an operator. */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** What SQLite throws, as one of ours that names the file. */
export function storeError(thrown: unknown, file: string): RuntimeError {
  if (RuntimeError.is(thrown)) return thrown;
  const { errcode, message } = thrown as { readonly errcode?: number; readonly message?: string };
  if (errcode === undefined) return RuntimeError.from(thrown);
  switch (errcode & 0xff) {
    case BUSY:
      return new RuntimeError(
        'STORE_LOCKED',
        `Cannot use the store "${file}": another process uses it; stop that one`,
        {
          details: { file },
          cause: thrown,
        },
      );
    case FULL:
      return new RuntimeError(
        'STORE_LIMIT',
        `Cannot write to the store "${file}": it is as large as it may be, or the disk is full`,
        {
          details: { file },
          cause: thrown,
        },
      );
    case CORRUPT:
    case NOT_A_DATABASE:
      return unusable(
        file,
        `it is damaged, or no store (${message}); restore it from a backup, or move it away`,
        thrown,
      );
    default:
      return unusable(file, `the system says: ${message}`, thrown);
  }
}

function unusable(file: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError('STORE_UNUSABLE', `Cannot use the store "${file}": ${why}`, { details: { file }, cause });
}
