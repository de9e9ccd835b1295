import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWat } from '../tooling/index.ts';
import { ADMISSION_DEFAULTS, admitModule, IMPORT_LIST, readCoreModule } from './index.ts';

const SLICE = 10_000;

/** What a guest's code is stopped with. */
const ENOUGH = new Error('enough');

interface Metered {
  readonly exports: Record<string, (...args: unknown[]) => unknown>;
  /** Units used up until the code asked for fuel last. */
  readonly used: () => number;
  readonly refuels: () => number;
  /** Pages by which memories might not grow. */
  readonly refused: readonly number[];
}

/** The module with its fuel: it is given `slices` of them, and then stopped. */
async function metered(wat: string, slices = Number.POSITIVE_INFINITY): Promise<Metered> {
  const bytes = await parseWat(wat);
  const module = readCoreModule(bytes);
  const work = admitModule(bytes, {
    limits: ADMISSION_DEFAULTS,
    imports: module.importedFunctions.map(() => 'sync'),
    keep: new Set(module.exports.map((item) => item.name)),
    pump: [],
    fuelSlice: SLICE,
  });
  let step = work.next();
  while (step.done !== true) step = work.next();
  const admitted = step.value;
  const refused: number[] = [];
  let refuels = 0;
  let granted = 0;
  let used = 0;
  const refuel = (left: number): number => {
    if (left > 0) {
      refused.push(left);
      return 0;
    }
    used += granted - left;
    if (++refuels > slices) throw ENOUGH;
    granted = SLICE;
    return granted;
  };
  const hooks: Record<string, unknown> = { refuel, await: () => assert.fail('nothing waits') };
  const imports = [...module.importedFunctions.map(() => () => 0), ...admitted.hooks.map(({ name }) => hooks[name])];
  const instance = new WebAssembly.Instance(await WebAssembly.compile(admitted.bytes), { [IMPORT_LIST]: imports });
  return { exports: instance.exports as Metered['exports'], used: () => used, refuels: () => refuels, refused };
}

async function plain(wat: string): Promise<Metered['exports']> {
  const bytes = await parseWat(wat);
  return new WebAssembly.Instance(await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>), {})
    .exports as Metered['exports'];
}

/** Functions `go` that never end by themselves, each by another way round. */
const ENDLESS: Readonly<Record<string, string>> = {
  'a bare loop': '(func (export "go") (loop (br 0)))',
  'a conditional branch': '(func (export "go") (loop (br_if 0 (i32.const 1))))',
  'a branch table': '(func (export "go") (loop (br_table 0 0 (i32.const 1))))',
  'a loop inside a block inside a loop': '(func (export "go") (loop $l (block (br_if 0 (i32.const 0)) (br $l))))',
  'the inner of two loops': '(func (export "go") (loop (loop $l (br $l)) (br 0)))',
  'a loop that calls': '(func $f) (func (export "go") (loop (call $f) (br 0)))',
  'a loop that calls a leaf that is not charged':
    '(func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))) (func (export "go") (loop (drop (call $f (i32.const 1))) (br 0)))',
  'a loop in an if': '(func (export "go") (if (i32.const 1) (then (loop (br 0)))))',
  'a loop in an else': '(func (export "go") (if (i32.const 0) (then) (else (loop (br 0)))))',
  'a loop with a result': '(func (export "go") (drop (loop (result i32) (br 0))))',
  'tail calls': '(func $go (export "go") (return_call $go))',
  'tail calls of two': '(func $a (export "go") (return_call $b)) (func $b (return_call $a))',
  'indirect tail calls':
    '(type $t (func)) (table funcref (elem $go)) (func $go (export "go") (return_call_indirect (type $t) (i32.const 0)))',
  'tail calls by reference':
    '(type $t (func)) (elem declare func $go) (func $go (export "go") (return_call_ref $t (ref.func $go)))',
  'two calls each':
    '(func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1)))))) (func (export "go") (call $f (i32.const 60)))',
  'an exception each time (legacy)': '(tag $e) (func (export "go") (loop $l try throw $e catch $e br $l end))',
  'an exception each time':
    '(tag $e) (func (export "go") (loop $l (block $h (try_table (catch $e $h) (throw $e))) (br $l)))',
  'an exception of a callee':
    '(tag $e) (func $f throw $e) (func (export "go") (loop $l try call $f catch_all br $l end))',
  'a loop that catches all': '(func (export "go") (loop $l try (loop (br 0)) catch_all end br $l))',
  'a branch on null': '(func (export "go") (loop $l (drop (br_on_null $l (ref.null func))) (br 0)))',
  'memory that is filled':
    '(memory 16) (func (export "go") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576)) (br 0)))',
  'memory that is copied':
    '(memory 16) (func (export "go") (loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 1048575)) (br 0)))',
  'memory of 64 bits that is filled':
    '(memory i64 16) (func (export "go") (loop (memory.fill (i64.const 0) (i32.const 1) (i64.const 1048576)) (br 0)))',
  'memory of 64 bits that is copied':
    '(memory i64 16) (func (export "go") (loop (memory.copy (i64.const 0) (i64.const 8) (i64.const 1000000)) (br 0)))',
  'memory that is initialised':
    '(memory 1) (data $d "xyz") (func (export "go") (loop (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)) (br 0)))',
  'a table that is filled':
    '(table 10000 funcref) (func $f (export "go") (loop (table.fill (i32.const 0) (ref.func $f) (i32.const 10000)) (br 0)))',
  'a table that is copied':
    '(table 10000 funcref) (func (export "go") (loop (table.copy (i32.const 0) (i32.const 1) (i32.const 9000)) (br 0)))',
  'a table of 64 bits that is copied':
    '(table i64 10000 funcref) (func (export "go") (loop (table.copy (i64.const 0) (i64.const 1) (i64.const 9000)) (br 0)))',
  'a table that is initialised':
    '(table 10 funcref) (elem $e func $f $f) (func $f (export "go") (loop (table.init $e (i32.const 0) (i32.const 0) (i32.const 2)) (br 0)))',
  'an exception that is thrown again':
    '(tag $e) (func (export "go") (local exnref) (loop $l (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e)) (unreachable)) (local.set 0) (block $k (result exnref) (try_table (catch_all_ref $k) (throw_ref (local.get 0))) (unreachable)) (drop) (br $l)))',
  'values by the thousand': `(type $p (func (param ${'i64 '.repeat(1000)}))) (func (export "go") ${'i64.const 3 '.repeat(1000)} loop (type $p) br 0 end)`,
  'memory that cannot grow': '(memory 16) (func (export "go") (loop (drop (memory.grow (i32.const 65535))) (br 0)))',
  'a table that cannot grow':
    '(table 1 funcref) (func (export "go") (loop (drop (table.grow (ref.null func) (i32.const 0x7fffffff))) (br 0)))',
  'a table of 64 bits that cannot grow':
    '(table i64 1 funcref) (func (export "go") (loop (drop (table.grow (ref.null func) (i64.const -1))) (br 0)))',
};

