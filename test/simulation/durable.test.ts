/** What is kept, when the process dies after any of its writes: every place is tried, under virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { implement, protocol, type } from '../../src/actor/index.ts';
import { TestSystem } from '../../src/testing/index.ts';
import { MemoryStore } from '../kit/durable.ts';

const Ledger = protocol('test:kept-ledger@1.0.0', {
  tell: { add: type<number>() },
  ask: { sum: { in: type<void>(), out: type<number>() } },
});

const ledger = implement(Ledger, {
  durable: { version: 1, everyMessages: 2 },
  init: () => ({ sum: 0 }),
  tell: {
    add(ctx, amount) {
      ctx.state.sum += amount;
    },
  },
  ask: { sum: (ctx) => ctx.state.sum },
});

/** A disk of which nothing is written any more after some writes: the process has died there. */
class DyingStore extends MemoryStore {
  readonly #writesMax: number;

  constructor(writesMax: number) {
    super();
    this.#writesMax = writesMax;
  }

  override async write(...[writes]: Parameters<MemoryStore['write']>): ReturnType<MemoryStore['write']> {
    if (this.writes >= this.#writesMax) this.isBroken = true;
    return super.write(writes);
  }

  /** What the next process finds. */
  get disk(): MemoryStore {
    const disk = new MemoryStore();
    for (const [name, entries] of this.buckets) {
      for (const [key, value] of entries) disk.bucket(name).set(key, value);
    }
    return disk;
  }
}

const AMOUNTS = [1, 10, 100, 1_000, 10_000];

/** Delivers all amounts until the process dies. Returns the sum of those that were acknowledged. */
async function runUntilItDies(store: DyingStore, seed: number): Promise<number> {
  const system = TestSystem.create({ store, seed });
  let acknowledged = 0;
  const ref = system.spawn(ledger, 'ledger');
  for (const amount of AMOUNTS) {
    const accepted = ref.deliver.add(amount).then(
      () => {
        acknowledged += amount;
      },
      () => {},
    );
    await system.settle();
    await system.until(accepted);
  }
  await system.elapse(200);
  ref.kill();
  // What it could not write is no matter here: that process is gone.
  await system.close().catch(() => {});
  return acknowledged;
}

test('S60, S65: what was acknowledged is there in the next process, once, whichever write the first one died after', async () => {
  const sums = new Set<number>();
  for (let writes = 0; writes < 14; writes++) {
    const store = new DyingStore(writes);
    const acknowledged = await runUntilItDies(store, writes + 1);
    await using system = TestSystem.create({ store: store.disk, seed: writes + 1 });
    const ref = system.spawn(ledger, 'ledger');
    await system.until(system.openOutbox());
    await system.elapse(60_000);
    // Each amount is a digit of its own: one that counts twice shows.
    assert.equal(await system.until(ref.ask.sum()), acknowledged, `it died after ${writes} writes`);
    sums.add(acknowledged);
  }
  assert.ok(sums.size > AMOUNTS.length, `it died in the middle of things: ${[...sums].join(', ')}`);
});
