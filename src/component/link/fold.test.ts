import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { parseWat } from '../tooling/index.ts';
import { compileComponent } from './index.ts';

interface Parts {
  /** Fields of the shim. Default: what wit-component writes. */
  readonly shim?: string;
  /** Core instances that are made between the main module and the fixup. */
  readonly between?: string;
  /** Fields of the fixup. */
  readonly fixup?: string;
  /** Core instances that are made behind the fixup. */
  readonly behind?: string;
}

const SHIM = `
  (type (func (result i32))) (table (export "$imports") 2 2 funcref)
  (func (export "0") (type 0) (call_indirect (type 0) (i32.const 0)))
  (func (export "1") (type 0) (call_indirect (type 0) (i32.const 1)))`;
const FIXUP = `
  (import "" "a" (func $a (result i32))) (import "" "b" (func $b (result i32))) (import "" "$imports" (table 2 2 funcref))
  (elem (i32.const 0) func $a $b)`;

/** Two functions of the host, `a` and `b`, that the main module reaches through a shim as "0" and "1". */
function text({ shim = SHIM, between = '', fixup = FIXUP, behind = '' }: Parts): string {
  return `(component
    (import "host" (instance $host (export "a" (func (result u32))) (export "b" (func (result u32)))))
    (core module $Shim ${shim}) (core instance $shim (instantiate $Shim))
    (alias core export $shim "0" (core func $0)) (alias core export $shim "1" (core func $1))
    (alias core export $shim "$imports" (core table $table))
    (core module $Main (import "" "0" (func $0 (result i32))) (import "" "1" (func $1 (result i32)))
      (func (export "first") (result i32) (call $0)) (func (export "second") (result i32) (call $1)))
    (core instance $main (instantiate $Main (with "" (instance (export "0" (func $0)) (export "1" (func $1))))))
    ${between}
    (core func $a (canon lower (func $host "a"))) (core func $b (canon lower (func $host "b")))
    (core module $Fixup ${fixup})
    (core instance (instantiate $Fixup (with "" (instance
      (export "a" (func $a)) (export "b" (func $b)) (export "$imports" (table $table))))))
    ${behind}
    (func (export "first") (result u32) (canon lift (core func $main "first")))
    (func (export "second") (result u32) (canon lift (core func $main "second"))))`;
}

/** What the functions answer, and how many core modules an instance has. */
async function run(parts: Parts): Promise<unknown[]> {
  const component = await compileComponent(await parseWat(text(parts)));
  const answers: unknown[] = [component.steps.length];
  const imports = { host: { a: () => 10, b: () => 20 } };
  for (const name of ['first', 'second']) {
    try {
      const instance = await component.instantiate(imports);
      answers.push(await instance.call(name));
    } catch (error) {
      assert.ok(RuntimeError.is(error, 'COMPONENT_TRAPPED'), String(error));
      answers.push(error.details.trap);
    }
  }
  return answers;
}

test('LK1: foldShims drops a shim and its fixup, and the main module calls the host itself', async () => {
  assert.deepEqual(await run({}), [1, 10, 20]);
});

test('LK1: foldShims goes by the elements of the table, not by the order of imports', async () => {
  assert.deepEqual(await run({ fixup: FIXUP.replace('func $a $b)', 'func $b $a)') }), [1, 20, 10]);
});

const UNLIKE: Readonly<Record<string, readonly [Parts, unknown[]]>> = {
  'code that runs before the table is filled': [
    {
      between: `(core module $Early (import "" "0" (func $0 (result i32))) (func $s (drop (call $0))) (start $s))
        (core instance (instantiate $Early (with "" (instance (export "0" (func $0))))))`,
    },
    [4, 'indirect-call-mismatch', 'indirect-call-mismatch'],
  ],
  'a second module that fills the table': [
    {
      behind: `(core module $Again (import "" "a" (func $a (result i32))) (import "" "$imports" (table 2 2 funcref))
          (elem (i32.const 1) func $a))
        (core instance (instantiate $Again (with "" (instance
          (export "a" (func $a)) (export "$imports" (table $table))))))`,
    },
    [4, 10, 10],
  ],
  'functions that call through another table than the one that is filled': [
    { shim: SHIM.replace('(table (export', '(table 2 2 funcref) (table (export') },
    [3, 'indirect-call-mismatch', 'indirect-call-mismatch'],
  ],
  'a function of another type than the one in its slot': [
    {
      shim: `(type (func (result i32))) (table (export "$imports") 2 2 funcref) (type (func (result i64)))
        (func (export "0") (type 0) (call_indirect (type 0) (i32.const 0)))
        (func (export "1") (type 0) (i32.wrap_i64 (call_indirect (type 1) (i32.const 1))))`,
    },
    [3, 10, 'indirect-call-mismatch'],
  ],
  'a shim that fills its table itself': [
    { shim: `${SHIM} (func $own (result i32) (i32.const 5)) (elem (i32.const 0) func $own)` },
    [3, 10, 20],
  ],
  'more elements than the table has': [
    { fixup: FIXUP.replace('func $a $b)', 'func $a $b $a)') },
    [3, 'table-out-of-bounds', 'table-out-of-bounds'],
  ],
  'a slot below zero': [{ shim: SHIM.replace('i32.const 1', 'i32.const -1') }, [3, 10, 'table-out-of-bounds']],
};

for (const [name, [parts, expected]] of Object.entries(UNLIKE)) {
  test(`C1: foldShims leaves alone ${name}`, async () => {
    assert.deepEqual(await run(parts), expected);
  });
}

test('C1: foldShims leaves alone a fixup whose function has another type than the shim calls', async () => {
  const host = '(export "b" (func (result u32)))';
  const component = text({ fixup: FIXUP.replace('$b (result i32)', '$b (result i64)') }).replace(
    host,
    host.replace('u32', 'u64'),
  );
  const compiled = await compileComponent(await parseWat(component));
  const instance = await compiled.instantiate({ host: { a: () => 10, b: () => 20n } });
  assert.equal(await instance.call('first'), 10);
  await assert.rejects(instance.call('second'), (error) => RuntimeError.is(error, 'COMPONENT_TRAPPED'));
});

test('C1: foldShims takes a shim of ten thousand functions in one pass', async () => {
  const functions = Array.from(
    { length: 10_000 },
    (_, index) => `(func (export "${index}") (type 0) (call_indirect (type 0) (i32.const ${index})))`,
  ).join('\n');
  const shim = `(type (func (result i32))) (table (export "$imports") 10000 10000 funcref) ${functions}`;
  const fixup = FIXUP.replace('func $a $b)', `func $a $b ${'$a '.repeat(9_998)})`).replaceAll('2 2', '10000 10000');
  assert.deepEqual(await run({ shim, fixup }), [1, 10, 20]);
});
