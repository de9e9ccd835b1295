/** Guests that compute without end: everybody else goes on, and they can be ended. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import { setImmediate as nextPass } from 'node:timers/promises';
import { type CompiledComponent, compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { ActorSystem, component, httpComponent, implement, protocol, type } from '../../src/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const TOUR = new URL('../../fixtures/components/http/tour.wasm', import.meta.url);

const Echo = protocol('test:echo@1.0.0', { ask: { echo: { in: type<number>(), out: type<number>() } } });
const echo = implement(Echo, { init: () => ({}), ask: { echo: (_, n) => n } });

/** `spin` never ends; `catching` neither, whatever it can catch; `text` has an allocator that never ends; `one` is 1. */
let guest: CompiledComponent;

before(async () => {
  const wat = `(component
    (core module $M
      (memory (export "memory") 1)
      (func (export "spin") (loop (br 0)))
      (func (export "catching") (loop $l try (loop (br 0)) catch_all end br $l))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (unreachable))
      (func (export "text") (param i32 i32))
      (func (export "one") (result i32) (i32.const 1)))
    (core instance $m (instantiate $M))
    (func (export "spin") (canon lift (core func $m "spin")))
    (func (export "catching") (canon lift (core func $m "catching")))
    (func (export "one") (result u32) (canon lift (core func $m "one")))
    (func (export "text") (param "x" string)
      (canon lift (core func $m "text") (memory $m "memory") (realloc (func $m "realloc")))))`;
  guest = await compileComponent(await parseWat(wat), { metered: true });
});

test('S81: guests that compute without end let actors and I/O have their turn, and end with their deadline', async () => {
  await using system = await ActorSystem.create();
  const spinner = await component(guest, { deadlineMs: 1_000 });
  const healthy = system.spawn(echo, 'healthy');
  const spinning = Array.from({ length: 8 }, (_, nth) => {
    const ref = system.spawn(spinner, `spinner-${nth}`);
    return ref.askOp(nth % 2 === 0 ? 'spin' : 'catching', [], { timeoutMs: 30_000 }).catch((error: unknown) => error);
  });
  const all = Promise.all(spinning);
  let isOver = false;
  void all.then(() => {
    isOver = true;
  });
  let answers = 0;
  while (!isOver) {
    assert.equal(await healthy.ask.echo(answers), answers);
    answers++;
    await nextPass();
  }
  assert.ok(answers > 20, `${answers} answers while they computed`);
  for (const error of await all) failsWith('ACTOR_FAILED', /took longer than 1000 ms/)(error);
});

test('S81: a guest that computes without end is killed like any other, and started again', async () => {
  await using system = await ActorSystem.create();
  const spinner = await component(guest, { deadlineMs: 0 });
  const ref = system.spawn(spinner, 'spinner');
  const asked = ref.askOp('spin', [], { timeoutMs: 30_000 });
  await nextPass();
  assert.equal(system.info(ref).busy, true);
  ref.kill();
  await assert.rejects(asked, failsWith('ACTOR_STOPPED'));
  assert.equal((await ref.terminated).kind, 'killed');
  const next = system.spawn(spinner, 'spinner');
  assert.equal(await next.askOp('one', []), 1);
});

test('S81: a guest that computes without end where it cannot be suspended is ended at once', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(await component(guest), 'allocator');
  await assert.rejects(ref.askOp('text', ['x']), failsWith('ACTOR_FAILED', /where it cannot be suspended/));
  assert.equal(await ref.askOp('one', []), 1, 'it was started again');
});

