/** The actors of this project, with their default bounded mailboxes, counters and supervision. */
import assert from 'node:assert/strict';
import { type ActorRef, ActorSystem, implement, protocol, type SystemOptions, type } from '../../src/index.ts';
import { type Contender, timed } from './contender.ts';
import { idleBytes } from './idle.ts';
import { savina } from './savina.ts';
import { names, state } from './shared.ts';

/** Messages of a burst: fewer than a mailbox holds. */
const BURST = 1_000;
const SUBSCRIBERS = 100;
const PUBLISHED_AT_ONCE = 50;

export const Counter = protocol('bench:counter@1.0.0', {
  tell: { add: type<{ readonly by: number }>() },
  ask: { get: { in: type<void>(), out: type<number>() } },
});
export const counter = implement(Counter, {
  init: () => ({ n: 0 }),
  tell: {
    add({ state }, { by }) {
      state.n += by;
    },
  },
  ask: { get: ({ state }) => state.n },
});

const Ball = protocol('bench:ball@1.0.0', { tell: { ball: type<number>() } });
/** What a player knows of its partner. */
interface Game {
  readonly partner: ActorRef<typeof Ball>;
  readonly done: () => void;
}
const Player = protocol('bench:player@1.0.0', { tell: { start: type<Game>(), ball: type<number>() } });
const player = implement(Player, {
  init: (): Game | undefined => undefined,
  tell: {
    start(context, { partner, done }) {
      context.state = { partner: context.ref(partner), done };
    },
    ball({ state }, left) {
      if (left === 0) state?.done();
      else state?.partner.tell.ball(left - 1);
    },
  },
});

/** Sends `times` messages in bursts that fit a mailbox, and waits until each burst is handled. */
async function tell(system: ActorSystem, ref: ActorRef<typeof Counter>, times: number): Promise<number> {
  const before = await ref.ask.get();
  const countedBefore = system.info(ref).handled;
  let bursts = 0;
  const ns = await timed(times, async () => {
    for (let left = times; left > 0; left -= BURST) {
      for (let i = Math.min(left, BURST); i > 0; i--) ref.tell.add({ by: 1 });
      assert.equal(await ref.ask.get(), before + times - Math.max(0, left - BURST));
      bursts++;
    }
  });
  // What operators see counts the same: each message, and one request for each burst.
  assert.equal(system.info(ref).handled - countedBefore, times + bursts);
  return ns;
}

async function pingPong(system: ActorSystem, turns: number): Promise<number> {
  const [left, right] = [system.spawn(player), system.spawn(player)];
  const { promise, resolve } = Promise.withResolvers<void>();
  left.tell.start({ partner: right, done: resolve });
  right.tell.start({ partner: left, done: resolve });
  await right.ready;
  // Who holds the ball at zero ends the game: it cannot end before every throw was handled.
  const ns = await timed(turns, () => {
    left.tell.ball(turns - 1);
    return promise;
  });
  await Promise.all([left.stop(), right.stop()]);
  return ns;
}

async function ask(ref: ActorRef<typeof Counter>, times: number): Promise<number> {
  let replies = 0;
  const ns = await timed(times, async () => {
    for (let i = 0; i < times; i++) if ((await ref.ask.get()) >= 0) replies++;
  });
  assert.equal(replies, times);
  return ns;
}

async function publish(system: ActorSystem, refs: readonly ActorRef<typeof Counter>[], times: number): Promise<number> {
  const last = refs.at(-1) as ActorRef<typeof Counter>;
  const before = await last.ask.get();
  const ns = await timed(times, async () => {
    for (let i = 1; i <= times; i++) {
      assert.equal(system.publish('bench.count', { by: 1 }), SUBSCRIBERS);
      if (i % PUBLISHED_AT_ONCE === 0 || i === times) await last.ask.get();
    }
  });
  for (const ref of refs) assert.equal((await ref.ask.get()) - before, times);
  return ns;
}

async function spawn(times: number): Promise<number> {
  await using system = await ActorSystem.create();
  const refs: ActorRef[] = [];
  const ns = await timed(times, () => {
    for (let i = 0; i < times; i++) refs.push(system.spawn(counter));
  });
  assert.equal(system.size, times);
  return ns;
}

/** Actors start in the order in which they were made: when the last one answers, all have started. */
async function start(times: number): Promise<number> {
  await using system = await ActorSystem.create();
  const refs: ActorRef<typeof Counter>[] = [];
  const ns = await timed(times, async () => {
    for (let i = 0; i < times; i++) refs.push(system.spawn(counter));
    assert.equal(await refs.at(-1)?.ask.get(), 0);
  });
  for (const { state } of system.actors()) assert.equal(state, 'running');
  return ns;
}

export async function troupe(options: SystemOptions = {}): Promise<Contender> {
  const system = await ActorSystem.create(options);
  const ref = system.spawn(counter);
  const subscribe = { 'bench.*': 'add' };
  const subscribers = Array.from({ length: SUBSCRIBERS }, () => system.spawn(counter, undefined, { subscribe }));
  const shared = names(counter);
  const access = state(system);
  return {
    name: 'troupe',
    workloads: {
      tell: (times) => tell(system, ref, times),
      pingPong: (times) => pingPong(system, times),
      ask: (times) => ask(ref, times),
      // With a deadline all the same.
      askForEver: (times) => ask(ref, times),
      publish: (times) => publish(system, subscribers, times),
      spawn,
      start,
      ...savina,
      lookup: shared.lookup(1_000),
      lookupMany: shared.lookup(100_000),
      ...access,
    },
    idleBytes: (count) => idleBytes('troupe', count),
    async close() {
      await shared.close();
      await system.stop();
    },
  };
}
