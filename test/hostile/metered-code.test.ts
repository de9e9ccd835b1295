/** What admission makes of code computes what the code computed before, however little fuel it is given at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMISSION_DEFAULTS, admitModule, IMPORT_LIST, readCoreModule } from '../../src/component/admission/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { SeededRandom, systemClock } from '../../src/time/index.ts';
import { RandomCode, STEPS_MAX } from './random-code.ts';

/** Milliseconds for new modules; the seeds continue from run to run only if they are asked for. */
const FUZZ_MS = Number(process.env.FUZZ_MS ?? 4_000);
const FIRST_SEED = Number(process.env.FUZZ_SEED ?? 1);

interface Run {
  readonly outcomes: readonly string[];
  readonly memory: Uint8Array;
  readonly globals: readonly unknown[];
  /** Loop iterations and calls. */
  readonly steps: number;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly steps: WebAssembly.Global;
  readonly g32: WebAssembly.Global;
  readonly g64: WebAssembly.Global;
  readonly f0: (one: bigint, other: bigint) => bigint;
  readonly f1: (one: bigint, other: bigint) => bigint;
}

const CALLS: readonly (readonly ['f0' | 'f1', bigint, bigint])[] = [
  ['f0', 0n, 0n],
  ['f1', 3n, -1n],
  ['f0', 1n << 40n, 65_535n],
  ['f1', -5n, 1n << 63n],
];

/** Calls functions one after the other; each has its steps anew. */
function run(exports: Exports): Run {
  let steps = 0;
  const outcomes = CALLS.map(([name, one, other]) => {
    exports.steps.value = STEPS_MAX;
    try {
      return String(exports[name](one, other));
    } catch (error) {
      return error instanceof WebAssembly.Exception ? 'exception' : String(error);
    } finally {
      steps += STEPS_MAX - exports.steps.value;
    }
  });
  const globals = [exports.g32.value, exports.g64.value];
  return { outcomes, memory: new Uint8Array(exports.memory.buffer), globals, steps };
}

async function instantiate(bytes: Uint8Array, hooks: readonly unknown[] = []): Promise<Exports> {
  const module = await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(module, { [IMPORT_LIST]: hooks }).exports as unknown as Exports;
}

/** The same with fuel, of which it gets so much at a time. */
async function meteredRun(bytes: Uint8Array, slice: number): Promise<Run & { units: number }> {
  const module = readCoreModule(bytes);
  const work = admitModule(bytes, {
    limits: ADMISSION_DEFAULTS,
    imports: [],
    keep: new Set(module.exports.map(({ name }) => name)),
    pump: [],
    fuelSlice: slice,
  });
  let step = work.next();
  while (step.done !== true) step = work.next();
  let units = 0;
  let granted = 0;
  const refuel = (left: number): number => {
    units += granted - left;
    granted = slice;
    return slice;
  };
  const hooks: Record<string, unknown> = { refuel, await: () => assert.fail('nothing waits') };
  const given = step.value.hooks.map(({ name }) => hooks[name]);
  const done = run(await instantiate(step.value.bytes, given));
  return { ...done, units };
}

async function compare(seed: number): Promise<void> {
  const text = new RandomCode(new SeededRandom(seed)).module();
  const bytes = await parseWat(text);
  const plain = run(await instantiate(bytes));
  const told = `seed ${seed}`;
  const all = [];
  for (const slice of [1, 37, 1_000_000]) {
    const metered = await meteredRun(bytes, slice);
    assert.deepEqual(metered.outcomes, plain.outcomes, told);
    assert.deepEqual(metered.globals, plain.globals, told);
    assert.equal(Buffer.compare(metered.memory, plain.memory), 0, told);
    assert.equal(metered.steps, plain.steps, told);
    all.push(metered.units);
  }
  // A short function is paid for by who calls it, and nobody pays for the first calls.
  assert.ok((all[0] as number) >= plain.steps - CALLS.length, `${told}: ${all[0]} units for ${plain.steps} steps`);
}

test('admission changes nothing of what code computes, and lets no step go uncharged', async () => {
  const endMs = systemClock.nowMs() + FUZZ_MS;
  let seed = FIRST_SEED;
  for (; systemClock.nowMs() < endMs; seed++) await compare(seed);
  assert.ok(seed - FIRST_SEED >= 10, `${seed - FIRST_SEED} modules`);
});
