/** What a cell that ends, or takes nothing any more, owes those that it leaves behind. */
import { RuntimeError } from '../errors/index.ts';
import type { Termination } from './actor-ref.ts';
import { type Cell, refusalError, STOPPED } from './cell.ts';
import { stoppedError } from './cell-errors.ts';
import type { DeadLetterReason } from './dead-letters.ts';
import { retire } from './family.ts';

/**
 * Whether nothing rare has happened to it, there is nothing in its mailbox, and its end concerns nobody but its parent:
 * most actors that live for a few messages are so.
 */
export function isPlain(cell: Cell): boolean {
  return (
    cell.extras === null &&
    cell.ready === null &&
    cell.mailbox.size === 0 &&
    !cell.hasChildren &&
    cell.profile.runner.endsSilently === true &&
    (cell.context === null || cell.context.isAtRest)
  );
}

/** As {@link advance} to the end, of a plain cell that is not on the call stack of its own code: nothing of others runs. */
export function endPlain(cell: Cell): void {
  cell.status = 'stopped';
  if (cell.givenName !== undefined) cell.profile.services.names.release(cell.givenName, cell.ref);
  cell.mailbox.close();
  cell.mailbox.clearSystem();
  if (cell.context !== null) {
    cell.context.isLive = false;
    cell.context = null;
  }
  retire(cell);
  leaveParent(cell, STOPPED);
}

/** Its parent hears of its end, and may have waited for that; if it failed too often, so has the parent. */
export function leaveParent(cell: Cell, termination: Termination): void {
  const { parent } = cell;
  if (parent === null) return;
  // Through the run queue, not by recursion: a chain of parents may be longer than the call stack.
  const isAwaited = !parent.hasChildren || parent.extras?.group != null;
  if (parent.status === 'stopping' && parent.context?.waitsFor == null && isAwaited) parent.enqueue();
  cell.extras?.member?.group.onGone(cell, termination);
  const isWatched = cell.extras?.watchers?.has(parent) === true;
  if (termination.kind === 'escalated' && !isWatched && parent.extras?.ending == null) {
    const why = `its child "${cell.name}" failed too often`;
    const error = new RuntimeError('ACTOR_FAILED', `"${parent.name}" failed: ${why}`, {
      details: { actor: parent.name, child: cell.name },
      cause: termination.error,
    });
    parent.postSystem({ kind: 'failed', phase: 'child', error });
  }
}

/** What nobody will handle any more, and who waits to add to it. */
export function buryRest(cell: Cell, reason: DeadLetterReason): void {
  for (let lost = cell.mailbox.takeRest(); lost !== undefined; lost = cell.mailbox.takeRest()) {
    const { header } = lost;
    if (header.isPending) header.fail(stoppedError(cell, 'stopped before it replied'));
    cell.bury(reason, lost);
  }
  turnAway(cell);
}

/** Tells those who wait for room why there will be none. */
export function turnAway(cell: Cell): void {
  const { waiting } = cell.rare;
  cell.rare.waiting = null;
  waiting?.end(refusalError(cell.refusal()) as RuntimeError);
}
