import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { HostResourceType } from '../host.ts';
import { parseWat } from '../tooling/index.ts';
import { type CompiledComponent, type ComponentInstance, compileComponent } from './index.ts';

/**
 * `change` writes all over its memory and changes a global of each kind; `sum` adds up all of its bytes and globals;
 * `grow` grows; `hold` makes resources of the host and keeps them; `wait` calls a host function that may wait.
 */
function guestOf({ body = '', globals = '(global $i (mut i32) (i32.const 7))', start = '' } = {}): string {
  return `(component
  (import "host" (instance $h (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))
    (export "wait" (func))))
  (core func $make (canon lower (func $h "make"))) (core func $wait (canon lower (func $h "wait")))
  (core module $M
    (import "" "make" (func $make (result i32))) (import "" "wait" (func $wait))
    (memory 2) (table $t 1 funcref) ${globals} (global $l (mut i64) (i64.const -1))
    (data (i32.const 70000) "some text") (data (i32.const 10) "more") (data $p "passive")
    (func (export "change") (local $at i32)
      (loop $next
        (i32.store8 (local.get $at) (i32.add (local.get $at) (i32.const 3)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 7))) (i32.const 131072))))
      (global.set $l (i64.const 99)) ${body})
    (func (export "sum") (result i64) (local $at i32) (local $sum i64)
      (loop $next
        (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load8_u (local.get $at))))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 131072))))
      (i64.add (local.get $sum) (global.get $l)))
    (func (export "grow") (drop (memory.grow (i32.const 1))))
    (func (export "hold") (drop (call $make)) (drop (call $make)))
    (func (export "wait") (call $wait))
    (func (export "trap") (unreachable)) ${start})
  (core instance $m (instantiate $M (with "" (instance (export "make" (func $make)) (export "wait" (func $wait))))))
  ${['change', 'grow', 'hold', 'wait', 'trap'].map((name) => `(func (export "${name}") (canon lift (core func $m "${name}")))`).join('\n')}
  (func (export "sum") (result u64) (canon lift (core func $m "sum"))))`;
}

interface Life {
  readonly instance: ComponentInstance;
  readonly component: CompiledComponent;
  readonly dropped: object[];
  /** What host functions were called on. */
  readonly contexts: unknown[];
}

async function liveOf(text: string, wait: () => unknown = () => undefined): Promise<Life> {
  const component = await compileComponent(await parseWat(text));
  const dropped: object[] = [];
  const contexts: unknown[] = [];
  const host = {
    r: new HostResourceType('r', (value) => dropped.push(value)),
    make: () => ({}),
    wait(this: unknown) {
      contexts.push(this);
      return wait();
    },
  };
  const instance = await component.instantiate({ host }, { context: 'first', rewindable: true });
  return { instance, component, dropped, contexts };
}

test('LK9: rewind leaves nothing in memory, globals and handles of what an instance did', async () => {
  const { instance, dropped } = await liveOf(guestOf({ body: '(global.set $i (i32.const 8))' }));
  const sum = await instance.call('sum');
  for (let life = 1; life <= 3; life++) {
    await instance.call('hold');
    await instance.call('change');
    assert.notEqual(await instance.call('sum'), sum);
    assert.equal(dropped.length, 2 * life - 2);
    assert.ok(instance.rewind());
    assert.equal(dropped.length, 2 * life);
    assert.equal(instance.begin({}), undefined);
    assert.equal(await instance.call('sum'), sum);
  }
});

test('LK9: begin runs the start function again, and host functions get the new context', async () => {
  const { instance, contexts } = await liveOf(guestOf({ start: '(start $s) (func $s (call $wait))' }));
  assert.deepEqual(contexts, ['first']);
  assert.ok(instance.rewind());
  await instance.begin({ context: 'second' });
  await instance.call('wait');
  assert.deepEqual(contexts, ['first', 'second', 'second']);
});

/** Its first core module, of two, has a start function that writes to memory, and calls the host if it is told to. */
const early = (body: string): string => `(component
  (import "host" (instance $h (export "wait" (func))))
  (core func $wait (canon lower (func $h "wait")))
  (core module $A (import "" "wait" (func $wait)) (memory (export "memory") 1) (global $g (mut i32) (i32.const 0))
    (start $s) (func $s (i32.store (i32.const 8) (i32.const 5)) (global.set $g (i32.const 6)) ${body})
    (func (export "next") (result i32)
      (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.add (i32.load (i32.const 8)) (global.get $g))))
  (core module $B (import "a" "next" (func $next (result i32))) (func (export "next") (result i32) (call $next)))
  (core instance $a (instantiate $A (with "" (instance (export "wait" (func $wait))))))
  (core instance $b (instantiate $B (with "a" (instance $a))))
  (func (export "next") (result u32) (canon lift (core func $b "next"))))`;

