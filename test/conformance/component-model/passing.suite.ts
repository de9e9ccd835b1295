/**
 * What a component passes on without code of its own: components and core modules that it is given, imports that it
 * exports again, canonical functions that it lifts.
 */
import assert from 'node:assert/strict';
import {
  type CompileOptions,
  type ComponentInstance,
  compileComponent,
  type HostImports,
  HostResourceType,
} from '../../../src/component/index.ts';
import { parseWat } from '../../../src/component/tooling/index.ts';
import { assertCall, assertFails, type Case, type Failure, type Group, instantiate, plain } from './kit.ts';

// ── parts ──

type PartTexts = Readonly<Record<string, string>>;

/** Compiles with parts, given as text. */
async function compileWith(wat: string, texts: PartTexts, options: CompileOptions = {}) {
  const parts: Record<string, Uint8Array> = {};
  for (const [name, text] of Object.entries(texts)) parts[name] = await parseWat(text);
  return compileComponent(await parseWat(wat), { ...options, parts });
}

function partCase(name: string, wat: string, { parts, call }: { parts: PartTexts; call: readonly unknown[] }): Case {
  const [func, expected] = call as [string, unknown];
  const run = async () => assertCall(await (await compileWith(wat, parts)).instantiate(), [func], expected);
  return { name, run };
}

function refusedPart(name: string, wat: string, { parts, expected }: { parts: PartTexts; expected: Failure }): Case {
  return { name, run: async () => void (await assertFails(() => compileWith(wat, parts), expected)) };
}

const SEVEN = '(module (func (export "f") (result i32) (i32.const 7)))';
const USES_MODULE = `(component
  (import "m" (core module $M (export "f" (func (result i32)))))
  (core instance $m (instantiate $M))
  (func (export "f") (result u32) (canon lift (core func $m "f"))))`;
const USES_COMPONENT = `(component
  (import "c" (component $C (export "f" (func (result u32)))))
  (instance $c (instantiate $C))
  (export "f" (func $c "f")))`;

