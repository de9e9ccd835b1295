import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import { STORE_DEFAULTS, type StoreOptions } from './options.ts';
import type { ThreadSettings } from './requests.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { startWorker } from './thread.ts';

/** Name of the file in the folder of a store. */
const FILE = 'store.sqlite';
const IN_MEMORY = ':memory:';

const MIB = 1_024 ** 2;

/**
 * Opens a store: a SQLite file that this process has for itself, on a thread of its own.
 *
 * @throws {RuntimeError} `STORE_LOCKED` — another process has it open.
 * @throws {RuntimeError} `STORE_UNUSABLE` — the folder cannot be made, or the file is damaged, of another program, or of
 *   a newer version; the text names it.
 * @throws {RangeError} (rejects) An option is out of range. @throws {TypeError} (rejects) The options are no object.
 *
 * @example
 * ```ts
 * await using store = await openStore({ directory: './data' });
 * await store.write([{ bucket: 'app/settings', key: 'theme', value: new TextEncoder().encode('dark') }]);
 * ```
 */
export async function openStore(options: StoreOptions = {}): Promise<Store> {
  // A path in place of options would be a store in memory, which nobody notices before the data is gone.
  if (typeof options !== 'object')
    throw new TypeError(`Cannot open a store: use { directory: … }, not ${typeof options}`);
  const { timeoutMs, ...limits } = { ...STORE_DEFAULTS, ...options.limits, ...givenTimeout(options) };
  assertRange('timeoutMs', timeoutMs, { min: 1, max: 600_000 });
  assertRange('bytes', limits.bytes, { min: MIB, max: 2 ** 43 });
  for (const name of ['bucketBytes', 'bucketKeys', 'buckets'] as const) {
    assertRange(name, limits[name], { min: 1, max: Number.MAX_SAFE_INTEGER });
  }
  const file = options.directory === undefined ? IN_MEMORY : await fileIn(options.directory);
  const settings: ThreadSettings = { file, ...limits };
  const store = new SqliteStore({
    clock: options.clock ?? systemClock,
    timeoutMs,
    startThread: (events) => startWorker(settings, events),
    onFailure: options.onFailure,
  });
  await store.open();
  return store;
}

function givenTimeout({ timeoutMs }: StoreOptions): { timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs };
}

async function fileIn(directory: string): Promise<string> {
  const path = resolve(directory);
  try {
    // What is stored is nobody else's business.
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RuntimeError(
      'STORE_UNUSABLE',
      `Cannot make the folder "${path}" for the store: the system says ${code}`,
      {
        details: { file: path },
        cause: error,
      },
    );
  }
  return join(path, FILE);
}

function assertRange(name: string, value: number, { min, max }: { readonly min: number; readonly max: number }): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`Cannot open the store with ${name} = ${value}: it must be an integer from ${min} to ${max}`);
}
