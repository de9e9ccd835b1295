/** Imports, exports, aliases, nested components and core instances; and what is refused by its name. */
import assert from 'node:assert/strict';
import { compileComponent, HostResourceType } from '../../../src/component/index.ts';
import { parseWat } from '../../../src/component/tooling/index.ts';
import { RuntimeError } from '../../../src/errors/index.ts';
import { assertCall, assertFails, type Case, callCase, type Group, instantiate, refusedCase, traps } from './kit.ts';

/** A nested component `$name` that exports function `f`, which answers `value`. */
const answering = (name: string, value: number): string => `(component ${name}
  (core module $M (func (export "f") (result i32) (i32.const ${value})))
  (core instance $m (instantiate $M))
  (func (export "f") (result u32) (canon lift (core func $m "f"))))`;

/** Core definitions around a module whose function `f` answers what `body` computes, lifted as `f`. */
const core = (before: string, imports: string, { body, given }: { body: string; given: string }): string =>
  `(component ${before}
    (core module $M ${imports} (func (export "f") (result i32) ${body}))
    (core instance $m (instantiate $M ${given}))
    (func (export "f") (result u32) (canon lift (core func $m "f"))))`;

const SOURCE = `(core module $S
    (memory (export "mem") 1) (data (i32.const 4) "\\2a\\00\\00\\00")
    (global (export "g") i32 (i32.const 7))
    (global (export "v") (mut i32) (i32.const 8))
    (table (export "t") 2 funcref) (elem (i32.const 1) func $nine)
    (func $nine (export "nine") (result i32) (i32.const 9))
    (func (export "") (result i32) (i32.const 10))
    (func (export "__proto__") (result i32) (i32.const 11))
    (func (export "constructor") (result i32) (i32.const 12)))
  (core instance $s (instantiate $S))`;

const CORE: readonly Case[] = [
  ['a memory of another instance', '(import "s" "mem" (memory 1))', '(i32.load (i32.const 4))', 42],
  ['a global of another instance', '(import "s" "g" (global i32))', '(global.get 0)', 7],
  [
    'a variable of another instance',
    '(import "s" "v" (global (mut i32)))',
    '(global.set 0 (i32.const 3)) (global.get 0)',
    3,
  ],
  [
    'a table of another instance',
    '(import "s" "t" (table 2 funcref))',
    '(call_indirect (result i32) (i32.const 1))',
    9,
  ],
  ['a function of another instance', '(import "s" "nine" (func (result i32)))', '(call 0)', 9],
  ['a function without a name', '(import "s" "" (func (result i32)))', '(call 0)', 10],
  ['a function named __proto__', '(import "s" "__proto__" (func (result i32)))', '(call 0)', 11],
  ['a function named constructor', '(import "s" "constructor" (func (result i32)))', '(call 0)', 12],
].map(([name, imports, body, expect]) =>
  callCase(
    `a core module imports ${name}`,
    core(SOURCE, imports as string, { body: body as string, given: '(with "s" (instance $s))' }),
    { call: ['f'], expect },
  ),
);

