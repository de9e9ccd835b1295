/** A process that is full refuses more instances by name, and goes on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { ActorSystem, type ComponentActorType, component, httpComponent, limitNode } from '../../src/index.ts';
import { startApplication } from '../../src/runtime/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const HELLO = new URL('../../fixtures/components/http/hello.wasm', import.meta.url);
const ECHO = new URL('../../fixtures/components/echo/echo.wasm', import.meta.url);

let echo: ComponentActorType;

before(async () => {
  echo = await component(ECHO, { grants: { messaging: {} } });
});

after(() => limitNode());

test('S86: a spawn beyond what the process has room for is refused at once, and those that live go on', async () => {
  await using system = await ActorSystem.create();
  const { memories } = limitNode({ memoriesMax: limitNode().memories + 100 });
  const kept = [];
  for (let at = 0; at < 98; at++) kept.push(system.spawn(echo));
  await Promise.all(kept.map((ref) => ref.ready));
  assert.throws(() => system.spawn(echo), failsWith('NODE_LIMIT', /uses \d+ linear memories, and \d+ are its limit/));
  // A restart may use what is left.
  const [first] = kept;
  assert.ok(first !== undefined);
  await assert.rejects(first.askOp('trap', ''));
  assert.deepEqual(await first.askOp('echo', 'x'), new TextEncoder().encode('x'));
  await first.stop();
  const another = system.spawn(echo);
  await another.ready;
  await Promise.all([another, ...kept].map((ref) => ref.stop()));
  assert.equal(limitNode().memories, memories);
});

test('S86: actors that were spawned before there was no more room fail to start, with the reason', async () => {
  await using system = await ActorSystem.create();
  limitNode({ memoriesMax: limitNode().memories + 50 });
  const refs = Array.from({ length: 60 }, () =>
    system.spawn(echo, undefined, { supervision: { restart: 'temporary' } }),
  );
  const ready = await Promise.allSettled(refs.map((ref) => ref.ready));
  const failed = ready.filter((item) => item.status === 'rejected');
  assert.ok(failed.length >= 10);
  for (const { reason } of failed) assert.equal(reason.details.cause, 'NODE_LIMIT');
});

test('S86: a request that the process has no room for is answered with 503, and the next one that it has with 200', async () => {
  await using system = await ActorSystem.create();
  await system.spawn(echo).ready;
  await using plugin = await httpComponent(HELLO);
  const server = createServer(plugin.listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    limitNode({ memoriesMax: limitNode().memories });
    const refused = await fetch(url);
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    limitNode();
    assert.equal((await fetch(url)).status, 200);
  } finally {
    limitNode();
    server.closeAllConnections();
    server.close();
  }
});

test('S86: a guest that would wait when no mappings are left ends, whatever it catches; one that waits goes on', async () => {
  const wat = `(component (import "wait" (func $wait)) (core func $w (canon lower (func $wait)))
    (core module $M (import "h" "wait" (func $w)) (memory (export "memory") 1)
      (func (export "go") try (call $w) catch_all end))
    (core instance $m (instantiate $M (with "h" (instance (export "wait" (func $w))))))
    (func (export "go") (canon lift (core func $m "go"))))`;
  const guest = await compileComponent(await parseWat(wat));
  const { promise, resolve } = Promise.withResolvers<void>();
  const imports = { wait: () => promise };
  const [first, second] = await Promise.all([guest.instantiate(imports), guest.instantiate(imports)]);
  const waiting = first.call('go');
  limitNode({ mappingsMax: 100 });
  await assert.rejects(second.call('go'), failsWith('NODE_LIMIT', /mappings/));
  limitNode();
  resolve();
  await waiting;
  assert.equal(limitNode().suspended, 0);
});

test('S86: limits above the machine are refused at the start of an application, with what is allowed', async () => {
  const toml = `[application]\nname = "full"\n[application.limits]\nresident = "900000GiB"\n[components.echo]\nsource = "${ECHO.pathname}"\n`;
  const folder = mkdtempSync(join(tmpdir(), 'troupe-node-limits-'));
  try {
    writeFileSync(join(folder, 'troupe.toml'), toml);
    const config = await loadApplication(folder);
    const start = startApplication(config, { onEvent: () => undefined });
    await assert.rejects(start, failsWith('CONFIG_INVALID', /residentBytesMax = \d+: the machine allows 1 to \d+/));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('S86: an application says what its process uses of the machine, and its ceilings', async () => {
  const toml = `[application]\nname = "room"\n[application.limits]\nmemories = 77\n[components.echo]\nsource = "${ECHO.pathname}"\n[components.echo.grants]\nmessaging = { tell = ["*"] }\n`;
  const folder = mkdtempSync(join(tmpdir(), 'troupe-node-limits-'));
  writeFileSync(join(folder, 'troupe.toml'), toml);
  const application = await startApplication(await loadApplication(folder), { onEvent: () => undefined });
  try {
    const { room } = application.health();
    assert.equal(room.memoriesMax, 77);
    assert.ok(Number(room.mappings) > 0 && Number(room.residentBytes) < Number(room.residentBytesMax));
  } finally {
    await application.stop();
    rmSync(folder, { recursive: true });
  }
});

test('S86: a process that has no more address space refuses instances by name, and lives', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [new URL('../kit/full-process.ts', import.meta.url).pathname],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  const { spawned, code, alive } = JSON.parse(stdout);
  assert.ok(spawned > 10_000, `${spawned} actors`);
  assert.deepEqual([code, alive], ['NODE_LIMIT', true]);
});
