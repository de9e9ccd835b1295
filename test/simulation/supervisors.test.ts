/** The promises about supervision, in random trees of all strategies under random faults: S14–S16, S25, S29. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActorRef, implement, protocol, supervisor, type } from '../../src/actor/index.ts';
import { type Draw, simulate, type TestSystem, type World } from '../../src/testing/index.ts';
import { type Random, SeededRandom } from '../../src/time/index.ts';

const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const;
const RESTARTS = ['permanent', 'transient', 'temporary'] as const;

const Worker = protocol('test:worker@1.0.0', {
  tell: {
    work: type<{ id: number; ms: number }>(),
    fail: type<{ id: number; ms: number }>(),
    end: type<{ id: number }>(),
  },
  ask: { incarnation: { in: type<void>(), out: type<number>() } },
});

type WorkerRef = ActorRef<typeof Worker>;

/** A worker of a tree: where it stands, and what became of it. */
interface Place {
  readonly name: string;
  /** Its supervisor's strategy, and the workers under it in the order of their start. */
  readonly strategy: (typeof STRATEGIES)[number];
  readonly siblings: readonly string[];
  readonly restart: (typeof RESTARTS)[number];
  /** The actor; a new one when its supervisor has started again. */
  ref: ActorRef | undefined;
  incarnations: number;
  /** From its start until it ends in order. */
  isUp: boolean;
  endsItself: boolean;
  /** Failures until its last start. */
  failures: number;
}

interface Forest {
  readonly system: TestSystem;
  readonly places: Map<string, Place>;
  readonly accepted: Map<number, string>;
  readonly handled: Set<number>;
  nextId: number;
}

function failuresOf({ system }: Forest, name: string): number {
  return system.failures.filter(({ actor }) => actor.name === name).length;
}

/** The workers of these names that live and neither failed nor ended since their start. */
function runningOf(forest: Forest, names: readonly string[]): string[] {
  return names.filter((name) => {
    const { isUp, failures } = forest.places.get(name) as Place;
    return isUp && failures === failuresOf(forest, name) && forest.system.lookup(name) !== undefined;
  });
}

/** S29: each starts when those before it take messages; a temporary one is not started again. */
function checkStart(forest: Forest, place: Place, self: ActorRef): void {
  if (place.restart === 'temporary')
    assert.notEqual(place.ref, self, `"${place.name}" is temporary, and was started again`);
  if (place.strategy !== 'one-for-one') {
    for (const name of place.siblings.slice(0, place.siblings.indexOf(place.name))) {
      const { isUp } = forest.places.get(name) as Place;
      assert.ok(isUp || forest.system.lookup(name) === undefined, `"${place.name}" started before "${name}"`);
    }
  }
  place.ref = self;
  place.incarnations++;
  place.isUp = true;
  place.endsItself = false;
  place.failures = failuresOf(forest, place.name);
}

/** S29: each is ended when those after it have ended. */
function checkStop(forest: Forest, place: Place): void {
  place.isUp = false;
  if (place.endsItself) return;
  const later = place.siblings.slice(place.siblings.indexOf(place.name) + 1);
  assert.deepEqual(runningOf(forest, later), [], `"${place.name}" was ended before these`);
}

function workerType(forest: Forest, name: string) {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void forest.system.clock.after(ms, resolve));
  const placeOf = (): Place => forest.places.get(name) as Place;
  return implement(Worker, {
    init(ctx): { readonly incarnation: number } {
      checkStart(forest, placeOf(), ctx.self as unknown as ActorRef);
      return { incarnation: placeOf().incarnations };
    },
    tell: {
      async work(_, { id, ms }) {
        if (ms > 0) await sleep(ms);
        forest.handled.add(id);
      },
      async fail(_, { ms }) {
        if (ms > 0) await sleep(ms);
        throw new Error('planted');
      },
      end(ctx, { id }) {
        forest.handled.add(id);
        placeOf().endsItself = true;
        ctx.stop();
      },
    },
    ask: { incarnation: (ctx) => ctx.state.incarnation },
    stop: () => checkStop(forest, placeOf()),
  });
}

