/** A cache that hears of every change, across a distance: it believes what came last, or what is newest. */
import { type ActorRef, type ActorType, implement, protocol, type } from '../../src/actor/index.ts';
import type { World } from '../../src/testing/index.ts';

interface Change {
  readonly key: string;
  readonly value: number;
  readonly version: number;
}

const Cache = protocol('test:cache@1.0.0', {
  tell: { changed: type<Change>() },
  ask: { get: { in: type<string>(), out: type<number | undefined>() } },
});

/** @param isCareful Whether it passes over what is older than what it knows. */
function cacheType(isCareful: boolean): ActorType<typeof Cache> {
  return implement(Cache, {
    init: () => new Map<string, Change>(),
    tell: {
      changed(ctx, change) {
        const known = ctx.state.get(change.key);
        if (isCareful && known !== undefined && known.version >= change.version) return;
        ctx.state.set(change.key, change);
      },
    },
    ask: { get: (ctx, key) => ctx.state.get(key)?.value },
  });
}

const Store = protocol('test:store@1.0.0', {
  tell: { set: type<{ key: string; value: number }>() },
  ask: { get: { in: type<string>(), out: type<number | undefined>() } },
});

const store = implement(Store, {
  init: () => new Map<string, Change>(),
  tell: {
    set(ctx, { key, value }) {
      const change = { key, value, version: (ctx.state.get(key)?.version ?? 0) + 1 };
      ctx.state.set(key, change);
      ctx.publish(`changed.${key}`, change);
    },
  },
  ask: { get: (ctx, key) => ctx.state.get(key)?.value },
});

const KEYS = ['a', 'b', 'c'] as const;

interface Shop {
  readonly store: ActorRef<typeof Store>;
  readonly caches: readonly ActorRef<typeof Cache>[];
}

/** Values change; in the end, every cache answers as the store does. */
export function shop(isCareful: boolean): World<Shop> {
  return {
    setup: (system) => ({
      store: system.spawn(store, 'store'),
      caches: ['near', 'far'].map((name) =>
        system.spawn(cacheType(isCareful), name, { subscribe: { 'changed.*': 'changed' } }),
      ),
    }),
    actions: {
      set: ({ store: target }, draw) => void target.tell.set({ key: draw.pick(KEYS), value: draw.between(0, 99) }),
    },
    eventually: {
      'caches answer as the store does': async ({ store: source, caches }) => {
        for (const key of KEYS) {
          const value = await source.ask.get(key);
          for (const cache of caches) {
            const cached = await cache.ask.get(key);
            if (cached !== value) throw new Error(`"${key}" is ${value}, and "${cache.name}" answers ${cached}`);
          }
        }
      },
    },
    faults: { delay: { kind: 'topic' }, duplicate: { kind: 'topic' }, reorder: { kind: 'topic' }, slow: true },
  };
}
