/**
 * Thread of the fuzzer: changes real components at random, and compiles, instantiates and calls what comes of it.
 * After each step it counts one up in shared memory, so that the thread that watches it can tell when it hangs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import {
  type CompiledComponent,
  type ComponentInstance,
  compileComponent,
  decodeComponent,
  FUEL_SLICE,
  type FuelSupply,
  GuestResource,
} from '../../src/component/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { Dice, type Ledger, randomHost, randomValue } from './random-values.ts';

/** Codes that may come out of each stage. None of them is `INTERNAL`. */
const REFUSALS = [
  'NOT_A_COMPONENT',
  'COMPONENT_INVALID',
  'COMPONENT_UNSUPPORTED',
  'COMPONENT_LIMIT',
  'COMPONENT_IMPORT_MISSING',
];
const ENDS = ['COMPONENT_TRAPPED', 'COMPONENT_LIMIT', 'VALUE_INVALID', 'COMPONENT_INVALID', 'COMPONENT_IMPORT_MISSING'];
const CALL_ENDS = ['COMPONENT_TRAPPED', 'COMPONENT_LIMIT', 'VALUE_INVALID', 'COMPONENT_DEAD', 'COMPONENT_KILLED'];

const LIMITS = { memoryBytes: 16 * 2 ** 20, tableElements: 10_000 };
/** How often the code of one call gets fuel. */
const SLICES = 20;
/** Calls of each instance. */
const CALLS = 12;

/** Places in the shared memory: a beat for every step, and what came of the rounds. */
const BEAT = 0;
const ACCEPTED = 1;
const REFUSED = 2;
const CALLED = 3;
const TRAPPED = 4;

const { seed, files, counts, untilMs } = workerData as {
  seed: number;
  files: readonly string[];
  counts: Int32Array;
  untilMs: number;
};
const dice = new Dice(seed);
const originals = files.map((file) => new Uint8Array(readFileSync(file)));
let bytes = new Uint8Array();

class Finding extends Error {}

function count(what: number): void {
  Atomics.add(counts, what, 1);
}

/** Gives a changed copy of one of the components, or of two of them. */
function mutate(): Uint8Array<ArrayBuffer> {
  let copy = Uint8Array.from(dice.pick(originals));
  const gentle = dice.once(2);
  for (let times = 1 + dice.roll(gentle ? 8 : 3); times > 0; times--) copy = gentle ? twist(copy) : mutateOnce(copy);
  return copy;
}

const I32_CONST = 0x41;
/** Opcodes of instructions that take each other's place: comparisons and arithmetic of i32, loads and stores. */
const EXCHANGEABLE: readonly (readonly [first: number, last: number])[] = [
  [0x46, 0x4f],
  [0x6a, 0x78],
  [0x2c, 0x2f],
  [0x3a, 0x3b],
];

/** Changes what the code computes and leaves it valid: a constant, or an operation for another of the same type. */
function twist(from: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let at = dice.roll(from.length); at < from.length; at++) {
    const byte = from[at] as number;
    const range = EXCHANGEABLE.find(([first, last]) => byte >= first && byte <= last);
    if (range !== undefined) {
      from[at] = range[0] + dice.roll(range[1] - range[0] + 1);
      return from;
    }
    if (from[at - 1] === I32_CONST && byte < 0x40) {
      from[at] = dice.roll(0x80) & 0x7f;
      return from;
    }
  }
  return from;
}

function mutateOnce(from: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = dice.roll(from.length);
  const length = 1 + dice.roll(8);
  switch (dice.roll(7)) {
    case 0:
      return Uint8Array.from([...from.subarray(0, at), ...from.subarray(at + length)]);
    case 1:
      return Uint8Array.from([
        ...from.subarray(0, at),
        ...from.subarray(Math.max(0, at - length), at),
        ...from.subarray(at),
      ]);
    case 2: {
      const other = dice.pick(originals);
      const start = dice.roll(other.length);
      return Uint8Array.from([
        ...from.subarray(0, at),
        ...other.subarray(start, start + length),
        ...from.subarray(at + length),
      ]);
    }
    case 3:
      return from.slice(0, at);
    case 4:
      from[at] = dice.pick([0, 1, 0x7f, 0x80, 0xff]);
      return from;
    default:
      from[at] = (from[at] as number) ^ (1 << dice.roll(8));
      return from;
  }
}

