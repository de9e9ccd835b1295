import type { WireError } from '../errors/index.ts';
import type { Increment, Write } from './store.ts';

/** What the storage thread is asked, as it crosses to it. */
export type StoreRequest =
  | { readonly op: 'read'; readonly bucket: string; readonly keys: readonly string[] }
  | { readonly op: 'exists'; readonly bucket: string; readonly key: string }
  | { readonly op: 'list'; readonly bucket: string; readonly after: number }
  | { readonly op: 'write'; readonly writes: readonly Write[] }
  | ({ readonly op: 'increment' } & Increment);

/** What became of one request. */
export type StoreOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: WireError };

/** To the storage thread. `batch`: one transaction, if it fits; the answer says how far it got. */
export type ToThread =
  | { readonly kind: 'batch'; readonly requests: readonly StoreRequest[] }
  | { readonly kind: 'close' };

/**
 * From the storage thread. `opened`: the file is ready. `answer`: outcomes of the first requests of the batch; those
 * that are left out were not begun. `unusable`: the file cannot be used, and the thread ends.
 */
export type FromThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'answer'; readonly outcomes: readonly StoreOutcome[] }
  | { readonly kind: 'unusable'; readonly error: WireError };

/** What the storage thread is started with. */
export interface ThreadSettings {
  /** Absolute path, or `:memory:`. */
  readonly file: string;
  readonly bytes: number;
  readonly bucketBytes: number;
  readonly bucketKeys: number;
  readonly buckets: number;
}
