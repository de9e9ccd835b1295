/** Bugs that were planted are found within a thousand seeds; without them, a thousand seeds find nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replay, SimulationFailure, simulate, type World } from '../../src/testing/index.ts';
import { bank } from './bank.ts';
import { shop } from './cache.ts';
import { books, cluster, desk, locks, market } from './harder.ts';
import { warehouse } from './inventory.ts';

const SEEDS = 1_000;

async function failureOf<W>(world: World<W>): Promise<SimulationFailure> {
  const outcome = await simulate({ ...world, runs: SEEDS }).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof SimulationFailure, `found nothing in ${SEEDS} seeds: ${outcome}`);
  return outcome;
}

/** Steps of the plainest way to see any of the bugs. */
const STEPS_MAX = 6;

interface Planted {
  readonly bug: string;
  readonly what: RegExp;
  readonly find: () => Promise<SimulationFailure>;
  readonly replayed: (failure: SimulationFailure) => Promise<unknown>;
  readonly pass: () => Promise<unknown>;
}

function planted<W>(bug: string, what: RegExp, make: (isCareful: boolean) => World<W>): Planted {
  return {
    bug,
    what,
    find: () => failureOf(make(false)),
    replayed: ({ trace }) => replay(make(false), trace),
    pass: () => simulate({ ...make(true), runs: SEEDS }),
  };
}

const PLANTED: readonly Planted[] = [
  planted('an update that is lost while a promise is awaited', /what is left was not reserved/, warehouse),
  planted('money that is lost between two asks', /money becomes neither more nor less/, bank),
  planted('a cache that believes what came last', /caches answer as the store does/, shop),
  planted('a timeout that races with its reply', /nobody pays twice/, market),
  planted('a timer of an earlier incarnation', /no session ends early/, desk),
  planted('a writer that sleeps through its lease', /writes are of ever later leases/, cluster),
  planted('a receiver that remembers only the last message', /what was booked is what was sent/, books),
  planted('locks that are taken in any order', /action "work" failed/, locks),
];

for (const { bug, what, find, replayed, pass } of PLANTED) {
  test(`simulate finds ${bug}, and shrinks it`, async (t) => {
    const failure = await find();
    t.diagnostic(
      `found by seed ${failure.runs} of ${SEEDS}; ${failure.steps} steps, shrunk to ${failure.trace.steps.length}`,
    );
    assert.match(failure.what, what);
    assert.ok(failure.trace.steps.length <= STEPS_MAX, failure.message);
    await assert.rejects(replayed(failure), { name: 'SimulationFailure', what: failure.what });
    const kept = JSON.parse(JSON.stringify(failure)) as typeof failure;
    await assert.rejects(replayed(kept), { name: 'SimulationFailure', what: failure.what });
  });

  test(`simulate finds nothing in ${SEEDS} seeds without ${bug}`, async () => {
    await pass();
  });
}