test('S81: a request whose guest computes without end is answered with 504, others at once', async () => {
  await using plugin = await httpComponent(TOUR, { deadlineMs: 1_000, grants: { clock: true, random: true } });
  const server = createServer(plugin.listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let isOver = false;
    const looping = fetch(`${address}/loop`).then((response) => {
      isOver = true;
      return response.status;
    });
    let answers = 0;
    while (!isOver) {
      assert.notEqual((await fetch(`${address}/`)).status, 504);
      answers++;
    }
    assert.equal(await looping, 504);
    assert.ok(answers > 2, `${answers} answers meanwhile`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('S81: components that call each other without end let others have their turn, and can be killed', async () => {
  const wat = `(component
    (component $B
      (core module $M (func (export "g") (param $n i32)
        (loop $l (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n)))))
      (core instance $m (instantiate $M))
      (func (export "g") (param "n" u32) (canon lift (core func $m "g"))))
    (component $A
      (import "g" (func $g (param "n" u32)))
      (core func $lowered (canon lower (func $g)))
      (core module $M (import "" "g" (func $g (param i32)))
        (func (export "f") (loop $l (call $g (i32.const 10)) (br $l))))
      (core instance $m (instantiate $M (with "" (instance (export "g" (func $lowered))))))
      (func (export "f") (canon lift (core func $m "f"))))
    (instance $b (instantiate $B))
    (instance $a (instantiate $A (with "g" (func $b "g"))))
    (export "f" (func $a "f")))`;
  const bouncer = await compileComponent(await parseWat(wat), { metered: true });
  await using system = await ActorSystem.create();
  const healthy = system.spawn(echo);
  const ref = system.spawn(await component(bouncer, { deadlineMs: 0 }));
  const asked = ref.askOp('f', [], { timeoutMs: 600_000 });
  for (let n = 0; n < 20; n++) {
    await nextPass();
    assert.equal(await healthy.ask.echo(n), n);
  }
  void ref.kill();
  await assert.rejects(asked, failsWith('ACTOR_STOPPED'));
});

/** `flood` asks for 65,536 random bytes without end; `few` three times. */
const DRAWING = `(component
  (import "wasi:random/random@0.2.0" (instance $r
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $A (memory (export "memory") 2)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $a (instantiate $A))
  (core func $get (canon lower (func $r "get-random-bytes") (memory $a "memory") (realloc (func $a "realloc"))))
  (core module $M (import "" "get" (func $get (param i64 i32)))
    (func (export "flood") (loop $l (call $get (i64.const 65536) (i32.const 16)) (br $l)))
    (func (export "few") (local $n i32) (local.set $n (i32.const 3))
      (loop $l (call $get (i64.const 65536) (i32.const 16))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (core instance $m (instantiate $M (with "" (instance (export "get" (func $get))))))
  (func (export "flood") (canon lift (core func $m "flood")))
  (func (export "few") (canon lift (core func $m "few"))))`;

test('S81: a guest that does nothing but call the host lets others have their turn', async () => {
  const flooder = await compileComponent(await parseWat(DRAWING), { metered: true });
  await using system = await ActorSystem.create();
  const healthy = system.spawn(echo);
  const ref = system.spawn(await component(flooder, { deadlineMs: 0, grants: { random: true } }));
  const asked = ref.askOp('flood', [], { timeoutMs: 600_000 });
  for (let n = 0; n < 20; n++) {
    await nextPass();
    assert.equal(await healthy.ask.echo(n), n);
  }
  void ref.kill();
  await assert.rejects(asked, failsWith('ACTOR_STOPPED'));
});

test('S88: what the host does for a guest is charged by its size, the same each time', async () => {
  const flooder = await compileComponent(await parseWat(DRAWING), { metered: true });
  await using system = await ActorSystem.create();
  const type = await component(flooder, { grants: { random: true }, limits: { fuelPerMessage: 10_000_000 } });
  const ref = system.spawn(type);
  const used = async (): Promise<number> => {
    await ref.askOp('few', []);
    return type.limitsOf(ref).find(({ limit }) => limit === 'fuel-per-message')?.used ?? 0;
  };
  const units = await used();
  // Each byte is drawn, and then put into its memory.
  assert.ok(units > 6 * 65_536 && units < 7 * 65_536, `${units} units`);
  assert.equal(await used(), units);
  const failure = await ref.askOp('flood', []).catch((error: unknown) => error);
  failsWith('ACTOR_FAILED', /more than 10000000 units/)(failure);
});
