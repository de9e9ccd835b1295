import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failsWith } from '../../test/kit/fails-with.ts';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock } from '../time/index.ts';
import { BATCH_MAX, CLOSE_MS, KEY_BYTES_MAX, REQUEST_ITEMS_MAX, VALUE_BYTES_MAX, WAITING_MAX } from './options.ts';
import type { StoreOutcome, StoreRequest } from './requests.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { ThreadEvents } from './thread.ts';

/** A storage thread that answers when the test says so. */
class ScriptedThread {
  readonly batches: (readonly StoreRequest[])[] = [];
  readonly events: ThreadEvents;
  held = false;
  closing = false;
  terminated = false;
  readonly #gone = Promise.withResolvers<void>();

  constructor(events: ThreadEvents) {
    this.events = events;
  }

  post(requests: readonly StoreRequest[]): void {
    this.batches.push(requests);
  }

  hold(keepAlive: boolean): void {
    this.held = keepAlive;
  }

  close(): Promise<void> {
    this.closing = true;
    return this.#gone.promise;
  }

  terminate(): void {
    this.terminated = true;
  }

  gone(): void {
    this.#gone.resolve();
  }

  /** Answers the first `count` requests of the latest batch with the keys that they are for. */
  answer(count = this.batches.at(-1)?.length ?? 0): void {
    const outcomes = (this.batches.at(-1) ?? []).slice(0, count).map((request): StoreOutcome => {
      return { ok: true, value: 'key' in request && request.key === 'yes' };
    });
    this.events.onAnswer(outcomes);
  }
}

function setUp(timeoutMs = 100) {
  const failures: string[] = [];
  const clock = new ManualClock();
  const threads: ScriptedThread[] = [];
  const store = new SqliteStore({
    clock,
    timeoutMs,
    onFailure: ({ code }) => void failures.push(code),
    startThread: (events) => {
      const thread = new ScriptedThread(events);
      threads.push(thread);
      return thread;
    },
  });
  const thread = (index = threads.length - 1) => threads[index] as ScriptedThread;
  return { clock, store, threads, thread, failures, exists: (key: string) => store.exists('b', key) };
}

/** What became of a promise that has settled or not. */
function watch(promise: Promise<unknown>): { readonly outcome: unknown } {
  const seen: { outcome: unknown } = { outcome: 'pending' };
  promise.then(
    (value) => {
      seen.outcome = value;
    },
    (error: RuntimeError) => {
      seen.outcome = error.code;
    },
  );
  return seen;
}

test('ST2: SqliteStore sends what is asked in one go as one batch, and the next when that is answered', async () => {
  const { clock, exists, thread } = setUp();
  const asked = [exists('yes'), exists('no')];
  await clock.settle();
  const later = [exists('yes'), exists('yes')];
  await clock.settle();
  assert.deepEqual(
    thread().batches.map(({ length }) => length),
    [2],
  );
  thread().answer();
  assert.deepEqual(await Promise.all(asked), [true, false]);
  assert.deepEqual(
    thread().batches.map(({ length }) => length),
    [2, 2],
  );
  thread().answer();
  assert.deepEqual(await Promise.all(later), [true, true]);
  assert.equal(thread().held, false);
});

test('ST2: SqliteStore sends again what the thread did not get to, in its order, before anything newer', async () => {
  const { clock, exists, thread } = setUp();
  const asked = ['a', 'b', 'yes'].map(exists);
  await clock.settle();
  const newer = exists('newer');
  await clock.settle();
  thread().answer(1);
  assert.deepEqual(
    thread()
      .batches.at(-1)
      ?.map((request) => 'key' in request && request.key),
    ['b', 'yes', 'newer'],
  );
  thread().answer();
  assert.deepEqual(await Promise.all([...asked, newer]), [false, false, true, false]);
});

test('ST4: a request that is not answered in time is rejected, and says whether it may have been done', async () => {
  const { clock, exists, thread } = setUp();
  const underWay = exists('a');
  await clock.settle();
  const waits = exists('b');
  await clock.settle();
  const isLate = (begun: boolean) => (error: unknown) =>
    RuntimeError.is(error, 'STORE_TIMEOUT') && error.details.begun === begun;
  const rejected = [assert.rejects(underWay, isLate(true)), assert.rejects(waits, isLate(false))];
  await clock.elapse(100);
  await Promise.all(rejected);
  assert.equal(clock.pendingTimers, 0);
  thread().answer();
  await clock.settle();
  assert.equal(thread().batches.length, 1, 'what was given up is not sent');
  const next = exists('yes');
  await clock.settle();
  thread().answer();
  assert.equal(await next, true);
});

