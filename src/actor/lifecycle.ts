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
 *
 * `running` means that the cell is on the call stack, here or in its own code. Hooks and observers may stop or kill the
 * very cell that calls them: while it runs, that is only noted (`ending`, `killed`), and whoever called them looks at the
 * notes before going on. So nobody finds the cell changed under their hands.
 */
import { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import { type Directive, decide } from '../supervision/index.ts';
import type { Termination } from './actor-ref.ts';
import { endEvents, endLinks, tellWatchers, unwatchAll } from './bonds.ts';
import { type Cell, ENDED, STOPPED, type TurnContext } from './cell.ts';
import { snapshotError, stoppedError } from './cell-errors.ts';
import type { Ending, Keeper, Wait } from './cell-parts.ts';
import { clearEndTimer, clearTimer, limitDrain, limitEnd, limitWait } from './cell-timers.ts';
import type { DeadLetterReason } from './dead-letters.ts';
import { buryRest, endPlain, isPlain, leaveParent, turnAway } from './departure.ts';
import { retire } from './family.ts';
import type { Header } from './header.ts';
import { observe } from './observe.ts';
import type { FailureReport } from './options.ts';
import { ignoreOutcome, isThenable } from './thenable.ts';
import { Verdict } from './verdict.ts';

const KILLED: Termination = Object.freeze({ kind: 'killed' });

/** Starts an incarnation. Returns whether it can take messages now; if not, it is starting or has failed. */
export function begin(cell: Cell): boolean {
  const { runner, services } = cell.profile;
  const context = runner.createContext(cell);
  cell.context = context;
  const timed = services.meter?.startOf(cell);
  cell.startedMs = Math.floor(services.dispatcher.coarseNowMs);
  try {
    const result = runner.start(cell);
    if (!isThenable(result)) {
      timed?.();
      started(cell);
      return true;
    }
    const wait: Wait = {
      status: 'starting',
      sinceMs: 0,
      done: () => {
        timed?.();
        startedLate(cell);
      },
      failed: (error) => failStart(cell, error),
    };
    if (leave(cell, result, wait)) limitStart(cell);
  } catch (error) {
    failStart(cell, error);
  }
  return false;
}

function limitStart(cell: Cell): void {
  const { startTimeoutMs, services } = cell.profile;
  cell.rare.timer = services.wheel.after(startTimeoutMs, () => {
    cell.status = 'running';
    const text = `"${cell.name}" did not start within ${startTimeoutMs} ms`;
    failStart(cell, new RuntimeError('ACTOR_START_FAILED', text));
  });
}

/**
 * The cell leaves the call stack until `promise` settles: it takes nothing until then, and others run. What follows does
 * not, if the incarnation is over by then.
 *
 * @returns Whether it waits. Otherwise it was killed meanwhile, and has ended.
 */
export function leave(cell: Cell, promise: PromiseLike<unknown>, wait: Wait): boolean {
  const context = cell.context as TurnContext;
  context.waitsFor = wait;
  if (cell.extras?.killed != null) {
    ignoreOutcome(promise);
    advance(cell);
    return false;
  }
  cell.status = wait.status;
  wait.sinceMs = cell.profile.services.dispatcher.coarseNowMs;
  if (cell.profile.supervision.stuckAfterMs > 0 && wait.status === 'suspended') limitWait(cell, wait);
  cell.admit();
  // A thenable that is not a promise may call back at once, or twice; a promise made of it does not.
  Promise.resolve(promise).then(
    (value) => {
      if (resume(context, wait)) wait.done(value);
    },
    (error: unknown) => {
      if (resume(context, wait)) wait.failed(error);
    },
  );
  return true;
}

/** Puts the cell back onto the call stack, if that is what it waits for. */
function resume(context: TurnContext, wait: Wait): boolean {
  if (context.waitsFor !== wait) return false;
  context.waitsFor = null;
  context.cell.status = 'running';
  return true;
}

function started(cell: Cell): void {
  const { ready } = cell;
  if (ready !== null) {
    cell.ready = null;
    ready.resolve();
  }
  // What `init` asked and did not await keeps nobody waiting.
  cell.context?.endMessage();
  const { onStarted } = cell.profile.services;
  if (onStarted !== undefined) observe(onStarted, cell.ref);
  cell.extras?.member?.group.onStarted(cell);
  const { outbox } = cell.profile.services;
  if (outbox !== null && cell.givenName !== undefined) outbox.onStarted(cell);
}

function startedLate(cell: Cell): void {
  clearTimer(cell);
  started(cell);
  rest(cell);
}

/** Ends a turn, or another wait: what comes next? */
export function rest(cell: Cell): void {
  const { extras } = cell;
  if (extras !== null) cell.admit();
  if (extras !== null && (extras.ending !== null || extras.killed !== null)) {
    advance(cell);
  } else if (extras?.keeper?.isDue() === true) {
    keep(cell, extras.keeper, { status: 'suspended', next: () => goOn(cell) });
  } else {
    goOn(cell);
  }
}

function goOn(cell: Cell): void {
  if (cell.extras !== null && (cell.extras.ending !== null || cell.extras.killed !== null)) {
    advance(cell);
  } else if (cell.mailbox.hasWork) {
    // What it said last is done in the same turn: it would only take up room until the next.
    if (cell.mailbox.peekSystem() === ENDED) endSelf(cell);
    else cell.enqueue();
  } else if (cell.extras?.isDraining === true && cell.isDrained) {
    finishDrain(cell);
  } else {
    cell.status = 'idle';
    cell.mailbox.trim();
  }
}

/** What follows when the state has been kept, and what the cell is doing until then. */
interface Keeping {
  readonly status: Wait['status'];
  next(): void;
}

/** Keeps the state. It may have to wait for its guest, or, to end or when much is waiting, for the disk. */
function keep(cell: Cell, keeper: Keeper, { status, next }: Keeping): void {
  const failed = (thrown: unknown): void => failWith(cell, 'snapshot', snapshotError(cell, thrown));
  const took = (state: unknown): void => {
    try {
      keeper.take(state);
    } catch (error) {
      // What was kept before stays, and the actor goes on.
      cell.report('snapshot', RuntimeError.from(error));
    }
    if (status !== 'stopping' && !keeper.isFull) {
      next();
      return;
    }
    // What cannot be written has been reported by the keeper.
    leave(cell, keeper.written(), { status, sinceMs: 0, done: next, failed: next });
  };
  try {
    const state = cell.profile.runner.snapshot?.(cell);
    if (!isThenable(state)) took(state);
    else leave(cell, state, { status, sinceMs: 0, done: took, failed });
  } catch (error) {
    failed(error);
  }
}

// ── failure ──

function failStart(cell: Cell, thrown: unknown): void {
  clearTimer(cell);
  const cause = RuntimeError.from(Verdict.unwrap(thrown), 'ACTOR_START_FAILED');
  const error = new RuntimeError('ACTOR_START_FAILED', `"${cell.name}" could not start: ${cause.message}`, {
    details: { actor: cell.name, cause: cause.code },
    cause: thrown,
  });
  const { ready } = cell;
  cell.ready = null;
  ready?.reject(error);
  failWith(cell, 'start', error);
}

/**
 * The incarnation has failed, in the middle of `lost` if that is given: the message is dropped and reported, the rest of
 * the mailbox waits for what the supervisor decides.
 */
export function fail(cell: Cell, thrown: unknown, lost: Lost<Header> | undefined): void {
  const cause = RuntimeError.from(Verdict.unwrap(thrown), 'ACTOR_FAILED');
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
  failWith(cell, 'message', error);
}

/** The incarnation has failed: its supervision decides what follows. */
export function failWith(cell: Cell, phase: FailureReport['phase'], error: RuntimeError): void {
  const extras = cell.rare;
  extras.failed++;
  cell.profile.tally.noteFailure(typeof error.details.cause === 'string' ? error.details.cause : error.code);
  endIncarnation(cell, error);
  const directive = extras.ending?.termination === undefined ? decideOn(cell, 'failed') : undefined;
  report(cell, { actor: cell.ref, phase, error, directive });
  // Whoever heard of it may have stopped it, which is stronger than a directive.
  if (directive !== undefined && extras.ending?.termination === undefined) {
    if (directive.kind === 'quarantine') quarantine(cell, directive.delayMs, false);
    else if (directive.kind === 'restart') extras.ending = restartOf(cell, directive.delayMs, false);
    else startEnding(cell, endingOf({ kind: directive.kind === 'stop' ? 'failed' : 'escalated', error }, false));
  }
  advance(cell);
}

/** Holds a cell that failed too often: it refuses messages, keeps those that it has, and starts again after a while. */
function quarantine(cell: Cell, delayMs: number, hookIsDue: boolean): void {
  const extras = cell.rare;
  extras.isQuarantined = true;
  cell.mailbox.closeGate();
  turnAway(cell);
  extras.ending = restartAfter(delayMs, hookIsDue);
}

/** How `cell` is started again: by itself after a wait, or by its supervisor, in its turn. */
function restartOf(cell: Cell, delayMs: number, hookIsDue: boolean): Ending {
  const group = cell.extras?.member?.group;
  if (group === undefined || !group.restartsTogether(cell)) return restartAfter(delayMs, hookIsDue);
  group.restart(cell, delayMs);
  return restartAfter(undefined, hookIsDue);
}

function restartAfter(delayMs: number | undefined, hookIsDue: boolean): Ending {
  return { termination: undefined, delayMs, hookIsDue, keepIsDue: hookIsDue };
}

function decideOn(cell: Cell, kind: 'failed' | 'ended'): Directive {
  const { supervision, services } = cell.profile;
  const extras = cell.rare;
  if (extras.member !== null) return extras.member.group.decide(cell, kind);
  const event = { kind, atMs: services.clock.nowMs(), chance: services.random.next() };
  const decision = decide(supervision, extras.supervision, event);
  extras.supervision = decision.state;
  return decision.directive;
}

function report(cell: Cell, failure: FailureReport): void {
  const { onFailure } = cell.profile.services;
  if (onFailure !== undefined) observe(onFailure, failure);
}

/** No more code of the incarnation runs, and nothing of it is left behind. */
function endIncarnation(cell: Cell, reason: RuntimeError | undefined): void {
  const { context } = cell;
  if (context === null) return;
  cell.context = null;
  context.isLive = false;
  context.waitsFor = null;
  if (context.header?.isPending === true) context.header.fail(reason ?? stoppedError(cell, 'has stopped'));
  if (context.hasAsked) context.abandonAsks(stoppedError(cell, 'asked, and is no more'));
  context.endMessage();
  context.extras?.dispose(reason);
  if (cell.extras !== null) {
    cell.extras.hasEnded = false;
    cell.extras.condition = null;
  }
  cell.extras?.keeper?.rollBack();
  cell.mailbox.clearSystem();
  cell.mailbox.unstash();
  unwatchAll(cell);
  endLinks(cell, reason);
  cell.extras?.group?.close();
  try {
    cell.profile.runner.dispose(context, reason);
  } catch (thrown) {
    // It must not throw. If it does, the end of the actor must not be left half-way.
    cell.report('stop', RuntimeError.from(thrown));
  }
}

// ── stop ──

/** Ends the actor for good: it finishes its message, its children stop, its stop hook runs. */
export function requestStop(cell: Cell, deadlineMs: number): void {
  if (cell.status === 'stopped') return;
  if ((cell.status === 'idle' || cell.status === 'queued') && isPlain(cell)) {
    endPlain(cell);
    return;
  }
  const { ending } = cell.rare;
  if (ending?.termination === undefined) clearEndTimer(cell);
  limitStop(cell, deadlineMs);
  if (ending?.termination !== undefined) return;
  startEnding(cell, endingOf(STOPPED, ending === null || ending.hookIsDue));
  goToEnd(cell);
}

/** Lets a cell that is to end, or its incarnation, come to that: at once, unless it is in the middle of something. */
function goToEnd(cell: Cell): void {
  const { status, extras } = cell;
  // A supervisor that starts, or adds a child, waits for children which are to end as well.
  const isSupervising = extras?.group != null && (status === 'starting' || status === 'suspended');
  if (isSupervising) cutShort(cell, 'stopped', undefined);
  if (isSupervising || status === 'idle' || status === 'backing-off' || status === 'held') {
    clearTimer(cell);
    cell.enqueue();
  }
}

/** Ends the incarnation in the middle of whatever it waits for, what it is handling included. */
function cutShort(cell: Cell, reason: DeadLetterReason, error: RuntimeError | undefined): void {
  const { current, rest: others = [] } = cell.context?.waitsFor ?? {};
  clearTimer(cell);
  endIncarnation(cell, error);
  for (const lost of current === undefined ? others : [current, ...others]) cell.bury(reason, lost, error);
}

/** Takes nothing more; when it has handled what it has, or at the deadline, it stops. */
export function requestDrain(cell: Cell, deadlineMs: number): void {
  if (cell.status === 'stopped') return;
  const extras = cell.rare;
  limitDrain(cell, deadlineMs, () => finishDrain(cell));
  if (extras.isDraining) return;
  extras.isDraining = true;
  cell.mailbox.closeGate();
  turnAway(cell);
  cell.onDrain(deadlineMs);
  cell.nudge();
}

function finishDrain(cell: Cell): void {
  const isOnStack = cell.status === 'running';
  requestStop(cell, cell.profile.stopTimeoutMs);
  if (isOnStack) advance(cell);
}

// ── restart by a supervisor ──

/** Ends the incarnation in order: it finishes its message, its children stop, its stop hook runs. Then the cell is held. */
export function requestHold(cell: Cell): void {
  const { ending } = cell.rare;
  if (ending !== null) return;
  cell.rare.ending = restartAfter(undefined, true);
  limitRestart(cell, cell.profile.stopTimeoutMs);
  goToEnd(cell);
}

/** Cuts the incarnation of a cell short that is to be started again, unless it ends within `deadlineMs`. */
function limitRestart(cell: Cell, deadlineMs: number): void {
  limitEnd(cell, deadlineMs, () => {
    cell.rare.stopTimer = null;
    // Its turn is about to come, and may bring it to its end.
    if (cell.status === 'queued') limitRestart(cell, 1);
    else if (cell.context !== null) abortIncarnation(cell);
  });
}

function abortIncarnation(cell: Cell): void {
  const text = `"${cell.name}" did not end in time, to be started again`;
  const error = new RuntimeError('ACTOR_FAILED', text, { details: { actor: cell.name } });
  cutShort(cell, 'failed', error);
  cell.report('stop', error);
  advance(cell);
}

/** Starts a cell that is held. */
export function release(cell: Cell): void {
  cell.enqueue();
}

/** The actor ends itself: its restart type decides whether that is its end. */
export function endSelf(cell: Cell): void {
  if (cell.profile.supervision.restart !== 'permanent' && isPlain(cell)) {
    endPlain(cell);
    return;
  }
  const directive = decideOn(cell, 'ended');
  if (directive.kind === 'restart') {
    cell.rare.ending = restartOf(cell, directive.delayMs, true);
    limitRestart(cell, cell.profile.stopTimeoutMs);
  } else if (directive.kind === 'quarantine') {
    quarantine(cell, directive.delayMs, true);
    limitRestart(cell, cell.profile.stopTimeoutMs);
  } else {
    limitStop(cell, cell.profile.stopTimeoutMs);
    startEnding(cell, endingOf(directive.kind === 'stop' ? STOPPED : { kind: 'escalated' }, true));
  }
  advance(cell);
}

function endingOf(termination: Termination, hookIsDue: boolean): Ending {
  return { termination, delayMs: 0, hookIsDue, keepIsDue: hookIsDue };
}

function startEnding(cell: Cell, ending: Ending): void {
  cell.rare.ending = ending;
  cell.mailbox.close();
  buryRest(cell, 'stopped');
  if (ending.termination?.kind === 'escalated') cell.extras?.member?.group.close();
}

/** Kills the actor unless it has stopped within `deadlineMs`; the earlier of two deadlines counts. */
function limitStop(cell: Cell, deadlineMs: number): void {
  limitEnd(cell, deadlineMs, () => {
    kill(cell, { kind: 'killed', error: stoppedError(cell, `did not stop within ${deadlineMs} ms and was killed`) });
  });
}

/** Goes on with what ends the incarnation: children, stop hook, and then the end or the next incarnation. */
export function advance(cell: Cell): void {
  const extras = cell.rare;
  cell.status = 'running';
  while (extras.killed === null) {
    const ending = extras.ending as Ending;
    if (cell.hasChildren) {
      if (!stopChildren(cell, cell.children as readonly Cell[])) return;
    } else if (ending.keepIsDue && cell.context !== null && extras.keeper !== null) {
      ending.keepIsDue = false;
      if (extras.keeper.isBehind) {
        keep(cell, extras.keeper, { status: 'stopping', next: () => advance(cell) });
        return;
      }
    } else if (ending.hookIsDue && cell.context !== null) {
      ending.hookIsDue = false;
      if (!runStopHook(cell)) return;
    } else if (ending.termination !== undefined) {
      terminate(cell, ending.termination);
      return;
    } else if (cell.context !== null) {
      endIncarnation(cell, undefined);
    } else {
      restart(cell, ending.delayMs);
      return;
    }
  }
  terminate(cell, extras.killed);
}

/** Returns whether none is left; else the last that ends brings the cell back. Of a supervisor, each that ends. */
function stopChildren(cell: Cell, children: readonly Cell[]): boolean {
  const group = cell.extras?.group ?? null;
  group?.close();
  // Last spawned, first stopped; of a supervisor's children, only when the one before has ended.
  const first = group === null ? [...children].sort((left, right) => right.id - left.id) : [lastSpawned(children)];
  for (const child of first) requestStop(child, child.profile.stopTimeoutMs);
  if (!cell.hasChildren || cell.extras?.killed != null) return true;
  cell.status = 'stopping';
  return false;
}

function lastSpawned(cells: readonly Cell[]): Cell {
  return cells.reduce((last, cell) => (cell.id > last.id ? cell : last));
}

function restart(cell: Cell, delayMs: number | undefined): void {
  const extras = cell.rare;
  extras.ending = null;
  extras.restarts++;
  cell.profile.tally.restarts++;
  extras.overSinceMs = cell.profile.services.clock.nowMs();
  clearEndTimer(cell);
  if (delayMs === undefined) {
    cell.status = 'held';
    extras.member?.group.onHeld(cell);
    return;
  }
  if (delayMs === 0) {
    cell.enqueue();
    return;
  }
  cell.status = 'backing-off';
  extras.timer = cell.profile.services.wheel.after(delayMs, () => {
    extras.timer = null;
    if (extras.isQuarantined) endQuarantine(cell);
    cell.enqueue();
  });
}

function endQuarantine(cell: Cell): void {
  cell.rare.isQuarantined = false;
  if (!cell.rare.isDraining && !cell.profile.services.isDraining) cell.mailbox.openGate();
}

/** Returns whether it is done; else the cell comes back when it is. */
function runStopHook(cell: Cell): boolean {
  const failed = (thrown: unknown): void => {
    cell.report('stop', RuntimeError.from(Verdict.unwrap(thrown), 'ACTOR_FAILED'));
  };
  try {
    const result = cell.profile.runner.stop(cell);
    if (!isThenable(result)) return true;
    leave(cell, result, {
      status: 'stopping',
      sinceMs: 0,
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
  for (const { children } of doomed) for (const child of children ?? []) doomed.push(child);
  // Closed first: what hears of the dead letters must not give them more children meanwhile.
  for (const victim of doomed) victim.mailbox.close();
  for (const victim of doomed.reverse()) {
    const decided = victim.extras?.ending?.termination;
    // That it failed too often concerns its parent, however it ends.
    const how = decided?.kind === 'escalated' ? decided : victim === cell ? termination : KILLED;
    if (victim.status !== 'running') {
      terminate(victim, how);
      continue;
    }
    victim.rare.killed ??= how;
    if (victim.context !== null) victim.context.isLive = false;
    buryRest(victim, 'stopped');
  }
}

/** Why the incarnation is over; `undefined`: in order, which harms nobody. */
function reasonOf(cell: Cell, { kind, error }: Termination): RuntimeError | undefined {
  return error ?? (kind === 'killed' ? stoppedError(cell, 'was killed') : undefined);
}

/** The end. */
function terminate(cell: Cell, termination: Termination): void {
  if (cell.status === 'stopped') return;
  const { services } = cell.profile;
  const extras = cell.rare;
  cell.status = 'stopped';
  extras.termination = termination;
  extras.ending = null;
  // Before anybody hears of it: who does may want the name for another.
  if (cell.givenName !== undefined) services.names.release(cell.givenName, cell.ref);
  if (extras.isSubscribed) services.topics.forget(cell.name);
  cell.mailbox.close();
  buryRest(cell, 'stopped');
  clearTimer(cell);
  clearEndTimer(cell);
  for (const timer of [extras.drainTimer, extras.stuckTimer]) if (timer !== null) services.wheel.cancel(timer);
  const { current, rest: others = [] } = cell.context?.waitsFor ?? {};
  for (const lost of current === undefined ? others : [current, ...others]) cell.bury('stopped', lost);
  // An error, which is dear to make, only where there is something that it could reach.
  if (cell.context !== null) endIncarnation(cell, reasonOf(cell, termination));
  // Of one that was to begin.
  else if (extras.links !== null) endLinks(cell, reasonOf(cell, termination));
  extras.keeper?.close();
  endEvents(cell);
  const { ready } = cell;
  cell.ready = null;
  ready?.reject(stoppedError(cell, 'stopped before it was ready'));
  retire(cell);
  leaveParent(cell, termination);
  tellWatchers(cell);
  extras.terminated?.resolve(termination);
}
