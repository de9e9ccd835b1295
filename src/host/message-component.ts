import { defineActorType, type Protocol } from '../actor/index.ts';
import { nodeRoom } from '../component/index.ts';
import type { KeepOptions } from '../durable/index.ts';
import { type BehaviorPlan, ComponentBehavior, TASK_OPERATION } from './behavior.ts';
import type { PlacedShare } from './component-share.ts';
import { type HealthCheckOptions, toHealthCheckPolicy } from './health-options.ts';
import type { HttpComponentPlan } from './http-component.ts';
import { InstanceRoom, type UsedNow } from './limit-watch.ts';
import type { ComponentLimits } from './limits.ts';
import { type RecycleOptions, toRecyclePolicy } from './recycle-options.ts';
import { ComponentContract, type ComponentShape } from './shape.ts';

/** What can be said of a component that takes messages, has functions or is a task. */
export interface MessageOptions {
  /**
   * Lets the state of its actors outlast a restart, and the process where the system has a store: by `lifecycle.snapshot`,
   * at these times, and `lifecycle.restore`. Default: a restart begins anew.
   */
  readonly keep?: KeepOptions | undefined;
  /** How its actors are asked for their health, if it exports `lifecycle.health` and takes messages or has functions. */
  readonly health?: HealthCheckOptions | undefined;
  /**
   * Instances that are kept ready for its actors, so that these start in a tenth of the time: 0 to 4,096, in each system and on
   * each of its threads. They are made between other work from the first actor on, and take room as those of actors do, of which
   * they leave a quarter; never more than the limit `instances`. What an actor leaves behind is used again, as new, if that can be.
   * Default 0; not for one that handles HTTP.
   */
  readonly pool?: number | undefined;
  /** When its actors go on with an instance that is as new; for components that have no state to lose. Default: never. */
  readonly recycle?: RecycleOptions | undefined;
  /** What its actors count together with those on other threads; the runtime gives it. Default: they count for themselves. */
  readonly share?: PlacedShare | undefined;
}

/** What both kinds of actor type are made of. */
export type ComponentPlan = Omit<HttpComponentPlan, 'policy' | 'observer'>;

/** Makes the actor type of a component that handles no requests, and what shows how its actors are. */
export function messageParts<P extends Protocol>(
  { name: label, shape, surroundings, ...rest }: ComponentPlan,
  { keep, health, limits, recycle, share, pool = 0 }: MessageOptions & { readonly limits?: Partial<ComponentLimits> },
) {
  const live = new Map<string, ComponentBehavior>();
  const room = new InstanceRoom(rest.limits.instances, share);
  const plan: BehaviorPlan = {
    ...rest,
    shape,
    pool: Math.min(pool, rest.limits.instances),
    recycle: toRecyclePolicy(recycle, shape, keep),
    failed: new WeakSet(),
    health: toHealthCheckPolicy(health),
    surround: (context, deadline) => surroundings.of(context, deadline),
    argumentBytesMax: limits?.messageBytes === undefined ? Number.POSITIVE_INFINITY : rest.limits.messageBytes,
    enter: () => room.enter(),
    leave: () => room.leave(),
    noteFailure: (context, error) => surroundings.noteFailure(context, error),
    onLive: (name, behavior, lives) => {
      if (lives) live.set(name, behavior);
      else if (live.get(name) === behavior) live.delete(name);
    },
  };
  const type = defineActorType<P>({
    name: label,
    operations: operationsOf(shape),
    admit: () => nodeRoom().check(rest.component.memoryCount, 'new'),
    create: () => new ComponentBehavior(plan),
    contract: new ComponentContract(shape),
    keep,
  });
  const used = (name: string): UsedNow => {
    return { ...live.get(name)?.use, table: rest.component.tableElements, instances: room.own };
  };
  const memoryBytes = (name: string): number | undefined => live.get(name)?.memoryBytes;
  return {
    type,
    used,
    live: { pool: () => undefined, memoryBytes, running: () => live.keys(), http: undefined },
  };
}

/**
 * Checks what is said against what the component is.
 *
 * @throws {TypeError} It has no such state, no such instances or no such messages.
 * @throws {RangeError} A number is out of range.
 */
export function checkMessageOptions(shape: ComponentShape, { keep, pool, recycle }: MessageOptions): void {
  checkKeep(shape, keep);
  checkPool(shape, pool);
  toRecyclePolicy(recycle, shape, keep);
}

function checkKeep({ kind, lifecycle }: ComponentShape, keep: KeepOptions | undefined): void {
  const { snapshot, restore } = lifecycle;
  if (keep === undefined || (kind === 'message' && snapshot !== undefined && restore !== undefined)) return;
  throw new TypeError(
    'Cannot keep the state of the component: it does not export troupe:actor/lifecycle beside troupe:actor/handler; take "keep" out',
  );
}

/** Instances of one pool: as many as a quarter of the linear memories of a process. */
const POOL_MAX = 4_096;

function checkPool({ kind }: ComponentShape, pool = 0): void {
  if (!Number.isInteger(pool) || pool < 0 || pool > POOL_MAX)
    throw new RangeError(`Cannot host the component: pool is ${pool}; use an integer from 0 to ${POOL_MAX}`);
  if (kind === 'http' && pool > 0)
    throw new TypeError(
      'Cannot keep instances of the component ready: it handles HTTP, whose instances "http" is about; take "pool" out',
    );
}

function operationsOf(shape: ComponentShape): 'any' | Record<string, 'tell' | 'ask'> {
  if (shape.kind === 'message') return 'any';
  if (shape.kind === 'task') return { [TASK_OPERATION]: 'tell' };
  return Object.fromEntries([...shape.operations.keys()].map((name) => [name, 'ask' as const]));
}
