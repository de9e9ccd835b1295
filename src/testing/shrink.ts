import type { Trace, TraceStep } from './world.ts';

/** Runs that are spent on making a trace plainer. */
const ATTEMPTS_MAX = 1_500;

/**
 * Makes a trace that fails as short and as plain as it can: steps are left out, in ever smaller blocks; choices are made
 * plain, all of a step's at once, then one by one. Every attempt is a run.
 *
 * @param retry Runs a trace. Returns it, as it was run, if it fails in the same way; else `undefined`.
 */
export async function shrink(trace: Trace, retry: (trace: Trace) => Promise<Trace | undefined>): Promise<Trace> {
  let best = trace;
  let attempts = 0;
  const attempt = async (steps: readonly TraceStep[]): Promise<boolean> => {
    if (attempts++ >= ATTEMPTS_MAX) return false;
    const found = await retry({ seed: trace.seed, steps });
    if (found !== undefined) best = found;
    return found !== undefined;
  };
  for (let before = -1; before !== weightOf(best) && attempts < ATTEMPTS_MAX; ) {
    before = weightOf(best);
    await leaveOut(() => best.steps, attempt);
    await makePlain(() => best.steps, attempt);
  }
  return best;
}

type Attempt = (steps: readonly TraceStep[]) => Promise<boolean>;

/** What shrinking makes less: steps, then choices, then their size. It ends when nothing of that can be had. */
function weightOf({ steps }: Trace): number {
  const choices = steps.flatMap(({ draws, turns }) => [...draws, ...turns]);
  return steps.length * 1e9 + choices.length * 1e5 + choices.reduce((sum, choice) => sum + choice, 0);
}

async function leaveOut(steps: () => readonly TraceStep[], attempt: Attempt): Promise<void> {
  for (let size = Math.max(1, steps().length >> 1); size >= 1; size >>= 1) {
    // From the end: what comes late matters least to what comes before it.
    for (let from = steps().length - size; from >= 0; from -= size) {
      if (from + size <= steps().length) await attempt(steps().toSpliced(from, size));
    }
  }
}

async function makePlain(steps: () => readonly TraceStep[], attempt: Attempt): Promise<void> {
  for (let index = 0; index < steps().length; index++) {
    for (const key of ['turns', 'draws'] as const) {
      const choices = (): readonly number[] => steps()[index]?.[key] ?? [];
      const change = (changed: readonly number[]): Promise<boolean> => {
        const step = steps()[index] as TraceStep;
        return attempt(steps().with(index, { ...step, [key]: changed }));
      };
      if (choices().length === 0 || (await change([]))) continue;
      for (let place = 0; place < choices().length; place++) await lower(place, choices, change);
    }
  }
}

async function lower(
  place: number,
  choices: () => readonly number[],
  change: (changed: readonly number[]) => Promise<boolean>,
): Promise<void> {
  const value = choices()[place] as number;
  for (const lower of new Set([0, value >> 1, value - 1])) {
    if (lower < 0 || lower >= value) continue;
    if (await change(choices().with(place, lower))) return;
  }
}