test('LK9: begin runs no start functions that called nobody: their work is there', async () => {
  const { instance } = await liveOf(early(''));
  assert.equal(await instance.call('next'), 13);
  assert.equal(await instance.call('next'), 15);
  assert.ok(instance.rewind());
  assert.equal(instance.hasStart, false);
  assert.equal(instance.begin({}), undefined);
  assert.equal(await instance.call('next'), 13);
});

test('rewind answers false if a start function that ran before the rest was linked called the host', async () => {
  const { instance } = await liveOf(early('(call $wait)'));
  assert.equal(await instance.call('next'), 13);
  assert.equal(instance.rewind(), false);
});

test('begin ends an instance whose start function traps, as instantiate does', async () => {
  let traps = false;
  const { instance } = await liveOf(guestOf({ start: '(start $s) (func $s (call $wait))' }), () => {
    if (traps) throw new RuntimeError('COMPONENT_EXITED', 'enough');
  });
  traps = true;
  assert.ok(instance.rewind());
  const begun = instance.begin({});
  await assert.rejects(begun as Promise<void>, (error) => RuntimeError.is(error, 'COMPONENT_EXITED'));
  assert.equal(instance.failure?.code, 'COMPONENT_EXITED');
});

test('rewind answers false for an instance that has grown, has ended, is in a call, or was not made for it', async () => {
  const { instance: grown } = await liveOf(guestOf());
  await grown.call('grow');
  assert.equal(grown.rewind(), false);
  assert.equal(grown.failure, undefined);
  const { instance: dead } = await liveOf(guestOf());
  await assert.rejects(dead.call('trap'));
  assert.equal(dead.rewind(), false);
  const { promise, resolve } = Promise.withResolvers<void>();
  const { instance: busy } = await liveOf(guestOf(), () => promise);
  const waiting = busy.call('wait');
  assert.equal(busy.rewind(), false);
  resolve();
  await waiting;
  assert.ok(busy.rewind());
  const { component } = await liveOf(guestOf());
  const host = { r: new HostResourceType('r'), make: () => ({}), wait: () => undefined };
  assert.equal((await component.instantiate({ host })).rewind(), false);
});

for (const [what, guest] of Object.entries({
  'changes a table': guestOf({ body: '(table.set $t (i32.const 0) (ref.null func))' }),
  'grows a table': guestOf({ body: '(drop (table.grow $t (ref.null func) (i32.const 1)))' }),
  'drops a segment': guestOf({ body: '(data.drop $p)' }),
  'changes a number that JavaScript cannot hold': guestOf({ globals: '(global $f (mut f64) (f64.const nan:0x1))' }),
  'changes a reference': guestOf({ globals: '(global $f (mut funcref) (ref.null func))' }),
  'is large': guestOf().replace('(memory 2)', '(memory 257)'),
})) {
  test(`rewind answers false for a component whose code ${what}`, async () => {
    const { instance, component } = await liveOf(guest);
    await instance.call('change');
    assert.equal(component.origin, undefined);
    assert.equal(instance.rewind(), false);
    assert.equal(instance.failure, undefined);
  });
}

test('rewind answers false for a component that makes resources of its own: the host could hold one', async () => {
  const component = await compileComponent(
    await parseWat(`(component
      (type $r' (resource (rep i32))) (export $r "r" (type $r'))
      (core func $new (canon resource.new $r'))
      (core module $M (import "" "new" (func $new (param i32) (result i32)))
        (func (export "make") (result i32) (call $new (i32.const 1))))
      (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
      (func (export "make") (result (own $r)) (canon lift (core func $m "make"))))`),
  );
  const instance = await component.instantiate({}, { rewindable: true });
  assert.equal(instance.rewind(), false);
});

test('rewind answers false when a destructor of the host uses the instance', async () => {
  const scene: { instance?: ComponentInstance; answer?: Promise<unknown> } = {};
  const component = await compileComponent(await parseWat(guestOf()));
  const host = {
    r: new HostResourceType('r', () => scene.instance?.kill()),
    make: () => ({}),
    wait: () => undefined,
  };
  scene.instance = await component.instantiate({ host }, { rewindable: true });
  await scene.instance.call('hold');
  assert.equal(scene.instance.rewind(), false);
  assert.equal(scene.instance.failure?.code, 'COMPONENT_KILLED');
});