function expectCode(error: unknown, codes: readonly string[], stage: string): RuntimeError {
  if (!RuntimeError.is(error)) throw new Finding(`${stage}: ${error instanceof Error ? error.stack : String(error)}`);
  if (!codes.includes(error.code))
    throw new Finding(`${stage}: ${error.code}: ${error.message}\n${error.stack}\n${String(error.cause)}`);
  return error;
}

/** Some fuel, now and then after a pause; then no more. */
class Rations implements FuelSupply {
  #left = SLICES;

  refuel(_units: number, entry: number | undefined): number | Promise<void> {
    if (this.#left-- <= 0) throw new RuntimeError('COMPONENT_LIMIT', 'The fuel is used up');
    return entry === undefined && dice.once(4) ? Promise.resolve() : 1 + dice.roll(FUEL_SLICE);
  }

  spend(): void {
    this.#left = SLICES;
  }
}

async function compiled(): Promise<CompiledComponent | undefined> {
  try {
    return await compileComponent(bytes, { limits: LIMITS, metered: true });
  } catch (error) {
    expectCode(error, REFUSALS, 'compile');
    return undefined;
  }
}

/** Rewriting must not make a module valid that was not. */
function checkModules({ definitions }: Pick<ReturnType<typeof decodeComponent>, 'definitions'>): void {
  for (const definition of definitions) {
    if (definition.kind === 'component') checkModules(definition.component);
    if (definition.kind !== 'core-module') continue;
    if (!WebAssembly.validate(Uint8Array.from(definition.bytes)))
      throw new Finding('compile: an invalid core module was accepted');
  }
}

async function callAll(component: CompiledComponent, instance: ComponentInstance, ledger: Ledger): Promise<void> {
  const held: GuestResource[] = [];
  const handles = () => {
    if (held.length > 0 && dice.once(2)) return dice.pick(held);
    ledger.made++;
    return { drops: 0 };
  };
  for (let times = 0; times < CALLS; times++) {
    if (component.exports.length === 0) return;
    const func = dice.pick(component.exports);
    const args = func.type.params.map((param) => randomValue(dice, param.type, handles));
    count(BEAT);
    try {
      const result = await instance.call(func.name, args);
      if (result instanceof GuestResource) held.push(result);
      count(CALLED);
    } catch (error) {
      const { code } = expectCode(error, CALL_ENDS, `call of ${func.name}`);
      if (code === 'COMPONENT_TRAPPED') count(TRAPPED);
      if (code !== 'VALUE_INVALID') return;
    }
  }
}

async function round(): Promise<void> {
  bytes = mutate();
  count(BEAT);
  const component = await compiled();
  count(BEAT);
  if (component === undefined) {
    count(REFUSED);
    return;
  }
  count(ACCEPTED);
  checkModules(decodeComponent(bytes));
  const ledger = { made: 0, dropped: 0 };
  let instance: ComponentInstance;
  try {
    instance = await component.instantiate(randomHost(dice, component, ledger), {
      liftBudgetBytes: 2 ** 22,
      fuel: new Rations(),
    });
  } catch (error) {
    expectCode(error, ENDS, 'instantiate');
    return;
  }
  await callAll(component, instance, ledger);
  instance.kill();
  if (instance.busy) throw new Finding('kill: the instance is still busy');
  if (ledger.dropped > ledger.made) throw new Finding(`kill: ${ledger.dropped} resources dropped of ${ledger.made}`);
}

try {
  while (performance.now() + performance.timeOrigin < untilMs) await round();
} catch (error) {
  // The whole of it in a file: a report of some thousand digits would hide what happened.
  const file = join(tmpdir(), `troupe-fuzz-${seed}.wasm`);
  writeFileSync(file, bytes);
  parentPort?.postMessage({ finding: { text: error instanceof Error ? error.message : String(error), file } });
}
