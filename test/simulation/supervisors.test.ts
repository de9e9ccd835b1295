/** The promises about life and supervision, in random trees of all strategies under random faults: S14–S16, S20–S22, S25, S29, S30. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActorRef, implement, protocol, supervisor, type } from '../../src/actor/index.ts';
import { type Draw, simulate, type TestSystem, type World } from '../../src/testing/index.ts';
import { type Random, SeededRandom } from '../../src/time/index.ts';

const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const;
const RESTARTS = ['permanent', 'transient', 'temporary'] as const;

/** Milliseconds that a worker has to end, and that one takes which hangs. */
const STOP_MS = 300;
const HANG_MS = 400;

const Worker = protocol('test:worker@1.0.0', {
  tell: {
    work: type<{ id: number; ms: number }>(),
    fail: type<{ id: number; ms: number }>(),
    end: type<{ id: number }>(),
    link: type<{ id: number; to: ActorRef }>(),
  },
  ask: { incarnation: { in: type<void>(), out: type<number>() } },
});

const Watcher = protocol('test:watcher@1.0.0', { tell: { watch: type<ActorRef>(), unwatch: type<ActorRef>() } });

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
  /** The actor that somebody else ended: its supervisor does not start it again. */
  dismissed: ActorRef | undefined;
  /** Failures until its last start. */
  failures: number;
  /** Whether its next stop hook takes longer than it may. */
  hangs: boolean;
  /** How many of its next starts fail. */
  failsToStart: number;
}

/** What a watcher did about an actor, and what it was told. */
interface Watched {
  notices: number;
  /** Notices until it was unwatched; `undefined`: it is watched. */
  until: number | undefined;
}

interface Forest {
  readonly system: TestSystem;
  readonly places: Map<string, Place>;
  readonly supervisors: string[];
  /** For each actor that ever started and supervises nobody, the supervisor that it started under. */
  readonly owners: Map<ActorRef, ActorRef | undefined>;
  readonly watched: Map<ActorRef, Watched>;
  /** Names of two actors that were linked, joined in the order of the alphabet. */
  readonly links: Set<string>;
  readonly accepted: Map<number, string>;
  readonly handled: Set<number>;
  nextId: number;
}

function ownerOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/'));
}

function failuresOf({ system }: Forest, name: string): number {
  return system.failures.filter(({ actor }) => actor.name === name).length;
}

/** The workers of these names that live and neither failed nor ended since their start. */
function runningOf(forest: Forest, names: readonly string[]): string[] {
  return names.filter((name) => {
    const { ref, isUp, failures } = forest.places.get(name) as Place;
    return isUp && failures === failuresOf(forest, name) && forest.system.lookup(name) === ref;
  });
}

/** S29: each starts when those before it take messages; a temporary one is not started again. */
function checkStart(forest: Forest, place: Place, self: ActorRef): void {
  if (place.restart === 'temporary')
    assert.notEqual(place.ref, self, `"${place.name}" is temporary, and was started again`);
  if (place.strategy !== 'one-for-one') {
    for (const name of place.siblings.slice(0, place.siblings.indexOf(place.name))) {
      const { ref, isUp, dismissed, endsItself, restart } = forest.places.get(name) as Place;
      const present = forest.system.lookup(name) as ActorRef | undefined;
      const isLeaving = present === dismissed || (present === ref && endsItself && restart !== 'permanent');
      const isThere = present === undefined || isLeaving || (present === ref && isUp);
      assert.ok(isThere, `"${place.name}" started before "${name}"`);
    }
  }
  if (place.dismissed !== self) place.dismissed = undefined;
  place.ref = self;
  forest.owners.set(self, forest.system.lookup(ownerOf(place.name)));
  place.incarnations++;
  place.endsItself = false;
  place.failures = failuresOf(forest, place.name);
}

/** S29: each is ended when those after it have ended. */
function checkStop(forest: Forest, place: Place): void {
  place.isUp = false;
  if (place.endsItself || place.dismissed !== undefined) return;
  const later = place.siblings.slice(place.siblings.indexOf(place.name) + 1);
  assert.deepEqual(runningOf(forest, later), [], `"${place.name}" was ended before these`);
}