const PARTS: readonly Case[] = [
  partCase('a core module that was given is instantiated', USES_MODULE, { parts: { m: SEVEN }, call: ['f', 7] }),
  partCase('a component that was given is instantiated', USES_COMPONENT, {
    parts: {
      c: `(component (core module $M (func (export "f") (result i32) (i32.const 8))) (core instance $m (instantiate $M))
        (func (export "f") (result u32) (canon lift (core func $m "f"))))`,
    },
    call: ['f', 8],
  }),
  partCase(
    'a part is found inside an imported instance',
    `(component (import "i" (instance $i (export "m" (core module (export "f" (func (result i32)))))))
      (core instance $m (instantiate (module $i "m")))
      (func (export "f") (result u32) (canon lift (core func $m "f"))))`,
    { parts: { 'i#m': SEVEN }, call: ['f', 7] },
  ),
  partCase(
    'a part gets its arguments from the component, and a module for a module',
    `(component
      (import "c" (component $C
        (import "m" (core module (export "f" (func (result i32)))))
        (import "more" (func (result u32)))
        (export "f" (func (result u32)))))
      (core module $M (func (export "f") (result i32) (i32.const 30)))
      (core instance $m (instantiate $M))
      (func $more (result u32) (canon lift (core func $m "f")))
      (instance $c (instantiate $C (with "m" (core module $M)) (with "more" (func $more))))
      (export "f" (func $c "f")))`,
    {
      parts: {
        c: `(component
          (import "m" (core module $M (export "f" (func (result i32)))))
          (import "more" (func $more (result u32)))
          (core func $l (canon lower (func $more)))
          (core instance $m (instantiate $M))
          (core module $Add (import "" "a" (func $a (result i32))) (import "" "b" (func $b (result i32)))
            (func (export "f") (result i32) (i32.add (call $a) (call $b))))
          (core instance $add (instantiate $Add (with "" (instance (export "a" (func $m "f")) (export "b" (func $l))))))
          (func (export "f") (result u32) (canon lift (core func $add "f"))))`,
      },
      call: ['f', 60],
    },
  ),
  partCase(
    'a part may import less and export more than is asked for',
    `(component (import "m" (core module $M (import "a" "b" (func)) (export "f" (func (result i32)))))
      (core module $B (func (export "b"))) (core instance $b (instantiate $B))
      (core instance $m (instantiate $M (with "a" (instance $b))))
      (func (export "f") (result u32) (canon lift (core func $m "f"))))`,
    { parts: { m: '(module (func (export "f") (result i32) (i32.const 9)) (func (export "g")))' }, call: ['f', 9] },
  ),
  partCase(
    'a part that is instantiated twice has two states',
    `(component (import "m" (core module $M (export "f" (func (result i32)))))
      (core instance $a (instantiate $M)) (core instance $b (instantiate $M))
      (core module $Both (import "" "a" (func $a (result i32))) (import "" "b" (func $b (result i32)))
        (func (export "f") (result i32)
          (i32.add (i32.mul (i32.const 100) (call $a)) (i32.add (i32.mul (i32.const 10) (call $a)) (call $b)))))
      (core instance $both (instantiate $Both (with "" (instance (export "a" (func $a "f")) (export "b" (func $b "f"))))))
      (func (export "f") (result u32) (canon lift (core func $both "f"))))`,
    {
      parts: {
        m: '(module (global $g (mut i32) (i32.const 0)) (func (export "f") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))',
      },
      call: ['f', 121],
    },
  ),
  refusedPart('a part that is instantiated and was not given', USES_MODULE, {
    parts: {},
    expected: { code: 'COMPONENT_IMPORT_MISSING', details: { missing: ['m'] } },
  }),
  {
    name: 'a part that nothing instantiates need not be given',
    run: async () => {
      await instantiate('(component (import "m" (core module)) (import "c" (component)))');
    },
  },
  ...(
    [
      ['a core module without the export', USES_MODULE, { m: '(module)' }],
      [
        'a core module with another type',
        USES_MODULE,
        { m: '(module (func (export "f") (result i64) (i64.const 0)))' },
      ],
      ['a core module that imports more', USES_MODULE, { m: '(module (import "a" "b" (func)) (export "f" (func 0)))' }],
      ['a component where a core module belongs', USES_MODULE, { m: '(component)' }],
      ['a core module where a component belongs', USES_COMPONENT, { c: SEVEN }],
      ['a component with another type', USES_COMPONENT, { c: '(component (type (export "f") string))' }],
    ] as const
  ).map(([name, wat, parts]) =>
    refusedPart(`${name} is refused`, wat, {
      parts: parts as PartTexts,
      expected: { code: 'COMPONENT_INVALID', details: { part: Object.keys(parts)[0] } },
    }),
  ),
  ...['(instance (instantiate $E))', ''].map(
    (use): Case => ({
      name: `an outer alias of a component whose type names a resource of the enclosing one${use && ', instantiated'}`,
      run: async () => {
        const wat = `(component $O (import "r" (type $r (sub resource)))
          (import "c" (component $C (alias outer $O $r (type $x)) (export "x" (type $y (eq $x))) (export "f" (func (param "a" (own $y))))))
          (component $D (alias outer $O $C (component $E)) ${use}) (instance (instantiate $D)))`;
        if (use === '') return void (await compileWith(wat, {}));
        const missing = { code: 'COMPONENT_IMPORT_MISSING', details: { missing: ['c'] } } as const;
        await assertFails(() => compileWith(wat, {}), missing);
        const other = '(component (import "r" (type $r (sub resource))) (export "x" (type $r)))';
        await assertFails(() => compileWith(wat, { c: other }), { code: 'COMPONENT_INVALID', details: { part: 'c' } });
      },
    }),
  ),
  refusedPart('an alias leads out of no part', USES_COMPONENT, {
    parts: { c: '(component $C (component $D (alias outer $C 0 (type $t))) (type $u string))' },
    expected: { code: 'COMPONENT_INVALID', details: { part: 'c' } },
  }),
  refusedPart('a part is admitted as any other core module', USES_MODULE, {
    parts: { m: '(module (memory 1 1 shared) (func (export "f") (result i32) (i32.const 7)))' },
    expected: { code: 'COMPONENT_UNSUPPORTED', details: { feature: 'shared memory' } },
  }),
  {
    name: 'a part counts against the limits of the component',
    run: async () => {
      const parts = { m: '(module (memory 100) (func (export "f") (result i32) (i32.const 7)))' };
      const compiled = compileWith(USES_MODULE, parts, { limits: { memoryBytes: 65_536 } });
      await assertFails(() => compiled, { code: 'COMPONENT_LIMIT', details: { limit: 'memory' } });
    },
  },
];

