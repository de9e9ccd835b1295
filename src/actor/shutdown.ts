import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { Services } from './cell.ts';
import { everyCell } from './family.ts';
import { observe } from './observe.ts';
import { checkTimeoutMs, type StopPhase, type StopTaskFailure } from './options.ts';

/** Milliseconds between two looks at whether all is finished: who waits for a drain does not feel it. */
const DRAIN_LOOK_MS = 10;

/** How a task of a stop is run. */
export interface StopTaskOptions {
  /** For whoever hears that it failed. Default: its phase. */
  readonly name?: string;
  /** Milliseconds, 1 to 3_600_000. Default 5_000. Then the stop goes on without it. */
  readonly deadlineMs?: number;
}

interface Task {
  readonly name: string;
  readonly deadlineMs: number;
  readonly run: () => unknown;
}

/** Milliseconds; as an actor's own stop. */
const TASK_TIMEOUT_MS = 5_000;

/** Tasks of all phases; more are a list in one task. */
const TASKS_MAX = 1_024;

/** In the order in which a stop comes to them. */
const PHASES: readonly StopPhase[] = ['close', 'drain', 'stop', 'release'];

/** The tasks of a stop, by phase: phase after phase, those of one phase at the same time, each within its deadline. */
export class StopTasks {
  readonly #clock: Clock;
  readonly #onFailed: ((failure: StopTaskFailure) => void) | undefined;
  readonly #tasks: Readonly<Record<StopPhase, Set<Task>>> = {
    close: new Set(),
    drain: new Set(),
    stop: new Set(),
    release: new Set(),
  };
  /** How many phases the stop has come to. */
  #reached = 0;

  constructor(clock: Clock, onFailed: ((failure: StopTaskFailure) => void) | undefined) {
    this.#clock = clock;
    this.#onFailed = onFailed;
  }

  /**
   * Adds a task; returns what takes it out again.
   *
   * @throws {RangeError} The deadline is out of range, there is no such phase, or there are 1,024 tasks already.
   * @throws {RuntimeError} `SYSTEM_STOPPED` — the stop has come to that phase: the task would never run.
   */
  add(phase: StopPhase, run: () => unknown, options: StopTaskOptions = {}): () => void {
    if (!PHASES.includes(phase)) throw new RangeError(`There is no stop phase ${JSON.stringify(phase)}`);
    if (PHASES.indexOf(phase) < this.#reached) {
      const text = `Cannot add a task to "${phase}": the stop of the system has come to that phase; add it earlier, or to a later phase`;
      throw new RuntimeError('SYSTEM_STOPPED', text, { details: { phase } });
    }
    const count = Object.values(this.#tasks).reduce((sum, { size }) => sum + size, 0);
    if (count >= TASKS_MAX) throw new RangeError(`A stop has at most ${TASKS_MAX} tasks`);
    const deadlineMs = checkTimeoutMs('deadlineMs', options.deadlineMs ?? TASK_TIMEOUT_MS);
    const task: Task = { name: options.name ?? phase, deadlineMs, run };
    this.#tasks[phase].add(task);
    return () => this.#tasks[phase].delete(task);
  }

  /**
   * Runs the tasks of a phase, none for longer than `limitMs`; nothing to wait for if there is none. From now on no task is
   * added to it. Never rejects.
   */
  run(phase: StopPhase, limitMs: number = Number.POSITIVE_INFINITY): Promise<unknown> | undefined {
    this.#reached = PHASES.indexOf(phase) + 1;
    const tasks = [...this.#tasks[phase]];
    this.#tasks[phase].clear();
    if (tasks.length === 0) return undefined;
    return Promise.all(
      tasks.map((task) => this.#runOne(phase, { ...task, deadlineMs: Math.min(task.deadlineMs, limitMs) })),
    );
  }

  async #runOne(phase: StopPhase, { name, deadlineMs, run }: Task): Promise<void> {
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    const timer = this.#clock.after(
      deadlineMs,
      () => reject(new RuntimeError('ASK_TIMEOUT', `"${name}" was not done within ${deadlineMs} ms`)),
      true,
    );
    try {
      await Promise.race([(async () => run())(), overdue]);
    } catch (thrown) {
      if (this.#onFailed !== undefined) {
        observe(this.#onFailed, { phase, task: name, error: RuntimeError.from(thrown) });
      }
    } finally {
      timer.cancel();
    }
  }
}

/** How long actors may finish what was accepted. */
export interface Finishing {
  readonly deadlineMs: number;
  /** When it is over although the deadline has not passed, on the system's clock. */
  readonly untilMs: () => number;
}

/** Lets actors finish what was accepted: from now on only they may send. Resolves when nobody has anything left to do. */
export async function finish(services: Services, tasks: StopTasks, { deadlineMs, untilMs }: Finishing): Promise<void> {
  const { clock } = services;
  services.isDraining = true;
  for (const { mailbox } of everyCell(services)) mailbox.closeGate();
  const endsMs = clock.nowMs() + deadlineMs;
  await tasks.run('drain', deadlineMs);
  while (isAnyBusy(services) && clock.nowMs() < Math.min(endsMs, untilMs())) {
    await new Promise<void>((resolve) => void clock.after(DRAIN_LOOK_MS, resolve, true));
  }
}

/** Whether an actor has something to do, now or when it is back. */
function isAnyBusy(services: Services): boolean {
  for (const { status, mailbox, elsewhere } of everyCell(services)) {
    if (mailbox.hasWork || elsewhere > 0 || (status !== 'idle' && status !== 'held' && status !== 'backing-off'))
      return true;
  }
  return false;
}
