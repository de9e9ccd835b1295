import type { DispatchOptions } from '../dispatch/index.ts';
import type { RuntimeError } from '../errors/index.ts';
import { type MailboxOptions, toMailboxPolicy } from '../mailbox/index.ts';
import { type Directive, type SupervisionOptions, toSupervisionPolicy } from '../supervision/index.ts';
import type { Clock, Random } from '../time/index.ts';
import type { ActorRef } from './actor-ref.ts';
import type { DeadLetterListener } from './dead-letters.ts';
import { assertKeys, type KeysOf } from './known-keys.ts';
import type { DurableStore } from './ports.ts';
import type { TopicSpec } from './subscription.ts';

/** Milliseconds to wait for a reply; OTP's default (`gen_server:call/2`). */
export const ASK_TIMEOUT_MS = 5_000;
/** Milliseconds: an hour. A longer wait is a job to be tracked, not a question. */
export const ASK_TIMEOUT_MAX_MS = 3_600_000;

/** Milliseconds: a component of 12 MB compiles and starts within a second; what takes longer than ten hangs. */
export const START_TIMEOUT_MS = 10_000;
/** Milliseconds; OTP's default `shutdown` of a worker. */
export const STOP_TIMEOUT_MS = 5_000;
/** Milliseconds to finish what was accepted: what Kubernetes gives a pod to end (30 s), less time to stop. */
export const DRAIN_TIMEOUT_MS = 20_000;
/** Milliseconds: twice an actor's own, so that a hanging one is killed before the system gives up on all. */
export const SYSTEM_STOP_TIMEOUT_MS = 10_000;
/** Milliseconds: an hour, as for an ask. */
export const TIMEOUT_MAX_MS = 3_600_000;

/** How an actor is run. */
export interface SpawnOptions {
  readonly mailbox?: MailboxOptions;
  readonly supervision?: SupervisionOptions;
  /**
   * Milliseconds for `init`, 1 to 3_600_000. Default 10_000; of a supervisor, as much more as its children may take. Then the
   * start has failed.
   */
  readonly startTimeoutMs?: number;
  /**
   * Milliseconds for the current message, the children and the stop hook together, 1 to 3_600_000. Default 5_000; of a
   * supervisor, as long as its children take, each within its own. Then it is killed.
   */
  readonly stopTimeoutMs?: number;
  /**
   * Topics that the actor takes: pattern → the `tell` operation that a message becomes; or a list of patterns, for actors
   * that take any operation, and of subscriptions with options. `*` stands for one segment, `>` at the end for one or more.
   */
  readonly subscribe?: Readonly<Record<string, string>> | readonly (string | TopicSpec)[];
}

/** A failure of an actor, and what its supervisor did about it. */
export interface FailureReport {
  readonly actor: ActorRef;
  /**
   * `start`: in `init`. `message`: in a handler. `child`: a child's failure escalated. `link`: a linked actor failed.
   * `snapshot`: while its state was kept. `health`: while it looked after itself.
   * `stop`: in the stop hook, when it was disposed of, or because it did not end in time.
   */
  readonly phase: 'start' | 'message' | 'child' | 'link' | 'snapshot' | 'health' | 'stop';
  readonly error: RuntimeError;
  /** `undefined` for `stop`, for a snapshot that could not be kept, and for an actor that is to stop anyway: nothing is decided any more. */
  readonly directive: Directive | undefined;
}

/** How a system looks after its own health. */
export interface HealthOptions {
  /** Milliseconds between two looks, 10 to 3_600_000. Default 1_000. */
  readonly everyMs?: number;
  /** Milliseconds in one handler, or of the oldest message in a mailbox, from which on an actor is not well. Default 5_000. */
  readonly slowMs?: number;
  /** Milliseconds that the event loop may be late before that is a reason. Default 200. */
  readonly delayMs?: number;
}

