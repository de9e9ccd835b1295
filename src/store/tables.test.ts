import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDatabase } from './database.ts';
import { STORE_DEFAULTS, VALUE_BYTES_MAX } from './options.ts';
import type { StoreOutcome, StoreRequest, ThreadSettings } from './requests.ts';
import type { Entry, KeyPage, Write } from './store.ts';
import { Tables } from './tables.ts';

const UNBOUNDED = { min: -(2n ** 63n), max: 2n ** 64n };

function setUp(limits: Partial<ThreadSettings> = {}) {
  const settings: ThreadSettings = { file: ':memory:', ...STORE_DEFAULTS, ...limits };
  const database = openDatabase(settings.file, settings.bytes);
  const tables = new Tables(database, settings);
  const one = (request: StoreRequest) => tables.run([request])[0] as StoreOutcome;
  return {
    database,
    run: (...requests: StoreRequest[]) => tables.run(requests),
    one,
    /** The value, or the code of the refusal. */
    ask: (request: StoreRequest) => resultOf(one(request)),
    write: (...writes: Write[]) => resultOf(one({ op: 'write', writes })),
    values: (bucket: string, ...keys: string[]) =>
      (resultOf(one({ op: 'read', bucket, keys })) as (Entry | undefined)[]).map((entry) => entry && text(entry.value)),
    buckets: () =>
      database
        .prepare('SELECT name, keys, bytes FROM bucket ORDER BY name')
        .all()
        .map((row) => ({ ...row })),
  };
}

function resultOf(outcome: StoreOutcome): unknown {
  return outcome.ok ? outcome.value : outcome.error.code;
}

const bytes = (value: string) => new TextEncoder().encode(value);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const set = (key: string, value: string, bucket = 'b'): Write => ({ bucket, key, value: bytes(value) });

test('Tables gives back what was written, in every bucket its own, whatever the names', () => {
  const { write, values, ask } = setUp();
  const keys = ['', 'a', 'A', 'a\0b', 'é', '😀', "'; DROP TABLE entry; --", 'k'.repeat(1_024)];
  assert.equal(write(...keys.map((key) => set(key, `value of ${key}`))), 'written');
  assert.equal(write(set('a', 'elsewhere', 'c')), 'written');
  assert.deepEqual(values('b', ...keys, 'none'), [...keys.map((key) => `value of ${key}`), undefined]);
  assert.deepEqual(values('c', 'a', ''), ['elsewhere', undefined]);
  assert.equal(ask({ op: 'exists', bucket: 'b', key: 'a\0b' }), true);
  assert.equal(ask({ op: 'exists', bucket: 'none', key: 'a' }), false);
  assert.deepEqual(ask({ op: 'list', bucket: 'b', after: 0 }), { keys });
});

test('ST3: a group of writes is done whole or not at all, across buckets', () => {
  const { write, values, buckets } = setUp();
  write(set('a', '1'));
  assert.equal(write(set('a', '2'), set('x', '2', 'c'), { ...set('a', '3', 'c'), ifVersion: 7 }), 'conflict');
  assert.deepEqual(values('b', 'a'), ['1']);
  assert.deepEqual(buckets(), [{ name: 'b', keys: 1, bytes: 2 }]);
});

test('ST3: a request that the database refuses disturbs no other of its batch', () => {
  const { run, values } = setUp({ bytes: 2 ** 20 });
  const requests = ['a', 'b', 'c', 'd', 'e'].map((key): StoreRequest => {
    const value = key === 'c' ? new Uint8Array(VALUE_BYTES_MAX) : bytes(key);
    return { op: 'write', writes: [{ bucket: 'b', key, value }] };
  });
  const outcomes: StoreOutcome[] = [];
  while (outcomes.length < requests.length) outcomes.push(...run(...requests.slice(outcomes.length)));
  assert.deepEqual(outcomes.map(resultOf), ['written', 'written', 'STORE_LIMIT', 'written', 'written']);
  assert.deepEqual(values('b', 'a', 'b', 'c', 'd', 'e'), ['a', 'b', undefined, 'd', 'e']);
});

test('a version is never used again, so that a write with a version cannot be fooled', () => {
  const { one, write } = setUp();
  const versionOf = (key: string) =>
    (one({ op: 'read', bucket: 'b', keys: [key] }) as { value: (Entry | undefined)[] }).value[0]?.version ?? 0;
  assert.equal(write({ ...set('a', '1'), ifVersion: 0 }), 'written');
  assert.equal(write({ ...set('a', '1'), ifVersion: 0 }), 'conflict');
  const first = versionOf('a');
  write({ bucket: 'b', key: 'a' });
  write(set('a', '1'));
  assert.equal(write({ ...set('a', '2'), ifVersion: first }), 'conflict');
  assert.equal(write({ ...set('a', '2'), ifVersion: versionOf('a') }), 'written');
  assert.equal(write({ bucket: 'b', key: 'a', ifVersion: versionOf('a') }), 'written');
  assert.equal(versionOf('a'), 0);
});