for (const [name, wat] of Object.entries(ENDLESS)) {
  test(`AD7: admitModule ends ${name}`, async () => {
    const { exports, used, refuels } = await metered(`(module ${wat})`, 50);
    assert.throws(() => exports.go?.(), /unreachable/);
    assert.equal(refuels(), 51);
    assert.ok(used() >= 50 * SLICE, `used ${used()}`);
  });
}

test('admitModule has the host told of memory that may not grow, by the pages, and of no other', async () => {
  const { exports, refused } = await metered(`(module
    (memory $a 1 3) (memory $b i64 1 3)
    (func (export "a") (param i32) (result i32) (memory.grow $a (local.get 0)))
    (func (export "b") (param i64) (result i64) (local $n i32)
      (loop $l (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))
      (memory.grow $b (local.get 0))))`);
  const a = exports.a as unknown as (pages: number) => number;
  const b = exports.b as unknown as (pages: bigint) => bigint;
  assert.deepEqual([a(1), a(0), a(2), a(-1), a(1)], [1, 2, -1, -1, 2]);
  assert.deepEqual([b(2n), b(1n), b(-1n), b(2n ** 32n)], [1n, -1n, -1n, -1n]);
  assert.deepEqual(refused, [2, 0x7fff_ffff, 1, 0x7fff_ffff, 0x7fff_ffff]);
});

test('AD7: admitModule ends a start function that loops', async () => {
  const wat = '(module (func $s (loop (br 0))) (start $s))';
  const { exports } = await metered(wat, 3);
  assert.throws(() => exports.start?.(), /unreachable/);
});

test('admitModule charges a bulk instruction by its length', async () => {
  const wat = `(module (memory 16) (table 1000 funcref)
    (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
    (func (export "table") (param i32) (table.fill (i32.const 0) (ref.null func) (local.get 0)))
    (func (export "spin") (loop (br 0))))`;
  const spent = async (name: string, length: number): Promise<number> => {
    const { exports, used } = await metered(wat, 2);
    exports[name]?.(length);
    assert.throws(() => exports.spin?.());
    return used();
  };
  const extra = (await spent('fill', 1_048_576)) - (await spent('fill', 0));
  assert.ok(Math.abs(extra - 1_048_576 / 4) <= 2 * SLICE, String(extra));
  const elements = (await spent('table', 1000)) - (await spent('table', 0));
  assert.ok(Math.abs(elements - 16 * 1000) <= 2 * SLICE, String(elements));
});