const CORE_SHAPES: readonly Case[] = [
  callCase(
    'one module instantiated twice has two states',
    `(component
      (core module $C (global $n (mut i32) (i32.const 0))
        (func (export "f") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
      (core instance $a (instantiate $C)) (core instance $b (instantiate $C))
      (core module $M (import "a" "f" (func $a (result i32))) (import "b" "f" (func $b (result i32)))
        (func (export "f") (result i32) (drop (call $a)) (drop (call $a)) (i32.add (i32.mul (call $a) (i32.const 10)) (call $b))))
      (core instance $m (instantiate $M (with "a" (instance $a)) (with "b" (instance $b))))
      (func (export "f") (result u32) (canon lift (core func $m "f"))))`,
    { call: ['f'], expect: 31 },
  ),
  callCase(
    'items are put together under new names',
    core(SOURCE, '(import "x" "y" (func (result i32))) (import "x" "z" (global i32))', {
      body: '(i32.add (call 0) (global.get 0))',
      given: '(with "x" (instance (export "y" (func $s "nine")) (export "z" (global $s "g"))))',
    }),
    { call: ['f'], expect: 16 },
  ),
  callCase(
    'functions of the host are put together with those of modules',
    `(component ${SOURCE}
      (import "f" (func $f (result u32)))
      (core func $l (canon lower (func $f)))
      (core instance $x (export "a" (func $l)) (export "b" (func $s "nine")))
      (core module $M (import "x" "a" (func $a (result i32))) (import "x" "b" (func $b (result i32)))
        (func (export "f") (result i32) (i32.add (call $a) (call $b))))
      (core instance $m (instantiate $M (with "x" (instance $x))))
      (func (export "g") (result u32) (canon lift (core func $m "f"))))`,
    { imports: () => ({ f: () => 20 }), call: ['g'], expect: 29 },
  ),
  callCase(
    'a function is called through a table that another module filled',
    `(component
      (import "f" (func $f (param "x" u32) (result u32)))
      (core module $T (table (export "t") 1 funcref) (type $t (func (param i32) (result i32)))
        (func (export "0") (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 0))))
      (core instance $t (instantiate $T))
      (core module $M (import "" "0" (func $f (param i32) (result i32)))
        (func (export "f") (result i32) (call $f (i32.const 4))))
      (core instance $m (instantiate $M (with "" (instance $t))))
      (core func $l (canon lower (func $f)))
      (core module $F (import "" "t" (table 1 funcref)) (import "" "f" (func $f (param i32) (result i32))) (elem (i32.const 0) func $f))
      (core instance (instantiate $F (with "" (instance (export "t" (table $t "t")) (export "f" (func $l))))))
      (func (export "g") (result u32) (canon lift (core func $m "f"))))`,
    { imports: () => ({ f: (x: number) => x * 2 }), call: ['g'], expect: 8 },
  ),
  callCase(
    'a function goes through a module unchanged',
    `(component
      (import "f" (func $f (result u32)))
      (core func $l (canon lower (func $f)))
      (core module $P (import "" "f" (func $f (result i32))) (export "g" (func $f)))
      (core instance $p (instantiate $P (with "" (instance (export "f" (func $l))))))
      (core module $M (import "" "g" (func $g (result i32))) (func (export "f") (result i32) (call $g)))
      (core instance $m (instantiate $M (with "" (instance $p))))
      (func (export "f2") (result u32) (canon lift (core func $m "f"))))`,
    { imports: () => ({ f: () => 6 }), call: ['f2'], expect: 6 },
  ),
  callCase(
    'a slot that nothing filled traps',
    core('', '(table 1 funcref)', { body: '(call_indirect (result i32) (i32.const 0))', given: '' }),
    { call: ['f'], expect: traps('indirect-call-mismatch') },
  ),
];