test('increment counts decimal integers, and refuses whatever else without a change', () => {
  const { ask, write, values } = setUp();
  const add = (key: string, delta: bigint, bounds = UNBOUNDED) =>
    ask({ op: 'increment', bucket: 'b', key, delta, ...bounds });
  assert.equal(add('n', 5n), 5n);
  assert.equal(add('n', -7n), -2n);
  assert.deepEqual(values('b', 'n'), ['-2']);
  assert.equal(add('n', 1n, { min: 0n, max: 10n }), 'STORE_NUMBER_INVALID');
  assert.equal(add('n', 2n ** 64n + 2n), 2n ** 64n);
  assert.equal(add('n', 1n), 'STORE_NUMBER_INVALID');
  for (const wrong of ['', ' 1', '1.5', '0x1', 'one', '1'.repeat(1_000_000)]) {
    write(set('w', wrong));
    assert.equal(add('w', 1n), 'STORE_NUMBER_INVALID');
    assert.deepEqual(values('b', 'w'), [wrong]);
  }
});

test('ST5: a bucket holds no more keys and bytes than it may, and what makes it smaller is never refused', () => {
  const { write, buckets, ask } = setUp({ bucketKeys: 2, bucketBytes: 10, buckets: 2 });
  assert.equal(write(set('a', '1234'), set('b', '1234')), 'written');
  assert.equal(write(set('c', '')), 'STORE_LIMIT');
  assert.equal(write(set('a', '12345')), 'STORE_LIMIT');
  assert.equal(ask({ op: 'increment', bucket: 'b', key: 'c', delta: 1n, ...UNBOUNDED }), 'STORE_LIMIT');
  assert.equal(write(set('a', '123')), 'written');
  assert.equal(write({ bucket: 'b', key: 'b' }, set('c', '12345')), 'written');
  assert.deepEqual(buckets(), [{ name: 'b', keys: 2, bytes: 10 }]);
  assert.equal(write(set('a', '', 'second')), 'written');
  assert.equal(write(set('a', '', 'third')), 'STORE_LIMIT');
  assert.equal(write({ bucket: 'second', key: 'a' }, set('a', '', 'third')), 'written', 'an empty bucket is none');
  assert.deepEqual(buckets(), [
    { name: 'b', keys: 2, bytes: 10 },
    { name: 'third', keys: 1, bytes: 1 },
  ]);
});

test('a batch stops where its answer is large enough, and says how far it got', () => {
  const { run, write } = setUp();
  const half = new Uint8Array(VALUE_BYTES_MAX / 2);
  for (const key of ['a', 'b']) write({ bucket: 'b', key, value: half });
  const read: StoreRequest = { op: 'read', bucket: 'b', keys: ['a', 'b'] };
  assert.equal(run(read, read, read).length, 2);
  assert.equal(resultOf(run({ ...read, keys: ['a', 'b', 'a', 'b', 'a'] })[0] as StoreOutcome), 'STORE_LIMIT');
});

test('ST5: a batch stops also where keys make its answer large enough', () => {
  const { run, write } = setUp();
  write(...Array.from({ length: 1_024 }, (_, at) => set(`${at}`.padStart(1_024, 'k'), '')));
  const lists = Array.from({ length: 512 }, (): StoreRequest => ({ op: 'list', bucket: 'b', after: 0 }));
  assert.equal(run(...lists).length, 9);
});

test('list gives each entry that stays exactly once, whatever is written meanwhile', () => {
  const { write, ask } = setUp();
  const keys = Array.from({ length: 3_000 }, (_, index) => `${(index * 7_919) % 3_000}`);
  write(...keys.map((key) => set(key, 'x')));
  const seen: string[] = [];
  let page: KeyPage | undefined;
  do {
    page = ask({ op: 'list', bucket: 'b', after: page?.next ?? 0 }) as KeyPage;
    seen.push(...page.keys);
    // Written again, an entry keeps its place: a list that is written to as it is read comes to its end.
    write(...page.keys.slice(0, 500).map((key) => set(key, 'y')), { bucket: 'b', key: page.keys[0] as string });
  } while (page.next !== undefined);
  assert.deepEqual(seen, keys);
  assert.deepEqual(ask({ op: 'list', bucket: 'b', after: Number.MAX_SAFE_INTEGER }), { keys: [] });
});

// ── against a model ──

const KEYS = ['a', 'b', 'c', 'd'];
const BUCKETS = ['x', 'y'];
const bucket = fc.constantFrom(...BUCKETS);
const key = fc.constantFrom(...KEYS);

