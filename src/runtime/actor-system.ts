import { type ActorSystemOptions, ActorSystem as System } from '../actor/index.ts';
import type { AuditSink } from '../audit/index.ts';
import { Broker } from '../broker/index.ts';
import { Registry } from '../registry/index.ts';
import { systemClock } from '../time/index.ts';
import { auditedOptions } from './audited-system.ts';
import type { Metrics } from './metrics.ts';
import { SystemWorkers, type WorkersOptions } from './system-workers.ts';
import type { MeasuredElsewhere } from './worker-telemetry.ts';

/** One runtime of actors in one process. */
export type ActorSystem = System;

/** How an actor system is made. */
export interface SystemOptions extends ActorSystemOptions {
  /**
   * Threads on which the actors of components and of modules (`workerActor`) live; all others live on the calling thread. Integer, 0
   * to 256, or how many and how long they may take. Default 0: everything lives on the calling thread. They start with the first
   * such actor, each in some 30 ms and 10 MB.
   */
  readonly workers?: number | WorkersOptions;
  /**
   * Where starts, failures and ends of its actors are put on record. Whoever opened the log closes it, after the system has
   * stopped. Default: nowhere. What components want and get is on record where `component` has the same option.
   */
  readonly audit?: AuditSink | undefined;
  /** What measures it; of one system only. Default: nothing is measured. */
  readonly metrics?: Metrics | undefined;
}

const WORKERS_MAX = 256;

/** Milliseconds: an hour, as for all else. */
const TIME_MAX_MS = 3_600_000;

/**
 * Makes an actor system with a registry and a broker of its own, at once.
 *
 * @throws {RangeError} An option is out of range.
 */
export function createActorSystem({ workers = 0, audit, metrics, ...options }: SystemOptions = {}): ActorSystem {
  const audited = audit === undefined ? options : auditedOptions(options, audit);
  const threads = typeof workers === 'number' ? { count: workers } : workers;
  return createWithWorkers(audited, threads, metrics).system;
}

/**
 * Makes an actor system with so many threads, and processes as they are needed.
 *
 * @throws {RangeError} An option is out of range.
 */
export function createWithWorkers(
  options: ActorSystemOptions,
  threads: WorkersOptions,
  metrics?: Metrics,
): { readonly system: ActorSystem; readonly workers: SystemWorkers } {
  assertWorkers(threads);
  const { clock = systemClock } = options;
  const names = new Registry();
  const topics = metrics?.topics(clock) ?? new Broker();
  const isTimed = metrics !== undefined;
  const system: ActorSystem = new System(options, { names, topics, isTimed, place: (type) => workers.place(type) });
  const onMeasured = metrics && ((measured: MeasuredElsewhere): void => metrics.addElsewhere(system.meter, measured));
  const workers = new SystemWorkers(threads, { system, names, topics, clock, onMeasured });
  metrics?.begin({ system, clock, workers });
  return { system, workers };
}

function assertWorkers({ count, ...times }: WorkersOptions): void {
  if (!Number.isInteger(count) || count < 0 || count > WORKERS_MAX) {
    throw new RangeError(`Cannot make an actor system: workers is ${count}; use an integer from 0 to ${WORKERS_MAX}`);
  }
  for (const name of ['startMs', 'watchdogMs', 'closeMs'] as const) {
    const value = times[name] ?? 1;
    if (typeof value === 'number' && value >= 1 && value <= TIME_MAX_MS) continue;
    throw new RangeError(`Option "${name}" must be from 1 to ${TIME_MAX_MS} milliseconds, not ${value}`);
  }
}

/** Where systems come from. */
export const ActorSystem = Object.freeze({
  /**
   * Makes an actor system. It is `AsyncDisposable`: leaving its scope stops it.
   *
   * @throws {RangeError} (rejects) An option is out of range.
   * @throws {RuntimeError} (rejects) `OUTBOX_CORRUPT` — messages that are kept in the store are damaged; or as a read of it.
   *
   * @example
   * ```ts
   * await using system = await ActorSystem.create();
   * const ref = system.spawn(counter, 'counter');
   * ref.tell.add({ by: 2 });
   * ```
   */
  async create(options: SystemOptions = {}): Promise<ActorSystem> {
    const system = createActorSystem(options);
    try {
      await system.openOutbox();
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  },
});
