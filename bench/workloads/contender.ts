/**
 * What is compared: the same work, done by each contender in its own way.
 *
 * A workload is done `times` times, checks that everything that was sent was handled, and gives nanoseconds for one
 * time. It throws when something was lost: a fast loss is no figure.
 */
export type Workload = (times: number) => Promise<number> | number;

/** Work that more than one contender can do. What one time is, is said where the workload is listed in a suite. */
export type WorkloadKey =
  | 'tell'
  | 'pingPong'
  | 'ask'
  | 'publish'
  | 'spawn'
  | 'threadRing'
  | 'forkJoinThroughput'
  | 'forkJoinCreate'
  | 'chameneos'
  | 'big'
  | 'dictionary'
  | 'producerConsumer'
  | 'skynet';

export interface Contender {
  readonly name: string;
  readonly workloads: Readonly<Partial<Record<WorkloadKey, Workload>>>;
  /** Ends what it started: systems, processes. */
  close?(): Promise<void> | void;
}

/** Nanoseconds for each of `count` things that `work` does. */
export async function timed(count: number, work: () => Promise<unknown> | unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return ((performance.now() - startMs) / count) * 1e6;
}
