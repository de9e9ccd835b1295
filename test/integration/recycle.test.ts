/** Actors that go on with an instance that is as new. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesPayload } from '../../src/api/index.ts';
import { type CompiledComponent, compileComponent, nodeRoom } from '../../src/component/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { type ActorRef, ActorSystem, component, componentActor, ManualClock } from '../../src/index.ts';
import { startApplication } from '../../src/runtime/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { makeGuest } from '../kit/guests.ts';

const fixture = (name: string): URL => new URL(`../../fixtures/components/${name}/${name}.wasm`, import.meta.url);
const ECHO = fixture('echo');
const STATEFUL = fixture('stateful');

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);
const ask = async (ref: ActorRef, op: string, payload = ''): Promise<string> => text(await ref.askOp(op, payload));

/** Answers of `count`, which a guest that begins again begins at 1. */
const counts = (ref: ActorRef, times: number): Promise<string[]> =>
  Promise.all(Array.from({ length: times }, () => ask(ref, 'count')));

for (const pool of [0, 2]) {
  const grants = { messaging: {} };
  const how = pool === 0 ? '' : ', with a pool';

  test(`S106: an actor that is recycled handles exactly so many messages with each instance, and loses none${how}`, async () => {
    await using system = await ActorSystem.create();
    const ref = system.spawn(await component(ECHO, { grants, pool, recycle: { messages: 3 } }), 'echo');
    assert.deepEqual(await counts(ref, 8), ['1', '2', '3', '1', '2', '3', '1', '2']);
    for (const expected of ['3', '1']) assert.equal(await ask(ref, 'count'), expected);
    assert.equal(system.info(ref).restarts, 0);
  });

  test(`S106: an actor whose memory has grown by more than it may goes on with another instance${how}`, async () => {
    await using system = await ActorSystem.create();
    const before = nodeRoom().use.memories;
    const type = await component(ECHO, { grants, pool, recycle: { growthBytes: 131_072 } });
    const ref = system.spawn(type, 'echo');
    const size = await ask(ref, 'grow', '0');
    assert.deepEqual(await counts(ref, 2), ['1', '2']);
    // Two pages are not more than it may.
    await ask(ref, 'grow', '2');
    assert.equal(await ask(ref, 'count'), '3');
    await ask(ref, 'grow', '1');
    assert.equal(await ask(ref, 'count'), '1');
    assert.equal(await ask(ref, 'grow', '0'), size);
    await ref.stop();
    await system.stop();
    assert.equal(nodeRoom().use.memories, before);
  });
}

test('S106: an instance that is recycled is stopped and started by its hooks, and its health goes on being asked', async () => {
  await using system = await ActorSystem.create();
  const health = { everyMs: 1 };
  const type = await component(STATEFUL, { config: { begin: 40 }, health, recycle: { messages: 2 } });
  const ref = system.spawn(type, 'stateful');
  assert.equal(await ask(ref, 'add', '80'), '120');
  await until(() => system.health().reasons.length > 0);
  assert.equal(await ask(ref, 'get'), '120');
  assert.equal(await ask(ref, 'get'), '40');
  // As begun anew: nothing is known of it, until it says so again.
  assert.deepEqual(system.health().reasons, []);
  assert.equal(await ask(ref, 'add', '80'), '120');
  assert.equal(await ask(ref, 'add', '80'), '120');
  await until(() => system.health().reasons.length > 0);
});

test('S106: a failure of a recycled instance is one of the actor, and a stop in the middle leaves nothing', async () => {
  await using system = await ActorSystem.create();
  const before = nodeRoom().use.memories;
  const type = await component(ECHO, { grants: { messaging: {} }, recycle: { messages: 1 } });
  const ref = system.spawn(type, 'echo', { supervision: { backoffMinMs: 0, backoffMaxMs: 0 } });
  assert.deepEqual(await counts(ref, 2), ['1', '1']);
  await assert.rejects(ask(ref, 'trap'), failsWith('ACTOR_FAILED'));
  assert.equal(await ask(ref, 'count'), '1');
  assert.equal(system.info(ref).restarts, 1);
  await ref.stop();
  assert.equal(nodeRoom().use.memories, before);
  assert.deepEqual([...type.running()], []);
});

