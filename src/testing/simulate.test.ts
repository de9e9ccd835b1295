import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextPass } from 'node:timers';
import { type ActorRef, implement, protocol, type } from '../actor/index.ts';
import { replay, SimulationFailure, simulate, type TestSystem, type World } from './index.ts';

const Counter = protocol('test:counter@1.0.0', {
  tell: { add: type<number>(), odd: type<() => void | Promise<void>>() },
  ask: { get: { in: type<void>(), out: type<number>() } },
});

const counter = implement(Counter, {
  init: () => ({ n: 0 }),
  tell: {
    add(ctx, by) {
      ctx.state.n += by;
    },
    odd: (_, act) => act(),
  },
  ask: { get: (ctx) => ctx.state.n },
});

interface Counting {
  readonly refs: readonly ActorRef<typeof Counter>[];
  sent: number;
}

/** A world in which nothing is wrong. */
const counting: World<Counting> = {
  setup: (system) => ({ refs: ['a', 'b', 'c'].map((name) => system.spawn(counter, name)), sent: 0 }),
  actions: {
    add(world, draw) {
      const by = draw.between(0, 9);
      if (draw.pick(world.refs).tell.add(by).ok) world.sent += by;
    },
    get: (world, draw) => draw.pick(world.refs).ask.get(undefined, { timeoutMs: draw.chance(0.5) ? 10 : 1_000 }),
  },
  eventually: {
    'every addition counts': async ({ refs, sent }) => {
      const counts = await Promise.all(refs.map((ref) => ref.ask.get()));
      assert.equal(
        counts.reduce((sum, n) => sum + n, 0),
        sent,
      );
    },
  },
  faults: { pause: true, slow: ['a'], fill: ({ name }) => name === 'b', delay: true, reorder: { op: 'add' } },
};

async function failureOf(simulation: Promise<unknown>): Promise<SimulationFailure> {
  const error = await simulation.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SimulationFailure, `${error}`);
  return error;
}

test('simulate gives the same runs for the same seed, and others for others', async () => {
  const first = await simulate({ ...counting, seed: 5, runs: 20 });
  assert.deepEqual(await simulate({ ...counting, seed: 5, runs: 20 }), first);
  assert.notEqual((await simulate({ ...counting, seed: 6, runs: 20 })).fingerprint, first.fingerprint);
  assert.ok(first.messages > 100, `${first.messages}`);
});

test('simulate fails in the same way for the same seed, shrunk to the same steps', async () => {
  const lossy = { ...counting, faults: { ...counting.faults, drop: { op: 'add' } } };
  const [one, other] = [await failureOf(simulate(lossy)), await failureOf(simulate(lossy))];
  assert.equal(one.message, other.message);
  assert.deepEqual(one.trace, other.trace);
  assert.ok(one.trace.steps.length <= 2, one.message);
  assert.equal((await failureOf(simulate({ ...lossy, seed: one.seed, runs: 1 }))).what, one.what);
  assert.equal((await failureOf(replay(lossy, one.trace))).what, one.what);
  await replay(counting, { ...one.trace, steps: [] });
});

