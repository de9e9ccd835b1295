import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../../errors/index.ts';
import { parseWat } from '../tooling/index.ts';
import {
  ADMISSION_DEFAULTS,
  type AdmissionRequest,
  type AdmittedModule,
  admitModule,
  IMPORT_LIST,
  readCoreModule,
} from './index.ts';

type Exports = Record<string, (...args: unknown[]) => unknown> & { memory: WebAssembly.Memory };

function admit(bytes: Uint8Array, request: Partial<AdmissionRequest> = {}): AdmittedModule {
  const module = readCoreModule(bytes);
  const work = admitModule(bytes, {
    limits: ADMISSION_DEFAULTS,
    imports: module.importedFunctions.map(() => 'sync'),
    keep: new Set(module.exports.map((item) => item.name)),
    pump: [],
    ...request,
  });
  for (;;) {
    const slice = work.next();
    if (slice.done === true) return slice.value;
  }
}

async function instantiate(
  admitted: AdmittedModule,
  imports: readonly unknown[],
  hooks: Record<string, unknown> = {},
): Promise<Exports> {
  const list = [...imports, ...admitted.hooks.map((hook) => hooks[hook.name])];
  const module = await WebAssembly.compile(admitted.bytes);
  return new WebAssembly.Instance(module, { [IMPORT_LIST]: list }).exports as Exports;
}

const CATCHERS = {
  legacy: 'try (result i32) local.get 0 call $f catch_all i32.const 77 end',
  references: '(block $h (return (try_table (result i32) (catch_all $h) (call $f (local.get 0))))) (i32.const 77)',
};

for (const [encoding, body] of Object.entries(CATCHERS)) {
  const source = `(module (import "h" "f" (func $f (param i32) (result i32)))
    (func (export "go") (param i32) (result i32) ${body}))`;

  test(`AD1: admitModule makes what the host throws a trap that a guest's catch_all (${encoding}) does not see`, async () => {
    const { go } = await instantiate(admit(await parseWat(source)), [
      () => {
        throw new Error('kill');
      },
    ]);
    assert.throws(() => go?.(1), /unreachable/);
  });

  test(`AD1: admitModule keeps a host's stack overflow from a guest's catch_all (${encoding})`, async () => {
    const overflow = (depth: number): number => overflow(depth + 1) + 1;
    const { go } = await instantiate(admit(await parseWat(source)), [overflow]);
    assert.throws(() => go?.(1), RangeError);
  });

  test(`AD1: admitModule makes a rejected wait a trap that a guest's catch_all (${encoding}) does not see`, async () => {
    const admitted = admit(await parseWat(source), { imports: ['blocking'] });
    const hooks = {
      await: new WebAssembly.Suspending(async () => Promise.reject(new Error('kill'))),
      'result-i32': () => 0,
    };
    const { go } = await instantiate(admitted, [() => 1], hooks);
    await assert.rejects(WebAssembly.promising(go)(1), /unreachable/);
  });
}

test('admitModule lets a guest catch its own exceptions', async () => {
  const source = await parseWat(`(module (import "h" "f" (func $f)) (tag $e)
    (func (export "go") (result i32) call $f try (result i32) throw $e catch_all i32.const 77 end))`);
  const exports = await instantiate(admit(source), [() => undefined]);
  assert.equal(exports.go?.(), 77);
});

test('admitModule enters a blocking import in two steps and suspends only when it is pending', async () => {
  const source = await parseWat(
    '(module (import "h" "f" (func $f (param i32) (result i64))) (func (export "go") (param i32) (result i64) (call $f (local.get 0))))',
  );
  const admitted = admit(source, { imports: ['blocking'] });
  let waits = 0;
  let value = 5n;
  const hooks = {
    await: new WebAssembly.Suspending(async () => {
      waits++;
      value = 6n;
    }),
    'result-i64': () => value,
  };
  const { go } = await instantiate(admitted, [(pending: number) => pending], hooks);
  assert.equal(go?.(0), 5n, 'not pending: no suspension, also outside of a promising call');
  assert.equal(await WebAssembly.promising(go)(1), 6n);
  assert.equal(waits, 1);
  assert.throws(() => go?.(1), /unreachable/, 'pending where nothing can suspend');
});

