/** What a cell that ends, or takes nothing any more, owes those that it leaves behind. */
import { RuntimeError } from '../errors/index.ts';
import type { Termination } from './actor-ref.ts';
import { type Cell, refusalError } from './cell.ts';
import { stoppedError } from './cell-errors.ts';
import type { DeadLetterReason } from './dead-letters.ts';

/** It is no more among the living. */
export function retire(cell: Cell): void {
  const { services } = cell.profile;
  const last = services.cells.pop() as Cell;
  if (last !== cell) {
    services.cells[cell.index] = last;
    last.index = cell.index;
  }
  services.onRetired();
}

/** Its parent hears of its end, and may have waited for that; if it failed too often, so has the parent. */
export function leaveParent(cell: Cell, termination: Termination): void {
  const { parent } = cell;
  if (parent === null) return;
  const siblings = parent.extras?.children;
  siblings?.delete(cell);
  // Through the run queue, not by recursion: a chain of parents may be longer than the call stack.
  const isAwaited = siblings?.size === 0 || parent.extras?.group != null;
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
