import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { HostResourceType } from '../host.ts';
import { parseWat } from '../tooling/index.ts';
import { type CompiledComponent, type ComponentInstance, compileComponent } from './index.ts';

/**
 * Everything that an instance that can be rewound has to remember with: memories and globals of two core modules, shared and
 * their own, and the numbers of handles. `look` tells all of it at once.
 */
const KEEPER = `(component
  (import "host" (instance $h (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))))
  (core func $make (canon lower (func $h "make")))
  (alias export $h "r" (type $res)) (core func $drop (canon resource.drop $res))
  (core module $A
    (memory (export "memory") 1 3) (memory $own 1 3)
    (global (export "g") (mut i32) (i32.const 7)) (global $l (mut i64) (i64.const -1))
    (table (export "t") 2 funcref) (elem (i32.const 0) $one $two)
    (data (i32.const 5) "first") (data (memory $own) (i32.const 65535) "z") (data $p "passive")
    (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
    (func (export "own") (param $at i32) (param $value i32)
      (i32.store8 $own (local.get $at) (local.get $value))
      (global.set $l (i64.add (global.get $l) (i64.extend_i32_u (local.get $value)))))
    (func (export "init") (param $at i32) (memory.init $p (local.get $at) (i32.const 0) (i32.const 7)))
    (func (export "grow") (param $pages i32) (drop (memory.grow $own (local.get $pages))))
    (func (export "look") (result i64) (local $at i32) (local $sum i64)
      (loop $next
        (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load $own (local.get $at))))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 65536))))
      (i64.add (i64.add (local.get $sum) (global.get $l)) (i64.extend_i32_u (memory.size $own)))))
  (core instance $a (instantiate $A))
  (core module $B
    (import "h" "make" (func $make (result i32))) (import "h" "drop" (func $drop (param i32)))
    (import "a" "memory" (memory 1)) (import "a" "g" (global $g (mut i32))) (import "a" "t" (table $t 2 funcref))
    (import "a" "look" (func $look (result i64)))
    (type $f (func (result i32)))
    (global $n (mut i32) (i32.const 0))
    (func (export "store") (param $at i32) (param $value i32)
      (i32.store (local.get $at) (local.get $value)) (global.set $g (i32.xor (global.get $g) (local.get $value))))
    (func (export "fill") (param $at i32) (param $size i32)
      (memory.fill (local.get $at) (i32.const 255) (local.get $size)) (global.set $n (local.get $at)))
    (func (export "hold") (param $count i32)
      (loop $more (drop (call $make))
        (br_if $more (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
    (func (export "look") (result i64) (local $at i32) (local $sum i64)
      (loop $next
        (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 37)) (i64.load (local.get $at))))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 65536))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41)) (call $look)))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41)) (i64.extend_i32_u (global.get $g))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41)) (i64.extend_i32_u (global.get $n))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41)) (i64.extend_i32_u (memory.size))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41))
        (i64.extend_i32_u (call_indirect $t (type $f) (i32.const 1)))))
      (call $drop (local.tee $at (call $make)))
      (i64.add (i64.mul (local.get $sum) (i64.const 41)) (i64.extend_i32_u (local.get $at)))))
  (core instance $b (instantiate $B
    (with "h" (instance (export "make" (func $make)) (export "drop" (func $drop)))) (with "a" (instance $a))))
  (func (export "own") (param "at" u32) (param "value" u32) (canon lift (core func $a "own")))
  (func (export "init") (param "at" u32) (canon lift (core func $a "init")))
  (func (export "grow") (param "pages" u32) (canon lift (core func $a "grow")))
  (func (export "store") (param "at" u32) (param "value" u32) (canon lift (core func $b "store")))
  (func (export "fill") (param "at" u32) (param "size" u32) (canon lift (core func $b "fill")))
  (func (export "hold") (param "count" u32) (canon lift (core func $b "hold")))
  (func (export "look") (result u64) (canon lift (core func $b "look"))))`;

type Step = readonly [name: string, ...args: number[]];

const anyNumber = fc.nat(0xffff_ffff);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant('own'), fc.nat(65_535), anyNumber),
  fc.tuple(fc.constant('init'), fc.nat(65_529)),
  fc.tuple(fc.constant('store'), fc.nat(65_532), anyNumber),
  fc.tuple(fc.constant('fill'), fc.nat(32_768), fc.nat(32_768)),
  fc.tuple(fc.constant('hold'), fc.integer({ min: 1, max: 9 })),
);

describe('an instance that was rewound', () => {
  let component: CompiledComponent;
  let fresh: unknown;
  let live = 0;
  const host = {
    r: new HostResourceType('r', () => void live--),
    make: () => {
      live++;
      return {};
    },
  };
  const make = (): Promise<ComponentInstance> => component.instantiate({ host }, { rewindable: true });

  before(async () => {
    component = await compileComponent(await parseWat(KEEPER));
    fresh = await (await make()).call('look');
  });

  test('LK9: is as a new one, whatever was done to it before', async () => {
    const instance = await make();
    const lives = fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 12 }), async (steps) => {
      for (const [name, ...args] of steps) await instance.call(name, args);
      assert.ok(instance.rewind());
      assert.equal(live, 0);
      assert.equal(instance.begin({}), undefined);
      assert.equal(await instance.call('look'), fresh);
    });
    await fc.assert(lives, { numRuns: 60 });
  });

  test('LK9: is none that has grown, also in a memory that nobody else sees', async () => {
    const instance = await make();
    await instance.call('grow', [1]);
    assert.equal(instance.rewind(), false);
    // Neither grows it: by nothing, and by more than there may be.
    for (const pages of [0, 9]) {
      const other = await make();
      await other.call('grow', [pages]);
      assert.ok(other.rewind());
      assert.equal(other.begin({}), undefined);
      assert.equal(await other.call('look'), fresh);
    }
  });

  test('LK11: is as one that was linked ahead, and as one that was made in one go', async () => {
    const ahead = component.prepare({ host }, { rewindable: true });
    ahead.linkAhead();
    assert.equal(ahead.begin({}), undefined);
    assert.equal(await ahead.call('look'), fresh);
  });
});

