/**
 * What charging fuel costs a guest: the same kernels with and without it, and in calls that compute next to nothing.
 */
import { readFile } from 'node:fs/promises';
import { type CompiledComponent, type ComponentInstance, compileComponent } from '../src/component/index.ts';
import type { Report, Suite } from './suite.ts';

/** Times that each kernel is run, after as many as V8 needs to compile it well. */
const ROUNDS = 25;
const WARM_UP_ROUNDS = 6;

/** Most that one kernel, and the geometric mean of all, may take with fuel, in times of what they take without. */
const EACH_AT_MOST = 2.2;
const ALL_AT_MOST = 1.5;

const POLYBENCH = 'troupe:kernels/polybench@0.1.0#';
const EVERYDAY = 'troupe:kernels/everyday@0.1.0#';

/** How often each repeats its work: 1 to 5 ms. */
const KERNELS: Readonly<Record<string, number>> = {
  [`${POLYBENCH}gemm`]: 3,
  [`${POLYBENCH}jacobi2d`]: 60,
  [`${POLYBENCH}seidel2d`]: 12,
  [`${POLYBENCH}floyd-warshall`]: 3,
  [`${POLYBENCH}lu`]: 6,
  [`${POLYBENCH}trisolv`]: 200,
  [`${POLYBENCH}nussinov`]: 6,
  [`${EVERYDAY}fibonacci`]: 40,
  [`${EVERYDAY}sieve`]: 12,
  [`${EVERYDAY}collatz`]: 20,
  [`${EVERYDAY}crc32`]: 6,
  [`${EVERYDAY}sha256`]: 30,
  [`${EVERYDAY}mandelbrot`]: 100,
  [`${EVERYDAY}quicksort`]: 1,
  [`${EVERYDAY}interpreter`]: 40,
  [`${EVERYDAY}nbody`]: 100,
};

interface Subject {
  readonly component: CompiledComponent;
  readonly instance: ComponentInstance;
}

interface Pair {
  readonly plain: Subject;
  readonly metered: Subject;
}

async function pairOf(fixture: string, imports = {}): Promise<Pair> {
  const bytes = await readFile(new URL(`../fixtures/components/${fixture}/${fixture}.wasm`, import.meta.url));
  const subject = async (metered: boolean): Promise<Subject> => {
    const component = await compileComponent(bytes, { metered });
    return { component, instance: await component.instantiate(imports) };
  };
  return { plain: await subject(false), metered: await subject(true) };
}

/** Milliseconds of a call, run after run. */
async function time({ instance }: Subject, name: string, args: readonly unknown[]): Promise<number> {
  const started = performance.now();
  await instance.call(name, args);
  return performance.now() - started;
}

const median = (samples: readonly number[]): number => samples.toSorted((a, b) => a - b)[samples.length >> 1] as number;

async function kernels(report: Report): Promise<void> {
  const { plain, metered } = await pairOf('kernels');
  const logs: number[] = [];
  for (const [name, times] of Object.entries(KERNELS)) {
    const digests = [await plain.instance.call(name, [times]), await metered.instance.call(name, [times])];
    if (digests[0] !== digests[1]) throw new Error(`${name} computes something else with fuel`);
    const samples: Record<'plain' | 'metered', number[]> = { plain: [], metered: [] };
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      const without = await time(plain, name, [times]);
      const withFuel = await time(metered, name, [times]);
      if (round < 0) continue;
      samples.plain.push(without);
      samples.metered.push(withFuel);
    }
    const short = name.slice(name.indexOf('#') + 1);
    report.row({ name: short, unit: 'ms', samples: samples.plain });
    const target = { fractionOf: short, atMost: EACH_AT_MOST };
    report.row({ name: `${short}, with fuel`, unit: 'ms', samples: samples.metered, target });
    logs.push(Math.log(median(samples.metered) / median(samples.plain)));
  }
  const mean = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  report.row({
    name: 'geometric mean of all, with fuel',
    unit: 'times',
    samples: [mean],
    target: { atMost: ALL_AT_MOST },
  });
}

/** Calls that cross into the guest and out again: what the count of each call adds. */
async function calls(report: Report): Promise<void> {
  const CALLS = 20_000;
  const { plain, metered } = await pairOf('bench', { 'troupe:bench/host': { tick: (n: number) => n } });
  const turn = ({ component, instance }: Subject): number => {
    const func = component.export('troupe:bench/calls@0.1.0#handle-message');
    if (func === undefined) throw new Error('No such export');
    const call = { func, args: ['sensor-17', new Uint8Array(64)] };
    let left = CALLS;
    const started = performance.now();
    void instance.pump({
      next: () => (left-- > 0 ? call : undefined),
      done: () => undefined,
      invalid: () => undefined,
    });
    return ((performance.now() - started) * 1e6) / CALLS;
  };
  const samples: Record<'plain' | 'metered', number[]> = { plain: [], metered: [] };
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const without = turn(plain);
    const withFuel = turn(metered);
    if (round < 0) continue;
    samples.plain.push(without);
    samples.metered.push(withFuel);
  }
  report.row({ name: 'message of 64 bytes', unit: 'ns', samples: samples.plain });
  const target = { fractionOf: 'message of 64 bytes', atMost: EACH_AT_MOST };
  report.row({ name: 'message of 64 bytes, with fuel', unit: 'ns', samples: samples.metered, target });
}

export const suite: Suite = {
  name: 'fuel',
  async run(report) {
    await kernels(report);
    await calls(report);
    report.notMeasured('guests in JavaScript, whose engine is an interpreter of 1 MB; code before V8 has optimised it');
  },
};
