import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../errors/index.ts';
import { ManualClock, SeededRandom } from '../time/index.ts';
import type { Worker } from './worker-life.ts';
import { WorkerPool } from './worker-pool.ts';

/** A worker that lives and dies as the test says. */
class ScriptedWorker implements Worker {
  readonly name: string;
  readonly link = {} as Worker['link'];
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<RuntimeError | undefined>();
  readonly ready = this.#ready.promise;
  readonly ended = this.#ended.promise;
  actors = 0;
  busy = 0;
  isClosed = false;

  constructor(name: string, isReady = true) {
    this.name = name;
    this.ready.catch(() => {});
    if (isReady) this.#ready.resolve();
  }

  utilization(): number {
    return this.busy;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#ended.resolve(undefined);
    return Promise.resolve();
  }

  terminate(reason = new RuntimeError('WORKER_LOST', `Cannot reach worker "${this.name}"`)): void {
    this.#ready.reject(reason);
    this.#ended.resolve(reason);
  }
}

function poolOf(size: number, isReady = true) {
  const clock = new ManualClock();
  const started: ScriptedWorker[] = [];
  const givenUp: number[] = [];
  const pool = new WorkerPool({
    size,
    clock,
    random: new SeededRandom(1),
    start(place) {
      const worker = new ScriptedWorker(`w-${place}`, isReady);
      started.push(worker);
      return worker;
    },
    load: (worker) => (worker as ScriptedWorker).actors,
    onGivenUp: (place) => givenUp.push(place),
  });
  const at = (index: number) => started[index] as ScriptedWorker;
  return { pool, clock, started, givenUp, at };
}

test('WorkerPool places an actor where the fewest live, then where least is done', async () => {
  const { pool, at } = poolOf(3);
  [at(0).actors, at(1).actors, at(2).actors] = [2, 1, 1];
  [at(1).busy, at(2).busy] = [0.9, 0.2];
  assert.equal(await pool.place(), at(2));
  at(2).actors = 3;
  assert.equal(await pool.place(), at(1));
});

test('WorkerPool replaces a worker that is lost, and lets those wait who need one meanwhile', async () => {
  const { pool, clock, started, at } = poolOf(1);
  at(0).terminate();
  await clock.settle();
  const placed = pool.place();
  await clock.settle();
  assert.equal(started.length, 1);
  clock.advance(100);
  assert.equal(await placed, at(1));
});

test('WorkerPool chooses another worker when the one that it chose does not become ready', async () => {
  const { pool, clock, at } = poolOf(2, false);
  const placed = pool.place();
  await clock.settle();
  at(1).actors = 0;
  at(0).terminate();
  at(1).terminate();
  await clock.settle();
  await pool.close();
  await assert.rejects(placed, { code: 'WORKER_LOST' });
});

test('WorkerPool gives a place up whose worker is lost again and again, and says so with the reason', async () => {
  const { pool, clock, started, givenUp, at } = poolOf(1);
  for (let loss = 0; loss < 6; loss++) {
    at(loss).terminate();
    await clock.settle();
    clock.advance(10_000);
  }
  assert.equal(started.length, 6);
  assert.deepEqual(givenUp, [0]);
  await assert.rejects(pool.place(), /Cannot reach worker "w-0"/);
  assert.equal(clock.pendingTimers, 0);
});

test('WorkerPool.at waits for the worker of one place, also for the next one there, and no longer than until it is given up', async () => {
  const { pool, clock, at } = poolOf(2);
  assert.equal(await pool.at(1), at(1));
  at(1).terminate();
  await clock.settle();
  const next = pool.at(1);
  await clock.settle();
  clock.advance(200);
  assert.equal(await next, at(2));
  for (let loss = 2; loss < 7; loss++) {
    at(loss).terminate();
    await clock.settle();
    clock.advance(10_000);
    await clock.settle();
  }
  await assert.rejects(pool.at(1), { code: 'WORKER_LOST' });
  assert.equal(await pool.at(0), at(0));
});

test('WorkerPool closes all workers, and starts none after that', async () => {
  const { pool, clock, started } = poolOf(2);
  started[0]?.terminate();
  await clock.settle();
  await pool.close();
  clock.advance(60_000);
  await clock.settle();
  assert.equal(started.length, 2);
  assert.ok(started[1]?.isClosed);
  assert.equal(clock.pendingTimers, 0);
  await assert.rejects(pool.place(), { code: 'WORKER_LOST' });
});
