import { now, subscribeDuration } from 'wasi:clocks/monotonic-clock@0.2.12';
import { drop } from './handles.ts';

/**
 * Jobs and timers. The engine runs none of its own: whoever is called by the host calls {@link settle}, which works
 * them off until the answer is there. Calls of the host look blocking, so nothing else can ever arrive.
 */

const NANOSECONDS = 1_000_000;

const jobs: (() => void)[] = [];

interface Timer {
  readonly dueNs: number;
  readonly repeatMs: number | undefined;
  readonly work: () => void;
}

/** By number, in the order in which they were set. Timers live as long as the instance; they run while it is in a call. */
const timers = new Map<number, Timer>();
let lastTimer = 0;

/** Runs `job` after what runs now. */
export function enqueue(job: () => void): void {
  jobs.push(job);
}

/** Runs `work` when `delayMs` have passed, and again and again if it repeats. */
export function setTimer(work: () => void, delayMs: number, repeats: boolean): number {
  lastTimer += 1;
  const wait = Math.max(0, Number(delayMs) || 0);
  timers.set(lastTimer, { dueNs: now() + wait * NANOSECONDS, repeatMs: repeats ? wait : undefined, work });
  return lastTimer;
}

export function clearTimer(id: number | undefined): void {
  if (id !== undefined) timers.delete(id);
}

/** Runs what waits, until nothing does. */
export function runJobs(): void {
  // Not `for…of`: jobs add jobs.
  for (let at = 0; at < jobs.length; at++) (jobs[at] as () => void)();
  jobs.length = 0;
}

/** Waits for the next timer and runs it; `false` if there is none. */
function runTimer(): boolean {
  let next: [number, Timer] | undefined;
  for (const entry of timers) if (next === undefined || entry[1].dueNs < next[1].dueNs) next = entry;
  if (next === undefined) return false;
  const [id, timer] = next;
  sleepUntil(timer.dueNs);
  timers.delete(id);
  if (timer.repeatMs !== undefined) timers.set(id, { ...timer, dueNs: now() + timer.repeatMs * NANOSECONDS });
  timer.work();
  return true;
}

function sleepUntil(dueNs: number): void {
  const left = dueNs - now();
  if (left <= 0) return;
  const pollable = subscribeDuration(left);
  pollable.block();
  drop('pollable', pollable);
}

/** Anything with a `then`. */
export type Thenable<T> = PromiseLike<T>;

export function isThenable(value: unknown): value is Thenable<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * What `value` comes to: itself, or, if it is a promise, its result, after all that has to happen before.
 *
 * @throws what the promise rejects with, or `Error` if it can never settle.
 */
export function settle<T>(value: T | Thenable<T>): T {
  if (!isThenable(value)) {
    runJobs();
    return value;
  }
  let outcome: { readonly value: T } | { readonly reason: unknown } | undefined;
  value.then(
    (result) => {
      outcome = { value: result as T };
    },
    (reason: unknown) => {
      outcome = { reason };
    },
  );
  do runJobs();
  while (outcome === undefined && runTimer());
  if (outcome === undefined) throw new Error('The promise can never settle: nothing is left that could');
  if ('reason' in outcome) throw outcome.reason;
  return outcome.value;
}
