import {
  MessageChannel,
  type MessagePort,
  Worker as NodeWorker,
  type ResourceLimits,
  type Transferable,
} from 'node:worker_threads';
import type { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { type Bell, type BellMessage, createRingMemories, RingLink, type RingMemory } from './ring-link.ts';
import { LIFE_DEFAULTS, type LifeTimes, LOOKS, type Worker, WorkerLife } from './worker-life.ts';

/** What a thread finds when it starts. */
export interface ThreadStart {
  readonly memory: RingMemory;
  readonly port: MessagePort;
  /** Milliseconds between two beats. */
  readonly beatMs: number;
  /** The runtime's own. */
  readonly data: unknown;
}

/** How a worker is started. */
export interface WorkerStart {
  /** Names it in errors and listings. */
  readonly name: string;
  /** The module that it runs; it calls `joinMain` first thing. */
  readonly entry: URL;
  /** What `joinMain` gives it. Structured-cloneable; for a process, without shared memory and compiled modules. */
  readonly data?: unknown;
  readonly clock: Clock;
  readonly times?: LifeTimes | undefined;
  /** Megabytes that V8 may take for JavaScript of it; beyond, the worker is lost. Default: Node.js's own. */
  readonly heapMegabytes?: number | undefined;
}

/** Milliseconds between two beats of a worker with such a watchdog. */
export function beatMsOf(times: LifeTimes | undefined): number {
  return (times?.watchdogMs ?? LIFE_DEFAULTS.watchdogMs) / (2 * LOOKS);
}

/** Starts a worker on a thread of this process. */
export function startThread(start: WorkerStart): Worker {
  const [mine, theirs] = createRingMemories();
  const { port1, port2 } = new MessageChannel();
  const workerData: ThreadStart = { memory: theirs, port: port2, beatMs: beatMsOf(start.times), data: start.data };
  const resourceLimits: ResourceLimits =
    start.heapMegabytes === undefined ? {} : { maxOldGenerationSizeMb: start.heapMegabytes };
  const thread = new NodeWorker(start.entry, {
    name: start.name,
    workerData,
    transferList: [port2],
    resourceLimits,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let life: WorkerLife | undefined;
  const onEnd = (reason: RuntimeError | undefined) => life?.onLinkEnd(reason);
  const link = new RingLink({ memory: mine, bell: new PortBell(port1, false), clock: start.clock, onEnd });
  life = new WorkerLife({
    name: start.name,
    vehicle: {
      link,
      kill: () => void thread.terminate(),
      hold: (keepAlive) => (keepAlive ? thread.ref() : thread.unref()),
    },
    clock: start.clock,
    times: start.times ?? {},
    utilization: utilizationOf(thread),
  });
  follow(thread, life);
  return life;
}

/** Says to a life what becomes of its thread. */
function follow(thread: NodeWorker, life: WorkerLife): void {
  thread.on('message', () => life.onReady());
  thread.on('error', (error: unknown) => {
    const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
    if (code === 'ERR_WORKER_OUT_OF_MEMORY') life.onFault('memory', 'it needed more memory than it may have');
    else life.onFault('error', `it threw "${String(message ?? error).slice(0, 1_000)}"`);
  });
  thread.on('messageerror', () => {
    life.onFault('garbage', 'it posted what cannot be read');
    life.terminate();
  });
  thread.on('exit', (code) => life.onExit('exit', `it has ended with exit code ${code}`));
}

/** The busy share between two calls. */
function utilizationOf(thread: NodeWorker): () => number {
  let last = thread.performance.eventLoopUtilization();
  return () => {
    const now = thread.performance.eventLoopUtilization();
    const { utilization } = thread.performance.eventLoopUtilization(now, last);
    last = now;
    return Number.isFinite(utilization) ? utilization : 0;
  };
}

/** Rings by a `MessagePort`. */
export class PortBell implements Bell {
  onMessage: (message: BellMessage) => void = () => {};
  readonly #port: MessagePort;

  constructor(port: MessagePort, keepAlive: boolean) {
    this.#port = port;
    port.on('message', (message: BellMessage) => this.onMessage(message));
    this.hold(keepAlive);
  }

  post(message: BellMessage, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, [...transfer]);
  }

  hold(keepAlive: boolean): void {
    if (keepAlive) this.#port.ref();
    else this.#port.unref();
  }

  close(): void {
    this.#port.close();
  }
}
