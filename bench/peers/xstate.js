import assert from 'node:assert/strict';
import { createActor, fromTransition } from 'xstate';
import { idleBytes, timed } from './measure.js';

const RING = 503;
const SUBSCRIBERS = 100;

const counting = fromTransition((state, event) => ({ n: state.n + event.by }), { n: 0 });
const countOf = (actor) => actor.getSnapshot().context.n;
const made = () => createActor(counting).start();

async function ring(size, times) {
  let done;
  const ended = new Promise((resolve) => {
    done = resolve;
  });
  const nodes = [];
  for (let i = 0; i < size; i++) {
    const node = fromTransition((state, event) => {
      // The end of an actor is an event too.
      if (event.type !== 'ball') return state;
      // To send is to call: from within a transition it would go deeper with every message, hence the microtask.
      if (event.left === 0) done();
      else queueMicrotask(() => nodes[(i + 1) % size].send({ type: 'ball', left: event.left - 1 }));
      return state;
    }, {});
    nodes.push(createActor(node).start());
  }
  const ns = await timed(times, () => {
    nodes[0].send({ type: 'ball', left: times - 1 });
    return ended;
  });
  for (const node of nodes) node.stop();
  return ns;
}

export async function contender() {
  const counter = made();
  const subscribers = Array.from({ length: SUBSCRIBERS }, made);
  return {
    name: 'xstate',
    workloads: {
      async tell(times) {
        const before = countOf(counter);
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) counter.send({ type: 'add', by: 1 });
        });
        assert.equal(countOf(counter) - before, times);
        return ns;
      },
      pingPong: (times) => ring(2, times),
      threadRing: (times) => ring(RING, times),
      async publish(times) {
        const before = countOf(subscribers[0]);
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) {
            const event = { type: 'add', by: 1 };
            for (const actor of subscribers) actor.send(event);
          }
        });
        for (const actor of subscribers) assert.equal(countOf(actor) - before, times);
        return ns;
      },
      async spawn(times) {
        const actors = [];
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) actors.push(createActor(counting));
        });
        assert.equal(actors.length, times);
        return ns;
      },
      async start(times) {
        const actors = [];
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) actors.push(made());
        });
        for (const actor of actors) {
          assert.equal(actor.getSnapshot().status, 'active');
          actor.stop();
        }
        return ns;
      },
      async forkJoinCreate(times) {
        let handled = 0;
        const work = fromTransition((state, { type }) => {
          if (type !== 'work') return state;
          handled++;
          return { sine: Math.sin(37.2), before: state.sine };
        }, {});
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) {
            const actor = createActor(work).start();
            actor.send({ type: 'work' });
            actor.stop();
          }
        });
        assert.equal(handled, times);
        return ns;
      },
    },
    idleBytes: (count) => idleBytes('xstate', count),
    close: () => undefined,
  };
}

export async function idle() {
  return { make: made, settle: async () => undefined };
}
