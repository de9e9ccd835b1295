import { isBucketName } from '../../capability/index.ts';
import { HostResourceType } from '../../component/index.ts';
import type { Store } from '../../store/index.ts';
import { isAllowed } from '../authority/index.ts';
import {
  asBytes,
  asLength,
  asList,
  asListOf,
  asResource,
  asS64,
  asText,
  asU64,
  defineInterfaces,
  err,
  type Guest,
  OK,
  PartKey,
  type Result,
} from '../guest/index.ts';
import { ACCESS_DENIED, type Answer, type KeyValueError, NO_SUCH_STORE, other } from './answer.ts';
import { type Bounds, Bucket, Cas } from './bucket.ts';

/** Where the buckets are. */
export interface KeyValueSettings {
  /** Absent: no bucket is known. */
  readonly store?: Store;
  /** Bytes that a bucket may hold for its guests to write more into it. */
  readonly storageBytes?: number;
}

const NO_SETTINGS: KeyValueSettings = Object.freeze({});

/** Given to guests that have buckets; the same for all guests of one component. */
export const KEYVALUE_SETTINGS = new PartKey<KeyValueSettings>('key-value', { make: () => NO_SETTINGS });

/** What `open("")` means: other hosts have one store without a name. */
const DEFAULT_BUCKET = 'default';

const U64: Bounds = { min: 0n, max: 2n ** 64n - 1n };
const S64: Bounds = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

const asBucket = (value: unknown) => asResource(value, Bucket);
const asCas = (value: unknown) => asResource(value, Cas);
const asKeys = (value: unknown) => asListOf(value, asText);

function open(this: Guest, identifier: unknown): Result<Bucket, KeyValueError> {
  const text = asText(identifier);
  const name = text === '' ? DEFAULT_BUCKET : text;
  if (!isBucketName(name)) return NO_SUCH_STORE;
  if (!isAllowed(this, { kind: 'keyvalue', bucket: name })) return ACCESS_DENIED;
  const { store, storageBytes: bytesMax = Number.POSITIVE_INFINITY } = this.part(KEYVALUE_SETTINGS);
  return store === undefined ? NO_SUCH_STORE : { tag: 'ok', val: new Bucket(this, { store, name, bytesMax }) };
}

/** What cursors are in a draft. */
interface CursorForm<T> {
  /** Where to go on; `undefined` for what no list gave. */
  read(cursor: T): number | undefined;
  write(next: number): T;
}

const NUMBERS: CursorForm<unknown> = {
  // Whatever is larger is beyond every entry just so.
  read: (cursor) => asLength(cursor, Number.MAX_SAFE_INTEGER),
  write: BigInt,
};

const TEXTS: CursorForm<unknown> = {
  read: (cursor) => (/^\d{1,15}$/.test(asText(cursor)) ? Number(cursor) : undefined),
  write: String,
};

function storeFunctions(cursors: CursorForm<unknown>) {
  const list = async (bucket: Bucket, cursor: unknown): Answer<{ keys: readonly string[]; cursor: unknown }> => {
    const after = cursor === undefined ? 0 : cursors.read(cursor);
    if (after === undefined) return other('The cursor is not one that list-keys gave');
    const page = await bucket.list(after);
    if (page.tag === 'err') return page;
    const { keys, next } = page.val;
    return { tag: 'ok', val: { keys, cursor: next === undefined ? undefined : cursors.write(next) } };
  };
  return {
    open,
    bucket: new HostResourceType<Bucket>('bucket', (bucket) => bucket.drop()),
    '[method]bucket.get': (self: unknown, key: unknown) => asBucket(self).get(asText(key)),
    '[method]bucket.set': (self: unknown, key: unknown, value: unknown) =>
      asBucket(self).set(asText(key), asBytes(value)),
    '[method]bucket.delete': (self: unknown, key: unknown) => asBucket(self).delete(asText(key)),
    '[method]bucket.exists': (self: unknown, key: unknown) => asBucket(self).exists(asText(key)),
    '[method]bucket.list-keys': (self: unknown, cursor: unknown) => list(asBucket(self), cursor),
  };
}

/** The same in both drafts. */
const BATCH = {
  'get-many': (bucket: unknown, keys: unknown) => asBucket(bucket).getMany(asKeys(keys)),
  'set-many': (bucket: unknown, pairs: unknown) => asBucket(bucket).setMany(asListOf(pairs, asPair)),
  'delete-many': (bucket: unknown, keys: unknown) => asBucket(bucket).deleteMany(asKeys(keys)),
};

function asPair(value: unknown): readonly [string, Uint8Array] {
  const [key, bytes] = asList(value);
  return [asText(key), asBytes(bytes)];
}

type CasError =
  | { readonly tag: 'store-error'; readonly val: KeyValueError }
  | { readonly tag: 'cas-failed'; readonly val: Cas };

/** The handle is the host's now: it goes back to the guest, renewed, or it is dropped. */
async function swap(cas: Cas, value: Uint8Array): Promise<Result<undefined, CasError>> {
  const swapped = await cas.swap(value);
  if (swapped.tag === 'ok' && !swapped.val) return err({ tag: 'cas-failed', val: cas });
  cas.drop();
  return swapped.tag === 'ok' ? OK : err({ tag: 'store-error', val: swapped.val });
}

/**
 * `wasi:keyvalue` in both drafts that are in use. They differ in cursors, in what is counted, and in `cas`, which the
 * first has not; a draft is compatible with itself alone.
 */
export const KEYVALUE_INTERFACES = defineInterfaces({
  'wasi:keyvalue/store@0.2.0-draft': storeFunctions(NUMBERS),
  'wasi:keyvalue/batch@0.2.0-draft': BATCH,
  'wasi:keyvalue/atomics@0.2.0-draft': {
    increment: (bucket: unknown, key: unknown, delta: unknown) =>
      asBucket(bucket).increment(asText(key), asU64(delta), U64),
  },
  'wasi:keyvalue/store@0.2.0-draft2': storeFunctions(TEXTS),
  'wasi:keyvalue/batch@0.2.0-draft2': BATCH,
  'wasi:keyvalue/atomics@0.2.0-draft2': {
    cas: new HostResourceType<Cas>('cas', (cas) => cas.drop()),
    '[static]cas.new': (bucket: unknown, key: unknown) => Cas.open(asBucket(bucket), asText(key)),
    '[method]cas.current': (self: unknown) => asCas(self).current(),
    increment: (bucket: unknown, key: unknown, delta: unknown) =>
      asBucket(bucket).increment(asText(key), asS64(delta), S64),
    swap: (cas: unknown, value: unknown) => swap(asCas(cas), asBytes(value)),
  },
});
