import { Socket } from 'node:net';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { assert } from '../errors/index.ts';
import type { Clock, TimerHandle } from '../time/index.ts';
import type { Link } from './link.ts';
import { otherGone } from './losses.ts';
import { PipeLink } from './pipe-link.ts';
import { RingLink } from './ring-link.ts';
import type { OwnLink } from './worker-life.ts';
import { CHILD_MARK, PIPE_DESCRIPTOR, type ProcessStart } from './worker-process.ts';
import { PortBell, type ThreadStart } from './worker-thread.ts';

/** What a worker knows of the main thread. */
export interface Joined {
  readonly link: Link;
  /** What the main thread gave it at its start. */
  readonly data: unknown;
  /** Says that what arrives can be taken from now on: the link is open. To be called once, within the time for its start. */
  ready(): void;
}

/** Milliseconds that a process has to end by itself when its link has ended. */
const ORPHAN_MS = 5_000;

/**
 * Joins the main thread that started this worker. What it has of the main thread ends with the link: then nothing of this keeps the
 * worker alive any more, and a process ends whatever else does.
 */
export function joinMain(clock: Clock): Promise<Joined> {
  return isMainThread ? joinByPipe(clock) : Promise.resolve(joinByRings(clock));
}

function joinByRings(clock: Clock): Joined {
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
  start.port.on('close', () => link.finish(otherGone()));
  return {
    link,
    data: start.data,
    ready() {
      heart.start(link);
      port.postMessage('ready');
    },
  };
}

function joinByPipe(clock: Clock): Promise<Joined> {
  assert(process.argv.includes(CHILD_MARK), 'this runs in a worker');
  return new Promise((resolve) => {
    let heart: Heart | undefined;
    const link: PipeLink = new PipeLink({
      pipe: new Socket({ fd: PIPE_DESCRIPTOR }),
      onHello(message) {
        const start = message as ProcessStart;
        const beating = new Heart(clock, start.beatMs);
        heart = beating;
        const ready = () => {
          beating.start(link);
          link.hello('ready');
        };
        resolve({ link, data: start.data, ready });
      },
      onPipeClosed: () => link.lose(otherGone()),
      onEnd() {
        heart?.stop();
        clock.after(ORPHAN_MS, () => process.kill(process.pid, 'SIGKILL'));
      },
    });
  });
}

/** Beats as long as the event loop turns. */
class Heart {
  readonly #clock: Clock;
  readonly #beatMs: number;
  #timer: TimerHandle | undefined;
  #stopped = false;

  constructor(clock: Clock, beatMs: number) {
    this.#clock = clock;
    this.#beatMs = beatMs;
  }

  start(link: OwnLink): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.after(this.#beatMs, () => {
      link.beat();
      this.start(link);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
