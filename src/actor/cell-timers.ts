import { RuntimeError } from '../errors/index.ts';
import type { Cell, Wait } from './cell.ts';

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
  const extras = cell.rare;
  const { wheel } = cell.profile.services;
  const timer = wheel.after(deadlineMs, overdue);
  const earlier = extras.stopTimer;
  if (earlier !== null && earlier.dueTick <= timer.dueTick) {
    wheel.cancel(timer);
    return;
  }
  clearEndTimer(cell);
  extras.stopTimer = timer;
}

/** Forgets the deadline of an end. */
export function clearEndTimer(cell: Cell): void {
  const { extras } = cell;
  if (extras === null || extras.stopTimer === null) return;
  cell.profile.services.wheel.cancel(extras.stopTimer);
  extras.stopTimer = null;
}