/** Six pages, of which the second and the fifth begin with something in them. */
const PAGES = `(component
  (core module $M (memory 6) (data (i32.const 70000) "here") (data (i32.const 327679) "z")
    (func (export "fill") (param $at i32) (param $value i32) (param $size i32)
      (memory.fill (local.get $at) (local.get $value) (local.get $size)))
    (func (export "look") (result i64) (local $at i32) (local $sum i64)
      (loop $next
        (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load (local.get $at))))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 393216))))
      (local.get $sum)))
  (core instance $m (instantiate $M))
  (func (export "fill") (param "at" u32) (param "value" u8) (param "size" u32) (canon lift (core func $m "fill")))
  (func (export "look") (result u64) (canon lift (core func $m "look"))))`;

test('LK9: an instance that was rewound has every byte of its memory as it was, life after life', async () => {
  const component = await compileComponent(await parseWat(PAGES));
  const instance = await component.instantiate({}, { rewindable: true });
  const fresh = await instance.call('look');
  const fill = fc
    .record({ at: fc.nat(393_215), value: fc.nat(255), size: fc.nat(100_000) })
    .map(({ at, value, size }) => [at, value, Math.min(size, 393_216 - at)]);
  const lives = fc.asyncProperty(fc.array(fill, { maxLength: 6 }), async (fills) => {
    for (const args of fills) await instance.call('fill', args);
    assert.ok(instance.rewind());
    assert.equal(instance.begin({}), undefined);
    assert.equal(await instance.call('look'), fresh);
  });
  await fc.assert(lives, { numRuns: 100 });
});

test('rewind answers false for a component whose start function has made its memory large', async () => {
  const grown = (pages: number): string => `(component
    (core module $M (memory 1) (start $s) (func $s (drop (memory.grow (i32.const ${pages}))))
      (func (export "run")))
    (core instance $m (instantiate $M)) (func (export "run") (canon lift (core func $m "run"))))`;
  for (const [pages, can] of [
    [255, true],
    [256, false],
  ] as const) {
    const component = await compileComponent(await parseWat(grown(pages)));
    const instance = await component.instantiate({}, { rewindable: true });
    await instance.call('run');
    assert.equal(instance.rewind(), can);
  }
});

/** Each of three modules runs code at its start; the second and the last one call the host. */
const STARTERS = `(component
  (import "note" (func $note (param "n" u32)))
  (core func $n (canon lower (func $note)))
  (core module $A (global (export "g") (mut i32) (i32.const 1)) (start $s)
    (func $s (global.set 0 (i32.const 5))))
  (core module $B (import "h" "n" (func $n (param i32))) (import "a" "g" (global $g (mut i32))) (start $s)
    (func $s (call $n (global.get $g)) (global.set $g (i32.const 6))))
  (core module $C (import "h" "n" (func $n (param i32))) (import "a" "g" (global $g (mut i32)))
    (memory 1) (start $s) (func $s (call $n (global.get $g)))
    (func (export "get") (result i32) (global.get $g)))
  (core instance $a (instantiate $A))
  (core instance $b (instantiate $B (with "h" (instance (export "n" (func $n)))) (with "a" (instance $a))))
  (core instance $c (instantiate $C (with "h" (instance (export "n" (func $n)))) (with "a" (instance $a))))
  (func (export "get") (result u32) (canon lift (core func $c "get"))))`;

describe('an instance that was linked ahead', () => {
  test('LK11: calls nobody before its life begins, and then runs its start functions in order, as its own', async () => {
    const component = await compileComponent(await parseWat(STARTERS));
    const noted: unknown[] = [];
    const note = function (this: unknown, n: number): void {
      noted.push([this, n]);
    };
    const instance = component.prepare({ note }, { context: 'nobody' });
    instance.linkAhead();
    assert.equal(instance.hasStart, true);
    assert.deepEqual(noted, []);
    await instance.begin({ context: 'me' });
    assert.deepEqual(noted, [
      ['me', 5],
      ['me', 6],
    ]);
    assert.equal(await instance.call('get'), 6);
  });

  test('LK11: can be killed before its life, and in its start functions', async () => {
    const component = await compileComponent(await parseWat(STARTERS));
    const waits = new Promise<void>(() => undefined);
    const make = (): ComponentInstance => {
      const made = component.prepare({ note: () => waits });
      made.linkAhead();
      return made;
    };
    const first = make();
    first.kill();
    await assert.rejects(async () => first.begin({}), { code: 'COMPONENT_KILLED' });
    const second = make();
    const beginning = second.begin({});
    second.kill();
    await assert.rejects(beginning as Promise<void>, { code: 'COMPONENT_KILLED' });
  });
});
