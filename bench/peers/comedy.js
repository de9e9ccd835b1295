import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { timed } from './measure.js';

const { createSystem } = createRequire(import.meta.url)('comedy');

const silent = { debug() {}, info() {}, warn() {}, error() {}, isDebug: () => false };

/** In-memory actors: those in processes are another kind of thing. */
export async function contender() {
  const system = createSystem({ test: true, log: silent });
  const root = await system.rootActor();
  let n = 0;
  const counter = await root.createChild(
    {
      add: ({ by }) => {
        n += by;
      },
      get: () => n,
    },
    { mode: 'in-memory' },
  );
  return {
    name: 'comedy',
    workloads: {
      async tell(times) {
        const before = await counter.sendAndReceive('get');
        return await timed(times, async () => {
          const sent = [];
          for (let i = 0; i < times; i++) sent.push(counter.send('add', { by: 1 }));
          await Promise.all(sent);
          assert.equal((await counter.sendAndReceive('get')) - before, times);
        });
      },
      /** It can have no deadline of its own. */
      async askForEver(times) {
        let replies = 0;
        const ns = await timed(times, async () => {
          for (let i = 0; i < times; i++) if ((await counter.sendAndReceive('get')) >= 0) replies++;
        });
        assert.equal(replies, times);
        return ns;
      },
    },
    close: () => system.destroy(),
  };
}
