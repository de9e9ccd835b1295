import { assert, type RuntimeError } from '../errors/index.ts';
import { type Backoff, backoffDelayMs, type Clock, type Random, type TimerHandle } from '../time/index.ts';
import { type Worker, workerLost } from './worker-life.ts';

/** How often workers are replaced: a place whose worker is lost more than so many times within the period stays empty. */
const LOSSES_MAX = 5;
const LOSSES_PERIOD_MS = 60_000;

/** Between a loss and the next start at the same place. */
const BACKOFF: Backoff = { minMs: 100, maxMs: 10_000, factor: 2, jitter: 0.2 };

/** What a pool needs. */
export interface WorkerPoolParts {
  /** Workers. Integer, 1 or more. */
  readonly size: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Starts a worker for a place, 0 to `size` less 1. What it throws counts as a loss. */
  start(place: number): Worker;
  /** Actors that live on a worker: the fewer, the sooner it gets the next one. */
  load(worker: Worker): number;
  /** A place stays empty, for this reason. */
  onGivenUp?(place: number, reason: RuntimeError): void;
}

/**
 * A fixed number of workers. One that is lost is replaced, after a pause that grows; one that is lost again and again is given up.
 */
export class WorkerPool {
  readonly #parts: WorkerPoolParts;
  readonly #places: Place[];
  #closing: Promise<void> | undefined;
  /** Those who wait for a worker, while all places are between two. */
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  #lastLoss: RuntimeError | undefined;

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts;
    this.#places = Array.from({ length: parts.size }, () => new Place());
    for (const index of this.#places.keys()) this.#start(index);
  }

  /** Those that were started and not lost. */
  get workers(): readonly Worker[] {
    return this.#places.flatMap(({ worker }) => worker ?? []);
  }

  /** Whether every place was given up. */
  get isGivenUp(): boolean {
    return this.#places.every(({ isGivenUp }) => isGivenUp);
  }

  /**
   * Chooses the worker for another actor: the one with the fewest, then the least busy one; waits until it is ready. When it is
   * lost by then, it chooses another.
   *
   * @throws {RuntimeError} `WORKER_LOST` — every place was given up, or the pool was closed.
   */
  async place(): Promise<Worker> {
    for (;;) {
      const chosen = this.#choose();
      if (chosen === undefined) {
        await this.#until();
        continue;
      }
      if (await this.#isReady(chosen)) return chosen;
    }
  }

  /**
   * The worker of one place; waits until it is ready, or another one there.
   *
   * @param index 0 to `size` less 1.
   * @throws {RuntimeError} `WORKER_LOST` — the place was given up, or the pool was closed.
   */
  async at(index: number): Promise<Worker> {
    const place = this.#places[index];
    assert(place !== undefined, 'a pool is asked for places that it has');
    for (;;) {
      if (place.isGivenUp) throw this.#lastLoss ?? workerLost(`${index}`, 'exit', 'it was given up');
      const { worker } = place;
      if (worker === undefined) await this.#until();
      else if (await this.#isReady(worker)) return worker;
    }
  }

  async #isReady(worker: Worker): Promise<boolean> {
    const isReady = await worker.ready.then(
      () => true,
      () => false,
    );
    // Its place learns of the loss when nothing is left of it.
    if (!isReady) await worker.ended;
    return isReady;
  }

  /** Closes all workers. Resolves when nothing is left of them. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { workers } = this;
    for (const place of this.#places) place.clear();
    this.#wake();
    await Promise.all(workers.map((worker) => worker.close()));
  }

  #choose(): Worker | undefined {
    let best: Worker | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (const worker of this.workers) {
      // A share of less than one: it decides between those that have as many actors.
      const load = this.#parts.load(worker) + worker.utilization() * 0.99;
      if (load < bestLoad) [best, bestLoad] = [worker, load];
    }
    return best;
  }

  async #until(): Promise<void> {
    if (this.#closing !== undefined) throw workerLost('pool', 'closed', 'the pool was closed');
    if (this.isGivenUp) {
      throw this.#lastLoss ?? workerLost('pool', 'exit', 'all workers were given up');
    }
    const waiting = Promise.withResolvers<void>();
    this.#waiting.add(waiting);
    for (const { timer } of this.#places) timer?.hold(true);
    await waiting.promise;
  }

  #wake(): void {
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #start(index: number): void {
    const place = this.#places[index] as Place;
    let worker: Worker;
    try {
      worker = this.#parts.start(index);
    } catch (error) {
      this.#onLost(index, workerLost(`${index}`, 'error', `it could not be started: ${String(error)}`));
      return;
    }
    place.worker = worker;
    this.#wake();
    void worker.ended.then((reason) => {
      if (place.worker !== worker) return;
      place.worker = undefined;
      this.#onLost(index, reason ?? workerLost(worker.name, 'closed', 'it was closed'));
    });
  }

  #onLost(index: number, reason: RuntimeError): void {
    const place = this.#places[index] as Place;
    const { clock, random, onGivenUp } = this.#parts;
    this.#lastLoss = reason;
    const losses = place.countLoss(clock.nowMs());
    if (losses <= LOSSES_MAX) {
      const delayMs = backoffDelayMs(BACKOFF, losses - 1, random.next());
      place.timer = clock.after(delayMs, () => this.#start(index), this.#waiting.size > 0);
      return;
    }
    place.isGivenUp = true;
    this.#wake();
    onGivenUp?.(index, reason);
  }
}

/** Where one worker lives after the other. */
class Place {
  worker: Worker | undefined;
  timer: TimerHandle | undefined;
  isGivenUp = false;
  /** When workers were lost here; those of the last period. */
  #lossesMs: number[] = [];

  /** Counts a loss, and says how many there were within the period. */
  countLoss(nowMs: number): number {
    this.#lossesMs = [...this.#lossesMs.filter((atMs) => nowMs - atMs < LOSSES_PERIOD_MS), nowMs];
    return this.#lossesMs.length;
  }

  clear(): void {
    this.timer?.cancel();
    this.worker = undefined;
  }
}