function workerType(forest: Forest, name: string) {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void forest.system.clock.after(ms, resolve));
  const placeOf = (): Place => forest.places.get(name) as Place;
  return implement(Worker, {
    async init(ctx): Promise<{ readonly incarnation: number }> {
      const place = placeOf();
      checkStart(forest, place, ctx.self as unknown as ActorRef);
      const { incarnations } = place;
      if (incarnations % 3 === 0) await sleep(5);
      if (place.failsToStart > 0) {
        place.failsToStart--;
        throw new Error('planted');
      }
      if (place.incarnations === incarnations) place.isUp = true;
      return { incarnation: incarnations };
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
      link(ctx, { id, to }) {
        forest.handled.add(id);
        forest.links.add([name, to.name].sort().join(' '));
        ctx.link(to);
      },
    },
    ask: { incarnation: (ctx) => ctx.state.incarnation },
    async stop() {
      const place = placeOf();
      checkStop(forest, place);
      if (place.hangs) await sleep(HANG_MS);
    },
  });
}

function watcherType({ watched }: Forest) {
  return implement(Watcher, {
    init: () => undefined,
    tell: {
      watch(ctx, ref) {
        if (!watched.has(ref)) watched.set(ref, { notices: 0, until: undefined });
        const { notices, until } = watched.get(ref) as Watched;
        // Whoever watches what has ended is told once more.
        if (notices === 0 && until === undefined) ctx.watch(ref);
      },
      unwatch(ctx, ref) {
        const one = watched.get(ref);
        if (one !== undefined) one.until = one.notices;
        ctx.unwatch(ref);
      },
    },
    terminated(_, { ref }) {
      const one = watched.get(ref);
      assert.ok(one !== undefined, `nobody watches "${ref.name}"`);
      one.notices++;
    },
  });
}

/** A supervisor with one to four children, some of which are supervisors. */
function plant(forest: Forest, random: Random, path: string): ReturnType<typeof supervisor> {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T;
  const strategy = pick(STRATEGIES);
  const depth = path.split('/').length;
  const names = ['a', 'b', 'c', 'd'].slice(0, 1 + Math.floor(random.next() * 4));
  forest.supervisors.push(path);
  const workers = names.filter(() => depth >= 3 || random.next() < 0.7);
  const siblings = workers.map((name) => `${path}/${name}`);
  const children = names.map((name) => {
    if (!workers.includes(name))
      return { name, restart: 'permanent' as const, type: plant(forest, random, `${path}/${name}`) };
    const full = `${path}/${name}`;
    const restart = pick(RESTARTS);
    const unborn = {
      ref: undefined,
      incarnations: 0,
      isUp: false,
      endsItself: false,
      dismissed: undefined,
      failures: 0,
    };
    const well = { hangs: false, failsToStart: 0 };
    forest.places.set(full, { name: full, strategy, siblings, restart, ...unborn, ...well });
    return { name, restart, type: workerType(forest, full), options: { stopTimeoutMs: STOP_MS } };
  });
  return supervisor({ strategy, children, intensity: pick([1, 3, 20]), periodMs: 5_000, backoffMinMs: pick([0, 20]) });
}