/** A component of `ok`, whose stop hook computes for some slices of fuel. */
async function busyStopper(): Promise<CompiledComponent> {
  const wit = `package test:stopper; world w { export ok: func() -> u32; export troupe:actor/lifecycle@0.1.0; }
    package troupe:actor@0.1.0 { interface lifecycle { stop: func(); } }`;
  const bytes = await makeGuest(wit, {
    functions: `(func (export "ok") (result i32) (i32.const 1))
      (func (export "troupe:actor/lifecycle@0.1.0#stop") (local $n i32)
        (loop $next (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000)))))`,
  });
  return compileComponent(bytes, { metered: true });
}

for (const recycle of [undefined, { messages: 2 }]) {
  const how = recycle === undefined ? 'an end in order' : 'recycling';

  test(`the stop hook of ${how} has the time of a message, however long ago the last one began`, async () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    await using system = await ActorSystem.create({ clock, onFailure: ({ error }) => errors.push(error) });
    const ref = system.spawn(componentActor(await busyStopper(), { deadlineMs: 50, recycle }));
    const settle = async <T>(work: Promise<T>): Promise<T> => {
      let isOver = false;
      void work.finally(() => {
        isOver = true;
      });
      while (!isOver) await clock.advance(0);
      return work;
    };
    assert.equal(await settle(ref.askOp('ok', [])), 1);
    await clock.advance(60_000);
    assert.equal(await settle(ref.askOp('ok', [])), 1);
    assert.equal(await settle(ref.askOp('ok', [])), 1);
    await clock.advance(60_000);
    await settle(ref.stop());
    assert.deepEqual(errors, []);
    await settle(system.stop());
  });
}

test('S106: recycling is refused where there is something to lose, or nothing to recycle', async () => {
  const keep = { everyMessages: 1 };
  const refused = async (file: URL, options: object, message: RegExp): Promise<void> => {
    await assert.rejects(component(file, { grants: { messaging: {} }, ...options }), { name: 'TypeError', message });
  };
  await refused(STATEFUL, { keep, recycle: { messages: 1 } }, /its state is kept/);
  await refused(fixture('hello'), { recycle: { messages: 1 } }, /it is a task/);
  await refused(ECHO, { recycle: {} }, /say after how many messages/);
  const http = new URL('../../fixtures/components/http/hello.wasm', import.meta.url);
  await refused(http, { recycle: { messages: 1 } }, /it handles HTTP/);
  for (const recycle of [{ messages: 0 }, { messages: 1.5 }, { growthBytes: 1 }, { growthBytes: 2 ** 33 }])
    await assert.rejects(component(ECHO, { recycle, grants: { messaging: {} } }), RangeError);
});

test('S106: recycling is said of a component in troupe.toml, and checked there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-recycle-'));
  const load = (source: URL, lines: string) => {
    const head = `[application]\nname = "recycled"\nworkers = 0\n[components.c]\nsource = "${source.pathname}"\n`;
    writeFileSync(join(folder, 'troupe.toml'), `${head}${lines}\n[components.c.grants]\nmessaging = {}\n`);
    return loadApplication(folder);
  };
  try {
    const config = await load(ECHO, 'recycle = { messages = 2, growth = "1MiB" }');
    const application = await startApplication(config, { onEvent: () => undefined });
    const payload = bytesPayload(new Uint8Array(0));
    const count = () => application.ask({ actor: 'c', op: 'count', payload, timeoutMs: 10_000 });
    const first = await count();
    assert.notDeepEqual(await count(), first);
    assert.deepEqual(await count(), first);
    await application.stop();
    await assert.rejects(load(ECHO, 'recycle = {}'), failsWith('CONFIG_INVALID', /neither "messages" nor "growth"/));
    const kept = load(STATEFUL, 'keep = {}\nrecycle = { messages = 2 }');
    await assert.rejects(kept, failsWith('CONFIG_INVALID', /stands beside "keep"/));
    const task = await load(fixture('hello'), 'recycle = { messages = 2 }');
    const starting = startApplication(task, { onEvent: () => undefined });
    await assert.rejects(starting, failsWith('CONFIG_INVALID', /does not export what takes messages/));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
