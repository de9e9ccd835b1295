import assert from 'node:assert/strict';
import { Deferred, Effect, Fiber, Queue } from 'effect';
import { timed } from './measure.js';

/** As deep as the project's mailboxes. */
const CAPACITY = 1_024;
const RING = 503;
const SUBSCRIBERS = 100;

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
  const subscribers = [];
  for (let i = 0; i < SUBSCRIBERS; i++) {
    const [counted, one] = counting();
    subscribers.push({ counted, ...(await Effect.runPromise(one)) });
  }
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
      async ask(times) {
        let replies = 0;
        const asking = Effect.gen(function* () {
          for (let i = 0; i < times; i++) if ((yield* get(queue)) >= 0) replies++;
        });
        const ns = await timed(times, () => Effect.runPromise(asking));
        assert.equal(replies, times);
        return ns;
      },
      async publish(times) {
        const before = subscribers.map(({ counted }) => counted.n);
        const publishing = Effect.gen(function* () {
          for (let i = 0; i < times; i++) {
            const message = { by: 1 };
            for (const { queue: to } of subscribers) yield* Queue.offer(to, message);
          }
          for (const { queue: to } of subscribers) yield* get(to);
        });
        const ns = await timed(times, () => Effect.runPromise(publishing));
        for (const [i, { counted }] of subscribers.entries()) assert.equal(counted.n - before[i], times);
        return ns;
      },
    },
    close: () => Effect.runPromise(Effect.forEach([{ fiber }, ...subscribers], (one) => Fiber.interrupt(one.fiber))),
  };
}
