/** The store with its real thread, on a real disk, and in processes that end without warning. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { openStore, type Store } from '../../src/store/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const root = await mkdtemp(join(tmpdir(), 'troupe-store-'));
after(() => rm(root, { recursive: true, force: true }));

const folder = () => mkdtemp(join(root, 'data-'));
const bytes = (value: string) => new TextEncoder().encode(value);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const storedValue = async (store: Store, key: string) => text((await store.read('b', [key]))[0]?.value);
const set = (key: string, value: string) => [{ bucket: 'b', key, value: bytes(value) }];
const BOUNDS = { min: 0n, max: 2n ** 64n - 1n };

/** Opens a store, and gives its thread too. */
async function openWithThread(directory?: string): Promise<{ readonly store: Store; readonly thread: Worker }> {
  const started = once(process, 'worker') as Promise<[Worker]>;
  const store = await openStore(directory === undefined ? {} : { directory });
  return { store, thread: (await started)[0] };
}

test('openStore keeps what was written for the next one who opens the folder', async () => {
  const directory = join(await folder(), 'made', 'on the way');
  {
    await using store = await openStore({ directory });
    assert.equal(await store.write(set('a', '1')), 'written');
  }
  assert.deepEqual(await readdir(directory), ['store.sqlite'], 'a store that is closed is one file');
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  await using store = await openStore({ directory });
  assert.equal(await storedValue(store, 'a'), '1');
  assert.equal(await store.increment({ bucket: 'b', key: 'a', delta: 2n, ...BOUNDS }), 3n);
});

test('openStore keeps nothing without a folder, and stores in memory are each their own', async () => {
  await using one = await openStore();
  await using other = await openStore();
  await one.write(set('a', '1'));
  assert.deepEqual([await storedValue(one, 'a'), await storedValue(other, 'a')], ['1', undefined]);
});

/** Writes 0, 1, 2 … and says so after each acknowledgement, until it is killed. */
const WRITER = `
  import { writeSync } from 'node:fs';
  const { openStore } = await import(process.argv[1]);
  const store = await openStore({ directory: process.argv[2] });
  const from = Number(process.argv[3]);
  for (let n = from; ; n++) {
    await store.write([{ bucket: 'b', key: String(n), value: Buffer.alloc(2_000, n) }, { bucket: 'last', key: 'n', value: Buffer.from(String(n)) }]);
    writeSync(1, n + '\\n');
  }`;

test('ST1: what was acknowledged survives kill -9, again and again', async () => {
  const directory = await folder();
  const module = new URL('../../src/store/index.ts', import.meta.url).href;
  let from = 0;
  for (let round = 0; round < 4; round++) {
    const args = ['--input-type=module', '-e', WRITER, module, directory, `${from}`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let acknowledged = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (acknowledged === from + 20 + round) child.kill('SIGKILL');
    }
    assert.ok(acknowledged >= from + 20);
    await using store = await openStore({ directory });
    const [last] = await store.read('last', ['n']);
    const stored = Number(text(last?.value));
    assert.ok(stored >= acknowledged, `${acknowledged} was acknowledged, ${stored} is the last that is there`);
    const found = await store.read(
      'b',
      Array.from({ length: stored + 2 }, (_, n) => `${n}`),
    );
    assert.deepEqual(
      found.map((entry, n) => entry?.value.every((byte) => byte === (n & 0xff)) && entry.value.length),
      [...Array.from({ length: stored + 1 }, () => 2_000), undefined],
      'each group of writes is there whole',
    );
    from = stored + 1;
  }
});

test('ST2: increments that are asked for at once are all counted', async () => {
  await using store = await openStore({ directory: await folder() });
  const sums = await Promise.all(
    Array.from({ length: 2_000 }, () => store.increment({ bucket: 'b', key: 'n', delta: 1n, ...BOUNDS })),
  );
  assert.deepEqual(
    sums,
    Array.from({ length: 2_000 }, (_, index) => BigInt(index + 1)),
  );
});

