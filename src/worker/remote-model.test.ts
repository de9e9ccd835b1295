/** Actors behind a link under random histories: whatever is lost, delayed or refused, everything is accounted for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { remoteSystem } from '../../test/kit/remote.ts';
import { implement, protocol, type } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';

const Log = protocol('test:log', {
  tell: { note: type<{ from: number; n: number; boom: boolean }>() },
  ask: { read: { in: type<{ from: number; n: number }>(), out: type<number>() } },
});

type Step =
  | { readonly kind: 'tell'; readonly from: number; readonly boom: boolean }
  | { readonly kind: 'ask'; readonly from: number }
  | { readonly kind: 'stall'; readonly stalled: boolean }
  | { readonly kind: 'lose' | 'settle' };

const from = fc.nat(2);
const tell = (boom: boolean): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('tell'), from, boom: fc.constant(boom) });
const ask: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('ask'), from });
const stall: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('stall'), stalled: fc.boolean() });
const always = (step: Step): fc.Arbitrary<Step> => fc.constant(step);

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: tell(false) },
    { weight: 1, arbitrary: tell(true) },
    { weight: 10, arbitrary: ask },
    { weight: 3, arbitrary: stall },
    { weight: 1, arbitrary: always({ kind: 'lose' }) },
    { weight: 3, arbitrary: always({ kind: 'settle' }) },
  ),
  { maxLength: 120 },
);

const RUNS = 150;

const PATIENT = { supervision: { restart: 'permanent', intensity: 1_000, backoffMinMs: 1 } } as const;

test('S96: behind a link messages of each sender come in order and at most once, every ask settles, and what was accepted was handled or is a dead letter', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(2, 5, 1_024), async (history, capacity) => {
      const { clock, system, workers, letters, behindLink, close } = remoteSystem({ ringBytes: 1_024 });
      const seen: number[][] = [[], [], []];
      const log = implement(Log, {
        init: () => null,
        tell: {
          note(_, { from, n, boom }) {
            seen[from]?.push(n);
            if (boom) throw new Error('boom');
          },
        },
        ask: {
          read(_, { from, n }) {
            seen[from]?.push(n);
            return n;
          },
        },
      });
      const ref = system.spawn(behindLink(log, Log), 'log', { ...PATIENT, mailbox: { capacity } });
      let n = 0;
      let told = 0;
      const asks: Promise<unknown>[] = [];
      const codes = new Set<string>();
      let unsettled = 0;
      for (const step of history) {
        if (step.kind === 'tell') {
          if (ref.tell.note({ from: step.from, n: n++, boom: step.boom }).ok) told++;
        } else if (step.kind === 'ask') {
          unsettled++;
          const settled = (): void => void unsettled--;
          const failed = (error: unknown): void => {
            settled();
            codes.add(RuntimeError.is(error) ? error.code : String(error));
          };
          asks.push(ref.ask.read({ from: step.from, n: n++ }).then(settled, failed));
        } else if (step.kind === 'stall') workers[0]?.pair.stall(step.stalled);
        else if (step.kind === 'lose') workers[0]?.pair.lose();
        else await clock.elapse(20);
      }
      workers[0]?.pair.stall(false);
      await clock.elapse(10_000);
      assert.equal(unsettled, 0, 'every ask settles');
      for (const one of seen)
        assert.deepEqual(
          one,
          [...new Set(one)].sort((left, right) => left - right),
        );
      for (const known of codes) assert.ok(['MAILBOX_FULL', 'WORKER_LOST', 'ASK_TIMEOUT'].includes(known), known);
      const { handled, refused, queued } = system.info(ref);
      assert.equal(queued, 0);
      // Refusals of tells are known by their results, the others are of asks.
      const refusedTells = n - asks.length - told;
      const accepted = told + asks.length - (refused - refusedTells);
      const lost = letters.filter(({ reason }) => reason !== 'failed').length;
      assert.equal(handled + lost, accepted, `handled ${handled}, lost ${lost}, accepted ${accepted}`);
      await close();
      assert.equal(clock.pendingTimers + clock.pendingCallbacks, 0);
    }),
    { numRuns: RUNS },
  );
});