const NESTING: readonly Case[] = [
  callCase(
    'a nested component’s function is exported',
    `(component ${answering('$A', 5)} (instance $a (instantiate $A)) (export "g" (func $a "f")))`,
    { call: ['g'], expect: 5 },
  ),
  callCase(
    'a nested component’s instance is exported',
    `(component ${answering('$A', 5)} (instance $a (instantiate $A)) (export "x:y/z@1.0.0" (instance $a)))`,
    { call: ['x:y/z@1.0.0#f'], expect: 5 },
  ),
  callCase(
    'functions of several are put together',
    `(component ${answering('$A', 5)} ${answering('$B', 6)}
      (instance $a (instantiate $A)) (instance $b (instantiate $B))
      (instance $c (export "one" (func $a "f")) (export "two" (func $b "f")))
      (export "c" (instance $c)))`,
    { call: ['c#two'], expect: 6 },
  ),
  callCase(
    'instances are nested in instances',
    `(component ${answering('$A', 5)} (instance $a (instantiate $A))
      (instance $b (export "in" (instance $a))) (instance $c (export "in" (instance $b))) (export "out" (instance $c)))`,
    { call: ['out#in#in#f'], expect: 5 },
  ),
  callCase(
    'an import is passed on',
    `(component (import "f" (func $f (result u32)))
      (component $A (import "x" (func $x (result u32)))
        (core func $l (canon lower (func $x)))
        (core module $M (import "" "x" (func $x (result i32))) (func (export "f") (result i32) (i32.add (call $x) (i32.const 1))))
        (core instance $m (instantiate $M (with "" (instance (export "x" (func $l))))))
        (func (export "f") (result u32) (canon lift (core func $m "f"))))
      (instance $a (instantiate $A (with "x" (func $f)))) (export "g" (func $a "f")))`,
    { imports: () => ({ f: () => 8 }), call: ['g'], expect: 9 },
  ),
  callCase(
    'an imported instance is passed on, through two levels',
    `(component (import "host" (instance $h (export "f" (func (result u32)))))
      (component $A (import "i" (instance $i (export "f" (func (result u32)))))
        (component $B (import "j" (instance $j (export "f" (func (result u32)))))
          (core func $l (canon lower (func $j "f")))
          (core module $M (import "" "x" (func $x (result i32))) (func (export "f") (result i32) (call $x)))
          (core instance $m (instantiate $M (with "" (instance (export "x" (func $l))))))
          (func (export "f") (result u32) (canon lift (core func $m "f"))))
        (instance $b (instantiate $B (with "j" (instance $i)))) (export "f" (func $b "f")))
      (instance $a (instantiate $A (with "i" (instance $h)))) (export "g" (func $a "f")))`,
    { imports: () => ({ host: { f: () => 8 } }), call: ['g'], expect: 8 },
  ),
  callCase(
    'a component is an argument',
    `(component ${answering('$A', 5)}
      (component $B (import "c" (component $C (export "f" (func (result u32)))))
        (instance $c (instantiate $C)) (export "f" (func $c "f")))
      (instance $b (instantiate $B (with "c" (component $A)))) (export "g" (func $b "f")))`,
    { call: ['g'], expect: 5 },
  ),
  callCase(
    'a core module is an argument',
    `(component (core module $M (func (export "f") (result i32) (i32.const 3)))
      (component $B (import "m" (core module $N (export "f" (func (result i32)))))
        (core instance $n (instantiate $N)) (func (export "f") (result u32) (canon lift (core func $n "f"))))
      (instance $b (instantiate $B (with "m" (core module $M)))) (export "g" (func $b "f")))`,
    { call: ['g'], expect: 3 },
  ),
  callCase(
    'a component of an outer one is reached by an alias',
    `(component $Out ${answering('$A', 5)}
      (component $B (alias outer $Out $A (component $C)) (instance $c (instantiate $C)) (export "f" (func $c "f")))
      (instance $b (instantiate $B)) (export "g" (func $b "f")))`,
    { call: ['g'], expect: 5 },
  ),
  callCase(
    'a core module of an outer one is reached by an alias',
    `(component $Out (core module $M (func (export "f") (result i32) (i32.const 3)))
      (component $B (alias outer $Out $M (core module $N)) (core instance $n (instantiate $N))
        (func (export "f") (result u32) (canon lift (core func $n "f"))))
      (instance $b (instantiate $B)) (export "g" (func $b "f")))`,
    { call: ['g'], expect: 3 },
  ),
  callCase(
    'a type of an outer one is reached by an alias',
    `(component $Out (type $t (tuple u8 u8))
      (component $B (alias outer $Out $t (type $u))
        (core module $M (memory (export "mem") 1) (data (i32.const 8) "\\01\\02") (func (export "f") (result i32) (i32.const 8)))
        (core instance $m (instantiate $M)) (func (export "f") (result $u) (canon lift (core func $m "f") (memory $m "mem"))))
      (instance $b (instantiate $B)) (export "g" (func $b "f")))`,
    { call: ['g'], expect: [1, 2] },
  ),
  {
    name: 'one component instantiated twice has two states',
    run: async () => {
      const instance = await instantiate(`(component
        (component $C (core module $M (global $n (mut i32) (i32.const 0))
            (func (export "f") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
          (core instance $m (instantiate $M)) (func (export "f") (result u32) (canon lift (core func $m "f"))))
        (instance $a (instantiate $C)) (instance $b (instantiate $C))
        (export "a" (instance $a)) (export "b" (instance $b)))`);
      for (const expected of [1, 2]) await assertCall(instance, ['a#f'], expected);
      await assertCall(instance, ['b#f'], 1);
      await assertCall(instance, ['a#f'], 3);
    },
  },
  {
    name: 'an export may be there under two names',
    run: async () => {
      const instance = await instantiate(
        `(component ${answering('$A', 5)} (instance $a (instantiate $A)) (export "g" (func $a "f")) (export "h" (func $a "f")))`,
      );
      await assertCall(instance, ['g'], 5);
      await assertCall(instance, ['h'], 5);
    },
  },
];

