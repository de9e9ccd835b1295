import { systemClock } from '../time/index.ts';
import { SeededChooser } from './chooser.ts';
import { type Broken, type Outcome, runOnce } from './run.ts';
import { showList } from './show.ts';
import { shrink } from './shrink.ts';
import type { Trace, World } from './world.ts';

/** What is simulated, and how often. */
export interface SimulationOptions<W> extends World<W> {
  /** Seed of the first run; each run has one more than the one before. Integer. Default 1. */
  readonly seed?: number;
  /** Runs. Integer, 1 or more. Default 100. */
  readonly runs?: number;
  /** Steps of a run. Integer, 1 or more. Default 30. */
  readonly steps?: number;
}

/** What a simulation did that found nothing. */
export interface SimulationReport {
  readonly runs: number;
  /** Messages that were sent in all runs together. */
  readonly messages: number;
  /** The same for two simulations in which the same happened. */
  readonly fingerprint: number;
}

/** A run in which something did not hold; the message tells what, and how to see it again. */
export class SimulationFailure extends Error {
  /** What did not hold. */
  readonly what: string;
  /** Seed of the run that failed: `simulate({ …, seed, runs: 1 })` runs it as it was. */
  readonly seed: number;
  /** Runs that it took, this one included. */
  readonly runs: number;
  /** Steps of the run as it was. */
  readonly steps: number;
  /** The same failure in as few and as plain steps as were found, for {@link replay}. */
  readonly trace: Trace;

  constructor(
    parts: Pick<SimulationFailure, 'what' | 'seed' | 'runs' | 'steps' | 'trace'> & {
      readonly cause: unknown;
      readonly story: readonly string[];
    },
  ) {
    const { what, seed, runs, steps, trace, cause, story } = parts;
    const why = cause instanceof Error ? cause.message : String(cause);
    const lines = [
      `Simulation failed: ${what}: ${why}`,
      `seed ${seed}, run ${runs}: ${steps} steps, shrunk to ${trace.steps.length}`,
      showList(story, 'no step was needed'),
      `as it was: simulate({ …, seed: ${seed}, runs: 1 }); these steps: replay(world, trace) with the`,
      `trace: ${JSON.stringify(trace)}`,
    ];
    super(lines.join('\n'), { cause });
    this.name = 'SimulationFailure';
    this.what = what;
    this.seed = seed;
    this.runs = runs;
    this.steps = steps;
    this.trace = trace;
  }
}

/**
 * Runs actors under random schedules, actions and faults, again and again, until something does not hold or all runs are
 * done. A failure is shrunk, and thrown with its seed and what happened.
 *
 * The same seed gives the same run, as long as the actors take time and chance from their system and wait for nothing but
 * that clock, one another and promises that settle by these. What they read from the globals of JavaScript (`Date`,
 * `Math.random`, `setTimeout` …) is the system's. Runs 1, 2, 4, 8 and so on are run twice to see whether that is so.
 *
 * @returns Rejects with a {@link SimulationFailure}.
 * @throws {RangeError} (rejects) An option is out of range.
 *
 * @example
 * ```ts
 * await simulate({
 *   runs: 1_000,
 *   setup: (system) => ({ counter: system.spawn(counter, 'counter'), sent: 0 }),
 *   actions: { add: (world) => { if (world.counter.tell.add(1).ok) world.sent++; } },
 *   eventually: {
 *     'every addition counts': async ({ counter, sent }) => assert.equal(await counter.ask.get(), sent),
 *   },
 *   faults: { pause: true, slow: true },
 * });
 * ```
 */
export async function simulate<W>(options: SimulationOptions<W>): Promise<SimulationReport> {
  const { seed: first = 1, runs = 100, steps: count = 30 } = options;
  assertCount('runs', runs);
  assertCount('steps', count);
  if (!Number.isInteger(first)) throw new RangeError(`Option "seed" is an integer, not ${first}`);
  if (Object.keys(options.actions).length === 0) throw new TypeError('A simulation has at least one action');
  let messages = 0;
  let fingerprint = 0;
  for (let run = 1; run <= runs; run++) {
    const seed = first + run - 1;
    const outcome = await runOnce(options, { seed, steps: { count, source: new SeededChooser(seed) }, isTold: false });
    if (isPowerOfTwo(run) || outcome.broken !== undefined) await assertSame(options, outcome, run);
    if (outcome.broken !== undefined) throw await explain(options, { ...outcome, broken: outcome.broken }, run);
    messages += outcome.messages;
    fingerprint = (Math.imul(fingerprint, 31) + outcome.fingerprint) >>> 0;
    // A long simulation is one chain of promise jobs: timers of the test runner, and interrupts, get their turn here.
    await new Promise<void>((resolve) => systemClock.soon(resolve));
  }
  return { runs, messages, fingerprint };
}

/**
 * Runs a trace of a {@link SimulationFailure} again, step by step.
 *
 * @param world What was given to {@link simulate}.
 * @returns Rejects with a {@link SimulationFailure} if something still does not hold.
 */
export async function replay<W>(world: World<W>, trace: Trace): Promise<SimulationReport> {
  const { broken, story, messages, fingerprint } = await runOnce(world, { ...trace, isTold: true });
  if (broken === undefined) return { runs: 1, messages, fingerprint };
  throw new SimulationFailure({ ...broken, seed: trace.seed, runs: 1, steps: trace.steps.length, trace, story });
}

async function explain<W>(
  world: World<W>,
  { trace, broken }: Outcome & { readonly broken: Broken },
  runs: number,
): Promise<SimulationFailure> {
  const shrunk = await shrink(trace, async (candidate) => {
    const again = await runOnce(world, { ...candidate, isTold: false });
    return again.broken?.what === broken.what ? again.trace : undefined;
  });
  const told = await runOnce(world, { ...shrunk, isTold: true });
  const { what, cause } = told.broken ?? broken;
  return new SimulationFailure({
    what,
    cause,
    seed: trace.seed,
    runs,
    steps: trace.steps.length,
    trace: shrunk,
    story: told.story,
  });
}

/** Runs it once more: what is not the same is nothing to be shrunk, and nothing to be believed. */
async function assertSame<W>(world: World<W>, outcome: Outcome, runs: number): Promise<void> {
  const { trace, broken, fingerprint } = outcome;
  const again = await runOnce(world, { ...trace, isTold: false });
  if (again.fingerprint === fingerprint && again.broken?.what === broken?.what) return;
  const text =
    'twice the same choices gave two different runs. Something comes from outside: a clock or a chance that is not the system’s, I/O, or what runs share';
  const cause = broken?.cause ?? again.broken?.cause ?? new Error(text);
  const what = `it is not deterministic: ${text}`;
  throw new SimulationFailure({ what, cause, seed: trace.seed, runs, steps: trace.steps.length, trace, story: [] });
}

/** Often at first, where a mistake of the test shows, and now and then for what is rare. */
function isPowerOfTwo(run: number): boolean {
  return (run & (run - 1)) === 0;
}

function assertCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`Option "${name}" is an integer from 1, not ${value}`);
}