test('AD2: admitModule caps memory so that growth beyond it fails and the guest goes on', async () => {
  const source = await parseWat(
    '(module (memory (export "memory") 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))',
  );
  const exports = await instantiate(
    admit(source, { limits: { ...ADMISSION_DEFAULTS, memoryBytes: 3 * 65_536 + 5 } }),
    [],
  );
  assert.equal(exports.grow?.(3), -1);
  assert.equal(exports.grow?.(2), 1);
  assert.equal(exports.memory.buffer.byteLength, 3 * 65_536);
});

test('AD2: admitModule shares the memory limit among several memories', async () => {
  const source = await parseWat(`(module (memory $a 1) (memory $b 2)
    (func (export "a") (result i32) (memory.grow $a (i32.const 2))) (func (export "b") (result i32) (memory.grow $b (i32.const 3))))`);
  const exports = await instantiate(admit(source, { limits: { ...ADMISSION_DEFAULTS, memoryBytes: 7 * 65_536 } }), []);
  assert.equal(exports.a?.(), 1);
  assert.equal(exports.b?.(), -1);
});

test('AD2: admitModule writes no maximum beyond what addresses reach, however high the limit', async () => {
  const limits = { ...ADMISSION_DEFAULTS, memoryBytes: 2 ** 40 };
  for (const memory of ['1', '1 2', 'i64 1']) {
    const admitted = admit(await parseWat(`(module (memory (export "memory") ${memory}))`), { limits });
    assert.ok(WebAssembly.validate(admitted.bytes), memory);
  }
});

test('AD2: admitModule caps tables', async () => {
  const source = await parseWat(
    '(module (table 1 funcref) (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))',
  );
  const exports = await instantiate(admit(source, { limits: { ...ADMISSION_DEFAULTS, tableElements: 10 } }), []);
  assert.equal(exports.grow?.(10), -1);
  assert.equal(exports.grow?.(9), 1);
});

const REFUSED: readonly [
  what: string,
  source: string,
  code: 'COMPONENT_INVALID' | 'COMPONENT_LIMIT' | 'COMPONENT_UNSUPPORTED',
  text: RegExp,
][] = [
  ['a memory that starts beyond the limit', '(module (memory 5000))', 'COMPONENT_LIMIT', /327680000 bytes/],
  ['a table that starts beyond the limit', '(module (table 200000 funcref))', 'COMPONENT_LIMIT', /200000 elements/],
  [
    'tables that start beyond the limit together',
    '(module (table 60000 funcref) (table 60000 funcref))',
    'COMPONENT_LIMIT',
    /120000 elements/,
  ],
  [
    'a start function with a parameter',
    '(module (func $s (param i32)) (start $s))',
    'COMPONENT_INVALID',
    /start function has parameters/,
  ],
  ['shared memory', '(module (memory 1 2 shared))', 'COMPONENT_UNSUPPORTED', /shared memory/],
  [
    'an imported shared memory',
    '(module (import "a" "m" (memory 1 2 shared)))',
    'COMPONENT_UNSUPPORTED',
    /shared memory/,
  ],
  [
    'atomics',
    '(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))',
    'COMPONENT_UNSUPPORTED',
    /threads and atomics/,
  ],
  ['a structure type', '(module (type (struct (field i32))))', 'COMPONENT_UNSUPPORTED', /garbage-collected/],
  ['an i31 reference', '(module (func (drop (ref.i31 (i32.const 1)))))', 'COMPONENT_UNSUPPORTED', /garbage-collected/],
  [
    'an exception that carries a reference',
    '(module (tag (param externref)))',
    'COMPONENT_UNSUPPORTED',
    /carry references/,
  ],
];
for (const [what, source, code, text] of REFUSED) {
  test(`AD2: admitModule refuses ${what} by name`, async () => {
    const bytes = await parseWat(source);
    assert.throws(
      () => admit(bytes),
      (error) => RuntimeError.is(error, code) && text.test(error.message),
    );
  });
}

