import { parentPort, workerData } from 'node:worker_threads';
import { assert, RuntimeError } from '../errors/index.ts';
import type { Clock, TimerHandle } from '../time/index.ts';
import type { Link } from './link.ts';
import { RingLink } from './ring-link.ts';
import type { OwnLink } from './worker-life.ts';
import { PortBell, type ThreadStart } from './worker-thread.ts';

/** What a worker knows of the main thread. */
export interface Joined {
  readonly link: Link;
  /** What the main thread gave it at its start. */
  readonly data: unknown;
  /** Says that what arrives can be taken from now on: the link is open. To be called once, within the time for its start. */
  ready(): void;
}

/**
 * Joins the main thread that started this worker. What it has of the main thread ends with the link: then nothing of this keeps the
 * worker alive any more.
 */
export function joinMain(clock: Clock): Joined {
  const port = parentPort;
  assert(port !== null, 'this runs in a worker');
  const start = workerData as ThreadStart;
  const heart = new Heart(clock, start.beatMs);
  const link = new RingLink({
    memory: start.memory,
    bell: new PortBell(start.port, true),
    clock,
    onEnd: () => heart.stop(),
  });
  start.port.on('close', () => link.finish(mainGone()));
  return {
    link,
    data: start.data,
    ready() {
      heart.start(link);
      port.postMessage('ready');
    },
  };
}

/** Beats as long as the event loop turns. */
class Heart {
  readonly #clock: Clock;
  readonly #beatMs: number;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, beatMs: number) {
    this.#clock = clock;
    this.#beatMs = beatMs;
  }

  start(link: OwnLink): void {
    this.#timer = this.#clock.after(this.#beatMs, () => {
      link.beat();
      this.start(link);
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

function mainGone(): RuntimeError {
  return new RuntimeError('WORKER_LOST', 'Cannot reach the main thread: it has ended the link', {
    details: { reason: 'closed' },
  });
}
