/** Delivery at least once against a model of it: whatever fails, crashes and is sent again, in whatever order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { manualSystem, outcomeOf } from '../../test/kit/actors.ts';
import { MemoryStore } from '../../test/kit/durable.ts';
import { implement, protocol, type } from '../actor/index.ts';

const Ledger = protocol('test:ledger@1.0.0', {
  tell: { add: type<number>() },
  ask: { all: { in: type<void>(), out: type<Map<number, number>>() } },
});

/** Counts how often it got each; fails at a message as often as `failures` says. */
function ledger(failures: Map<number, number>, isDurable: boolean, counts: Map<number, number>) {
  return implement(Ledger, {
    init: () => (isDurable ? new Map<number, number>() : counts),
    ...(isDurable && { durable: { version: 1, everyMessages: 3, everyMs: 50 } }),
    tell: {
      add: ({ state }, n) => {
        const left = failures.get(n) ?? 0;
        failures.set(n, left - 1);
        if (left > 0) throw new Error('planted');
        state.set(n, (state.get(n) ?? 0) + 1);
      },
    },
    ask: { all: ({ state }) => state },
  });
}

const STEP = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('deliver' as const), id: fc.nat(30), fails: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.constant({ what: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ what: 'end' as const }) },
  { weight: 1, arbitrary: fc.constant({ what: 'kill' as const }) },
  { weight: 1, arbitrary: fc.constant({ what: 'stop' as const }) },
  { weight: 1, arbitrary: fc.constant({ what: 'break' as const }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('elapse' as const), ms: fc.integer({ min: 1, max: 300 }) }) },
);
const MAILBOX = fc.record({
  capacity: fc.integer({ min: 1, max: 4 }),
  overflow: fc.constantFrom('reject' as const, 'wait' as const, 'drop-oldest' as const, 'drop-newest' as const),
});

for (const isDurable of [true, false]) {
  const more = isDurable ? ', and a durable actor knows of each once' : '';
  test(`S65, S67: nothing that was accepted is lost in any order of failures, ends and crashes${more}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 40 }), MAILBOX, async (steps, mailbox) => {
        const disk = new MemoryStore();
        const failures = new Map<number, number>();
        const counts = new Map<number, number>();
        const accepted = new Set<number>();
        const actor = ledger(failures, isDurable, counts);
        const options = { mailbox, supervision: { backoffMinMs: 5, intensity: 1_000, periodMs: 1_000 } } as const;
        const begin = () => {
          const store = Object.assign(new MemoryStore(), { buckets: disk.buckets });
          const kit = manualSystem(undefined, undefined, { store });
          return { store, ...kit, ref: kit.system.spawn(actor, 'ledger', options) };
        };
        let node = begin();
        for (const step of steps) {
          if (step.what === 'deliver') {
            failures.set(step.id, step.fails);
            const sent = outcomeOf(node.ref.deliver.add(step.id, { id: `${step.id}` }));
            void sent.then((error) => error === undefined && accepted.add(step.id));
            await node.clock.settle();
          } else if (step.what === 'elapse') await node.clock.elapse(step.ms);
          else if (step.what === 'break') node.store.isBroken = !node.store.isBroken;
          else if (step.what === 'kill' || step.what === 'stop') {
            if (step.what === 'kill') node.ref.kill();
            else void node.ref.stop();
            await node.clock.elapse(6_000);
            node.ref = node.system.spawn(actor, 'ledger', options);
          } else {
            // What is written after a crash is lost.
            if (step.what === 'crash') node.store.isBroken = true;
            await node.close();
            node = begin();
          }
        }
        node.store.isBroken = false;
        await node.clock.elapse(2_000);
        await outcomeOf(node.system.openOutbox());
        await node.clock.elapse(120_000);
        assert.equal(disk.bucket('actors/outbox').size, 0, 'all were acknowledged');
        const asked = node.ref.ask.all();
        await node.clock.elapse(1);
        const seen = await asked;
        for (const id of accepted) assert.ok(seen.has(id), `${id} was lost`);
        if (isDurable) for (const [id, times] of seen) assert.equal(times, 1, `${id} was handled ${times} times`);
        assert.equal(node.letters.length, 0);
        await node.close();
      }),
      { numRuns: 60 },
    );
  });
}
