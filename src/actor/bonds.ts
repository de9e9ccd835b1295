import { RuntimeError } from '../errors/index.ts';
import type { Cell } from './cell.ts';
import { stoppedError } from './cell-errors.ts';
import type { EventSink } from './event-queue.ts';

// ── watch ──

/** Tells `watcher` when `cell` ends; at once, if it has. */
export function watch(watcher: Cell, cell: Cell): void {
  watcher.rare.watching ??= new Set();
  if (watcher.rare.watching.has(cell)) return;
  watcher.rare.watching.add(cell);
  if (cell.status === 'stopped') {
    watcher.postSystem({ kind: 'terminated', cell });
    return;
  }
  cell.rare.watchers ??= new Set();
  cell.rare.watchers.add(watcher);
}

export function unwatch(watcher: Cell, cell: Cell): void {
  cell.extras?.watchers?.delete(watcher);
  watcher.extras?.watching?.delete(cell);
}

/** What was watched is forgotten. */
export function unwatchAll(watcher: Cell): void {
  for (const cell of watcher.extras?.watching ?? []) cell.extras?.watchers?.delete(watcher);
  watcher.extras?.watching?.clear();
}

/** They go on watching until they have read the notice: so one that is on its way can still be called off. */
export function tellWatchers(cell: Cell): void {
  for (const watcher of cell.extras?.watchers ?? []) watcher.postSystem({ kind: 'terminated', cell });
  cell.extras?.watchers?.clear();
}

// ── links ──

/** From now on a failure of one's present incarnation is a failure of the other's. Linked once, however often it is said. */
export function link(one: Cell, other: Cell): void {
  if (one === other) return;
  if (other.status === 'stopped') {
    one.postSystem({ kind: 'failed', phase: 'link', error: linkError(one, other, stoppedError(other, 'has stopped')) });
    return;
  }
  one.rare.links ??= new Set();
  one.rare.links.add(other);
  other.rare.links ??= new Set();
  other.rare.links.add(one);
}

export function unlink(one: Cell, other: Cell): void {
  one.extras?.links?.delete(other);
  other.extras?.links?.delete(one);
}

/** @param reason Why the incarnation is over; `undefined`: in order, which harms nobody. */
export function endLinks(cell: Cell, reason: RuntimeError | undefined): void {
  for (const other of cell.extras?.links ?? []) {
    unlink(cell, other);
    if (reason !== undefined)
      other.postSystem({ kind: 'failed', phase: 'link', error: linkError(other, cell, reason) });
  }
}

function linkError(cell: Cell, failed: Cell, cause: RuntimeError): RuntimeError {
  const text = `"${cell.name}" failed: it is linked to "${failed.name}", which failed`;
  return new RuntimeError('ACTOR_FAILED', text, { details: { actor: cell.name, linked: failed.name }, cause });
}

// ── listeners ──

/** From now on `sink` gets what `cell` emits. */
export function hear(cell: Cell, event: string, sink: EventSink): void {
  cell.rare.events ??= new Map();
  const { events } = cell.rare;
  const sinks = events.get(event) ?? new Set();
  events.set(event, sinks.add(sink));
  if (sinks.size === 1) cell.onHeard(event, true);
}

export function unhear(cell: Cell, event: string, sink: EventSink): void {
  const sinks = cell.extras?.events?.get(event);
  if (sinks?.delete(sink) === true && sinks.size === 0) cell.onHeard(event, false);
}

/** Those who listen to what the actor emits hear no more. */
export function endEvents(cell: Cell): void {
  for (const queues of cell.extras?.events?.values() ?? []) {
    for (const queue of [...queues]) queue.end();
  }
}
