import { type Eventually, type Guest, trap } from '../guest/index.ts';

/** Elements of one poll list; more end the guest. A guest cannot hold more resources by default. */
const POLL_LIST_MAX = 16_384;

/** Where readiness comes from: a stream, a timer. */
export interface Readiness {
  /** True when waiting would return at once. */
  ready(): boolean;
  /** Calls `wake`, perhaps more than once, when readiness may have changed; returns how to stop that. */
  watch(wake: () => void): () => void;
}

interface PollableOptions {
  readonly guest: Guest;
  readonly source: Readiness;
  /** A deadline: it becomes ready without any I/O. */
  readonly isTimer?: boolean;
  /** Called once when the pollable is dropped. */
  readonly onDrop?: () => void;
}

/** The `pollable` resource. */
export class Pollable implements Readiness {
  readonly isTimer: boolean;
  readonly guest: Guest;
  readonly #source: Readiness;
  readonly #onDrop: (() => void) | undefined;

  constructor({ guest, source, isTimer = false, onDrop }: PollableOptions) {
    guest.hold();
    this.guest = guest;
    this.#source = source;
    this.isTimer = isTimer;
    this.#onDrop = onDrop;
  }

  ready(): boolean {
    return this.#source.ready();
  }

  watch(wake: () => void): () => void {
    return this.#source.watch(wake);
  }

  drop(): void {
    this.guest.release();
    this.#onDrop?.();
  }
}

/** `pollable.ready`. */
export function isReady(pollable: Pollable): Eventually<boolean> {
  return pollable.ready() || pollable.guest.notYet(() => pollable.ready());
}

/** `pollable.block`. */
export function block(pollable: Pollable): Eventually<undefined> {
  const result = poll([pollable]);
  return result instanceof Promise ? result.then(() => undefined) : undefined;
}

/**
 * `poll.poll`: the indices of what is ready, after waiting for at least one. A pollable that stands twice in the list
 * is reported twice.
 */
export function poll(pollables: readonly Pollable[]): Eventually<readonly number[]> {
  const guest = pollables[0]?.guest ?? trap('Cannot poll an empty list');
  if (pollables.length > POLL_LIST_MAX)
    trap(`Cannot poll ${pollables.length} pollables: at most ${POLL_LIST_MAX} are allowed`);
  const ready = readyIndices(pollables);
  if (ready.length === 0) return waitForAny(guest, pollables);
  if (!isTimersOnly(pollables, ready)) return ready;
  // Only deadlines have passed. If I/O is waited for too, it gets the turn that it needs to be noticed: a guest that
  // asks "is there input?" with a zero timeout would never see any.
  const recheck = () => readyIndices(pollables);
  return ready.length < pollables.length ? guest.turn().then(recheck) : guest.notYet(recheck);
}

async function waitForAny(guest: Guest, pollables: readonly Pollable[]): Promise<readonly number[]> {
  await guest.wait((done) => {
    const cancels: (() => void)[] = [];
    const stop = () => {
      for (const cancel of cancels) cancel();
    };
    for (const pollable of new Set(pollables)) {
      cancels.push(
        pollable.watch(() => {
          if (pollable.ready()) done();
        }),
      );
    }
    // Watching may itself have begun what was ready at once.
    if (pollables.some((pollable) => pollable.ready())) done();
    return stop;
  });
  return readyIndices(pollables);
}

function readyIndices(pollables: readonly Pollable[]): readonly number[] {
  const indices: number[] = [];
  for (const [index, pollable] of pollables.entries()) {
    if (pollable.ready()) indices.push(index);
  }
  return indices;
}

function isTimersOnly(pollables: readonly Pollable[], ready: readonly number[]): boolean {
  return ready.every((index) => pollables[index]?.isTimer === true);
}
