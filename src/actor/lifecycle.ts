/**
 * What brings a cell from one incarnation to the next, or to its end.
 *
 * ```
 *   spawn ─► queued ─► starting ─► idle ⇄ queued ⇄ running ⇄ suspended
 *              ▲           │                          │
 *              │           └───────── failed ◄────────┘
 *              │                        │ decide
 *              │      restart           ▼          stop, escalate, asked to stop
 *        backing-off ◄──────────── stopping: children, then the stop hook ─────► stopped
 * ```
 */
import { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import { type Directive, decide } from '../supervision/index.ts';
import type { Termination } from './actor-ref.ts';
import type { Cell, Ending, TurnContext } from './cell.ts';
import type { DeadLetterReason } from './dead-letters.ts';
import type { Header } from './header.ts';
import type { FailureReport } from './options.ts';
import { Refusal } from './refusal.ts';

const STOPPED: Termination = Object.freeze({ kind: 'stopped' });
const KILLED: Termination = Object.freeze({ kind: 'killed' });

/** Whether `value` is something to wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Starts an incarnation. Returns whether it can take messages now; if not, it is starting or has failed. */
export function begin(cell: Cell): boolean {
  const { runner, services } = cell.profile;
  const context = runner.createContext(cell);
  cell.context = context;
  cell.startedMs = Math.floor(services.dispatcher.coarseNowMs);
  let result: unknown;
  try {
    result = runner.start(cell);
    if (!isThenable(result)) {
      started(cell);
      return true;
    }
    cell.status = 'starting';
    waitFor(context, result, { done: () => startedLate(cell), failed: (error) => failStart(cell, error) });
  } catch (error) {
    failStart(cell, error);
    return false;
  }
  const { startTimeoutMs } = cell.profile;
  cell.rare.timer = services.wheel.after(startTimeoutMs, () => {
    failStart(cell, new RuntimeError('ACTOR_START_FAILED', `"${cell.name}" did not start within ${startTimeoutMs} ms`));
  });
  return false;
}

/** What follows a wait. */
export interface Outcome {
  done(value: unknown): void;
  failed(error: unknown): void;
}

/**
 * Calls one of `outcome` when `promise` settles, unless the incarnation was told to wait for something else, or is
 * over, by then.
 */
export function waitFor(context: TurnContext, promise: PromiseLike<unknown>, outcome: Outcome): void {
  // A token of its own for each wait: the same promise may be returned twice.
  const token = {};
  context.waitsFor = token;
  promise.then(
    (value) => {
      if (context.waitsFor !== token) return;
      context.waitsFor = null;
      outcome.done(value);
    },
    (error: unknown) => {
      if (context.waitsFor !== token) return;
      context.waitsFor = null;
      outcome.failed(error);
    },
  );
}

function started(cell: Cell): void {
  const { extras } = cell;
  if (extras?.ready != null) {
    extras.ready.resolve();
    extras.ready = null;
  }
  const { onStarted } = cell.profile.services;
  if (onStarted !== undefined) observe(() => onStarted(cell.ref));
}

function startedLate(cell: Cell): void {
  clearTimer(cell);
  started(cell);
  rest(cell);
}

/** Ends a turn, or another wait: what comes next? */
export function rest(cell: Cell): void {
  const { extras } = cell;
  if (extras !== null && (extras.ending !== null || extras.killed !== null)) {
    advance(cell);
  } else if (cell.mailbox.hasWork) {
    enqueue(cell);
  } else {
    cell.status = 'idle';
    cell.mailbox.trim();
  }
}

function enqueue(cell: Cell): void {
  cell.status = 'queued';
  cell.profile.services.dispatcher.schedule(cell);
}

// ── failure ──

function failStart(cell: Cell, thrown: unknown): void {
  clearTimer(cell);
  const cause = RuntimeError.from(Refusal.unwrap(thrown), 'ACTOR_START_FAILED');
  const error = new RuntimeError('ACTOR_START_FAILED', `"${cell.name}" could not start: ${cause.message}`, {
    details: { actor: cell.name, cause: cause.code },
    cause: thrown,
  });
  const { ready } = cell.rare;
  cell.rare.ready = null;
  ready?.reject(error);
  supervise(cell, 'start', error);
}

/**
 * The incarnation has failed, in the middle of `lost` if that is given: the message is dropped and reported, the rest of
 * the mailbox waits for what the supervisor decides.
 */
export function fail(cell: Cell, thrown: unknown, lost: Lost<Header> | undefined): void {
  const cause = RuntimeError.from(Refusal.unwrap(thrown), 'ACTOR_FAILED');
  const details = { actor: cell.name, cause: cause.code };
  const during = lost === undefined ? '' : ` while it handled "${lost.header.operation.name}"`;
  const error = new RuntimeError('ACTOR_FAILED', `"${cell.name}" failed${during}: ${cause.message}`, {
    details,
    cause: thrown,
  });
  if (lost !== undefined) {
    lost.header.fail(error);
    cell.bury('failed', lost, error);
  }
  supervise(cell, 'message', error);
}

/** A child failed more often than it may, and nobody watches it: that is a failure of its parent. */
export function failWithChild(cell: Cell, error: RuntimeError): void {
  supervise(cell, 'child', error);
}

function supervise(cell: Cell, phase: FailureReport['phase'], error: RuntimeError): void {
  const extras = cell.rare;
  extras.failed++;
  endIncarnation(cell, error);
  const directive = extras.ending?.termination === undefined ? decideOn(cell, 'failed') : undefined;
  report(cell, { actor: cell.ref, phase, error, directive });
  if (directive !== undefined) {
    if (directive.kind === 'restart')
      extras.ending = { termination: undefined, delayMs: directive.delayMs, hookIsDue: false };
    else startEnding(cell, endingOf({ kind: directive.kind === 'stop' ? 'failed' : 'escalated', error }, false));
  }
  advance(cell);
}

function decideOn(cell: Cell, kind: 'failed' | 'ended'): Directive {
  const { supervision, services } = cell.profile;
  const extras = cell.rare;
  const event = { kind, atMs: services.clock.nowMs(), chance: services.random.next() };
  const decision = decide(supervision, extras.supervision, event);
  extras.supervision = decision.state;
  return decision.directive;
}

function report(cell: Cell, failure: FailureReport): void {
  const { onFailure } = cell.profile.services;
  if (onFailure !== undefined) observe(() => onFailure(failure));
}

/** Calls an observer. It must not harm what it observes, and there is nobody to tell of what it throws. */
function observe(call: () => void): void {
  try {
    call();
  } catch {}
}

/** No more code of the incarnation runs, and nothing of it is left behind. */
function endIncarnation(cell: Cell, reason: RuntimeError | undefined): void {
  const { context } = cell;
  if (context === null) return;
  cell.context = null;
  context.waitsFor = null;
  if (context.header?.isPending === true) context.header.fail(reason ?? stoppedError(cell, 'has stopped'));
  if (context.hasAsked) context.abandonAsks(stoppedError(cell, 'asked, and is no more'));
  context.endMessage();
  cell.mailbox.clearSystem();
  unwatchAll(cell);
  try {
    cell.profile.runner.dispose(context, reason);
  } catch (thrown) {
    // It must not throw. If it does, the end of the actor must not be left half-way.
    report(cell, { actor: cell.ref, phase: 'stop', error: RuntimeError.from(thrown), directive: undefined });
  }
}

function stoppedError(cell: Cell, what: string): RuntimeError {
  return new RuntimeError('ACTOR_STOPPED', `"${cell.name}" ${what}`, { details: { actor: cell.name } });
}

// ── stop ──

/** Ends the actor for good: it finishes its message, its children stop, its stop hook runs. */
export function requestStop(cell: Cell, deadlineMs: number): void {
  if (cell.status === 'stopped') return;
  limitStop(cell, deadlineMs);
  const { ending } = cell.rare;
  if (ending?.termination !== undefined) return;
  startEnding(cell, endingOf(STOPPED, ending === null || ending.hookIsDue));
  if (cell.status === 'idle' || cell.status === 'backing-off') {
    clearTimer(cell);
    enqueue(cell);
  }
}

/** The actor ends itself: its restart type decides whether that is its end. */
export function endSelf(cell: Cell): void {
  const directive = decideOn(cell, 'ended');
  if (directive.kind === 'restart') {
    cell.rare.ending = { termination: undefined, delayMs: directive.delayMs, hookIsDue: true };
  } else {
    limitStop(cell, cell.profile.stopTimeoutMs);
    startEnding(cell, endingOf(directive.kind === 'stop' ? STOPPED : { kind: 'escalated' }, true));
  }
  advance(cell);
}

function endingOf(termination: Termination, hookIsDue: boolean): Ending {
  return { termination, delayMs: 0, hookIsDue };
}

function startEnding(cell: Cell, ending: Ending): void {
  cell.rare.ending = ending;
  cell.mailbox.close();
  buryRest(cell, 'stopped');
}

/** Kills the actor unless it has stopped within `deadlineMs`; the earlier of two deadlines counts. */
function limitStop(cell: Cell, deadlineMs: number): void {
  const extras = cell.rare;
  const { wheel } = cell.profile.services;
  const timer = wheel.after(deadlineMs, () => {
    kill(cell, { kind: 'killed', error: stoppedError(cell, `did not stop within ${deadlineMs} ms and was killed`) });
  });
  const earlier = extras.stopTimer;
  if (earlier !== null && earlier.dueTick <= timer.dueTick) {
    wheel.cancel(timer);
    return;
  }
  if (earlier !== null) wheel.cancel(earlier);
  extras.stopTimer = timer;
}

/** Goes on with what ends the incarnation: children, stop hook, and then the end or the next incarnation. */
export function advance(cell: Cell): void {
  const extras = cell.rare;
  if (extras.killed !== null) {
    terminate(cell, extras.killed);
    return;
  }
  const ending = extras.ending as Ending;
  cell.status = 'stopping';
  if (extras.children !== null && extras.children.size > 0) {
    // Last spawned, first stopped. Each child that ends brings the cell back here.
    for (const child of [...extras.children].reverse()) requestStop(child, child.profile.stopTimeoutMs);
    return;
  }
  if (ending.hookIsDue && cell.context !== null) {
    ending.hookIsDue = false;
    if (runStopHook(cell, cell.context)) advance(cell);
    return;
  }
  if (ending.termination !== undefined) {
    terminate(cell, ending.termination);
    return;
  }
  endIncarnation(cell, undefined);
  extras.ending = null;
  extras.restarts++;
  if (ending.delayMs === 0) {
    enqueue(cell);
    return;
  }
  cell.status = 'backing-off';
  extras.timer = cell.profile.services.wheel.after(ending.delayMs, () => {
    extras.timer = null;
    enqueue(cell);
  });
}

/** Returns whether it is done; else the cell comes back when it is. */
function runStopHook(cell: Cell, context: TurnContext): boolean {
  const failed = (thrown: unknown): void => {
    const error = RuntimeError.from(Refusal.unwrap(thrown), 'ACTOR_FAILED');
    report(cell, { actor: cell.ref, phase: 'stop', error, directive: undefined });
  };
  try {
    const result = cell.profile.runner.stop(cell);
    if (!isThenable(result)) return true;
    waitFor(context, result, {
      done: () => advance(cell),
      failed: (error) => {
        failed(error);
        advance(cell);
      },
    });
    return false;
  } catch (error) {
    failed(error);
    return true;
  }
}

/** Ends the actor and everything below it at once. What is on the call stack ends when it returns. */
export function kill(cell: Cell, termination: Termination = KILLED): void {
  // Collected first, with a list instead of recursion: a tree may be deeper than the call stack.
  const doomed: Cell[] = [cell];
  for (let i = 0; i < doomed.length; i++) doomed.push(...((doomed[i] as Cell).extras?.children ?? []));
  for (const victim of doomed.reverse()) {
    const how = victim === cell ? termination : KILLED;
    if (victim.status === 'running') {
      victim.rare.killed ??= how;
      victim.mailbox.close();
      buryRest(victim, 'stopped');
    } else if (victim.status !== 'stopped') {
      terminate(victim, how);
    }
  }
}

/** The end. */
function terminate(cell: Cell, termination: Termination): void {
  const { services } = cell.profile;
  const extras = cell.rare;
  cell.status = 'stopped';
  extras.termination = termination;
  extras.ending = null;
  cell.mailbox.close();
  buryRest(cell, 'stopped');
  clearTimer(cell);
  if (extras.stopTimer !== null) services.wheel.cancel(extras.stopTimer);
  extras.stopTimer = null;
  const header = cell.context?.header;
  if (header != null) cell.bury('stopped', { message: undefined, header });
  if (cell.context !== null) {
    const isKilled = termination.kind === 'killed';
    endIncarnation(cell, termination.error ?? (isKilled ? stoppedError(cell, 'was killed') : undefined));
  }
  if (cell.givenName !== undefined) services.names.release(cell.givenName, cell.ref);
  if (extras.isSubscribed) services.topics.forget(cell.ref);
  endEvents(cell);
  const ready = extras.ready;
  extras.ready = null;
  ready?.reject(stoppedError(cell, 'stopped before it was ready'));
  retire(cell);
  leaveParent(cell, termination);
  tellWatchers(cell, termination);
  extras.terminated?.resolve(termination);
}

function retire(cell: Cell): void {
  const { services } = cell.profile;
  const last = services.cells.pop() as Cell;
  if (last !== cell) {
    services.cells[cell.index] = last;
    last.index = cell.index;
  }
  services.onRetired();
}

function leaveParent(cell: Cell, termination: Termination): void {
  const { parent } = cell;
  if (parent === null) return;
  const siblings = parent.extras?.children;
  siblings?.delete(cell);
  // Through the run queue, not by recursion: a chain of parents may be longer than the call stack.
  if (parent.status === 'stopping' && parent.context?.waitsFor == null && siblings?.size === 0) enqueue(parent);
  const isWatched = cell.extras?.watchers?.has(parent) === true;
  if (termination.kind === 'escalated' && !isWatched && parent.extras?.ending == null) {
    const why = `its child "${cell.name}" failed too often`;
    const error = new RuntimeError('ACTOR_FAILED', `"${parent.name}" failed: ${why}`, {
      details: { actor: parent.name, child: cell.name },
      cause: termination.error,
    });
    parent.postSystem({ kind: 'escalated', error });
  }
}

function buryRest(cell: Cell, reason: DeadLetterReason): void {
  for (let lost = cell.mailbox.takeRest(); lost !== undefined; lost = cell.mailbox.takeRest()) {
    const { header } = lost;
    if (header.isPending) header.fail(stoppedError(cell, 'stopped before it replied'));
    cell.bury(reason, lost);
  }
}

function clearTimer(cell: Cell): void {
  const { extras } = cell;
  if (extras === null || extras.timer === null) return;
  cell.profile.services.wheel.cancel(extras.timer);
  extras.timer = null;
}

function endEvents(cell: Cell): void {
  for (const queues of cell.extras?.events?.values() ?? []) {
    for (const queue of [...queues]) queue.end();
  }
}

// ── watch ──

/** Tells `watcher` when `cell` ends; at once, if it has. */
export function watch(watcher: Cell, cell: Cell): void {
  const { termination } = cell.rare;
  if (termination !== undefined) {
    watcher.postSystem({ kind: 'terminated', ref: cell.ref, termination });
    return;
  }
  cell.rare.watchers ??= new Set();
  cell.rare.watchers.add(watcher);
  watcher.rare.watching ??= new Set();
  watcher.rare.watching.add(cell);
}

export function unwatch(watcher: Cell, cell: Cell): void {
  cell.extras?.watchers?.delete(watcher);
  watcher.extras?.watching?.delete(cell);
}

function unwatchAll(watcher: Cell): void {
  for (const cell of watcher.extras?.watching ?? []) cell.extras?.watchers?.delete(watcher);
  watcher.extras?.watching?.clear();
}

function tellWatchers(cell: Cell, termination: Termination): void {
  for (const watcher of cell.extras?.watchers ?? []) {
    watcher.extras?.watching?.delete(cell);
    watcher.postSystem({ kind: 'terminated', ref: cell.ref, termination });
  }
  cell.extras?.watchers?.clear();
}