// ── imports that are exported again ──

/** Component that exports its import `f` of type `type` as `g`. */
function again(type: string, before = ''): string {
  return `(component ${before} (import "f" (func $f ${type})) (export "g" (func $f)))`;
}

function againCase(
  name: string,
  type: string,
  { host, call, expect }: { host: (...args: never[]) => unknown; call: readonly unknown[]; expect: unknown },
): Case {
  const run = async () => assertCall(await instantiate(again(type), { f: host }), ['g', ...call], expect);
  return { name, run };
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `(param "p${at}" u32)`).join(' ');

const AGAIN: readonly Case[] = [
  againCase('numbers', '(param "a" u32) (param "b" s64) (result f64)', {
    host: (a: number, b: bigint) => a + Number(b) / 2,
    call: [3, 5n],
    expect: 5.5,
  }),
  againCase('nothing', '', { host: () => undefined, call: [], expect: undefined }),
  againCase('text both ways', '(param "a" string) (result string)', {
    host: (a: string) => `${a}, ${a} ✓`,
    call: ['ż'],
    expect: 'ż, ż ✓',
  }),
  againCase('more than fits one page', '(param "a" (list u8)) (result (list u8))', {
    host: (a: Uint8Array) => a,
    call: [new Uint8Array(300_000).fill(7)],
    expect: new Uint8Array(300_000).fill(7),
  }),
  againCase('several results', '(param "a" u8) (result (tuple u8 string f32))', {
    host: (a: number) => [a, 'b', 0.5],
    call: [1],
    expect: [1, 'b', 0.5],
  }),
  againCase('seventeen parameters', `${names(17)} (result u32)`, {
    host: (...args: number[]) => args.reduce((sum, value) => sum + value, 0),
    call: Array.from({ length: 17 }, (_, at) => at),
    expect: 136,
  }),
  againCase('a host that waits', '(param "a" string) (result string)', {
    host: async (a: string) => a.toUpperCase(),
    call: ['abc'],
    expect: 'ABC',
  }),
  againCase('an argument that does not fit', '(param "a" u8)', {
    host: () => assert.fail('called'),
    call: ['no number'],
    expect: { code: 'VALUE_INVALID' },
  }),
  {
    name: 'a host that throws ends the instance with what it threw',
    run: async () => {
      const thrown = new Error('no');
      const instance = await instantiate(again('(result u8)'), {
        f: () => {
          throw thrown;
        },
      });
      await assert.rejects(instance.call('g'));
      assert.ok(instance.failure);
    },
  },
  {
    name: 'memory is used anew by each call',
    run: async () => {
      const instance = await instantiate(again('(param "a" string) (result string)'), { f: (a: string) => a });
      const text = 'x'.repeat(20_000);
      for (let call = 0; call < 50; call++) assert.equal(await instance.call('g', [text]), text);
      assert.ok(instance.memoryBytes <= 2 * 65_536, `${instance.memoryBytes} bytes`);
    },
  },
  {
    name: 'handles, owned and borrowed',
    run: async () => {
      const dropped: unknown[] = [];
      const r = new HostResourceType<{ id: number }>('r', (value) => dropped.push(value.id));
      const before = '(import "r" (type $r (sub resource)))';
      const type = '(param "a" (borrow $r)) (param "b" (tuple u8 (borrow $r))) (param "c" (own $r)) (result (own $r))';
      const seen: unknown[] = [];
      const f = (a: object, [n, b]: [number, object], c: object) => {
        seen.push(a, n, b);
        return c;
      };
      const instance = await instantiate(again(type, before), { r, f } as unknown as HostImports);
      const [one, two] = [{ id: 1 }, { id: 2 }];
      for (let call = 0; call < 3; call++) assert.equal(await instance.call('g', [one, [5, one], two]), two);
      assert.deepEqual(seen.slice(0, 3), [one, 5, one]);
      assert.deepEqual(dropped, []);
    },
  },
  {
    name: 'an instance in an instance, with its types and resources',
    run: async () => {
      const instance = await instantiate(
        `(component
          (import "a:b/c@1.0.0" (instance $i
            (export "inner" (instance
              (export "r" (type $r (sub resource)))
              (type $pair' (record (field "x-y" u8))) (export "pair" (type $pair (eq $pair')))
              (export "[constructor]r" (func (param "id" u8) (result (own $r))))
              (export "[method]r.get" (func (param "self" (borrow $r)) (result $pair)))))))
          (export "d:e/f" (instance $i)))`,
        {
          'a:b/c': {
            inner: {
              r: new HostResourceType('r'),
              '[constructor]r': (id: number) => ({ id }),
              '[method]r.get': (self: { id: number }) => ({ xY: self.id + 1 }),
            },
          },
        },
      );
      const made = await instance.call('d:e/f#inner#[constructor]r', [4]);
      assert.deepEqual(plain(await instance.call('d:e/f#inner#[method]r.get', [made])), { xY: 5 });
    },
  },
  {
    name: 'an instance that the host nests, called by code',
    run: async () => {
      const instance = await instantiate(
        `(component
          (import "i" (instance $i (export "j" (instance (export "f" (func (result u32)))))))
          (core func $l (canon lower (func $i "j" "f")))
          (core module $M (import "" "f" (func $f (result i32))) (func (export "f") (result i32) (call $f)))
          (core instance $m (instantiate $M (with "" (instance (export "f" (func $l))))))
          (func (export "f") (result u32) (canon lift (core func $m "f"))))`,
        { i: { j: { f: () => 12 } } },
      );
      assert.equal(await instance.call('f'), 12);
    },
  },
  {
    name: 'a nested instance that is not there is named by its path',
    run: async () => {
      const wat =
        '(component (import "i" (instance $i (export "j" (instance (export "f" (func)))))) (export "k" (instance $i)))';
      const missing = ['i#j#f'];
      await assertFails(() => instantiate(wat, { i: { j: {} } }), {
        code: 'COMPONENT_IMPORT_MISSING',
        details: { missing },
      });
    },
  },
];

