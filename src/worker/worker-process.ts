import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../time/index.ts';
import { otherGone } from './losses.ts';
import { type Pipe, PipeLink } from './pipe-link.ts';
import { type Worker, WorkerLife } from './worker-life.ts';
import { beatMsOf, type WorkerStart } from './worker-thread.ts';

/** The descriptor of the pipe in a child. */
export const PIPE_DESCRIPTOR = 3;

/** Argument of a child: tells it that it is one. */
export const CHILD_MARK = '--troupe-worker';

/** Characters of what a child wrote to standard error that are kept, to say why it has ended. */
const LAST_WORDS_MAX = 2_048;

/** What a child is told first. */
export interface ProcessStart {
  /** The runtime's own. */
  readonly data: unknown;
  /** Milliseconds between two beats. */
  readonly beatMs: number;
}

/** Milliseconds from the end of a child to that of its pipe, and the other way round. */
const ENDS_APART_MS = 1_000;

/**
 * Starts a worker in a process of its own. It inherits neither environment nor descriptors nor flags; what it writes to standard
 * output is thrown away.
 */
export function startProcess(start: WorkerStart): Worker {
  const { clock } = start;
  const flags = start.heapMegabytes === undefined ? [] : [`--max-old-space-size=${start.heapMegabytes}`];
  const entry = [fileURLToPath(start.entry), CHILD_MARK];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...flags, ...entry], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: {},
    windowsHide: true,
  });
  let life: WorkerLife | undefined;
  const link = new PipeLink({
    pipe: child.stdio[PIPE_DESCRIPTOR] as Pipe,
    onHello: () => life?.onReady(),
    onPipeClosed: () => void clock.after(ENDS_APART_MS, () => link.lose(otherGone())),
    onEnd: (reason) => life?.onLinkEnd(reason),
  });
  life = new WorkerLife({
    name: start.name,
    vehicle: {
      link,
      kill: () => void child.kill('SIGKILL'),
      hold: (keepAlive) => (keepAlive ? child.ref() : child.unref()),
    },
    clock,
    times: start.times ?? {},
  });
  link.hold(false);
  follow(child, life, clock);
  link.hello({ data: start.data, beatMs: beatMsOf(start.times) } satisfies ProcessStart);
  return life;
}

/** Says to a life what becomes of its process. */
function follow(child: ChildProcess, life: WorkerLife, clock: Clock): void {
  let lastWords = '';
  const errors = child.stderr as Pipe;
  errors.on('data', (chunk) => {
    lastWords = (lastWords + String(chunk)).slice(-LAST_WORDS_MAX);
  });
  errors.unref?.();
  child.on('error', (error) => {
    life.onFault('error', `it could not be started: ${error.message}`);
    if (child.pid === undefined) life.onExit('error', 'it could not be started');
  });
  child.on('exit', (code, signal) => {
    const onExit = () => {
      const thrown = /^\w*Error(?: \[\w+\])?: .{1,500}/m.exec(lastWords)?.[0];
      if (/heap out of memory/.test(lastWords)) life.onExit('memory', 'it needed more memory than it may have');
      else if (signal !== null) life.onExit('signal', `it was ended by ${signal}`);
      else if (thrown !== undefined) life.onExit('error', `it threw "${thrown}"`);
      else life.onExit('exit', `it has ended with exit code ${code}`);
    };
    // What it had written is still in its pipes. Their end is not awaited for long: it may have given them to others.
    const timer = clock.after(ENDS_APART_MS, onExit, true);
    child.once('close', () => {
      timer.cancel();
      onExit();
    });
  });
}