/** A supervisor with one to four children, some of which are supervisors. */
function plant(forest: Forest, random: Random, path: string): ReturnType<typeof supervisor> {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T;
  const strategy = pick(STRATEGIES);
  const depth = path.split('/').length;
  const names = ['a', 'b', 'c', 'd'].slice(0, 1 + Math.floor(random.next() * 4));
  const workers = names.filter(() => depth >= 3 || random.next() < 0.7);
  const siblings = workers.map((name) => `${path}/${name}`);
  const children = names.map((name) => {
    if (!workers.includes(name))
      return { name, restart: 'permanent' as const, type: plant(forest, random, `${path}/${name}`) };
    const full = `${path}/${name}`;
    const restart = pick(RESTARTS);
    const unborn = { ref: undefined, incarnations: 0, isUp: false, endsItself: false, failures: 0 };
    forest.places.set(full, { name: full, strategy, siblings, restart, ...unborn });
    return { name, restart, type: workerType(forest, full) };
  });
  return supervisor({ strategy, children, intensity: pick([1, 3, 20]), periodMs: 5_000, backoffMinMs: pick([0, 20]) });
}

async function grow(system: TestSystem): Promise<Forest> {
  const forest: Forest = { system, places: new Map(), accepted: new Map(), handled: new Set(), nextId: 1 };
  const root = system.spawn(plant(forest, new SeededRandom(system.random.next() * 2 ** 32), 'root'), 'root', {
    supervision: { restart: 'permanent', intensity: 3, periodMs: 60_000 },
  });
  await root.ready;
  return forest;
}

function refOf({ system }: Forest, name: string): WorkerRef | undefined {
  return system.lookup(name, Worker);
}

function send(forest: Forest, draw: Draw, op: 'work' | 'fail' | 'end'): void {
  const name = draw.pick([...forest.places.keys()]);
  const id = forest.nextId++;
  if (refOf(forest, name)?.tell[op]({ id, ms: draw.pick([0, 5, 200]) }).ok === true) forest.accepted.set(id, name);
}

const forest: World<Forest> = {
  setup: grow,
  actions: {
    work: (world, draw) => send(world, draw, 'work'),
    fail: (world, draw) => send(world, draw, 'fail'),
    end: (world, draw) => send(world, draw, 'end'),
    ask: (world, draw) => refOf(world, draw.pick([...world.places.keys()]))?.ask.incarnation(),
  },
  eventually: {
    'S1, S14: what was accepted was handled, or is a dead letter': ({ accepted, handled, system }) => {
      const buried = new Set(system.letters.map(({ payload }) => (payload as { id?: number } | undefined)?.id));
      for (const [id, name] of accepted)
        assert.ok(handled.has(id) || buried.has(id), `message ${id} to "${name}" is gone`);
    },
    'S15, S29: every living worker answers, by its newest incarnation': async (world) => {
      for (const place of world.places.values()) {
        const ref = refOf(world, place.name);
        if (ref !== undefined) assert.equal(await ref.ask.incarnation(), place.incarnations, place.name);
      }
    },
    'S15, S29: a permanent worker lives if its supervisor does': ({ places, system }) => {
      for (const { name, restart } of places.values()) {
        const owner = name.slice(0, name.lastIndexOf('/'));
        if (restart === 'permanent' && system.lookup(owner) !== undefined) assert.ok(system.lookup(name), name);
      }
    },
    'S16: what escalated is a failure of its parent': (world) => {
      const { system } = world;
      for (const { actor, directive } of system.failures) {
        const { name } = actor;
        if (directive?.kind !== 'escalate' || !name.includes('/')) continue;
        const parent = name.slice(0, name.lastIndexOf('/'));
        const owner = system.lookup(parent);
        const heir = system.lookup(name);
        assert.notEqual(heir, actor, `"${name}" escalated, and lives`);
        // A parent that was being ended anyway, for others' sake, has ended; what it has now are other children.
        const isNew = owner === undefined || heir !== undefined || system.info(owner).restarts > 0;
        assert.ok(isNew || failuresOf(world, parent) > 0, `"${name}" escalated, and "${parent}" did not fail`);
      }
    },
  },
  faults: { crash: true, pause: ({ name }) => name !== 'root', slow: true },
};

test('S1, S14, S15, S16, S25, S29: random trees keep their promises under random failures', async (t) => {
  const { runs, messages } = await simulate({ ...forest, runs: 300, steps: 25 });
  t.diagnostic(`${runs} runs, ${messages} messages`);
});