// ── canonical functions that are lifted, and options that name them ──

const HOST_F = '(import "f" (func $f (result u32))) (core func $l (canon lower (func $f)))';

const LIFTED: readonly Case[] = [
  {
    name: 'a lowered function is lifted at once',
    run: async () => {
      const wat = `(component ${HOST_F} (func (export "g") (result u32) (canon lift (core func $l))))`;
      await assertCall(await instantiate(wat, { f: () => 3 }), ['g'], 3);
      await assertCall(await instantiate(wat, { f: async () => 4 }), ['g'], 4);
    },
  },
  {
    name: 'the functions of a resource are lifted',
    run: async () => {
      const instance = await instantiate(`(component
        (core module $D (global $sum (mut i32) (i32.const 0))
          (func (export "drop") (param i32) (global.set $sum (i32.add (global.get $sum) (local.get 0))))
          (func (export "sum") (result i32) (global.get $sum)))
        (core instance $d (instantiate $D))
        (type $r' (resource (rep i32) (dtor (func $d "drop"))))
        (export $r "r" (type $r'))
        (core func $new (canon resource.new $r')) (core func $drop (canon resource.drop $r'))
        (func (export "make") (param "rep" u32) (result (own $r)) (canon lift (core func $new)))
        (func (export "drop") (param "it" (own $r)) (canon lift (core func $drop)))
        (func (export "sum") (result u32) (canon lift (core func $d "sum"))))`);
      await instance.call('drop', [await instance.call('make', [7])]);
      assert.equal(await instance.call('sum'), 7);
    },
  },
  {
    name: 'a post-return of another core module runs after the result was read',
    run: async () => {
      const instance = await instantiate(`(component
        (core module $M (memory (export "mem") 1) (data (i32.const 8) "\\10\\00\\00\\00\\02\\00\\00\\00hi")
          (func (export "f") (result i32) (i32.const 8)))
        (core instance $m (instantiate $M))
        (core module $P (import "" "mem" (memory 1)) (global $n (mut i32) (i32.const 0))
          (func (export "p") (param i32) (i32.store8 (i32.const 16) (i32.const 0x48))
            (global.set $n (i32.add (global.get $n) (local.get 0))))
          (func (export "n") (result i32) (global.get $n)))
        (core instance $p (instantiate $P (with "" (instance $m))))
        (func (export "f") (result string)
          (canon lift (core func $m "f") (memory $m "mem") (post-return (func $p "p"))))
        (func (export "n") (result u32) (canon lift (core func $p "n"))))`);
      assert.equal(await instance.call('f'), 'hi');
      assert.equal(await instance.call('f'), 'Hi');
      assert.equal(await instance.call('n'), 16);
    },
  },
  {
    name: 'an allocator that is a lowered function cannot leave the instance',
    run: async () => {
      const instance = await instantiate(
        `(component
          (import "alloc" (func $alloc (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (result u32)))
          (core func $l (canon lower (func $alloc)))
          (core module $M (memory (export "mem") 1) (func (export "f") (param i32 i32)))
          (core instance $m (instantiate $M))
          (func (export "f") (param "x" string) (canon lift (core func $m "f") (memory $m "mem") (realloc (func $l)))))`,
        { alloc: () => 64 },
      );
      await assertFails(() => instance.call('f', ['x']), { code: 'COMPONENT_TRAPPED' });
    },
  },
  {
    name: 'a destructor that is a lowered function',
    run: async () => {
      const drops: number[] = [];
      const instance = await instantiate(
        `(component
          (import "gone" (func $gone (param "rep" u32)))
          (core func $l (canon lower (func $gone)))
          (type $r' (resource (rep i32) (dtor (func $l))))
          (core func $new (canon resource.new $r')) (core func $drop (canon resource.drop $r'))
          (core module $M (import "" "new" (func $new (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
            (func (export "f") (call $drop (call $new (i32.const 5)))))
          (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
          (func (export "f") (canon lift (core func $m "f"))))`,
        { gone: (rep: number) => drops.push(rep) },
      );
      await instance.call('f');
      assert.deepEqual(drops, [5]);
    },
  },
  {
    name: 'a start function cannot enter its own component',
    run: async () => {
      const wat = `(component
        (core module $M (func (export "f"))) (core instance $m (instantiate $M))
        (func $f (canon lift (core func $m "f"))) (core func $l (canon lower (func $f)))
        (core module $S (import "" "f" (func $f)) (func $s (call $f)) (start $s))
        (core instance (instantiate $S (with "" (instance (export "f" (func $l)))))))`;
      await assertFails(() => instantiate(wat), { code: 'COMPONENT_TRAPPED', details: { rule: 'reenter' } });
    },
  },
  {
    name: 'a start function of one component enters another',
    run: async () => {
      const instance: ComponentInstance = await instantiate(`(component
        (component $A
          (core module $M (global $n (mut i32) (i32.const 0))
            (func (export "f") (global.set $n (i32.add (global.get $n) (i32.const 1))))
            (func (export "n") (result i32) (global.get $n)))
          (core instance $m (instantiate $M))
          (func (export "f") (canon lift (core func $m "f")))
          (func (export "n") (result u32) (canon lift (core func $m "n"))))
        (instance $a (instantiate $A))
        (component $B (import "f" (func $f)) (core func $l (canon lower (func $f)))
          (core module $S (import "" "f" (func $f)) (func $s (call $f)) (start $s))
          (core instance (instantiate $S (with "" (instance (export "f" (func $l)))))))
        (instance (instantiate $B (with "f" (func $a "f"))))
        (export "n" (func $a "n")))`);
      assert.equal(await instance.call('n'), 1);
    },
  },
];

export const PASSING: readonly Group[] = [
  { name: 'Parts that the host gives', cases: PARTS },
  { name: 'Imports exported again', cases: AGAIN },
  { name: 'Canonical functions lifted', cases: LIFTED },
];
