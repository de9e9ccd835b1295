/** Workloads of a suite, done by every contender in turn, so that a noisy neighbour disturbs all alike. */
import type { Report, Row } from './suite.ts';
import type { Contender, WorkloadKey } from './workloads/contender.ts';

/** Rounds that are reported, after those that V8 needs to settle. */
export const ROUNDS = 15;
const WARM_UP_ROUNDS = 3;
/** What is slower than this, in one round, is measured in fewer rounds: milliseconds. */
const SLOW_MS = 1_000;
const SLOW_ROUNDS = 5;

/** Something that gives a figure in nanoseconds. */
export interface Subject {
  readonly name: string;
  readonly sample: () => Promise<number> | number;
}

/** Samples of each subject, by name. */
export async function alternate(subjects: readonly Subject[], rounds = ROUNDS): Promise<Map<string, number[]>> {
  const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  let last = rounds;
  for (let round = -WARM_UP_ROUNDS; round < last; round++) {
    const startMs = performance.now();
    for (const { name, sample } of subjects) {
      const ns = await sample();
      if (round >= 0) samples.get(name)?.push(ns);
    }
    if (performance.now() - startMs > SLOW_MS * subjects.length) last = Math.min(rounds, SLOW_ROUNDS);
  }
  return samples;
}

/** A workload as a row of a suite. */
export interface Case {
  readonly key: WorkloadKey;
  readonly name: string;
  /** Times of one sample. */
  readonly times: number;
  /** Nanoseconds. */
  readonly atMost?: number;
  /** How many times as long others should take, by contender. */
  readonly others?: Readonly<Record<string, number>>;
  /** All times together, in seconds, rather than one in nanoseconds; `atMost` too. */
  readonly isWhole?: boolean;
  /** Fewer times for contenders that need too long. */
  readonly fewer?: Readonly<Record<string, number>>;
}

/** Measures `cases`, ours first and then whoever can do the same. */
export async function compete(
  report: Report,
  cases: readonly Case[],
  { ours, others }: { readonly ours: Contender; readonly others: readonly Contender[] },
): Promise<void> {
  for (const { key, name, times, atMost, others: ratios = {}, isWhole = false, fewer = {} } of cases) {
    const able = [ours, ...others].filter(({ workloads }) => workloads[key] !== undefined);
    const samples = await alternate(
      able.map((contender) => ({
        name: contender.name,
        sample: () => contender.workloads[key]?.(fewer[contender.name] ?? times) ?? Number.NaN,
      })),
    );
    const toUnit = (ns: number): number => (isWhole ? (ns * times) / 1e9 : ns);
    const unit: Row['unit'] = isWhole ? 's' : 'ns';
    for (const { name: contender } of able) {
      const values = (samples.get(contender) ?? []).map(toUnit);
      const ratio = ratios[contender];
      if (contender === ours.name) {
        report.row({ name, unit, samples: values, ...(atMost !== undefined && { target: { atMost } }) });
      } else {
        const target = ratio === undefined ? {} : { target: { timesAsMuchAs: name, atLeast: ratio } };
        report.row({ name: `${name} · ${contender}`, unit, samples: values, contender, ...target });
      }
    }
  }
}
