/** Instances that are kept ready: as new, bounded, and gone with their system. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { compileComponent, nodeRoom } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { type ActorRef, ActorSystem, component, componentActor, limitNode } from '../../src/index.ts';
import { startApplication } from '../../src/runtime/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const ECHO = new URL('../../fixtures/components/echo/echo.wasm', import.meta.url);
const X = new TextEncoder().encode('x');

const memories = (): number => nodeRoom().use.memories;

/** Immediates until `isTrue`, for as long as the runner lets the test. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Everything that a guest can remember with: memory, a global, a table, handles of the host's resources. `look` tells all of it
 * at once.
 */
const keeper = (table: string): string => `(component
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $p)) (export "pollable" (type $q (eq $p)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $q))))))
  (core func $make (canon lower (func $clock "subscribe-duration"))) (core func $drop (canon resource.drop $pollable))
  (core module $M
    (import "h" "make" (func $make (param i64) (result i32))) (import "h" "drop" (func $drop (param i32)))
    (memory 1 3) (global $g (mut i32) (i32.const 7)) (table $t 2 funcref) (elem (i32.const 0) $one $two)
    (elem declare func $one)
    (data (i32.const 5) "first")
    (type $f (func (result i32)))
    (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
    (func (export "store") (param $at i32) (param $value i32)
      (i32.store (local.get $at) (local.get $value)) (global.set $g (i32.xor (global.get $g) (local.get $value))))
    (func (export "swap") ${table})
    (func (export "grow") (drop (memory.grow (i32.const 1))))
    (func (export "trap") (i32.store (i32.const 16) (i32.const 99)) unreachable)
    (func (export "hold") (param $count i32)
      (loop $more (drop (call $make (i64.const 1)))
        (br_if $more (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
    (func (export "look") (result i64) (local $at i32) (local $sum i64)
      (loop $next
        (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 37)) (i64.load (local.get $at))))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 65536))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41)) (i64.extend_i32_u (global.get $g))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41)) (i64.extend_i32_u (memory.size))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 41))
        (i64.extend_i32_u (call_indirect $t (type $f) (i32.const 1)))))
      (call $drop (local.tee $at (call $make (i64.const 1))))
      (i64.add (i64.mul (local.get $sum) (i64.const 41)) (i64.extend_i32_u (local.get $at)))))
  (core instance $m (instantiate $M
    (with "h" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
  (func (export "store") (param "at" u32) (param "value" u32) (canon lift (core func $m "store")))
  (func (export "swap") (canon lift (core func $m "swap"))) (func (export "grow") (canon lift (core func $m "grow")))
  (func (export "trap") (canon lift (core func $m "trap")))
  (func (export "hold") (param "count" u32) (canon lift (core func $m "hold")))
  (func (export "look") (result u64) (canon lift (core func $m "look"))))`;

type Step = readonly [op: string, ...args: number[]];

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('store'), fc.nat(65_532), fc.nat(0xffff_ffff)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('hold'), fc.integer({ min: 1, max: 9 })) },
  fc.constant<Step>(['swap']),
  fc.constant<Step>(['grow']),
);

/** How an actor ends; of one that fails it is the same actor that begins again. */
const anyEnd = fc.constantFrom('stop', 'kill', 'trap');

for (const [what, table] of Object.entries({
  'can be put back': '(nop)',
  'changes its table, which cannot be put back': '(table.set $t (i32.const 1) (ref.func $one))',
})) {
  test(`S105: an actor of a pool finds nothing of any before, of a component that ${what}`, async () => {
    const compiled = await compileComponent(await parseWat(keeper(table)), { metered: true });
    const grants = { clock: true };
    const pooled = componentActor(compiled, { grants, pool: 3 });
    await using system = await ActorSystem.create();
    const plain = system.spawn(componentActor(compiled, { grants }));
    const fresh = await plain.askOp('look', []);
    const supervision = { backoffMinMs: 0, backoffMaxMs: 0 };
    const lives = fc.asyncProperty(fc.array(anyStep, { maxLength: 8 }), anyEnd, async (steps, end) => {
      const ref = system.spawn(pooled, undefined, { supervision });
      assert.equal(await ref.askOp('look', []), fresh);
      for (const [op, ...args] of steps) await ref.askOp(op, args);
      if (end === 'trap') {
        await assert.rejects(ref.askOp('trap', []));
        assert.equal(await ref.askOp('look', []), fresh);
      }
      if (end === 'kill') ref.kill();
      else await ref.stop();
    });
    await fc.assert(lives, { numRuns: 60 });
  });
}

