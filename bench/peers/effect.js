import assert from 'node:assert/strict';
import { Deferred, Effect, Fiber, PubSub, Queue, Scope } from 'effect';
import { timed } from './measure.js';

/** As deep as the project's mailboxes. */
const CAPACITY = 1_024;
const RING = 503;
const SUBSCRIBERS = 100;
const TIMEOUT_MS = 5_000;

/** A fiber that takes messages off a bounded queue: what an actor is, in Effect. */
const actor = (handle) =>
  Effect.gen(function* () {
    const queue = yield* Queue.bounded(CAPACITY);
    const fiber = yield* Effect.forkDetach(
      Effect.gen(function* () {
        while (true) {
          const answer = handle(yield* Queue.take(queue));
          if (answer !== undefined) yield* answer;
        }
      }),
    );
    return { queue, fiber };
  });

const counting = () => {
  const state = { n: 0 };
  return [
    state,
    actor((message) => {
      if (message.reply !== undefined) return Deferred.succeed(message.reply, state.n);
      state.n += message.by;
      return undefined;
    }),
  ];
};

const get = (queue) =>
  Effect.gen(function* () {
    const reply = yield* Deferred.make();
    yield* Queue.offer(queue, { reply });
    return yield* Deferred.await(reply);
  });

/** As many fibers as there are subscribers, each of which counts what it takes off its subscription to `hub`. */
const subscribers = (hub) =>
  Effect.gen(function* () {
    const all = [];
    for (let i = 0; i < SUBSCRIBERS; i++) {
      const subscription = yield* PubSub.subscribe(hub);
      const counted = { n: 0 };
      const fiber = yield* Effect.forkDetach(
        Effect.gen(function* () {
          while (true) {
            const { by, onHandled } = yield* PubSub.take(subscription);
            counted.n += by;
            onHandled?.();
          }
        }),
      );
      all.push({ counted, fiber });
    }
    return all;
  });

async function asked(queue, times, within) {
  let replies = 0;
  const asking = Effect.gen(function* () {
    for (let i = 0; i < times; i++) if ((yield* within(get(queue))) >= 0) replies++;
  });
  const ns = await timed(times, () => Effect.runPromise(asking));
  assert.equal(replies, times);
  return ns;
}

async function published(hub, all, times) {
  const before = all.map(({ counted }) => counted.n);
  const ns = await timed(
    times,
    () =>
      new Promise((resolve) => {
        let waiting = SUBSCRIBERS;
        const onHandled = () => void (--waiting === 0 && resolve());
        const publishing = Effect.gen(function* () {
          for (let i = 1; i < times; i++) yield* PubSub.publish(hub, { by: 1 });
          yield* PubSub.publish(hub, { by: 1, onHandled });
        });
        void Effect.runPromise(publishing);
      }),
  );
  for (const [i, { counted }] of all.entries()) assert.equal(counted.n - before[i], times);
  return ns;
}

function ring(size, times) {
  return Effect.runPromise(
    Effect.gen(function* () {
      const done = yield* Deferred.make();
      const nodes = [];
      for (let i = 0; i < size; i++) {
        nodes.push(
          yield* actor((left) =>
            left === 0 ? Deferred.succeed(done, true) : Queue.offer(nodes[(i + 1) % size].queue, left - 1),
          ),
        );
      }
      const ns = yield* Effect.promise(() =>
        timed(times, () =>
          Effect.runPromise(
            Effect.gen(function* () {
              yield* Queue.offer(nodes[0].queue, times - 1);
              yield* Deferred.await(done);
            }),
          ),
        ),
      );
      for (const { fiber } of nodes) yield* Fiber.interrupt(fiber);
      return ns;
    }),
  );
}

export async function contender() {
  const [state, make] = counting();
  const { queue, fiber } = await Effect.runPromise(make);
  const scope = await Effect.runPromise(Scope.make());
  const hub = await Effect.runPromise(PubSub.bounded(CAPACITY));
  const subscribed = await Effect.runPromise(Effect.provideService(subscribers(hub), Scope.Scope, scope));
  return {
    name: 'effect',
    workloads: {
      async tell(times) {
        const before = state.n;
        return await timed(times, async () => {
          const sending = Effect.gen(function* () {
            for (let i = 0; i < times; i++) yield* Queue.offer(queue, { by: 1 });
            return yield* get(queue);
          });
          assert.equal((await Effect.runPromise(sending)) - before, times);
        });
      },
      pingPong: (times) => ring(2, times),
      threadRing: (times) => ring(RING, times),
      ask: (times) => asked(queue, times, Effect.timeout(TIMEOUT_MS)),
      askForEver: (times) => asked(queue, times, (asking) => asking),
      publish: (times) => published(hub, subscribed, times),
      async start(times) {
        const actors = [];
        const making = Effect.gen(function* () {
          for (let i = 0; i < times; i++) actors.push(yield* counting()[1]);
          return yield* get(actors.at(-1).queue);
        });
        const ns = await timed(times, async () => assert.equal(await Effect.runPromise(making), 0));
        await Effect.runPromise(Effect.forEach(actors, (one) => Fiber.interrupt(one.fiber)));
        return ns;
      },
    },
    close: () => Effect.runPromise(Effect.forEach([{ fiber }, ...subscribed], (one) => Fiber.interrupt(one.fiber))),
  };
}