test('AD3: admitModule turns the start function into an export', async () => {
  const source = await parseWat(
    '(module (import "h" "f" (func $f)) (start $s) (func $s (call $f)) (func (export "start") (result i32) (i32.const 9)))',
  );
  const admitted = admit(source);
  let runs = 0;
  const exports = await instantiate(admitted, [() => runs++]);
  assert.equal(runs, 0);
  exports[admitted.startExport as string]?.();
  assert.equal(runs, 1);
  assert.equal(exports.start?.(), 9, "the guest's own export of that name stays");
});

test('admitModule maps functions in calls, tables, globals, exports and references', async () => {
  const source = await parseWat(`(module
    (import "h" "one" (func $one (result i32))) (import "h" "two" (func $two (result i32)))
    (type $t (func (result i32)))
    (table $table 6 funcref) (global $g funcref (ref.func $three)) (global $i funcref (ref.func $one))
    (elem (i32.const 0) func $one $three $two) (elem (i32.const 3) funcref (ref.func $three) (ref.func $one))
    (elem $passive func $two) (elem declare func $four)
    (func $three (result i32) (i32.const 3)) (func $four (export "four") (result i32) (i32.const 4))
    (func $tail (export "tail") (result i32) (return_call $two))
    (func (export "at") (param i32) (result i32) (call_indirect (type $t) (local.get 0)))
    (func (export "passive") (result i32) (table.init $table $passive (i32.const 5) (i32.const 0) (i32.const 1)) (call_indirect (type $t) (i32.const 5)))
    (func (export "global") (result i32) (table.set $table (i32.const 5) (global.get $g)) (call_indirect (type $t) (i32.const 5)))
    (func (export "imported-global") (result i32) (table.set $table (i32.const 5) (global.get $i)) (call_indirect (type $t) (i32.const 5)))
    (func (export "reference") (result i32) (table.set $table (i32.const 5) (ref.func $four)) (call_indirect (type $t) (i32.const 5)))
    (export "again" (func $one)))`);
  const keep = new Set(['tail', 'at', 'passive', 'global', 'imported-global', 'reference', 'again']);
  const exports = await instantiate(admit(source, { imports: ['sync', 'direct'], keep }), [() => 1, () => 2]);
  const run = (name: string, ...args: unknown[]) => exports[name]?.(...args);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((slot) => run('at', slot)),
    [1, 3, 2, 3, 1],
  );
  assert.deepEqual(
    ['passive', 'global', 'imported-global', 'reference', 'again', 'tail'].map((name) => run(name)),
    [2, 3, 1, 4, 1, 2],
  );
  assert.equal(exports.four, undefined, 'an export that nobody uses is dropped, its references stay declared');
});

test('admitModule pumps several functions in one call, with their post-return', async () => {
  const source = await parseWat(`(module (import "h" "log" (func $log (param i32)))
    (func (export "add") (param i32 i64) (result i64) (i64.add (i64.extend_i32_u (local.get 0)) (local.get 1)))
    (func (export "half") (param f64) (result f32) (f32.demote_f64 (f64.mul (local.get 0) (f64.const 0.5))))
    (func (export "none") (call $log (i32.const 1)))
    (func (export "post") (param f32) (call $log (i32.const 2))))`);
  const pump = [
    { func: 'add', postReturn: undefined },
    { func: 'half', postReturn: 'post' },
    { func: 'none', postReturn: undefined },
  ];
  const admitted = admit(source, { keep: new Set(), pump });
  const calls: [number, ...unknown[]][] = [[1, 2, 3n], [2, 5], [3], [2, 7]];
  const events: unknown[] = [];
  let args: unknown[] = [];
  const argument = () => args.shift();
  const take = () => {
    const [target = 0, ...rest] = calls.shift() ?? [];
    args = rest;
    return target;
  };
  const done = (value: unknown) => {
    events.push(value);
    return take();
  };
  const exports = await instantiate(admitted, [(event: number) => events.push(`log ${event}`)], {
    take,
    'arg-i32': argument,
    'arg-i64': argument,
    'arg-f64': argument,
    'done-i64': done,
    // A post-return runs after it, and what it answers counts for nothing.
    'done-f32': (value: unknown) => {
      events.push(value);
      return 3;
    },
    done: () => done(undefined),
  });
  exports[admitted.pumpExport as string]?.();
  assert.deepEqual(events, [5n, 2.5, 'log 2', 'log 1', undefined, 3.5, 'log 2']);
});