describe('a pool', () => {
  after(() => limitNode());

  test('S105: is filled from the first actor on, replaces what is taken, and is gone with its system', async () => {
    const system = await ActorSystem.create();
    const before = memories();
    const echo = await component(ECHO, { grants: { messaging: {} }, pool: 5 });
    assert.equal(memories(), before);
    const refs: ActorRef[] = [];
    for (let count = 1; count <= 12; count += 4) {
      refs.push(...Array.from({ length: 4 }, () => system.spawn(echo)));
      for (const ref of refs) assert.deepEqual(await ref.askOp('echo', 'x'), X);
      await until(() => memories() === before + refs.length + 5);
    }
    await Promise.all(refs.map((ref) => ref.stop()));
    assert.equal(memories(), before + 5);
    await system.stop();
    assert.equal(memories(), before);
  });

  test('S105: is on the threads where the actors live, and has no more than the limit of instances', async () => {
    const system = await ActorSystem.create({ workers: 1 });
    const before = memories();
    const echo = await component(ECHO, { grants: { messaging: {} }, pool: 100, limits: { instances: 3 } });
    const ref = system.spawn(echo);
    assert.deepEqual(await ref.askOp('echo', 'x'), X);
    await until(() => memories() === before + 4);
    await ref.stop();
    await until(() => memories() === before + 3);
    await system.stop();
    await until(() => memories() === before);
  });

  test('S105: leaves room for actors, which start when it has none', async () => {
    await using system = await ActorSystem.create();
    await using other = await ActorSystem.create();
    const before = memories();
    const max = Math.max(16, before * 4);
    limitNode({ memoriesMax: max });
    const echo = await component(ECHO, { grants: { messaging: {} }, pool: 4_096 });
    await system.spawn(echo).ready;
    await until(() => memories() >= Math.floor(max * 0.75));
    const plain = await component(ECHO, { grants: { messaging: {} } });
    await other.spawn(plain).ready;
    assert.ok(memories() <= Math.floor(max * 0.75) + 1);
    limitNode();
  });

  test('S105: is refused where it cannot be', async () => {
    const grants = { messaging: {} };
    for (const pool of [-1, 0.5, 4_097])
      await assert.rejects(component(ECHO, { grants, pool }), /pool is .*use an integer from 0 to 4096/);
    const hello = new URL('../../fixtures/components/http/hello.wasm', import.meta.url);
    await assert.rejects(component(hello, { pool: 1 }), {
      name: 'TypeError',
      message: /handles HTTP.*take "pool" out/,
    });
  });

  test('S105: is a key of a component in troupe.toml', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-pool-'));
    const before = memories();
    try {
      const head = `[application]\nname = "pooled"\nworkers = 0\n[components.echo]\nsource = "${ECHO.pathname}"\n`;
      const grants = '[components.echo.grants]\nmessaging = {}\n';
      writeFileSync(join(folder, 'troupe.toml'), `${head}pool = 3\n${grants}`);
      const application = await startApplication(await loadApplication(folder), { onEvent: () => undefined });
      await until(() => memories() === before + 4);
      await application.stop();
      assert.equal(memories(), before);
      writeFileSync(join(folder, 'troupe.toml'), `${head}pool = 5000\n${grants}`);
      await assert.rejects(loadApplication(folder), failsWith('CONFIG_INVALID', /pool/));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Spawns, fails and stops actors, with a pool and without; says what the process has after a fifth of them, and at the end. */
const LIVES = `
  const { ActorSystem, component, limitNode } = await import(process.argv[1]);
  const memories = () => limitNode().memories;
  const system = await ActorSystem.create();
  const file = new URL(process.argv[2]);
  const types = [await component(file, { grants: { messaging: {} }, pool: 64 }), await component(file, { grants: { messaging: {} } })];
  const supervision = { backoffMinMs: 0, backoffMaxMs: 0 };
  async function lives(count) {
    for (let at = 0; at < count; at += 100) {
      const refs = Array.from({ length: 100 }, (_, n) => system.spawn(types[n % 2], undefined, { supervision }));
      await Promise.all(refs.map((ref, n) => ref.askOp(n % 5 === 0 ? 'trap' : 'echo', 'x').catch(() => {})));
      await Promise.all(refs.map((ref) => ref.askOp('echo', 'x')));
      await Promise.all(refs.map((ref) => ref.stop()));
    }
    for (let round = 0; round < 100 || memories() < 64; round++) await new Promise(setImmediate);
    for (let round = 0; round < 4; round++) { await new Promise(setImmediate); gc(); }
    return { rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed, memories: memories() };
  }
  const before = await lives(2_000);
  const after = await lives(8_000);
  await system.stop();
  console.log(JSON.stringify({ before, after, left: memories() }));
  process.exit(0);
`;

test('S105: ten thousand actors that start, fail and stop leave nothing behind, with a pool and without', () => {
  const index = new URL('../../src/index.ts', import.meta.url).href;
  const args = ['--expose-gc', '--input-type=module', '-e', LIVES, index, ECHO.href];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
  assert.notEqual(stdout, '', stderr);
  const { before, after, left } = JSON.parse(stdout);
  assert.deepEqual([before.memories, after.memories, left], [64, 64, 0]);
  // A hundred bytes an actor are found in the heap; four pages of memory in what is resident.
  assert.ok(after.heap - before.heap < 800_000, `${after.heap - before.heap} bytes of heap`);
  assert.ok(after.rss - before.rss < 134_217_728, `${after.rss - before.rss} bytes resident`);
});