/** Imports function `f` of interface `name` and exports `g`, which calls it. */
const importing = (name: string): string => `(component
  (import "${name}" (instance $i (export "f" (func (result u32))) (export "unused" (func (param "x" string)))))
  (core func $l (canon lower (func $i "f")))
  (core module $M (import "" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))
  (core instance $m (instantiate $M (with "" (instance (export "f" (func $l))))))
  (func (export "g") (result u32) (canon lift (core func $m "g"))))`;

const f = () => 3;
const served = (name: string, imported: string, offered: string): Case =>
  callCase(name, importing(imported), { imports: () => ({ [offered]: { f } }), call: ['g'], expect: 3 });
const notServed = (name: string, imported: string, offered: string): Case => ({
  name,
  run: async () => {
    const expected = { code: 'COMPONENT_IMPORT_MISSING', details: { missing: [`${imported}#f`] } } as const;
    await assertFails(() => instantiate(importing(imported), { [offered]: { f } }), expected);
  },
});

const IMPORTS: readonly Case[] = [
  served('the same name', 'a:b/c@1.2.3', 'a:b/c@1.2.3'),
  served('a name without a version serves every version', 'a:b/c@1.2.3', 'a:b/c'),
  served('a later minor version', 'a:b/c@1.2.3', 'a:b/c@1.9.0'),
  served('an earlier minor version', 'a:b/c@1.2.3', 'a:b/c@1.0.0'),
  served('another patch before 1.0', 'wasi:io/poll@0.2.6', 'wasi:io/poll@0.2.0'),
  notServed('another major version', 'a:b/c@1.2.3', 'a:b/c@2.0.0'),
  notServed('another minor version before 1.0', 'a:b/c@0.2.0', 'a:b/c@0.3.0'),
  notServed('another patch before 0.1', 'a:b/c@0.0.1', 'a:b/c@0.0.2'),
  notServed('a pre-release is only itself', 'a:b/c@0.2.0-rc.1', 'a:b/c@0.2.0'),
  notServed('a version where none was asked for', 'a:b/c', 'a:b/c@1.0.0'),
  notServed('another name', 'a:b/c@1.0.0', 'a:b/d@1.0.0'),
  {
    name: 'what is not there is named, all of it',
    run: async () => {
      const wat = `(component
        (import "a" (func $a)) (import "i" (instance $i (export "f" (func)) (export "r" (type (sub resource)))))
        (alias export $i "r" (type $r))
        (core func $la (canon lower (func $a))) (core func $lf (canon lower (func $i "f"))) (core func $d (canon resource.drop $r)))`;
      const missing = ['a', 'i#f', 'i#r'];
      await assertFails(() => instantiate(wat), { code: 'COMPONENT_IMPORT_MISSING', details: { missing } });
    },
  },
  {
    name: 'what is of another kind is refused',
    run: async () => {
      const expected = { code: 'COMPONENT_IMPORT_MISSING' } as const;
      const offers = [{ f: 3 }, { f: {} }, { f: new HostResourceType('f') }, { f: null }, f, null, 3];
      for (const offer of offers) await assertFails(() => instantiate(importing('i'), { i: offer } as never), expected);
    },
  },
  {
    name: 'an import under the name of a property of every object is missing',
    run: async () => {
      for (const name of ['constructor', 'to-string', 'value-of']) {
        const wat = `(component (import "${name}" (func $f)) (core func (canon lower (func $f))))`;
        const expected = { code: 'COMPONENT_IMPORT_MISSING', details: { missing: [name] } } as const;
        await assertFails(() => instantiate(wat, {}), expected);
      }
    },
  },
  {
    name: 'nothing is asked for an import that is not used',
    run: async () => {
      await instantiate('(component (import "f" (func)) (import "i" (instance (export "r" (type (sub resource))))))');
    },
  },
  {
    name: 'an import of a resource under a second name is the same resource',
    run: async () => {
      const wat = `(component
        (import "i" (instance $i (export "r" (type $r (sub resource))) (export "s" (type $s (eq $r)))
          (export "make" (func (result (own $r)))) (export "take" (func (param "x" (own $s))))))
        (core func $make (canon lower (func $i "make"))) (core func $take (canon lower (func $i "take")))
        (core module $M (import "" "make" (func $make (result i32))) (import "" "take" (func $take (param i32)))
          (func (export "f") (call $take (call $make))))
        (core instance $m (instantiate $M (with "" (instance (export "make" (func $make)) (export "take" (func $take))))))
        (func (export "f") (canon lift (core func $m "f"))))`;
      const taken: unknown[] = [];
      const i = { r: new HostResourceType('r'), make: () => ({ id: 1 }), take: (x: unknown) => void taken.push(x) };
      await (await instantiate(wat, { i })).call('f');
      assert.deepEqual(taken, [{ id: 1 }]);
    },
  },
];

