import { RuntimeError } from '../errors/index.ts';
import type { TimerNode, TimerWheel } from '../time/index.ts';
import type { Cell } from './cell.ts';
import type { Wait } from './cell-parts.ts';

/** Fails the incarnation if it still waits in the same message when it is taken for stuck. */
export function limitWait(cell: Cell, wait: Wait): void {
  const { supervision, services } = cell.profile;
  const look = (): void => {
    cell.rare.stuckTimer = null;
    const context = cell.context;
    if (context === null || context.waitsFor !== wait) return;
    const leftMs = wait.sinceMs + supervision.stuckAfterMs - services.clock.nowMs();
    if (leftMs > 0) {
      cell.rare.stuckTimer = services.wheel.after(Math.max(1, leftMs), look);
      return;
    }
    context.waitsFor = null;
    cell.status = 'running';
    const text = `"${cell.name}" waited longer than ${supervision.stuckAfterMs} ms in one message`;
    wait.failed(new RuntimeError('ACTOR_STUCK', text, { details: { actor: cell.name } }));
  };
  // A new wait takes the place of one that is over; where it only began later, the look finds out.
  const { stuckTimer } = cell.rare;
  if (stuckTimer !== null) services.wheel.cancel(stuckTimer);
  cell.rare.stuckTimer = services.wheel.after(supervision.stuckAfterMs, look);
}

/** Forgets the deadline of a start, or the wait before a restart. */
export function clearTimer(cell: Cell): void {
  const { extras } = cell;
  if (extras === null || extras.timer === null) return;
  cell.profile.services.wheel.cancel(extras.timer);
  extras.timer = null;
}

/** Runs `overdue` unless the cell, or its incarnation, has ended within `deadlineMs`; of two deadlines the earlier counts. */
export function limitEnd(cell: Cell, deadlineMs: number, overdue: () => void): void {
  if (deadlineMs === Number.POSITIVE_INFINITY) return;
  const { wheel } = cell.profile.services;
  cell.rare.stopTimer = earlierOf(wheel, cell.rare.stopTimer, wheel.after(deadlineMs, overdue));
}

/** Runs `overdue` after `deadlineMs` unless the cell has ended by then; of two deadlines the earlier counts. */
export function limitDrain(cell: Cell, deadlineMs: number, overdue: () => void): void {
  const { wheel } = cell.profile.services;
  cell.rare.drainTimer = earlierOf(wheel, cell.rare.drainTimer, wheel.after(deadlineMs, overdue));
}

function earlierOf(wheel: TimerWheel, one: TimerNode | null, other: TimerNode): TimerNode {
  if (one === null) return other;
  const [earlier, later] = one.dueTick <= other.dueTick ? [one, other] : [other, one];
  wheel.cancel(later);
  return earlier;
}

/** Forgets the deadline of an end. */
export function clearEndTimer(cell: Cell): void {
  const { extras } = cell;
  if (extras === null || extras.stopTimer === null) return;
  cell.profile.services.wheel.cancel(extras.stopTimer);
  extras.stopTimer = null;
}