test('AD4: admitModule makes a valid module of every core module that a large toolchain ships', () => {
  const vendor = join(dirname(fileURLToPath(import.meta.resolve('@bytecodealliance/jco-transpile'))), '../vendor');
  const bytes = new Uint8Array(readFileSync(join(vendor, 'wasm-tools.core.wasm')));
  const module = readCoreModule(bytes);
  const imports = module.importedFunctions.map(
    (_, index) => (index % 2 === 0 ? 'blocking' : 'sync') as 'blocking' | 'sync',
  );
  const limits = { ...ADMISSION_DEFAULTS, memoryBytes: 2 ** 31 };
  for (const fuelSlice of [undefined, 100_000]) {
    const first = admit(bytes, { limits, imports, fuelSlice });
    assert.ok(WebAssembly.validate(first.bytes));
    assert.deepEqual(admit(bytes, { limits, imports, fuelSlice }).bytes, first.bytes);
  }
});

test('admitModule refuses any mangled module with a named error, or V8 does', async () => {
  const source =
    await parseWat(`(module (import "h" "f" (func $f (param i32) (result i32))) (memory 1) (table 2 funcref) (elem (i32.const 0) $f $g)
    (func $g (export "g") (param i32) (result i32) (block (result i32) (call $f (local.get 0)) (br_table 0 0 (i32.const 0)))))`);
  let seed = 12345;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const codes = new Set<string>();
  for (let round = 0; round < 3000; round++) {
    const bytes = source.slice(0, round % 3 === 0 ? random(source.length) : source.length);
    for (let flips = 0; flips < 3 && bytes.length > 8; flips++) bytes[8 + random(bytes.length - 8)] = random(256);
    try {
      const imports = readCoreModule(bytes).importedFunctions.map(() => 'direct' as const);
      WebAssembly.validate(admit(bytes, { imports }).bytes);
    } catch (error) {
      assert.ok(RuntimeError.is(error), String(error));
      codes.add(error.code);
    }
  }
  assert.ok(!codes.has('INTERNAL'), [...codes].join());
});

test('AD6: admitModule exports all that the code of a module can change, and keeps names that are exported anyway', async () => {
  const wat = `(module (memory (export "memory") 1) (memory 1) (global i32 (i32.const 1)) (global (mut i32) (i32.const 2))
    (global (mut i64) (i64.const 3)) (func (export "state 3 1")))`;
  const { bytes, state } = admit(await parseWat(wat), { exportState: true });
  assert.deepEqual(state, { memories: ['memory', 'state 2 1'], globals: ["state 3 1'", 'state 3 2'] });
  const exported = WebAssembly.Module.exports(await WebAssembly.compile(bytes)).map(({ name }) => name);
  assert.deepEqual(exported, ['memory', 'state 3 1', 'state 2 1', "state 3 1'", 'state 3 2']);
  assert.equal(admit(await parseWat(wat)).state, undefined);
});

const globals = (count: number) => '(global (mut i32) (i32.const 0))'.repeat(count);

