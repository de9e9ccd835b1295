import type { DurableStore, DurableWrite } from '../../src/actor/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';

/** A store in memory, for tests of what is kept: it can fail, wait, and be damaged. */
export class MemoryStore implements DurableStore {
  readonly buckets = new Map<string, Map<string, Uint8Array>>();
  /** Groups of writes that were done. */
  writes = 0;
  /** Whether every request fails. */
  isBroken = false;
  /** What every write waits for first. */
  gate: Promise<void> | undefined;

  async read(bucket: string, keys: readonly string[]): Promise<readonly ({ value: Uint8Array } | undefined)[]> {
    this.#assertUsable();
    return keys.map((key) => {
      const value = this.bucket(bucket).get(key);
      return value && { value };
    });
  }

  async list(bucket: string): Promise<{ keys: readonly string[] }> {
    this.#assertUsable();
    return { keys: [...this.bucket(bucket).keys()] };
  }

  async write(writes: readonly DurableWrite[]): Promise<'written' | 'conflict'> {
    await this.gate;
    this.#assertUsable();
    for (const { bucket, key, ifVersion } of writes) {
      if (ifVersion === 0 && this.bucket(bucket).has(key)) return 'conflict';
    }
    this.writes++;
    for (const { bucket, key, value } of writes) {
      if (value === undefined) this.bucket(bucket).delete(key);
      else this.bucket(bucket).set(key, value);
    }
    return 'written';
  }

  bucket(name: string): Map<string, Uint8Array> {
    const entries = this.buckets.get(name) ?? new Map<string, Uint8Array>();
    this.buckets.set(name, entries);
    return entries;
  }

  /** Flips a bit of an entry. */
  damage(bucket: string, key: string): void {
    const value = Uint8Array.from(this.bucket(bucket).get(key) as Uint8Array);
    value[value.length - 1] = (value.at(-1) as number) ^ 1;
    this.bucket(bucket).set(key, value);
  }

  #assertUsable(): void {
    if (this.isBroken) throw new RuntimeError('STORE_UNUSABLE', 'Cannot use the store: planted');
  }
}
