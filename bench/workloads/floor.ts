/** The least that could do the work: a function call, and a queue with a call for each message. */
import assert from 'node:assert/strict';
import { type Contender, timed } from './contender.ts';

/** Messages of a burst, as for the actors. */
const BURST = 1_000;

interface Add {
  readonly by: number;
}

class Counter {
  n = 0;
  /** Kept, so that no compiler does without it. */
  last: Add | undefined;

  add(message: Add): void {
    this.n += message.by;
    this.last = message;
  }
  get(): number {
    return this.n;
  }
}

/** A direct call in place of each message. */
export function functionCall(): Contender {
  const counters = Array.from({ length: 100 }, () => new Counter());
  const [one] = counters as [Counter];
  return {
    name: 'bare call',
    workloads: {
      async tell(times) {
        const before = one.n;
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) one.add({ by: 1 });
        });
        assert.equal(one.n - before, times);
        return ns;
      },
      async askForEver(times) {
        const get = async (): Promise<number> => one.get();
        let replies = 0;
        const ns = await timed(times, async () => {
          for (let i = 0; i < times; i++) if ((await get()) >= 0) replies++;
        });
        assert.equal(replies, times);
        return ns;
      },
      async publish(times) {
        const before = counters.map(({ n }) => n);
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) {
            const message = { by: 1 };
            for (const counter of counters) counter.add(message);
          }
        });
        for (const [i, { n }] of counters.entries()) assert.equal(n - (before[i] as number), times);
        return ns;
      },
      async spawn(times) {
        const made: Counter[] = [];
        const ns = await timed(times, () => {
          for (let i = 0; i < times; i++) made.push(new Counter());
        });
        assert.equal(made.length, times);
        return ns;
      },
    },
  };
}

/** An array that is filled and emptied, without bounds, names, failures or fairness. */
export function bareQueue(): Contender {
  const queue: Add[] = [];
  return {
    name: 'bare queue',
    workloads: {
      async tell(times) {
        const counter = new Counter();
        const ns = await timed(times, () => {
          for (let left = times; left > 0; left -= BURST) {
            for (let i = Math.min(left, BURST); i > 0; i--) queue.push({ by: 1 });
            for (const message of queue) counter.add(message);
            queue.length = 0;
          }
        });
        assert.equal(counter.n, times);
        return ns;
      },
    },
  };
}
