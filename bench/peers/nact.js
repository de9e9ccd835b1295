import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { idleBytes, timed } from './measure.js';

const { dispatch, query, spawn, spawnStateless, start, stop } = createRequire(import.meta.url)('nact');

const RING = 503;
const SUBSCRIBERS = 100;
const TIMEOUT_MS = 60_000;

/** The names that nact gives are random numbers of 32 bits, of which 10,000 often hold two that are the same. */
const nameOf = (i) => `actor-${i}`;

/** Counts by `{ by }`, and answers whoever asks. */
const count = (n = 0, message, context) => {
  if (message.by !== undefined) return n + message.by;
  dispatch(message.sender ?? context.sender, n, context.self);
  return n;
};
const get = (ref) => query(ref, (sender) => ({ sender }), TIMEOUT_MS);

async function ring(system, size, times) {
  let done;
  const ended = new Promise((resolve) => {
    done = resolve;
  });
  const nodes = [];
  for (let i = 0; i < size; i++) {
    nodes.push(
      spawnStateless(system, (left) => {
        if (left === 0) done();
        else dispatch(nodes[(i + 1) % size], left - 1);
      }),
    );
  }
  const ns = await timed(times, () => {
    dispatch(nodes[0], times - 1);
    return ended;
  });
  for (const node of nodes) stop(node);
  return ns;
}

export async function contender() {
  const system = start();
  const counter = spawn(system, count);
  const subscribers = Array.from({ length: SUBSCRIBERS }, () => spawn(system, count));
  return {
    name: 'nact',
    workloads: {
      async tell(times) {
        const before = await get(counter);
        return await timed(times, async () => {
          for (let i = 0; i < times; i++) dispatch(counter, { by: 1 });
          assert.equal((await get(counter)) - before, times);
        });
      },
      pingPong: (times) => ring(system, 2, times),
      threadRing: (times) => ring(system, RING, times),
      async ask(times) {
        let replies = 0;
        const ns = await timed(times, async () => {
          for (let i = 0; i < times; i++) if ((await get(counter)) >= 0) replies++;
        });
        assert.equal(replies, times);
        return ns;
      },
      async publish(times) {
        const before = await get(subscribers[0]);
        const ns = await timed(times, async () => {
          for (let i = 0; i < times; i++) {
            const message = { by: 1 };
            for (const ref of subscribers) dispatch(ref, message);
          }
          await Promise.all(subscribers.map(get));
        });
        for (const ref of subscribers) assert.equal((await get(ref)) - before, times);
        return ns;
      },
      async spawn(times) {
        const own = start();
        const refs = [];
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) refs.push(spawn(own, count, nameOf(i)));
        });
        assert.equal(refs.length, times);
        stop(own);
        return ns;
      },
      async start(times) {
        const own = start();
        const ns = await timed(times, async () => {
          let last;
          for (let i = 0; i < times; i++) last = spawn(own, count, nameOf(i));
          assert.equal(await get(last), 0);
        });
        stop(own);
        return ns;
      },
      async forkJoinCreate(times) {
        let handled = 0;
        const own = start();
        const ns = await timed(
          times,
          () =>
            new Promise((resolve) => {
              const work = (_message, context) => {
                context.sine = Math.sin(37.2);
                stop(context.self);
                if (++handled === times) resolve();
              };
              for (let i = 0; i < times; i++) dispatch(spawnStateless(own, work, nameOf(i)), 1);
            }),
        );
        assert.equal(handled, times);
        stop(own);
        return ns;
      },
    },
    idleBytes: (count) => idleBytes('nact', count),
    close: () => stop(system),
  };
}

export async function idle() {
  const system = start();
  let made = 0;
  return { make: () => spawn(system, count, nameOf(made++)), settle: async () => undefined };
}
