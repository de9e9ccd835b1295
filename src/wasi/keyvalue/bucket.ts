import { RuntimeError } from '../../errors/index.ts';
import {
  type Entry,
  REQUEST_BYTES_MAX,
  REQUEST_ITEMS_MAX,
  type Store,
  type Write,
  type WriteOutcome,
} from '../../store/index.ts';
import { type Guest, OK, type Ok, reportLimit, Token } from '../guest/index.ts';
import { type Answer, answer, other } from './answer.ts';

/** Bounds of what an increment may come to; each draft has its own. */
export interface Bounds {
  readonly min: bigint;
  readonly max: bigint;
}

/** A page of keys, and where the next begins. */
export interface Page {
  readonly keys: readonly string[];
  readonly next: number | undefined;
}

/** Bytes of the entries of one write to the store: so that a part with one more entry is still taken. */
const PART_BYTES = REQUEST_BYTES_MAX / 2;

/** The `bucket` resource: a bucket that the guest may use. What differs between the drafts is not here. */
export class Bucket extends Token {
  readonly guest: Guest;
  readonly store: Store;
  /** As the store knows it. */
  readonly name: string;
  readonly #bytesMax: number;

  constructor(
    guest: Guest,
    { store, name, bytesMax }: { readonly store: Store; readonly name: string; readonly bytesMax: number },
  ) {
    super(guest);
    this.guest = guest;
    this.store = store;
    // Other uses of the store have their own names.
    this.name = `keyvalue/${name}`;
    this.#bytesMax = bytesMax;
  }

  /** Writes entries of this bucket, if it does not grow beyond what its guest's component may have. */
  async write(entries: readonly Omit<Write, 'bucket'>[]): Promise<WriteOutcome> {
    const { name: bucket } = this;
    return this.#noting(
      this.store.write(entries.map((entry) => ({ ...entry, bucket, bucketBytesMax: this.#bytesMax }))),
    );
  }

  /** Reports that the bucket has no room, unless that is for everybody. */
  async #noting<T>(asked: Promise<T>): Promise<T> {
    if (this.#bytesMax === Number.POSITIVE_INFINITY) return asked;
    return asked.catch((error: unknown) => {
      if (RuntimeError.is(error, 'STORE_LIMIT'))
        reportLimit(this.guest, { limit: 'storage', limitValue: this.#bytesMax });
      throw error;
    });
  }

  get(key: string): Answer<Uint8Array | undefined> {
    return answer(this.store.read(this.name, [key]), ([entry]) => entry?.value);
  }

  set(key: string, value: Uint8Array): Answer<undefined> {
    return answer(this.write([{ key, value }]), nothing);
  }

  delete(key: string): Answer<undefined> {
    return answer(this.write([{ key }]), nothing);
  }

  exists(key: string): Answer<boolean> {
    return answer(this.store.exists(this.name, key), (found) => found);
  }

  list(after: number): Answer<Page> {
    return answer(this.store.list(this.name, after), ({ keys, next }) => ({ keys, next }));
  }

  increment(key: string, delta: bigint, bounds: Bounds): Answer<bigint> {
    const increment = { bucket: this.name, key, delta, ...bounds, bucketBytesMax: this.#bytesMax };
    return answer(this.#noting(this.store.increment(increment)), (sum) => sum);
  }

  /** In parts that the store takes, one after the other: not one moment, as the interface allows. */
  async getMany(keys: readonly string[]): Answer<readonly (readonly [string, Uint8Array] | undefined)[]> {
    const pairs: (readonly [string, Uint8Array] | undefined)[] = [];
    let bytes = 0;
    for (let from = 0; from < keys.length; from += REQUEST_ITEMS_MAX) {
      const part = keys.slice(from, from + REQUEST_ITEMS_MAX);
      const found = await answer(this.store.read(this.name, part), (entries) => entries);
      if (found.tag === 'err') return found;
      for (const [index, entry] of found.val.entries()) pairs.push(pairOf(part[index] as string, entry));
      bytes += found.val.reduce((sum, entry) => sum + (entry?.value.length ?? 0), 0);
      if (bytes > REQUEST_BYTES_MAX)
        return other(`The values have more than ${REQUEST_BYTES_MAX} bytes; ask for fewer`);
    }
    return { tag: 'ok', val: pairs };
  }

  /** In parts, in their order; when one is refused, those before it are written. */
  async setMany(entries: readonly (readonly [string, Uint8Array])[]): Answer<undefined> {
    let part: Omit<Write, 'bucket'>[] = [];
    let bytes = 0;
    for (const [key, value] of entries) {
      if (part.length === REQUEST_ITEMS_MAX || (part.length > 0 && bytes + value.length > PART_BYTES)) {
        const written = await answer(this.write(part), nothing);
        if (written.tag === 'err') return written;
        part = [];
        bytes = 0;
      }
      part.push({ key, value });
      bytes += value.length;
    }
    return part.length === 0 ? OK : answer(this.write(part), nothing);
  }

  async deleteMany(keys: readonly string[]): Answer<undefined> {
    let deleted: Awaited<Answer<undefined>> = OK;
    for (let from = 0; from < keys.length && deleted.tag === 'ok'; from += REQUEST_ITEMS_MAX) {
      const part = keys.slice(from, from + REQUEST_ITEMS_MAX).map((key) => ({ key }));
      deleted = await answer(this.write(part), nothing);
    }
    return deleted;
  }
}

function pairOf(key: string, entry: Entry | undefined): readonly [string, Uint8Array] | undefined {
  return entry === undefined ? undefined : [key, entry.value];
}

function nothing(): undefined {
  return undefined;
}

/** The `cas` resource: an entry, and the version that a swap expects of it. */
export class Cas extends Token {
  readonly #bucket: Bucket;
  readonly #key: string;
  #version = 0;

  /** Use {@link Cas.open}: a handle knows what its entry is. */
  constructor(bucket: Bucket, key: string) {
    super(bucket.guest);
    this.#bucket = bucket;
    this.#key = key;
  }

  static async open(bucket: Bucket, key: string): Answer<Cas> {
    const cas = new Cas(bucket, key);
    const current = await cas.current();
    if (current.tag === 'ok') return { tag: 'ok', val: cas };
    cas.drop();
    return current;
  }

  /** The value that the entry has now. A swap after it expects this one: no value is kept for the guest. */
  current(): Answer<Uint8Array | undefined> {
    return answer(this.#bucket.store.read(this.#bucket.name, [this.#key]), ([entry]) => {
      this.#version = entry?.version ?? 0;
      return entry?.value;
    });
  }

  /** Writes `value` if the entry is still as it was; else gives false, and expects what the entry has come to be. */
  async swap(value: Uint8Array): Answer<boolean> {
    const write = { key: this.#key, value, ifVersion: this.#version };
    const written = await answer(this.#bucket.write([write]), (outcome) => outcome === 'written');
    if (written.tag === 'err' || written.val) return written;
    const current = await this.current();
    return current.tag === 'err' ? current : ({ tag: 'ok', val: false } satisfies Ok<boolean>);
  }
}
