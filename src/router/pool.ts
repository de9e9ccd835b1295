import {
  type ActorType,
  defineRouterType,
  type Protocol,
  type SpawnOptions,
  type SupervisorOptions,
} from '../actor/index.ts';
import { assertInteger, assertRouting, ROUTEES_MAX, type RoutingOptions } from './options.ts';
import { PoolRouter } from './pool-router.ts';

/** How many actors a pool has, and how messages are shared out among them. */
export interface PoolOptions extends RoutingOptions {
  /** Label under which it is counted. Default `pool`. */
  readonly name?: string;
  /** Routees. Integer, 1 to 1_024. Default 4. The same as a `min` and `max` of that size. */
  readonly size?: number;
  /** Routees that there are always. Default `size`. */
  readonly min?: number;
  /** Routees that there are at most. Default `size`, or `min` if that is more. */
  readonly max?: number;
  /** One more is made when this many messages wait at each. Integer, 1 to 1_048_576. Default 16. */
  readonly growAt?: number;
  /** Milliseconds without a message after which one too many goes, and up to as many later. 1 to 3_600_000. Default 30_000. */
  readonly idleMs?: number;
  /** As of `spawn`, for each routee. */
  readonly routee?: Omit<SpawnOptions, 'supervision'>;
  /** How often, and after which waits, routees are started again; counted over all of them. One too many fails the pool. */
  readonly supervision?: Omit<SupervisorOptions, 'name' | 'children' | 'strategy'>;
}

/** A second's burst of a slow actor; less would make routees for what is gone before they have started. */
const GROW_AT = 16;

/** Longer than the pause between two bursts of most work. */
const IDLE_MS = 30_000;

/**
 * Makes an actor type that makes several actors of `type`, supervises them, and hands on to them what it is sent. They are
 * called `<pool>/1`, `<pool>/2`, …; one that fails or ends is started again.
 *
 * @returns A type to be spawned, of the same protocol; its `ready` settles when all have started. What a routee emits is heard
 *   at the pool too. Its `drain` lets the routees finish.
 * @throws {RuntimeError} `CONFIG_INVALID` — the strategy.
 * @throws {RangeError} A number is out of range.
 *
 * @example
 * ```ts
 * const parsers = system.spawn(pool(parser, { min: 2, max: 8, strategy: 'least-loaded' }), 'parsers');
 * const result = await parsers.ask.parse(text);
 * ```
 */
export function pool<P extends Protocol>(type: ActorType<P>, options: PoolOptions = {}): ActorType<P> {
  const { name = 'pool', size = 4, min = size, max = Math.max(min, options.size ?? min) } = options;
  const { growAt = GROW_AT, idleMs = IDLE_MS, supervision } = options;
  assertRouting(options);
  assertInteger(options.min === undefined ? 'size' : 'min', min, { min: 1, max: ROUTEES_MAX });
  assertInteger('max', max, { min, max: ROUTEES_MAX });
  assertInteger('growAt', growAt, { min: 1, max: 1_048_576 });
  assertInteger('idleMs', idleMs, { min: 1, max: 3_600_000 });
  return defineRouterType({
    name,
    like: type,
    hire: { type, options: options.routee },
    supervision,
    isBroadcast: options.strategy === 'broadcast',
    create: (team) => new PoolRouter(team, { ...options, min, max, growAt, idleMs }),
  });
}