async function grow(system: TestSystem): Promise<Forest> {
  const forest: Forest = {
    system,
    places: new Map(),
    supervisors: [],
    owners: new Map(),
    watched: new Map(),
    links: new Set(),
    accepted: new Map(),
    handled: new Set(),
    nextId: 1,
  };
  system.spawn(watcherType(forest), 'watcher');
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

/** A worker that lives, if the one that was drawn does. */
function drawn(forest: Forest, draw: Draw): { readonly place: Place; readonly ref: WorkerRef } | undefined {
  const place = draw.pick([...forest.places.values()]);
  const ref = refOf(forest, place.name);
  return ref === undefined ? undefined : { place, ref };
}

/** Ends a worker, which its supervisor then does without. */
function dismiss(forest: Forest, draw: Draw, how: 'stop' | 'kill' | 'drain'): void {
  const one = drawn(forest, draw);
  if (one === undefined) return;
  one.place.dismissed = one.ref;
  if (how === 'kill') one.ref.kill();
  else void one.ref[how]();
}

/** Adds a child to a supervisor; every other one cannot start. */
function add(forest: Forest, draw: Draw): void {
  const { system } = forest;
  const id = forest.nextId++;
  const type = implement(Watcher, {
    init: ({ self }) => {
      forest.owners.set(self as unknown as ActorRef, system.lookup(ownerOf(self.name)));
      if (id % 2 === 0) throw new Error('planted');
    },
    tell: { watch() {}, unwatch() {} },
    terminated() {},
  });
  const added = system.lookup(draw.pick(forest.supervisors))?.askOp('start', { name: `x${id}`, type });
  added?.then(
    () => assert.equal(id % 2, 1, 'what cannot start was not added'),
    () => {},
  );
}

const forest: World<Forest> = {
  setup: grow,
  actions: {
    work: (world, draw) => send(world, draw, 'work'),
    fail: (world, draw) => send(world, draw, 'fail'),
    end: (world, draw) => send(world, draw, 'end'),
    ask: (world, draw) => refOf(world, draw.pick([...world.places.keys()]))?.ask.incarnation(),
    stop: (world, draw) => dismiss(world, draw, 'stop'),
    kill: (world, draw) => dismiss(world, draw, 'kill'),
    drain: (world, draw) => dismiss(world, draw, 'drain'),
    hang: (world, draw) => {
      draw.pick([...world.places.values()]).hangs = true;
    },
    poison: (world, draw) => {
      draw.pick([...world.places.values()]).failsToStart = draw.pick([1, 2]);
    },
    link: (world, draw) => {
      const [one, other] = [drawn(world, draw), drawn(world, draw)];
      const id = world.nextId++;
      if (one === undefined || other === undefined || one.ref === other.ref) return;
      if (one.ref.tell.link({ id, to: other.ref }).ok) world.accepted.set(id, one.place.name);
    },
    watch: (world, draw) => {
      const ref = drawn(world, draw)?.ref;
      if (ref !== undefined) world.system.lookup('watcher', Watcher)?.tell.watch(ref);
    },
    unwatch: (world, draw) => {
      const ref = draw.pick([...world.watched.keys(), undefined]);
      if (ref !== undefined) world.system.lookup('watcher', Watcher)?.tell.unwatch(ref);
    },
    add,
  },
  eventually: {
    'nobody hangs any more, nobody fails to start': ({ places }) => {
      for (const place of places.values()) Object.assign(place, { hangs: false, failsToStart: 0 });
    },
    'S22: who watches is told once of an end, of nothing else, and of nothing that was called off': ({
      watched,
      system,
    }) => {
      for (const [ref, { notices, until }] of watched) {
        const ends = system.info(ref).state === 'stopped' ? 1 : 0;
        assert.equal(notices, until ?? ends, `${ref.name}: ${notices} notices`);
      }
    },
    'S30: only who was linked fails by a link': ({ links, system }) => {
      for (const { actor, phase, error } of system.failures) {
        if (phase !== 'link') continue;
        const pair = [actor.name, error.details.linked as string].sort().join(' ');
        assert.ok(links.has(pair), `"${actor.name}" failed by "${error.details.linked}", to which it was not linked`);
      }
    },
    'S20, S29: nobody is held, or stops, for ever': ({ system }) => {
      for (const { name, state } of system.actors()) assert.equal(state, 'running', name);
    },
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
      for (const { name, restart, dismissed } of places.values()) {
        const owner = ownerOf(name);
        if (restart === 'permanent' && dismissed === undefined && system.lookup(owner) !== undefined)
          assert.ok(system.lookup(name), name);
      }
    },
    'S16: what escalated is a failure of its parent': (world) => {
      const { system } = world;
      for (const { actor, directive } of system.failures) {
        const { name } = actor;
        if (directive?.kind !== 'escalate' || !name.includes('/')) continue;
        const parent = ownerOf(name);
        const owner = system.lookup(parent);
        const heir = system.lookup(name);
        assert.notEqual(heir, actor, `"${name}" escalated, and lives`);
        // A parent that was being ended anyway, for others' sake, has ended; what it has now are other children.
        const isOther = world.owners.has(actor) && world.owners.get(actor) !== owner;
        const isNew = owner === undefined || isOther || heir !== undefined || system.info(owner).restarts > 0;
        assert.ok(isNew || failuresOf(world, parent) > 0, `"${name}" escalated, and "${parent}" did not fail`);
      }
    },
  },
  faults: {
    crash: ({ name }) => name !== 'watcher',
    pause: ({ name }) => name !== 'root' && name !== 'watcher',
    slow: true,
  },
};

test('S1, S14–S16, S20, S22, S25, S29, S30: random trees keep their promises whatever befalls them', async (t) => {
  const { runs, messages } = await simulate({ ...forest, runs: 300, steps: 40 });
  t.diagnostic(`${runs} runs, ${messages} messages`);
});