test('simulate tells what happened, step by step', async () => {
  const { message } = await failureOf(simulate({ ...counting, faults: { drop: { op: 'add' } } }));
  assert.match(message, /^Simulation failed: "every addition counts" does not hold when all has come to rest: /);
  assert.match(message, /\nseed \d+, run \d+: 30 steps, shrunk to 2\n/);
  assert.match(message, / {2}1\. fault drop\(0\)\n {2}2\. add\(1, ActorRef\(a\)\)\n/);
  assert.match(message, /befallen: tell "add" 1 to "a"/);
  assert.match(message, /\ntrace: \{"seed":\d+,"steps":\[\{"kind":"fault","name":"drop"/);
});

test('simulate checks invariants after every step, and does not let them wait', async () => {
  const world: World<Counting> = {
    ...counting,
    invariants: { 'little is sent': ({ sent }) => assert.ok(sent < 10) },
  };
  const { what, trace } = await failureOf(simulate(world));
  assert.equal(what, 'invariant "little is sent" does not hold');
  assert.equal(trace.steps.length, 2);
  const waiting = { ...counting, invariants: { waits: (async () => {}) as () => void } };
  assert.match((await failureOf(simulate(waiting))).message, /Invariant "waits" must not wait/);
});

test('simulate takes a failed assertion in an actor, or in an action, for a failure', async () => {
  const setup = (): Promise<Counting> => Promise.resolve({ refs: [], sent: 0 });
  const inAction = { setup, actions: { wrong: () => assert.fail('planted') } };
  assert.match((await failureOf(simulate(inAction))).message, /action "wrong" failed: planted/);
  const inActor: World<Counting> = {
    ...counting,
    actions: { wrong: ({ refs }) => void refs[0]?.tell.odd(() => assert.fail('planted')) },
  };
  assert.match((await failureOf(simulate(inActor))).message, /an assertion in an actor failed: planted/);
});

test('simulate reports what waits for something besides the clock', async () => {
  const real = (): Promise<void> => new Promise((resolve) => void nextPass(resolve));
  const world: World<Counting> = { ...counting, actions: { real: ({ refs }) => void refs[1]?.tell.odd(real) } };
  const { message, trace } = await failureOf(simulate(world));
  assert.match(
    message,
    /it does not settle in 60000 ms of its clock: "b" is handling "odd"; only the clock of the system/,
  );
  assert.equal(trace.steps.length, 1);
});

test('simulate reports actions that never end', async () => {
  const world: World<Counting> = { ...counting, actions: { endless: () => new Promise(() => {}) }, restMs: 1_000 };
  assert.match(
    (await failureOf(simulate(world))).message,
    /does not settle in 1000 ms .*: action "endless" is under way/,
  );
});

test('simulate reports actors that keep one another busy', async () => {
  const endless = (ref: ActorRef<typeof Counter>): (() => void) => {
    const again = (): void => void ref.tell.odd(again);
    return again;
  };
  const world: World<Counting> = {
    ...counting,
    actions: { ...counting.actions, loop: ({ refs: [, ref] }) => ref !== undefined && endless(ref)() },
  };
  const { message, trace } = await failureOf(simulate({ ...world, steps: 3 }));
  assert.match(message, /busy: 20000 turns, and no time has passed. Next would be:\n {2}"b"/);
  assert.equal(trace.steps.length, 1);
});

test('simulate reports runs that share something, and so differ', async () => {
  let calls = 0;
  const world: World<Counting> = {
    ...counting,
    actions: { add: ({ refs }) => void refs[calls++ % 3]?.tell.add(1) },
  };
  assert.match((await failureOf(simulate({ ...world, steps: 10 }))).message, /not deterministic: .*what runs share/);
});

test('simulate reports what a run leaves behind', async () => {
  const world: World<Counting> = {
    ...counting,
    actions: { leak: (_, __, system) => void system.clock.after(1e9, () => {}) },
  };
  assert.match((await failureOf(simulate(world))).message, /something is left when the system has stopped/);
});

test('simulate refuses options out of range, and reports what setup throws', async () => {
  for (const options of [{ runs: 0 }, { steps: 1.5 }, { seed: Number.NaN }]) {
    await assert.rejects(simulate({ ...counting, ...options }), RangeError);
  }
  await assert.rejects(simulate({ ...counting, actions: {} }), TypeError);
  const broken = { ...counting, setup: (): never => assert.fail('planted') };
  assert.match(
    (await failureOf(simulate(broken))).message,
    /^Simulation failed: the setup failed: planted\nseed 1, run 1/,
  );
  const unknown = { seed: 1, steps: [{ kind: 'action', name: 'gone', draws: [], turns: [] }] } as const;
  await assert.rejects(replay(counting, unknown), /an action "gone", and the simulation has none/);
});

test('simulate puts its own time and chance under the globals that actors read', async () => {
  const seen = async (seed: number): Promise<unknown[]> => {
    const values: unknown[] = [];
    const read = async (): Promise<void> => {
      values.push(Date.now(), Math.random(), crypto.randomUUID());
      await new Promise<void>((resolve) => void setTimeout(resolve, 700));
      values.push(new Date().toISOString());
    };
    const world: World<Counting> = { ...counting, actions: { read: ({ refs }) => void refs[0]?.tell.odd(read) } };
    await simulate({ ...world, seed, runs: 1, steps: 5 });
    return values;
  };
  assert.deepEqual(await seen(3), await seen(3));
  assert.notDeepEqual(await seen(3), await seen(4));
});

test('simulate reports chance that comes from elsewhere, also when nothing fails by it', async () => {
  let chance = 0;
  const setup = (system: TestSystem): Counting => {
    chance += 1;
    return counting.setup(system) as Counting;
  };
  const world: World<Counting> = { ...counting, setup, actions: { add: ({ refs }) => void refs[0]?.tell.add(chance) } };
  assert.match((await failureOf(simulate({ ...world, eventually: {} }))).message, /it is not deterministic/);
});

test('simulate survives errors whose causes form a circle', async () => {
  const circle = (): void => {
    const error = new Error('planted');
    error.cause = error;
    throw error;
  };
  const world: World<Counting> = { ...counting, actions: { fail: ({ refs }) => void refs[0]?.tell.odd(circle) } };
  await simulate({ ...world, runs: 2, eventually: {} });
});

test('simulate takes the failed expectation of other assertion libraries for one', async () => {
  const jest = (): void => {
    throw Object.assign(new Error('planted'), { matcherResult: { pass: false } });
  };
  const world: World<Counting> = { ...counting, actions: { wrong: ({ refs }) => void refs[0]?.tell.odd(jest) } };
  assert.match((await failureOf(simulate(world))).message, /an assertion in an actor failed: planted/);
});

test('simulate tells failures, dead letters, and who is there in the end in which state; not more than can be read', async () => {
  const endless = (ref: ActorRef<typeof Counter>): (() => void) => {
    const again = (): void => void ref.tell.odd(again);
    return again;
  };
  const world: World<Counting> = {
    ...counting,
    actions: {
      both: ({ refs: [a, b] }) => {
        a?.tell.odd(() => {
          throw new Error('planted');
        });
        if (b !== undefined) endless(b)();
      },
    },
  };
  const { message } = await failureOf(simulate({ ...world, steps: 1 }));
  assert.match(message, /\n {2}1\. both\(\)\n/);
  assert.match(message, / 0 ms ✗ "a" failed .*: restart\n/);
  assert.match(message, / 0 ms † "a": tell "odd" .*: dead letter, failed\n/);
  assert.match(message, /\n +… \d+ more …\n/);
  assert.match(message, /\n {2}in the end\n {7}"a".*\n {7}"b" \{ n: 0 \}.*\n {7}"c" \{ n: 0 \}\n/);
  assert.ok(message.length < 20_000, `${message.length}`);
});

test('replay refuses a fault that the simulation has not', async () => {
  const unknown = { seed: 1, steps: [{ kind: 'fault', name: 'gone', draws: [], turns: [] }] } as const;
  await assert.rejects(replay(counting, unknown), /a fault "gone", and the simulation has none/);
});
