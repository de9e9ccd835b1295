import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { parseWat } from '../tooling/index.ts';
import { ADMISSION_DEFAULTS, type AdmittedModule, admitModule, CODE_LIMITS, Emitter, SECTION } from './index.ts';

const OP = {
  nop: 0x01,
  block: 0x02,
  if: 0x04,
  end: 0x0b,
  brIf: 0x0d,
  brTable: 0x0e,
  get: 0x20,
  const: 0x41,
  drop: 0x1a,
};
const EMPTY = 0x40;

interface Shape {
  readonly functions?: number;
  readonly locals?: number;
  readonly body?: readonly number[];
}

/** A module of functions that are all alike: of no parameters and so many locals. */
function encoded({ functions = 1, locals = 0, body = [] }: Shape): Uint8Array {
  const module = new Emitter();
  module.u8(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  const types = new Emitter();
  types.u8(1, 0x60, 0, 0);
  module.section(SECTION.type, types);
  const declared = new Emitter();
  declared.u32(functions);
  for (let nth = 0; nth < functions; nth++) declared.u8(0);
  module.section(SECTION.function, declared);
  const one = new Emitter();
  one.u8(1);
  one.u32(locals);
  one.u8(0x7f);
  one.copy(Uint8Array.from(body), 0, body.length);
  one.u8(OP.end);
  const code = new Emitter();
  code.u32(functions);
  for (let nth = 0; nth < functions; nth++) {
    code.u32(one.length);
    code.append(one);
  }
  module.section(SECTION.code, code);
  return module.take();
}

function admit(bytes: Uint8Array): AdmittedModule {
  const work = admitModule(bytes, {
    limits: ADMISSION_DEFAULTS,
    imports: [],
    keep: new Set(),
    pump: [],
    fuelSlice: 1_000,
  });
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

const times = (count: number, ...bytes: readonly number[]): number[] =>
  Array.from({ length: count }, () => bytes).flat();
const ifs = (count: number): number[] => times(count, OP.const, 0, OP.if, EMPTY, OP.end);
/** Targets of a branch table, that many and one more; the count has three bytes. */
const targets = (count: number): number[] => [
  OP.const,
  0,
  OP.brTable,
  (count & 0x7f) | 0x80,
  ((count >> 7) & 0x7f) | 0x80,
  count >> 14,
  ...times(count + 1, 0),
];

const BOMBS: Readonly<Record<string, readonly [limit: keyof typeof CODE_LIMITS, shape: Shape]>> = {
  'too many functions': ['functions', { functions: CODE_LIMITS.functions + 1 }],
  'a function that is too long': ['bodyBytes', { body: times(CODE_LIMITS.bodyBytes, OP.nop) }],
  'a function of too many locals': ['locals', { locals: CODE_LIMITS.locals + 1 }],
  'too many locals together': ['localsTogether', { locals: CODE_LIMITS.locals, functions: 401 }],
  'blocks that are too deep': [
    'depth',
    { body: [...times(CODE_LIMITS.depth, OP.block, EMPTY), ...times(CODE_LIMITS.depth, OP.end)] },
  ],
  'a branch table that is too long': ['targets', { body: targets(CODE_LIMITS.targets + 1) }],
  'many locals and many conditions': ['joins', { locals: 5_000, body: ifs(1_000) }],
  'many operands and many conditions': [
    'joins',
    { body: [...times(5_000, OP.const, 1), ...ifs(1_000), ...times(5_000, OP.drop)] },
  ],
  'many locals and many branches': [
    'joins',
    { locals: 5_000, body: [OP.block, EMPTY, ...times(1_000, OP.const, 0, OP.brIf, 0), OP.end] },
  ],
  'many locals and many targets': ['joins', { locals: 5_000, body: [OP.block, EMPTY, ...targets(1_000), OP.end] }],
};

for (const [what, [limit, shape]] of Object.entries(BOMBS)) {
  test(`S87: admitModule refuses ${what}, by name`, () => {
    assert.throws(
      () => admit(encoded(shape)),
      (error) => RuntimeError.is(error, 'COMPONENT_LIMIT') && error.details?.limit === `code.${limit}`,
    );
  });
}

test('AD9: admitModule allows long functions that hold little at a time', async () => {
  const call = '(call $f (i32.const 1) (i32.const 2) (i32.const 3)) (drop (call $g (i64.const 1)))';
  const wat = `(module (memory 1) (func $f (param i32 i32 i32)) (func $g (param i64) (result i64) (local.get 0))
    (func (local i32) ${`${call} (i32.store (i32.const 0) (i32.load (i32.const 8))) (if (local.get 0) (then ${call}))
      (drop (block (result i32) (br_if 0 (i32.const 1) (local.get 0)) (drop) (select (i32.const 1) (i32.const 2) (local.get 0))))
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 1))`.repeat(10_000)}))`;
  assert.ok(WebAssembly.validate(admit(await parseWat(wat)).bytes));
});

test('AD9: admitModule takes time in proportion to the bytes', () => {
  const took = (blocks: number): number => {
    const bytes = encoded({ functions: blocks, locals: 20, body: ifs(200) });
    const began = performance.now();
    admit(bytes);
    return performance.now() - began;
  };
  took(500);
  // The least of several: other processes take their share of the time.
  const least = (count: number): number => Math.min(...[1, 2, 3].map(() => took(count)));
  const ratio = least(4_000) / least(500);
  assert.ok(ratio < 8 * 4, `${ratio} times the time for 8 times the bytes`);
});

test('admitModule charges a call for the locals that V8 sets to zero', async () => {
  const units = async (locals: number): Promise<number> => {
    const wat = `(module (func $f (local ${'i64 '.repeat(locals)})) (func (export "go") (call $f) (call $f)))`;
    const work = admitModule(await parseWat(wat), {
      limits: ADMISSION_DEFAULTS,
      imports: [],
      keep: new Set(['go']),
      pump: [],
      fuelSlice: 1,
    });
    let step = work.next();
    while (step.done !== true) step = work.next();
    let used = 0;
    const refuel = (left: number): number => {
      used -= left;
      return 1;
    };
    const module = await WebAssembly.compile(step.value.bytes);
    const { go } = new WebAssembly.Instance(module, { i: [refuel, () => undefined] }).exports;
    (go as () => void)();
    return used;
  };
  assert.ok((await units(5_000)) - (await units(0)) > 9_000);
});
