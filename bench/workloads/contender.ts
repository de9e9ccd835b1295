/**
 * What is compared: the same work, done by each contender in its own way.
 *
 * A workload is done about `times` times, checks that everything that was sent was handled, and gives nanoseconds for
 * one time. It throws when something was lost: a fast loss is no figure.
 */
export type Workload = (times: number) => Promise<number> | number;

/** Work that more than one contender can do, by what one time of it is. */
export interface Workloads {
  /** A message `{ by: 1 }`, made, sent and handled. In bursts that fit a mailbox; a burst ends when its last one was handled. */
  readonly tell: Workload;
  /** A message between two actors that send one number to and fro. */
  readonly pingPong: Workload;
  /** A request and its awaited answer, given up after some seconds. */
  readonly ask: Workload;
  /** The same without a deadline, where that is possible: ours always has one. */
  readonly askForEver: Workload;
  /** A message to 100 actors, handled by all. At most 50 wait in a mailbox. */
  readonly publish: Workload;
  /** An actor, until its maker can send to it. Whether it has run by then differs. */
  readonly spawn: Workload;
  /** An actor that has run: its initial state is made, and it waits for messages. */
  readonly start: Workload;
  /** A message from one of 503 actors in a ring to the next. */
  readonly threadRing: Workload;
  /** A message with a sine to compute, to one of 60 actors. */
  readonly forkJoinThroughput: Workload;
  /** An actor that is made, handles one message and ends. All are made before the first one runs. */
  readonly forkJoinCreate: Workload;
  /** A meeting of two of 100 creatures in a mall: four messages. */
  readonly chameneos: Workload;
  /** A message, in a round in which each of 1,000 actors sends one to each other. */
  readonly big: Workload;
  /** A request of one of 20 actors to a dictionary, and its answer; every tenth writes. */
  readonly dictionary: Workload;
  /** An item from one of 40 producers, through a buffer of 50, to one of 40 consumers: four messages. */
  readonly producerConsumer: Workload;
  /** An actor of a tree in which each has ten children; they give their sums to it and end. */
  readonly skynet: Workload;
  /** A name that is found among 1,000, each as often as any other. */
  readonly lookup: Workload;
  /** The same among 100,000, one far from the other. */
  readonly lookupMany: Workload;
  /** A number of 1,024 that are an actor's state, or are shared behind a lock. */
  readonly stateRead: Workload;
  readonly stateWrite: Workload;
}
export type WorkloadKey = keyof Workloads;

export interface Contender {
  readonly name: string;
  readonly workloads: Partial<Workloads>;
  /** Bytes that each of `count` started, idle actors takes. At most once, and before anything else. */
  idleBytes?(count: number): Promise<number> | number;
  /** Ends what it started: systems, processes. */
  close?(): Promise<void> | void;
}

/** Nanoseconds for each of `count` things that `work` does. */
export async function timed(count: number, work: () => Promise<unknown> | unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return ((performance.now() - startMs) / count) * 1e6;
}

/** A fixed permutation: names come in another order than they were given, and each comes as often. */
export const scattered = (i: number, count: number): number => (i * 48_271) % count;