// ── refusals ──

const MEM = '(core module $Mem (memory (export "mem") 1)) (core instance $mem (instantiate $Mem))';
const FUNC = '(core module $M (func (export "f") (result i32) (i32.const 0))) (core instance $m (instantiate $M))';

/** What belongs to later versions, or is not there yet: refused, and the text says what it is. */
const UNSUPPORTED: readonly (readonly [feature: RegExp, wat: string])[] = [
  [/stream types/, '(component (type (stream u8)))'],
  [/stream types/, '(component (type (stream)))'],
  [/future types/, '(component (type (future string)))'],
  [/error-context types/, '(component (type error-context))'],
  [/fixed-length list/, '(component (type (list u8 4)))'],
  [/map types/, '(component (type (map string u32)))'],
  [/async functions/, '(component (import "f" (func async)))'],
  [/async lifting or lowering/, '(component (import "f" (func $f)) (core func (canon lower (func $f) async)))'],
  ...['task.return', 'task.cancel', 'subtask.drop', 'thread.yield', 'error-context.drop'].map(
    (name) => [new RegExp(name), `(component (core func (canon ${name})))`] as const,
  ),
  ...['backpressure.inc', 'backpressure.dec', 'waitable-set.new', 'waitable-set.drop', 'waitable.join'].map(
    (name) => [new RegExp(name), `(component (core func (canon ${name})))`] as const,
  ),
  [/context.get/, '(component (core func (canon context.get i32 0)))'],
  [/component-level start/, '(component (import "f" (func $f)) (start $f))'],
  [/component-level values/, '(component (import "v" (value string)))'],
  [/64 bits/, '(component (type (resource (rep i64))))'],
  [
    /"gc"/,
    `(component ${MEM} ${FUNC} (func (export "f") (result string) (canon lift (core func $m "f") (memory $mem "mem") gc)))`,
  ],
  [/shared memory/, '(component (core module $M (memory 1 1 shared)) (core instance (instantiate $M)))'],
  [/garbage-collected/, '(component (core module $M (type (struct)) (func)) (core instance (instantiate $M)))'],
  [
    /threads and atomics/,
    '(component (core module $M (memory 1) (func (drop (i32.atomic.load (i32.const 0))))) (core instance (instantiate $M)))',
  ],
  [
    /borrowed handles inside other values/,
    '(component (import "r" (type $r (sub resource))) (import "f" (func $f (param "x" (list (borrow $r))))) (export "g" (func $f)))',
  ],
  [
    /64-bit memory/,
    '(component (core module $M (memory (export "mem") i64 1) (func (export "f") (result i64) (i64.const 0))) (core instance $m (instantiate $M)) (func (export "f") (result string) (canon lift (core func $m "f") (memory $m "mem"))))',
  ],
];

const REFUSED: readonly Case[] = UNSUPPORTED.map(([feature, wat], at) => ({
  name: `${feature.source} (${at + 1})`,
  run: async () => {
    const binary = await parseWat(wat);
    await assert.rejects(compileComponent(binary), (error: unknown) => {
      assert.ok(RuntimeError.is(error, 'COMPONENT_UNSUPPORTED'), String(error));
      assert.match(error.message, feature);
      return true;
    });
  },
}));

