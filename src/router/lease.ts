import { type ActorRef, ASK_TIMEOUT_MS, type Protocol, routerOf } from '../actor/index.ts';
import { PoolRouter } from './pool-router.ts';

/** How long to wait for a routee, and what ends the wait early. */
export interface LeaseOptions {
  /** Milliseconds. Integer, 1 to 3_600_000. Default 5_000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A routee of a pool that is somebody's alone for a while. */
export interface Lease<P extends Protocol> extends AsyncDisposable {
  readonly ref: ActorRef<P>;
  /** Gives it back; again does nothing. Messages that it has not handled yet it handles first. */
  release(): void;
}

/**
 * Takes a routee out of a pool: until it is given back, nobody else is sent there by the pool. If none is free, the pool
 * grows to its `max`, then it is waited for, in order. A routee that fails meanwhile is started again, and stays leased.
 *
 * Rejects with `POOL_EXHAUSTED` (none in time, or 1,024 wait already: retry later), `ASK_CANCELLED` (the signal),
 * `ACTOR_STOPPED`, `ACTOR_START_FAILED` (the pool), `RangeError`, and a `TypeError` for what is not a pool.
 *
 * @example
 * ```ts
 * await using lease = await acquire(renderers, { timeoutMs: 1_000 });
 * lease.ref.tell.open(document);
 * const page = await lease.ref.ask.render(1);
 * ```
 */
export async function acquire<P extends Protocol>(pool: ActorRef<P>, options: LeaseOptions = {}): Promise<Lease<P>> {
  const { timeoutMs = ASK_TIMEOUT_MS, signal } = options;
  if (routerOf(pool) === undefined) await pool.ready;
  const router = routerOf(pool);
  if (!(router instanceof PoolRouter)) throw new TypeError(`Cannot lease a routee of "${pool.name}": it is no pool`);
  const member = await router.lease({ timeoutMs, signal });
  let isHeld = true;
  const release = (): void => {
    if (isHeld) router.release(member);
    isHeld = false;
  };
  return {
    ref: member.routee.ref as unknown as ActorRef<P>,
    release,
    async [Symbol.asyncDispose]() {
      release();
    },
  };
}
