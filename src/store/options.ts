import type { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';

/** How to open a store. */
export interface StoreOptions {
  /** Folder of the store's file, which is made if it is not there. Absent: in memory, gone with the storage thread. */
  readonly directory?: string;
  readonly limits?: StoreLimits;
  /** Milliseconds for one request, 1 to 600,000. Default 5,000. */
  readonly timeoutMs?: number;
  /**
   * Hears what an operator should look at: a storage thread that ended (`STORE_LOST`), a file that is damaged or cannot be
   * written (`STORE_UNUSABLE`). Whoever asked is told too. It must not throw. Default: nobody.
   */
  readonly onFailure?: (error: RuntimeError) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** Bounds of a store; defaults in {@link STORE_DEFAULTS}. All are integers. */
export interface StoreLimits {
  /** Bytes of the whole file, 1 MiB or more. Default 4 GiB. */
  readonly bytes?: number;
  /** Bytes of the keys and values of one bucket. Default 256 MiB. */
  readonly bucketBytes?: number;
  /** Entries of one bucket. Default 1,048,576. */
  readonly bucketKeys?: number;
  /** Buckets that hold anything. Default 1,024. */
  readonly buckets?: number;
}

/**
 * `timeoutMs` is what an `ask` waits by default. The sizes let a bucket hold a year of a small application's data and
 * keep four full buckets from filling an ordinary disk; 1,024 buckets are a bucket for each of many tenants.
 */
export const STORE_DEFAULTS = Object.freeze({
  timeoutMs: 5_000,
  bytes: 4 * 1_024 ** 3,
  bucketBytes: 256 * 1_024 ** 2,
  bucketKeys: 1_048_576,
  buckets: 1_024,
});

/** UTF-8 bytes of a key. Chosen: what DynamoDB and S3 take. */
export const KEY_BYTES_MAX = 1_024;

/** Bytes of a value. Larger things are files; a value is copied whole between threads. */
export const VALUE_BYTES_MAX = 8 * 1_024 ** 2;

/** UTF-8 bytes of the name of a bucket. */
export const BUCKET_NAME_BYTES_MAX = 255;

/** Keys or writes of one request, and its bytes: a request is a part of one transaction. */
export const REQUEST_ITEMS_MAX = 1_024;
export const REQUEST_BYTES_MAX = 16 * 1_024 ** 2;

/** Keys of a page: with the longest keys there are, 1 MiB. */
export const PAGE_KEYS = 1_024;

/** Requests that may wait, those under way included, and their bytes. Beyond it the answer is `STORE_BUSY`. */
export const WAITING_MAX = 8_192;
export const WAITING_BYTES_MAX = 64 * 1_024 ** 2;

/**
 * Requests and bytes of one transaction, and bytes of its answer. Larger: fewer commits under load, and a longer wait
 * for whoever comes next. One request may exceed the bytes by itself.
 */
export const BATCH_MAX = 512;
export const BATCH_BYTES_MAX = 8 * 1_024 ** 2;
export const ANSWER_BYTES_MAX = 8 * 1_024 ** 2;

/** Milliseconds that the storage thread gets to close its file before it is ended without. */
export const CLOSE_MS = 5_000;
