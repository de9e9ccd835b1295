import { RuntimeError } from '../errors/index.ts';
import type { Lost } from '../mailbox/index.ts';
import type { Termination } from './actor-ref.ts';
import { unwatch } from './bonds.ts';
import type { Cell, CellExtras, TurnContext } from './cell.ts';
import type { Wait } from './cell-parts.ts';
import type { Header } from './header.ts';
import { advance, begin, endSelf, fail, failWith, leave, rest } from './lifecycle.ts';
import { LocalRef } from './local-ref.ts';
import { isThenable } from './thenable.ts';
import { Verdict } from './verdict.ts';

/** Runs a cell whose turn it is, for at most `quota` messages. Never throws. Returns how much it did, in messages. */
export function activate(cell: Cell, quota: number): number {
  if (cell.status === 'stopped') return 1;
  const { extras } = cell;
  if (extras !== null && (extras.ending !== null || extras.killed !== null)) {
    advance(cell);
    return 1;
  }
  cell.status = 'running';
  if (cell.context === null && !begin(cell)) return 1;
  const before = cell.handled;
  const granted = cell.extras === null ? quota : grant(cell.extras, quota);
  const left = cell.mailbox.hasSystemWork ? runSystemLane(cell, granted) : granted;
  if (left > 0) {
    // Looked at for another reason than a message.
    if (cell.extras === null || cell.mailbox.hasWork) cell.profile.runner.run(cell, left);
    // Unless the turn has suspended or failed, in which case it is somebody else's move.
    if (cell.status === 'running') rest(cell);
  }
  return Math.max(1, granted - left + cell.handled - before);
}

/** The messages of this turn: no more than until the state is to be kept. */
function grant({ keeper }: CellExtras, quota: number): number {
  return keeper === null ? quota : Math.min(quota, keeper.quota);
}

/** Handles what the runtime has to say. Returns how many messages may still be handled: 0 if the turn is over. */
function runSystemLane(cell: Cell, quota: number): number {
  let left = quota;
  for (; left > 0; left--) {
    const message = cell.mailbox.takeSystem();
    if (message === undefined) return left;
    if (cell.extras !== null && (cell.extras.ending !== null || cell.extras.killed !== null)) break;
    if (message.kind === 'ended') {
      endSelf(cell);
      return 0;
    }
    if (message.kind === 'failed') {
      failWith(cell, message.phase, message.error);
      return 0;
    }
    if (!(message.kind === 'check' ? runCheck(cell) : runNotice(cell, message.cell))) return 0;
  }
  rest(cell);
  return 0;
}

/** Tells the actor that one that it watches has ended. Returns whether the cell is still running. */
function runNotice(cell: Cell, ended: Cell): boolean {
  if (cell.extras?.watching?.has(ended) !== true) return true;
  unwatch(cell, ended);
  try {
    const result = cell.profile.runner.onTerminated(cell, ended.ref, ended.termination as Termination);
    if (isThenable(result)) {
      leave(cell, result, afterHandler(cell, undefined));
      return false;
    }
    cell.context?.endMessage();
    return true;
  } catch (error) {
    fail(cell, error, undefined);
    return false;
  }
}

/** Lets the actor look after itself. Returns whether the cell is still running. */
function runCheck(cell: Cell): boolean {
  const failed = (error: unknown): void => failWith(cell, 'health', RuntimeError.from(error, 'ACTOR_FAILED'));
  try {
    const result = cell.profile.runner.check?.(cell);
    if (!isThenable(result)) return true;
    leave(cell, result, { status: 'suspended', sinceMs: 0, done: () => rest(cell), failed });
  } catch (error) {
    failed(error);
  }
  return false;
}

/** A failure of `first` of a batch is the loss of all others too. */
export function buryRest(cell: Cell, rest: readonly Lost<Header>[], thrown: unknown): void {
  for (const lost of rest) cell.bury('failed', lost, RuntimeError.from(thrown, 'ACTOR_FAILED'));
}

/**
 * What follows when a handler's promise settles. `current`: the message that it handles, if it is one of the mailbox; `others`:
 * those that it handles together with it.
 */
export function afterHandler(
  cell: Cell,
  current: Lost<Header> | undefined,
  others: readonly Lost<Header>[] = [],
): Wait {
  const context = cell.context as TurnContext;
  return {
    status: 'suspended',
    sinceMs: 0,
    current,
    rest: others,
    done: (value) => {
      if (current !== undefined) complete(cell, current, value);
      context.endMessage();
      rest(cell);
    },
    failed: (error) => {
      if (current === undefined || !Verdict.is(error) || (isBatch(current) && error.decided.kind === 'stash')) {
        buryRest(cell, others, error);
        fail(cell, error, current);
        return;
      }
      context.endMessage();
      if (carryOutAll(cell, [current, ...others], error)) rest(cell);
    },
  };
}

/** A handler has returned `value`: if somebody waits for it, it is checked and handed over. */
export function complete(cell: Cell, { header, message }: Lost<Header>, value: unknown): void {
  const { validateOut } = header.operation;
  if (validateOut === undefined || !header.isPending) {
    header.settle(value);
    return;
  }
  const checked = validateOut(value);
  if ('error' in checked) refuse(cell, { header, message }, checked.error);
  else header.settle(checked.value);
}

/** A message is answered with a failure: an asker gets it; otherwise it is a dead letter. */
export function refuse(cell: Cell, lost: Lost<Header>, error: RuntimeError): void {
  if (lost.header.isPending && lost.header.hasDeadline) {
    lost.header.fail(error);
    return;
  }
  // That is its answer: one that is kept is not delivered again.
  lost.header.settle(undefined);
  cell.bury('refused', lost, error);
}

function isBatch({ header }: Lost<Header>): boolean {
  return header.operation.batch !== undefined;
}

/** Does what the handler decided over messages that it handled together: they are forwarded as one. Returns as {@link carryOut}. */
export function carryOutAll(cell: Cell, [first, ...others]: readonly Lost<Header>[], verdict: Verdict): boolean {
  const goesOn = first === undefined || carryOut(cell, first, verdict);
  if (verdict.decided.kind === 'refuse') for (const lost of others) carryOut(cell, lost, verdict);
  return goesOn;
}

/** Does what the handler decided over `lost`. Returns whether the cell goes on; else it has failed by it. */
export function carryOut(cell: Cell, lost: Lost<Header>, { decided }: Verdict): boolean {
  if (decided.kind === 'refuse') refuse(cell, lost, decided.error);
  else if (decided.kind === 'forward') forward(cell, lost, decided);
  else if (!cell.mailbox.stash(lost.message, lost.header)) {
    const text = 'Cannot put a message aside: its place in the mailbox has been taken; stash before the first "await"';
    fail(cell, new RuntimeError('MAILBOX_FULL', text, { details: { actor: cell.name } }), lost);
    return false;
  }
  return true;
}

function forward(cell: Cell, lost: Lost<Header>, to: Extract<Verdict['decided'], { kind: 'forward' }>): void {
  const error = LocalRef.forward(lost.header, to);
  if (error !== undefined) refuse(cell, lost, error);
}

/** Whether `header` is of an ask for whose reply nobody waits any more. */
export function isExpired(cell: Cell, header: Header): boolean {
  return header.hasDeadline && header.hasExpired(cell.profile.services.dispatcher.coarseNowMs);
}

/** Drops an ask unread because nobody waits for the reply any more, and counts it. */
export function dropExpired(cell: Cell, lost: Lost<Header>): void {
  lost.header.onTimer();
  cell.bury('expired', lost);
}