/**
 * What a system does when it stops, in this order. `close`: nothing more is taken from outside. `drain`: what was taken
 * is finished; left out when the system stops without draining. `stop`: just before the actors stop. `release`: when no
 * actor is left.
 */
export type StopPhase = 'close' | 'drain' | 'stop' | 'release';

/** A task that threw, rejected, or was not done in time. */
export interface StopTaskFailure {
  readonly phase: StopPhase;
  readonly task: string;
  readonly error: RuntimeError;
}

/** How a system is run. */
export interface ActorSystemOptions extends DispatchOptions {
  /** Default: the clock of this process. */
  readonly clock?: Clock;
  /** Default: Node.js's own. */
  readonly random?: Random;
  /**
   * Where the states of named actors that are durable outlast the process, and messages until they are handled. Whoever
   * opened it closes it, after the system has stopped; it is of one system at a time (`STORE_LOCKED`). Default: states are kept in memory, from restart to restart.
   */
  readonly store?: DurableStore;
  /** The same as subscribing to `system.deadLetters` before anything happens. */
  readonly onDeadLetter?: DeadLetterListener;
  /**
   * Called for every failure, in the middle of other work: it should be quick. What it throws or rejects with is ignored.
   * It may stop or kill the actor, which is then not restarted.
   */
  readonly onFailure?: (report: FailureReport) => void;
  /** Called when a task of a stop failed, or was not done in time. As {@link onFailure}. */
  readonly onStopTaskFailed?: (failure: StopTaskFailure) => void;
  /** Looks after the event loop and the age of messages, again and again. Default: only when somebody asks. */
  readonly health?: HealthOptions;
  /** Called when an actor starts taking messages, at first and after each restart. As {@link onFailure}. */
  readonly onStarted?: (actor: ActorRef) => void;
}

const SPAWN: KeysOf<SpawnOptions> = {
  mailbox: true,
  supervision: true,
  startTimeoutMs: true,
  stopTimeoutMs: true,
  subscribe: true,
};
const MAILBOX: KeysOf<MailboxOptions> = { capacity: true, capacityBytes: true, overflow: true };
const SUPERVISION: KeysOf<SupervisionOptions> = {
  restart: true,
  intensity: true,
  periodMs: true,
  backoffMinMs: true,
  backoffMaxMs: true,
  backoffFactor: true,
  backoffJitter: true,
  quarantineMs: true,
  stuckAfterMs: true,
};

/**
 * Refuses options of an actor that are not ours.
 *
 * @throws {RuntimeError} `CONFIG_INVALID`.
 */
export function assertKnownOptions(options: SpawnOptions): void {
  assertKeys('options of an actor', options, SPAWN);
  const { mailbox, supervision } = options;
  if (mailbox !== undefined) assertKeys('"mailbox"', mailbox, MAILBOX);
  if (supervision !== undefined) assertKeys('"supervision"', supervision, SUPERVISION);
}

/**
 * Refuses what `spawn` would refuse of its options but for topics, which only a system knows.
 *
 * @throws {RangeError} An option is out of range.
 * @throws {RuntimeError} `CONFIG_INVALID`.
 */
export function assertSpawnOptions(options: SpawnOptions): void {
  assertKnownOptions(options);
  const { mailbox, supervision, startTimeoutMs, stopTimeoutMs } = options;
  toMailboxPolicy(mailbox);
  toSupervisionPolicy(supervision);
  if (startTimeoutMs !== undefined) checkTimeoutMs('startTimeoutMs', startTimeoutMs);
  if (stopTimeoutMs !== undefined) checkTimeoutMs('stopTimeoutMs', stopTimeoutMs);
}

/** Returns `value`, or throws a `RangeError` that names it. */
export function checkTimeoutMs(name: string, value: number): number {
  if (typeof value === 'number' && value >= 1 && value <= TIMEOUT_MAX_MS) return value;
  throw new RangeError(`Option "${name}" must be from 1 to ${TIMEOUT_MAX_MS} milliseconds, not ${value}`);
}
