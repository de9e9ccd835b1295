import { RuntimeError } from '../errors/index.ts';
import type { Cell, Deliveries } from './cell.ts';
import type { DurableStore } from './ports.ts';

/**
 * Where what is delivered to `cell` is kept.
 *
 * @throws {RuntimeError} `DELIVERY_UNAVAILABLE` — nowhere, or nobody could be found by its name later.
 */
export function outboxOf(cell: Cell): Deliveries {
  const { outbox } = cell.profile.services;
  if (outbox !== null && cell.givenName !== undefined && !cell.isBroadcast) return outbox;
  const unnamed = cell.isBroadcast ? 'it hands each message to several' : 'it has no name to be found by later';
  const why = outbox === null ? 'the system has no store' : unnamed;
  throw new RuntimeError('DELIVERY_UNAVAILABLE', `Cannot deliver to "${cell.name}" at least once: ${why}`);
}

/** Stores that an actor system uses now. */
const USED = new WeakSet<DurableStore>();

/**
 * Takes a store for one system: two would deliver the same messages, and write over each other's states.
 *
 * @throws {RuntimeError} `STORE_LOCKED` — another has it.
 */
export function claimStore(store: DurableStore): void {
  if (USED.has(store)) {
    throw new RuntimeError('STORE_LOCKED', 'Cannot use the store: another actor system uses it; stop that one');
  }
  USED.add(store);
}

export function releaseStore(store: DurableStore): void {
  USED.delete(store);
}

/** What may be an id: nothing that separates it from a name. */
const ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/** @throws {RangeError} It is not well-formed. */
export function assertMessageId(id: string | undefined): void {
  if (id === undefined || (typeof id === 'string' && ID.test(id))) return;
  const shown = typeof id === 'string' ? JSON.stringify(id.slice(0, 140)) : `a ${typeof id}`;
  throw new RangeError(`An id has 1 to 128 letters, digits and "_.:-", unlike ${shown}`);
}
