import { type KeepOptions, type Migrations, toKeepPolicy } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Cell } from './cell.ts';
import type { Keeper } from './cell-parts.ts';
import { type KeepPlan, StateKeeper } from './keeper.ts';
import { assertKeys, type KeysOf } from './known-keys.ts';

type Awaitable<T> = T | Promise<T>;

/**
 * How the state of an actor outlasts its incarnation; and the process, where the system has a store and the actor a name.
 *
 * A snapshot is taken between two messages: after `everyMessages`, `everyMs` after the first message that the last one does
 * not know of, when the actor ends in order, and by `ctx.save()`. The actor goes on while it is written.
 *
 * @typeParam C The context. @typeParam S The state. @typeParam D What is kept of it.
 */
export interface Durable<C, S, D> extends KeepOptions {
  /** Of the shape of what is kept. Integer, 1 to 65_535. Raise it when the shape changes, and say how in `migrate`. */
  readonly version: number;
  /** What is kept: plain data, as `structuredClone` takes it. Default: the state itself. A throw is a failure of the actor. */
  readonly snapshot?: (state: S) => D;
  /** Takes the place of `init` when there is a snapshot. Default: what was kept is the state. A throw fails the start. */
  readonly restore?: (context: C, saved: D) => Awaitable<S>;
  /** For every version there was: makes what was kept by it into what the next one keeps. */
  readonly migrate?: Migrations;
}

/** A {@link Durable} whose types have been checked. */
export type AnyDurable = Durable<never, never, unknown>;

const KEEP: KeysOf<KeepOptions> = { everyMessages: true, everyMs: true, maxBytes: true };
const DURABLE: KeysOf<AnyDurable> = { ...KEEP, version: true, snapshot: true, restore: true, migrate: true };

const VERSION_MAX = 65_535;

/**
 * Checks how a state is kept.
 *
 * @throws {RuntimeError} `PROTOCOL_INVALID` — a hook is no function, or a migration is missing or too many.
 * @throws {RuntimeError} `CONFIG_INVALID` — an option is not ours.
 * @throws {RangeError} A number is out of range.
 */
export function toKeepPlan(owner: string, durable: AnyDurable | undefined): KeepPlan | undefined {
  if (durable === undefined) return undefined;
  assertKeys('"durable"', durable, DURABLE);
  const { version, snapshot, restore, migrate = {} } = durable;
  if (!(Number.isInteger(version) && version >= 1 && version <= VERSION_MAX)) {
    throw new RangeError(`The version of a durable state must be an integer from 1 to ${VERSION_MAX}, not ${version}`);
  }
  const refuse = (why: string): never => {
    throw new RuntimeError('PROTOCOL_INVALID', `Cannot implement "${owner}": ${why}`);
  };
  for (const [name, hook] of Object.entries({ snapshot, restore })) {
    if (hook !== undefined && typeof hook !== 'function') refuse(`"durable.${name}" is not a function`);
  }
  for (const [from, migration] of Object.entries(migrate)) {
    if (typeof migration !== 'function') refuse(`the migration from version ${from} is not a function`);
    if (!(Number(from) >= 1 && Number(from) < version))
      refuse(`there is a migration from version ${from} of ${version}`);
  }
  return { policy: toKeepPolicy(durable), version, migrations: migrate };
}

/** The keeper of a cell's state, which all its incarnations share. */
export function keeperOf(cell: Cell, plan: KeepPlan): Keeper {
  const { rare } = cell;
  rare.keeper ??= new StateKeeper(cell, plan);
  return rare.keeper;
}

/** Begins an incarnation with what its keeper has, when that has been read. */
export function beginSaved(
  cell: Cell,
  plan: KeepPlan,
  begin: (saved: { readonly state: unknown } | undefined) => unknown,
): unknown {
  const keeper = keeperOf(cell, plan);
  const { context } = cell;
  const loading = keeper.load();
  if (loading === undefined) return begin(keeper.saved());
  // An incarnation that has ended meanwhile begins nothing.
  return loading.then(() => (context?.isLive === true ? begin(keeper.saved()) : undefined));
}