test('ST7: a thread that dies is replaced, and what was acknowledged is still there', async () => {
  const { store, thread } = await openWithThread(await folder());
  await using _ = store;
  await store.write(set('a', '1'));
  // Seconds of work, so that what comes next is surely not done when the thread dies.
  thread.postMessage({ kind: 'batch', requests: new Array(300_000).fill({ op: 'list', bucket: 'b', after: 0 }) });
  const pending = store.write(set('b', '2'));
  const isLost = assert.rejects(pending, failsWith('STORE_LOST', /store\.sqlite" has ended; look before you repeat/));
  // After the batch has been handed over.
  await Promise.resolve();
  await thread.terminate();
  await isLost;
  assert.equal(await storedValue(store, 'a'), '1');
  assert.equal(await store.write(set('c', '3')), 'written');
});

test('ST8: openStore refuses a file that another process, or this one, has open', async () => {
  const directory = await folder();
  await using _ = await openStore({ directory });
  await assert.rejects(openStore({ directory }), failsWith('STORE_LOCKED', /store\.sqlite": another process uses it/));
});

test('ST8: openStore refuses what is no store of ours, names it, and leaves it as it is', async () => {
  const write = async (make: (file: string) => unknown): Promise<string> => {
    const directory = await folder();
    await make(join(directory, 'store.sqlite'));
    return directory;
  };
  const database = (sql: string) => (file: string) => {
    const made = new DatabaseSync(file);
    made.exec(sql);
    made.close();
  };
  const cases: readonly [string, RegExp][] = [
    [await write((file) => writeFile(file, 'not a database '.repeat(1_000))), /is damaged, or no store/],
    [await write(database('CREATE TABLE mine (a)')), /is a SQLite database of another program/],
    [await write(database('PRAGMA application_id = 1')), /of another program/],
    [await write((file) => mkdir(file)), /unable to open/],
    [await write((file) => makeStore(file, 'PRAGMA user_version = 2')), /format is 2 .* use a newer/],
    [await write((file) => makeStore(file).then(() => truncate(file, 5_000))), /damaged/],
    [await write((file) => makeStore(file, 'DROP TABLE latest')), /no such table: latest/],
  ];
  for (const [directory, why] of cases) {
    await assert.rejects(openStore({ directory }), (error) => {
      failsWith('STORE_UNUSABLE', why)(error);
      return failsWith('STORE_UNUSABLE', new RegExp(`"${join(directory, 'store.sqlite')}"`))(error);
    });
  }
  const inTheWay = join(await folder(), 'file');
  await writeFile(inTheWay, '');
  await assert.rejects(
    openStore({ directory: inTheWay }),
    failsWith('STORE_UNUSABLE', /Cannot make the folder .*EEXIST/),
  );
});

/** Makes a store with some entries at `file`, and changes it by `sql`. */
async function makeStore(file: string, sql = ''): Promise<void> {
  {
    await using store = await openStore({ directory: join(file, '..') });
    await store.write(
      Array.from({ length: 200 }, (_, n) => ({ bucket: 'b', key: `${n}`, value: new Uint8Array(500) })),
    );
  }
  const made = new DatabaseSync(file);
  made.exec(sql);
  made.close();
}

test('ST4: an answer that lies there when this thread was held up is no late one', async () => {
  await using store = await openStore({ timeoutMs: 100 });
  // Timers are next, before anything is read.
  await new Promise((resolve) => setImmediate(resolve));
  const writing = store.write(set('a', '1'));
  // The request is handed over when this job is done; then nothing happens here for longer than it may take.
  await Promise.resolve();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  assert.equal(await writing, 'written');
});

test('ST4: a file that is damaged in the middle fails those who read there, by name, and the store goes on', async () => {
  const directory = await folder();
  const file = join(directory, 'store.sqlite');
  await makeStore(file);
  {
    await using handle = await open(file, 'r+');
    const { size } = await handle.stat();
    await handle.write(Buffer.alloc(size - 7 * 4_096, 0xee), 0, undefined, 7 * 4_096);
  }
  await using store = await openStore({ directory });
  const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => store.read('b', [`${n}`])));
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.ok(failures.length > 0);
  for (const { reason } of failures) failsWith('STORE_UNUSABLE', /store\.sqlite": it is damaged/)(reason);
});

test('ST5: openStore refuses limits that make no sense', async () => {
  await assert.rejects(openStore({ timeoutMs: 0 }), RangeError);
  await assert.rejects(openStore({ limits: { bytes: 1_000 } }), /bytes = 1000: it must be an integer from 1048576/);
  await assert.rejects(openStore({ limits: { bucketKeys: 1.5 } }), RangeError);
});

test('a value that cannot be handed over fails its batch, and the store goes on', async () => {
  await using store = await openStore();
  const value = new Uint8Array(8);
  const writing = store.write([{ bucket: 'b', key: 'a', value }]);
  structuredClone(value.buffer, { transfer: [value.buffer] });
  await assert.rejects(writing, failsWith('INTERNAL', /detached/));
  assert.equal(await store.write(set('a', '1')), 'written');
  const wrong = { bucket: 'b', key: 1, value: 'text' } as never;
  await assert.rejects(store.write([wrong]), TypeError);
  await assert.rejects(store.exists('b', undefined as never), TypeError);
  await assert.rejects(store.write([{ bucket: 'b', key: 'a', value: 'text' as never }]), /a value is a Uint8Array/);
});

test('ST6: the calling thread goes on while the store is busy', async () => {
  await using store = await openStore({ directory: await folder() });
  const value = new Uint8Array(1_024 ** 2);
  const writing = Promise.all(Array.from({ length: 40 }, (_, n) => store.write([{ bucket: 'b', key: `${n}`, value }])));
  let turns = 0;
  let isWriting = true;
  void writing.finally(() => {
    isWriting = false;
  });
  while (isWriting) {
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  assert.ok(turns > 20, `${turns} turns of the event loop`);
});

test('ST5: a large bucket is listed page by page, each key once', async () => {
  await using store = await openStore();
  const total = 120_000;
  const value = bytes('x');
  for (let from = 0; from < total; from += 40_000) {
    const groups = Array.from({ length: 40 }, (_, group) =>
      Array.from({ length: 1_000 }, (_, index) => ({ bucket: 'b', key: `key ${from + group * 1_000 + index}`, value })),
    );
    await Promise.all(groups.map((writes) => store.write(writes)));
  }
  let count = 0;
  let after: number | undefined;
  do {
    const page = await store.list('b', after);
    for (const key of page.keys) assert.equal(key, `key ${count++}`);
    after = page.next;
  } while (after !== undefined);
  assert.equal(count, total);
});
