/** A value and the version that it has had since it was last written. */
export interface Entry {
  readonly value: Uint8Array;
  /** Grows with every write of the whole store; no two writes have the same. An integer from 1. */
  readonly version: number;
}

/** One entry to be written or deleted. */
export interface Write {
  readonly bucket: string;
  readonly key: string;
  /** Absent: the entry is deleted; one that is not there stays so. */
  readonly value?: Uint8Array;
  /** Only if the entry has this version now; 0: only if there is none. Absent: whatever it is. */
  readonly ifVersion?: number;
  /** Refused if the bucket grows beyond so many bytes. Absent: only the store's own bound counts. */
  readonly bucketBytesMax?: number;
}

/** What became of a group of writes: all of it, or, since a version was not the expected one, nothing. */
export type WriteOutcome = 'written' | 'conflict';

/** Some keys of a bucket, in the order in which the entries came into being. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** Where the next page begins; absent when there is no more. Valid for ever, whatever is written meanwhile. */
  readonly next?: number;
}

/** What to add to an entry that holds a decimal integer, and between which bounds the sum must be. */
export interface Increment {
  readonly bucket: string;
  readonly key: string;
  readonly delta: bigint;
  readonly min: bigint;
  readonly max: bigint;
  /** As of a {@link Write}. */
  readonly bucketBytesMax?: number;
}

/**
 * Durable buckets of entries. Buckets are made by their first entry and are gone with their last. Names are the
 * callers' affair: each begins with what it is for, as in `keyvalue/default`.
 *
 * Whatever is asked of it is done in the order in which it was asked. A promise that resolves after a write means that
 * the write is on disk, if the store is on one. All reject with:
 *
 * - `STORE_BUSY` when too much is waiting; nothing was done.
 * - `STORE_TIMEOUT` when no answer came in time, `STORE_LOST` when the storage thread died; it may have been done.
 * - `STORE_LIMIT` when a key, a value, a bucket or the store would be larger than it may; nothing was done.
 * - `STORE_UNUSABLE` when the file is damaged or the disk fails; the text names the file.
 * - `STORE_CLOSED` after {@link Store.close}; a `TypeError` for names that are no texts and values that are no bytes.
 */
export interface Store extends AsyncDisposable {
  /** The entries of some keys, in their order; `undefined` where there is none. One look at one moment. */
  read(bucket: string, keys: readonly string[]): Promise<readonly (Entry | undefined)[]>;
  /** Whether there is an entry, without its value. */
  exists(bucket: string, key: string): Promise<boolean>;
  /**
   * A page of keys.
   *
   * @param after Where a page before ended: {@link KeyPage.next}. Default: from the first key.
   * @returns An entry that is there from the first page to the last is on exactly one of them.
   */
  list(bucket: string, after?: number): Promise<KeyPage>;
  /** Writes all of it or nothing, in any number of buckets. */
  write(writes: readonly Write[]): Promise<WriteOutcome>;
  /**
   * Adds to the decimal integer that the entry holds; one that is not there counts as 0.
   *
   * @returns The sum.
   * @throws {RuntimeError} `STORE_NUMBER_INVALID` — the entry holds something else, or the sum is out of bounds; it
   *   stays as it was.
   */
  increment(increment: Increment): Promise<bigint>;
  /** Does what is waiting, then closes the file. Calling it again waits for the same end. Never rejects. */
  close(): Promise<void>;
}