for (const [what, inside] of Object.entries({
  'table.set': '(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))',
  'table.fill': '(table 1 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))',
  'table.grow': '(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))',
  'table.copy': '(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1)))',
  'table.init': '(table 1 funcref) (elem $e func) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)))',
  'elem.drop': '(elem $e func) (func (elem.drop $e))',
  'data.drop': '(data $d "x") (func (data.drop $d))',
  'a mutable float': '(global (mut f32) (f32.const 0))',
  'a mutable vector': '(global (mut v128) (v128.const i64x2 0 0))',
  'a mutable reference': '(global (mut externref) (ref.null extern))',
  'very many globals': globals(17),
})) {
  test(`AD6: admitModule says that there is more that code can change: ${what}`, async () => {
    assert.equal(admit(await parseWat(`(module ${inside})`), { exportState: true }).state, undefined);
  });
}

test('AD6: admitModule lets code look at tables and segments', async () => {
  const wat = `(module (memory 1) (table 1 funcref) (data $d "x") ${globals(16)}
    (func (drop (table.get (i32.const 0))) (drop (table.size)) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)) (memory.copy (i32.const 0) (i32.const 1) (i32.const 1))))`;
  assert.notEqual(admit(await parseWat(wat), { exportState: true }).state, undefined);
});

/** Modules that are not valid as they are, and would be after something was added to them. */
const REACHING: Readonly<Record<string, string>> = {
  'a local that holds the fuel': '(func (export "go") (loop (local.set 0 (i32.const 0x7fffffff)) (br 0)))',
  'a local behind the parameters': '(func (param i32) (local i64) (local.set 2 (i32.const 1)))',
  'the global of the fuel': '(func (export "go") (loop (global.set 0 (i32.const 0x7fffffff)) (br 0)))',
  'a global behind its own':
    '(import "h" "g" (global i32)) (global i32 (i32.const 1)) (func (result i32) (global.get 2))',
  'an export of the global of the fuel': '(export "fuel" (global 0))',
  'an export of a function that is added': '(func) (export "glue" (func 1))',
  'a call of a function that is added': '(func (call 1))',
  'a reference to a function that is added': '(func (drop (ref.func 1)))',
  'an element that is added': '(table 1 funcref) (elem (i32.const 0) func 0)',
  'the segment of declarations': '(func $f (export "f")) (func (drop (ref.func $f)) (elem.drop 0))',
  'the segment of declarations, for a table':
    '(table 1 funcref) (func $f (export "f")) (func (drop (ref.func $f)) (table.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))',
  'a declaration that is added': '(func $f) (func (drop (ref.func $f)))',
  'two exports of one name, which are dropped': '(func $f) (export "f" (func $f)) (export "f" (func $f))',
  'a type that is added, of a block': '(func (block (type 1)))',
  'a type that is added, of a call': '(table 1 funcref) (func (param i32) (call_indirect (type 1) (i32.const 0)))',
  'a type that is added, of a local': '(func (local (ref null 1)))',
  'a type that is added, of a reference': '(func (drop (ref.null 1)))',
  'a type that is added, of a result': '(func (result (ref null 1)) (unreachable))',
  'a type that is added, of a table': '(func) (table 1 (ref null 1))',
  'a type that is added, of a global': '(func) (global (ref null 1) (ref.null func))',
  'a type that is added, of an import': '(import "h" "f" (func (type 0)))',
  'a type that is added, of a selection':
    '(func (drop (select (result (ref null 1)) (unreachable) (unreachable) (i32.const 1))))',
};

for (const [what, body] of Object.entries(REACHING)) {
  test(`AD8: admitModule refuses a module that reaches for ${what}`, async () => {
    const bytes = await parseWat(`(module ${body})`);
    assert.equal(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>), false);
    for (const fuelSlice of [1_000, undefined]) {
      assert.throws(
        () => admit(bytes, { fuelSlice, keep: new Set() }),
        (error) => RuntimeError.is(error, 'COMPONENT_INVALID'),
      );
    }
  });
}