const invalid = { code: 'COMPONENT_INVALID' } as const;

const INVALID: readonly Case[] = [
  refusedCase(
    'a lift whose core function has another type',
    `(component ${FUNC} (func (export "f") (canon lift (core func $m "f"))))`,
    invalid,
  ),
  refusedCase(
    'a string without memory',
    `(component ${FUNC} (func (export "f") (result string) (canon lift (core func $m "f"))))`,
    invalid,
  ),
  refusedCase(
    'a list argument without an allocator',
    '(component (core module $M (memory (export "mem") 1) (func (export "f") (param i32 i32))) (core instance $m (instantiate $M)) (func (export "f") (param "x" (list u8)) (canon lift (core func $m "f") (memory $m "mem"))))',
    invalid,
  ),
  refusedCase(
    'an allocator of another type',
    '(component (core module $M (memory (export "mem") 1) (func (export "r") (result i32) unreachable) (func (export "f") (param i32 i32))) (core instance $m (instantiate $M)) (func (export "f") (param "x" (list u8)) (canon lift (core func $m "f") (memory $m "mem") (realloc (func $m "r")))))',
    invalid,
  ),
  refusedCase(
    'a post-return of another type',
    '(component (core module $M (func (export "f") (result i32) (i32.const 0)) (func (export "p"))) (core instance $m (instantiate $M)) (func (export "f") (result u32) (canon lift (core func $m "f") (post-return (func $m "p")))))',
    invalid,
  ),
  refusedCase(
    'a core import that is not given',
    '(component (core module $M (import "a" "b" (func))) (core instance (instantiate $M)))',
    invalid,
  ),
  refusedCase(
    'a core import of another type',
    '(component (core module $A (func (export "b") (param i32))) (core instance $a (instantiate $A)) (core module $M (import "a" "b" (func))) (core instance (instantiate $M (with "a" (instance $a)))))',
    invalid,
  ),
  refusedCase(
    'a component argument that is not given',
    '(component (component $A (import "f" (func))) (instance (instantiate $A)))',
    invalid,
  ),
  refusedCase(
    'a component argument of another type',
    '(component (import "f" (func $f (result u8))) (component $A (import "f" (func (result u16)))) (instance (instantiate $A (with "f" (func $f)))))',
    invalid,
  ),
  refusedCase('two imports of one name', '(component (import "a" (func)) (import "a" (func)))', invalid),
  refusedCase(
    'two exports of one name',
    `(component ${answering('$A', 1)} (instance $a (instantiate $A)) (export "f" (func $a "f")) (export "f" (func $a "f")))`,
    invalid,
  ),
  refusedCase('names that differ by case only', '(component (import "a-b" (func)) (import "a-B" (func)))', invalid),
  refusedCase('a name that is none', '(component (import "not_kebab" (func)))', invalid),
  refusedCase(
    'thirty-three flags',
    `(component (type (flags ${Array.from({ length: 33 }, (_, at) => `"f${at}"`).join(' ')})))`,
    invalid,
  ),
  refusedCase(
    'a borrow in a result',
    '(component (import "r" (type $r (sub resource))) (import "f" (func (result (borrow $r)))))',
    invalid,
  ),
  refusedCase(
    'a resource of an outer component',
    '(component $Out (type $r (resource (rep i32))) (component (alias outer $Out $r (type $s))))',
    invalid,
  ),
  refusedCase(
    'an alias of what is not exported',
    `(component ${answering('$A', 1)} (instance $a (instantiate $A)) (export "f" (func $a "g")))`,
    invalid,
  ),
  refusedCase(
    'a core module that does not type-check',
    '(component (core module $M (func (result i32))) (core instance (instantiate $M)))',
    invalid,
  ),
];

export const LINKING: readonly Group[] = [
  { name: 'Core instances', cases: [...CORE, ...CORE_SHAPES] },
  { name: 'Nested components', cases: NESTING },
  { name: 'Imports', cases: IMPORTS },
  { name: 'Refused by name', cases: REFUSED },
  { name: 'Invalid', cases: INVALID },
];