/** Functions of one number that end, and what they use in all the ways that charges have to leave alone. */
const ENDING: Readonly<Record<string, string>> = {
  'a loop in a local': `(func (export "go") (param $n i64) (result i64) (local $i i64) (local $s i64)
    (block $out (loop $l (br_if $out (i64.ge_u (local.get $i) (local.get $n)))
      (local.set $s (i64.xor (i64.mul (local.get $s) (i64.const 31)) (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1))) (br $l))) (local.get $s))`,
  'a return out of a loop': `(func (export "go") (param $n i64) (result i64) (local $i i64)
    (loop $l (local.set $i (i64.add (local.get $i) (i64.const 3)))
      (if (i64.gt_u (local.get $i) (local.get $n)) (then (return (local.get $i)))) (br $l)) (unreachable))`,
  'a branch with a value to the function itself': `(func (export "go") (param $n i64) (result i64) (local $i i64)
    (loop $l (local.set $i (i64.add (local.get $i) (i64.const 5)))
      (drop (br_if 1 (local.get $i) (i64.gt_u (local.get $i) (local.get $n)))) (br $l)) (unreachable))`,
  'a branch table out of two loops': `(func (export "go") (param $n i64) (result i64) (local $i i64)
    (block $a (block $b (loop $o (loop $l (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_table $l $o $b $a (i32.wrap_i64 (i64.rem_u (i64.mul (local.get $i) (local.get $i)) (i64.const 7)))))))
      (local.set $i (i64.add (local.get $i) (i64.const 1000)))) (local.get $i))`,
  'a loop, then calls, then a loop': `(func $mix (param i64) (result i64) (local $k i64)
      (loop $l (local.set $k (i64.add (local.get $k) (i64.const 1))) (br_if $l (i64.lt_u (local.get $k) (i64.const 9))))
      (i64.add (local.get 0) (local.get $k)))
    (func (export "go") (param $n i64) (result i64) (local $i i64)
      (loop $l (local.set $i (i64.add (local.get $i) (i64.const 1))) (br_if $l (i64.lt_u (local.get $i) (local.get $n))))
      (local.set $i (call $mix (call $mix (local.get $i))))
      (loop $l (local.set $i (i64.sub (local.get $i) (i64.const 2))) (br_if $l (i64.gt_s (local.get $i) (i64.const 0))))
      (local.get $i))`,
  'exceptions through loops': `(tag $e (param i64))
    (func $f (param $n i64) (local $i i64)
      (loop $l (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $l (i64.lt_u (local.get $i) (local.get $n)))) (throw $e (local.get $i)))
    (func (export "go") (param $n i64) (result i64) (local $i i64) (local $s i64)
      (loop $l
        try (call $f (local.get $n)) catch $e (local.set $s (i64.add (local.get $s))) end
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $l (i64.lt_u (local.get $i) (i64.const 10))))
      (local.get $s))`,
};

for (const [name, wat] of Object.entries(ENDING)) {
  test(`admitModule leaves what a function computes as it is, and what it is charged: ${name}`, async () => {
    const module = `(module ${wat})`;
    const expected = await plain(module);
    for (const n of [0n, 1n, 1_000n, 30_000n]) {
      const [first, second] = [await metered(module), await metered(module)];
      assert.equal(first.exports.go?.(n), expected.go?.(n));
      second.exports.go?.(n);
      assert.equal(first.used(), second.used());
      if (n === 30_000n && name.includes('loop') && !name.includes('table'))
        assert.ok(first.refuels() > 1, 'it was charged');
    }
  });
}

test('admitModule does not charge an interpreter for the arms that it does not take', async () => {
  const arms = Array.from({ length: 200 }, (_, nth) => {
    const work = `(local.set $x (i32.add (local.get $x) (i32.const ${nth})))`.repeat(12);
    return `) ${work} (br $next)`;
  });
  const blocks = '(block '.repeat(arms.length);
  const labels = arms.map((_, nth) => nth).join(' ');
  const wat = `(module (func (export "go") (param $n i32) (result i32) (local $x i32)
    (loop $next
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (local.get $x))))
      ${blocks} (br_table ${labels} (i32.rem_u (local.get $n) (i32.const 200)))
      ${arms.join('\n')}) (unreachable)))`;
  const { exports, used } = await metered(wat);
  const rounds = 20_000;
  exports.go?.(rounds);
  assert.ok(used() / rounds < 150, `${used() / rounds} units for an arm of 60`);
});
