/** Workloads of a suite, done by every contender in turn, so that a noisy neighbour disturbs all alike. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Report, Row } from './suite.ts';
import type { Contender, Workload, WorkloadKey } from './workloads/contender.ts';

/** Rounds that are reported. */
const ROUNDS = 15;
/** What is slower than this, in one round, is measured in fewer rounds: milliseconds. */
const SLOW_MS = 1_000;
const SLOW_ROUNDS = 5;
/** Everybody works as long before anything counts, that V8 may compile what it will: milliseconds. */
const WARM_UP_MS = 250;
const WARM_UP_RUNS = 2;
/** A sample takes no longer, unless its size is part of the workload: milliseconds. */
const SAMPLE_MS = 50;

setFlagsFromString('--expose-gc');
/** Nobody pays for the garbage of another: the young generation is empty when a sample begins. */
const collect = runInNewContext('gc') as NodeJS.GCFunction;

/** Something that gives a figure in nanoseconds. */
export interface Subject {
  readonly name: string;
  readonly sample: () => Promise<number> | number;
}

async function rounds(subjects: readonly Subject[]): Promise<Map<string, number[]>> {
  const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  let last = ROUNDS;
  for (let round = 0; round < last; round++) {
    const startMs = performance.now();
    for (const { name, sample } of subjects) {
      collect({ type: 'minor' });
      samples.get(name)?.push(await sample());
    }
    if (performance.now() - startMs > SLOW_MS * subjects.length) last = SLOW_ROUNDS;
  }
  return samples;
}

/** Samples of each subject, by name. */
export async function alternate(subjects: readonly Subject[]): Promise<Map<string, number[]>> {
  collect();
  for (const { sample } of subjects) {
    const startMs = performance.now();
    for (let run = 0; run < WARM_UP_RUNS || performance.now() - startMs < WARM_UP_MS; run++) await sample();
  }
  return rounds(subjects);
}

/** A workload as a row of a suite. */
export interface Case {
  readonly key: WorkloadKey;
  readonly name: string;
  /** Times of one sample at most; those who need long for one do it fewer times. */
  readonly times: number;
  /** That many times exactly: what one time takes depends on it. */
  readonly isExact?: boolean;
  /** Nanoseconds. */
  readonly atMost?: number;
  /** How many times as long others should take, by contender. */
  readonly others?: Readonly<Record<string, number>>;
  /** All times together, in seconds, rather than one in nanoseconds; `atMost` too. */
  readonly isWhole?: boolean;
}

/** Warms up, and returns how many times make a sample. */
async function settled(work: Workload, { times, isExact = false }: Case): Promise<number> {
  const startMs = performance.now();
  let fitting = isExact ? times : Math.ceil(times / 20);
  for (let run = 0; run < WARM_UP_RUNS || performance.now() - startMs < WARM_UP_MS; run++) {
    const ns = await work(fitting);
    if (!isExact) fitting = Math.max(1, Math.min(times, Math.round((SAMPLE_MS * 1e6) / ns)));
  }
  return fitting;
}

/** Measures `cases`, ours first and then whoever can do the same. */
export async function compete(
  report: Report,
  cases: readonly Case[],
  { ours, others }: { readonly ours: Contender; readonly others: readonly Contender[] },
): Promise<void> {
  for (const entry of cases) {
    const { key, name, times, atMost, others: ratios = {}, isWhole = false } = entry;
    collect();
    const subjects: Subject[] = [];
    for (const contender of [ours, ...others]) {
      const work = contender.workloads[key];
      if (work === undefined) continue;
      const count = await settled(work, entry);
      subjects.push({ name: contender.name, sample: () => work(count) });
    }
    const toUnit = (ns: number): number => (isWhole ? (ns * times) / 1e9 : ns);
    const unit: Row['unit'] = isWhole ? 's' : 'ns';
    for (const [contender, samples] of await rounds(subjects)) {
      const row = { name, unit, samples: samples.map(toUnit) };
      const ratio = ratios[contender];
      if (contender === ours.name) report.row({ ...row, ...(atMost !== undefined && { target: { atMost } }) });
      else if (ratio === undefined) report.row({ ...row, contender });
      else report.row({ ...row, contender, target: { timesAsMuchAs: name, atLeast: ratio } });
    }
  }
}
