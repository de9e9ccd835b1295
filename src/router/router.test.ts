import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { manualSystem } from '../../test/kit/actors.ts';
import { type ActorRef, implement, protocol, type Routee, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { SeededRandom } from '../time/index.ts';
import { HashRing } from './hash-ring.ts';
import { pool } from './pool.ts';
import { router } from './router.ts';
import { createStrategy } from './strategy.ts';

const KEYS = Array.from({ length: 2_000 }, (_, i) => `key-${i}`);
const always = (): boolean => true;

function ringOf(names: Iterable<number>): HashRing<number> {
  return new HashRing(Array.from(names, (name) => [`${name}`, name] as const));
}

test('HashRing moves the keys of a member that comes or goes, about an n-th of all, and no others', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1_000), { minLength: 2, maxLength: 24 }), (names) => {
      const [gone, ...others] = names as [number, ...number[]];
      const before = ringOf(names);
      const after = ringOf(others);
      let moved = 0;
      for (const key of KEYS) {
        const owner = before.find(key, always);
        if (owner === gone) moved++;
        else assert.equal(after.find(key, always), owner);
        // One that takes nothing is as good as gone.
        assert.equal(
          before.find(key, (name) => name !== gone),
          after.find(key, always),
        );
      }
      assert.ok(
        moved / KEYS.length <= 1 / names.length + 0.2,
        `${moved} of ${KEYS.length} keys, ${names.length} members`,
      );
    }),
    { numRuns: 40 },
  );
});

test('HashRing without members finds nobody', () => {
  assert.equal(ringOf([]).find('a', always), undefined);
  assert.equal(
    ringOf([1]).find('a', () => false),
    undefined,
  );
});

/** A routee of which a test says how it is. */
function routee(parts: Partial<Routee>): Routee {
  return { ref: {} as ActorRef, isReady: true, isOpen: true, hasRoom: true, load: 0, handled: 0, ...parts };
}

const state = fc.record({ isReady: fc.boolean(), isOpen: fc.boolean(), hasRoom: fc.boolean(), load: fc.nat(5) });
const strategies = fc.constantFrom('round-robin', 'random', 'least-loaded', 'broadcast');

test('Strategies pick whoever is ready and has room, else who has room, else who is open, else nobody', () => {
  fc.assert(
    fc.property(strategies, fc.array(state, { maxLength: 8 }), (strategy, states) => {
      const routees = states.map((parts) =>
        routee({ ...parts, isReady: parts.isReady && parts.isOpen, hasRoom: parts.hasRoom && parts.isOpen }),
      );
      const chosen = createStrategy({ strategy }, new SeededRandom(1));
      chosen.change(routees.map((one, i) => ({ name: `${i}`, routee: one })));
      const ranks = routees.map(({ isReady, isOpen, hasRoom }) =>
        isReady && hasRoom ? 3 : hasRoom ? 2 : isOpen ? 1 : 0,
      );
      const best = Math.max(0, ...ranks);
      for (let i = 0; i < 10; i++) {
        const picked = chosen.pick('op', undefined);
        if (best === 0) assert.equal(picked, undefined);
        else assert.equal(ranks[routees.indexOf(picked as Routee)], best);
        if (best === 3 && strategy === 'least-loaded') {
          const loads = routees.filter((_, at) => ranks[at] === 3).map(({ load }) => load);
          assert.equal(picked?.load, Math.min(...loads));
        }
      }
    }),
  );
});

test('Strategies share messages out evenly: round robin exactly, and the least loaded in turn', () => {
  for (const strategy of ['round-robin', 'least-loaded'] as const) {
    const routees = Array.from({ length: 5 }, () => routee({}));
    const chosen = createStrategy({ strategy }, new SeededRandom(1));
    chosen.change(routees.map((one, i) => ({ name: `${i}`, routee: one })));
    const counts = new Map<Routee | undefined, number>();
    for (let i = 0; i < 50; i++) {
      const picked = chosen.pick('op', undefined);
      counts.set(picked, (counts.get(picked) ?? 0) + 1);
    }
    assert.deepEqual([...counts.values()], [10, 10, 10, 10, 10], strategy);
  }
});

const Empty = protocol('test:empty@1.0.0', { tell: { go: type<void>() } });
const empty = implement(Empty, { init: () => undefined, tell: { go() {} } });

test('router and pool refuse what is declared wrongly', async () => {
  const { system, close } = manualSystem();
  const ref = system.spawn(empty);
  const other = system.spawn(implement(Empty, { init: () => undefined, tell: { go() {} } }));
  const wrong = [
    () => router({ routees: [] }),
    () => router({ routees: [ref, other] }),
    () => router({ routees: [ref], strategy: 'best' as 'random' }),
    () => router({ routees: [ref], strategy: 'consistent-hash' }),
    () => router({ routees: [ref], hash: () => '' }),
    () => pool(empty, { hash: () => '' }),
  ];
  for (const declare of wrong) assert.throws(declare, (error) => RuntimeError.is(error, 'CONFIG_INVALID'));
  for (const options of [{ size: 0 }, { min: 2, max: 1 }, { size: 1_025 }, { growAt: 0 }, { idleMs: 0 }]) {
    assert.throws(() => pool(empty, options), RangeError, JSON.stringify(options));
  }
  assert.throws(() => pool(empty, { supervision: { intensity: -1 } }), RangeError);
  await close();
});