const anyWrite = fc.record({
  bucket,
  key,
  value: fc.option(fc.constantFrom('', '7', '-12', 'word', 'a longer value'), { nil: undefined }),
  /** Of the entry: as it is, none, or one that never was. */
  expects: fc.constantFrom('anything', 'nothing', 'this', 'never'),
});
const anyCommand = fc.oneof(
  fc.record({ op: fc.constant('write' as const), writes: fc.array(anyWrite, { maxLength: 3 }) }),
  fc.record({ op: fc.constant('increment' as const), bucket, key, delta: fc.bigInt(-20n, 20n) }),
  fc.record({ op: fc.constant('read' as const), bucket }),
  fc.record({ op: fc.constant('list' as const), bucket }),
);

interface ModelEntry {
  readonly value: string;
  readonly version: number;
}

const LIMITS = { bucketKeys: 3, bucketBytes: 24, buckets: 2 };

/** The same in a few lines: a map of maps, copied for what may have to be undone. */
class Model {
  buckets = new Map<string, Map<string, ModelEntry>>();
  #latest = 0;

  entry(bucket: string, key: string): ModelEntry | undefined {
    return this.buckets.get(bucket)?.get(key);
  }

  whole(work: () => unknown): unknown {
    const before = new Map([...this.buckets].map(([name, entries]) => [name, new Map(entries)]));
    const latest = this.#latest;
    const result = work();
    if (result === 'conflict' || result === 'STORE_LIMIT' || result === 'STORE_NUMBER_INVALID') {
      this.buckets = before;
      this.#latest = latest;
    }
    return result;
  }

  put(name: string, key: string, value: string): string | undefined {
    const entries = this.buckets.get(name) ?? new Map<string, ModelEntry>();
    const before = entries.get(key);
    const after = new Map(entries).set(key, { value, version: this.#latest + 1 });
    const size = (map: Map<string, ModelEntry>) => [...map].reduce((sum, [k, e]) => sum + k.length + e.value.length, 0);
    if (before === undefined && after.size > LIMITS.bucketKeys) return 'STORE_LIMIT';
    if (size(after) > LIMITS.bucketBytes && size(after) > size(entries)) return 'STORE_LIMIT';
    this.#latest += 1;
    this.buckets.set(name, after);
    return undefined;
  }

  delete(name: string, key: string): void {
    this.buckets.get(name)?.delete(key);
    if (this.buckets.get(name)?.size === 0) this.buckets.delete(name);
  }
}

test('Tables does what a map of maps does, for any requests', () => {
  fc.assert(
    fc.property(fc.array(anyCommand, { maxLength: 40 }), (commands) => {
      const { ask, buckets } = setUp(LIMITS);
      const model = new Model();
      for (const command of commands) {
        if (command.op === 'read') {
          const found = ask({ op: 'read', bucket: command.bucket, keys: KEYS }) as (Entry | undefined)[];
          const expected = KEYS.map((name) => model.entry(command.bucket, name));
          assert.deepEqual(
            found.map((entry) => entry && { value: text(entry.value), version: entry.version }),
            expected,
          );
        } else if (command.op === 'list') {
          const { keys } = ask({ op: 'list', bucket: command.bucket, after: 0 }) as KeyPage;
          assert.deepEqual([...keys], [...(model.buckets.get(command.bucket)?.keys() ?? [])]);
        } else if (command.op === 'increment') {
          const { bucket: name, key: at, delta } = command;
          const expected = model.whole(() => {
            const before = model.entry(name, at)?.value ?? '0';
            if (!/^-?\d+$/.test(before)) return 'STORE_NUMBER_INVALID';
            return model.put(name, at, `${BigInt(before) + delta}`) ?? BigInt(before) + delta;
          });
          assert.equal(ask({ ...command, ...UNBOUNDED }), expected);
        } else {
          const writes = command.writes.map(({ bucket: name, key: at, value, expects }): Write => {
            const versions = {
              anything: undefined,
              nothing: 0,
              this: model.entry(name, at)?.version ?? 0,
              never: 9_999,
            };
            const ifVersion = versions[expects as keyof typeof versions];
            return {
              bucket: name,
              key: at,
              ...(value !== undefined && { value: bytes(value) }),
              ...(ifVersion !== undefined && { ifVersion }),
            };
          });
          const expected = model.whole(() => {
            for (const { bucket: name, key: at, value, ifVersion } of writes) {
              if (ifVersion !== undefined && ifVersion !== (model.entry(name, at)?.version ?? 0)) return 'conflict';
              if (value === undefined) model.delete(name, at);
              else if (model.put(name, at, text(value)) !== undefined) return 'STORE_LIMIT';
            }
            return 'written';
          });
          assert.equal(ask({ op: 'write', writes }), expected);
        }
      }
      const sizes = [...model.buckets].map(([name, entries]) => {
        const total = [...entries].reduce((sum, [k, e]) => sum + k.length + e.value.length, 0);
        return { name, keys: entries.size, bytes: total };
      });
      assert.deepEqual(
        buckets(),
        sizes.sort((a, b) => (a.name < b.name ? -1 : 1)),
      );
    }),
    { numRuns: 150 },
  );
});
