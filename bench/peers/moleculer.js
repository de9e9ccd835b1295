import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { timed } from './measure.js';

const { ServiceBroker } = createRequire(import.meta.url)('moleculer');

const SUBSCRIBERS = 100;
const TIMEOUT_MS = 5_000;

async function called(broker, times, options) {
  let replies = 0;
  const ns = await timed(times, async () => {
    for (let i = 0; i < times; i++) if ((await broker.call('counter.get', undefined, options)) >= 0) replies++;
  });
  assert.equal(replies, times);
  return ns;
}

/** One node, no transporter: a service has no mailbox and handles calls as they come. */
export async function contender() {
  const broker = new ServiceBroker({ logger: false, metrics: false, tracing: false });
  const counts = new Array(SUBSCRIBERS).fill(0);
  let n = 0;
  broker.createService({ name: 'counter', actions: { get: () => n, add: ({ params }) => (n += params.by) } });
  for (let i = 0; i < SUBSCRIBERS; i++) {
    broker.createService({
      name: `subscriber-${i}`,
      events: {
        'bench.count': ({ params }) => {
          counts[i] += params.by;
        },
      },
    });
  }
  await broker.start();
  return {
    name: 'moleculer',
    workloads: {
      ask: (times) => called(broker, times, { timeout: TIMEOUT_MS }),
      askForEver: (times) => called(broker, times),
      async publish(times) {
        const before = [...counts];
        const ns = await timed(times, async () => {
          for (let i = 0; i < times; i++) await broker.broadcastLocal('bench.count', { by: 1 });
        });
        for (const [i, count] of counts.entries()) assert.equal(count - before[i], times);
        return ns;
      },
    },
    close: () => broker.stop(),
  };
}
