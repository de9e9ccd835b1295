import {
  type ActorRef,
  ASK_TIMEOUT_MS,
  atSenderEnd,
  type Patience,
  type Protocol,
  routerSoon,
} from '../actor/index.ts';
import { assertInteger } from './options.ts';
import { cancelled, exhausted, PoolRouter } from './pool-router.ts';

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
 * grows to its `max`, then it is waited for, in order. A routee that fails meanwhile is started again, and stays leased; one
 * that ends is no more. An actor that takes it in its own name (`acquire(ctx.ref(pool))`) gives it back when its incarnation
 * is over, whatever ends that.
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
  assertInteger('timeoutMs', timeoutMs, { min: 1, max: TIMEOUT_MAX_MS });
  if (signal?.aborted === true) throw cancelled(pool.name);
  const over = new AbortController();
  const forget = atSenderEnd(pool, () => over.abort());
  const patience = { timeoutMs, signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]) };
  try {
    const { router, member } = await take(pool, patience);
    const release = (): void => {
      forget();
      if (!over.signal.aborted) over.abort();
    };
    over.signal.addEventListener('abort', () => router.release(member), { once: true });
    if (over.signal.aborted) router.release(member);
    return {
      ref: member.routee.ref as unknown as ActorRef<P>,
      release,
      async [Symbol.asyncDispose]() {
        release();
      },
    };
  } catch (error) {
    forget();
    throw error;
  }
}

async function take(pool: ActorRef, patience: Patience): Promise<{ router: PoolRouter; member: Leased }> {
  const [router, leftMs] = await routerSoon(pool, patience).catch((error: unknown) => {
    if (patience.signal?.aborted === true) throw cancelled(pool.name);
    throw error ?? exhausted(pool.name, `it did not start within ${patience.timeoutMs} ms`);
  });
  if (!(router instanceof PoolRouter)) throw new TypeError(`Cannot lease a routee of "${pool.name}": it is no pool`);
  return { router, member: await router.lease({ ...patience, timeoutMs: leftMs }) };
}

type Leased = Awaited<ReturnType<PoolRouter['lease']>>;

/** Milliseconds: an hour, as for an ask. */
const TIMEOUT_MAX_MS = 3_600_000;