test('ST5: SqliteStore refuses what would wait beyond its bounds, and takes more when there is room', async () => {
  const { clock, store, exists, thread } = setUp();
  const asked = Array.from({ length: WAITING_MAX }, () => exists('yes'));
  await assert.rejects(exists('yes'), failsWith('STORE_BUSY', /8192 with/));
  await clock.settle();
  assert.equal(thread().batches[0]?.length, BATCH_MAX);
  thread().answer();
  const value = new Uint8Array(VALUE_BYTES_MAX);
  const large = Array.from({ length: 9 }, (_, index) => watch(store.write([{ bucket: 'b', key: `${index}`, value }])));
  await clock.settle();
  assert.deepEqual(large.map(({ outcome }) => outcome).indexOf('STORE_BUSY'), 7);
  for (let round = 0; round < 30; round++) {
    thread().answer();
    await clock.settle();
  }
  assert.equal((await Promise.all(asked)).length, WAITING_MAX);
  const sizes = thread().batches.map((requests) => requests.filter(({ op }) => op === 'write').length);
  assert.equal(Math.max(...sizes), 1, 'a transaction holds few bytes');
});

test('ST5: SqliteStore refuses at once what is larger than it may be', async () => {
  const { clock, store, threads } = setUp();
  const key = 'é'.repeat(KEY_BYTES_MAX / 2);
  const tooMany = Array.from({ length: REQUEST_ITEMS_MAX + 1 }, () => 'k');
  const value = new Uint8Array(VALUE_BYTES_MAX);
  const write = { bucket: 'b', key: 'k', value };
  for (const refused of [
    store.exists('b', `${key}x`),
    store.read('b', [`${key}x`]),
    store.read('b', tooMany),
    store.exists('b'.repeat(256), 'k'),
    store.list('b'.repeat(256)),
    store.write(tooMany.map((name) => ({ bucket: 'b', key: name }))),
    store.write([{ ...write, value: new Uint8Array(VALUE_BYTES_MAX + 1) }]),
    store.write([write, write]),
    store.increment({ bucket: 'b', key: `${key}x`, delta: 1n, min: 0n, max: 9n }),
  ]) {
    await assert.rejects(refused, failsWith('STORE_LIMIT', /at most/));
  }
  await clock.settle();
  assert.equal(threads.length, 0);
});

test('ST7: a thread that is lost takes its batch with it, and the rest goes to another', async () => {
  const { clock, exists, thread, threads } = setUp();
  const opened = watch(setUp().store.open());
  const first = watch(exists('a'));
  await clock.settle();
  const second = watch(exists('yes'));
  await clock.settle();
  thread().events.onLost(new RuntimeError('STORE_LOST', 'Planted'));
  await clock.settle();
  assert.equal(threads.length, 2);
  assert.deepEqual([first.outcome, second.outcome, opened.outcome], ['STORE_LOST', 'pending', 'pending']);
  thread().events.onOpened();
  thread().answer();
  await clock.settle();
  assert.equal(second.outcome, true);
});

test('ST7: SqliteStore.open rejects with the reason why the thread did not come up', async () => {
  const { store, thread } = setUp();
  const opening = store.open();
  assert.equal(thread().held, true);
  thread().events.onLost(new RuntimeError('STORE_LOCKED', 'Planted'));
  await assert.rejects(opening, failsWith('STORE_LOCKED'));
});

test('SqliteStore tells the operator of a thread that is lost and of a file that is unusable, and of nothing else', async () => {
  const { clock, store, exists, thread, failures } = setUp();
  const opening = store.open();
  thread().events.onOpened();
  await opening;
  for (const code of ['STORE_UNUSABLE', 'STORE_LIMIT'] as const) {
    const asked = exists('a');
    await clock.settle();
    thread().events.onAnswer([{ ok: false, error: new RuntimeError(code, 'Planted').toWire() }]);
    await assert.rejects(asked, failsWith(code));
  }
  thread().events.onLost(new RuntimeError('STORE_LOST', 'Planted'));
  assert.deepEqual(failures, ['STORE_UNUSABLE', 'STORE_LOST']);
  const neverOpen = setUp();
  const opened = neverOpen.store.open();
  neverOpen.thread().events.onLost(new RuntimeError('STORE_LOCKED', 'Planted'));
  await assert.rejects(opened, failsWith('STORE_LOCKED'));
  assert.deepEqual(neverOpen.failures, []);
});

test('close does what waits, then closes the file; afterwards nothing is taken', async () => {
  const { clock, store, exists, thread } = setUp();
  const asked = exists('yes');
  const [closed, again] = [watch(store.close()), watch(store.close())];
  await assert.rejects(exists('yes'), failsWith('STORE_CLOSED'));
  await clock.settle();
  assert.equal(thread().closing, false);
  thread().answer();
  await clock.settle();
  assert.equal(await asked, true);
  assert.deepEqual([thread().closing, thread().held, closed.outcome], [true, true, 'pending']);
  thread().gone();
  await clock.settle();
  assert.deepEqual([closed.outcome, again.outcome, clock.pendingTimers], [undefined, undefined, 0]);
});

test('close ends a thread that does not end by itself, also when it never answered', async () => {
  const { clock, store, exists, thread } = setUp();
  const asked = watch(exists('a'));
  await clock.settle();
  const closed = watch(store.close());
  await clock.elapse(100);
  assert.equal(asked.outcome, 'STORE_TIMEOUT');
  await clock.elapse(CLOSE_MS);
  assert.deepEqual([thread().terminated, closed.outcome], [true, undefined]);
  const { store: unused } = setUp();
  await unused.close();
});
