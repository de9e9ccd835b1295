/** `health` of troupe:actor/lifecycle: when it is asked, and what comes of the answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileComponent } from '../../src/component/index.ts';
import { ActorSystem, component, type DeadLetter, implement, protocol, RuntimeError, type } from '../../src/index.ts';
import { makeGuest } from '../kit/guests.ts';
import { until } from '../kit/process.ts';

const STATEFUL = fileURLToPath(new URL('../../fixtures/components/stateful/stateful.wasm', import.meta.url));
const OFTEN = { everyMs: 5 } as const;
const AT_ONCE = { supervision: { restart: 'permanent', backoffMinMs: 0, intensity: 1_000 } } as const;

const text = (reply: unknown) => new TextDecoder().decode(reply as Uint8Array);

/** What a system says of one kind. */
const reasonOf = (system: ActorSystem, kind: string) => system.health().reasons.find((reason) => reason.kind === kind);

test('S80: a component says how it is; the system and its actors show it, until it says that it is well', async () => {
  const stateful = await component(STATEFUL, { health: { ...OFTEN, restartAfter: 0 } });
  await using system = await ActorSystem.create();
  const ref = system.spawn(stateful, 'stateful', AT_ONCE);
  await ref.askOp('add', '100');
  await until(
    () => reasonOf(system, 'degraded') !== undefined,
    () => 'degraded',
  );
  const reason = reasonOf(system, 'degraded');
  assert.equal(reason?.text, 'The value is 100 or more');
  assert.equal(reason?.actor?.name, 'stateful');
  assert.ok((reason?.ms ?? -1) >= 0);
  await ref.askOp('add', '900');
  await until(
    () => system.info(ref).condition?.status === 'unhealthy',
    () => 'unhealthy',
  );
  await ref.askOp('add', '-1000');
  await until(
    () => system.info(ref).condition === undefined,
    () => 'well again',
  );
  assert.equal(system.health().status, 'healthy');
  const { handled, restarts } = system.info(ref);
  assert.deepEqual({ handled, restarts }, { handled: 3, restarts: 0 }, 'a question is no message');
});

test('S80: a component that says so often enough that it does not work has failed, and begins anew', async () => {
  const stateful = await component(STATEFUL, { config: { begin: 7 }, health: { ...OFTEN, restartAfter: 2 } });
  const errors: string[] = [];
  await using system = await ActorSystem.create({
    onFailure: ({ phase, error }) => errors.push(`${phase} ${error.code}: ${error.message}`),
  });
  const ref = system.spawn(stateful, 'stateful', AT_ONCE);
  await ref.askOp('add', '1000');
  await until(
    () => errors.length > 0,
    () => 'the failure',
  );
  assert.match(errors[0] ?? '', /^health COMPONENT_UNHEALTHY: .*2 times in a row.*: The value is 1000 or more$/);
  assert.equal(text(await ref.askOp('get', '')), '7');
  assert.equal(system.info(ref).condition, undefined, 'what the last incarnation said is not said of this one');
});

const GATE = protocol('test:gate', { ask: { 'test:health/gate#wait': { in: type<unknown>(), out: type<unknown>() } } });

/** A component that counts its calls, and whose `health` does this. */
async function guest(health: string) {
  const wit = `package test:health;
    interface gate { wait: func(); }
    world w { import gate; export count: func() -> u32; export troupe:actor/lifecycle@0.1.0; }
    package troupe:actor@0.1.0 { interface lifecycle {
      variant health-status { healthy, degraded(string), unhealthy(string) }
      health: func() -> health-status; } }`;
  const bytes = await makeGuest(wit, {
    imports: '(import "test:health/gate" "wait" (func $wait))',
    functions: `(global $n (mut i32) (i32.const 0))
      (func (export "count") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
      (func (export "troupe:actor/lifecycle@0.1.0#health") (result i32) ${health} (i32.const 1024))`,
  });
  const links = { 'test:health/gate': { actor: 'gate', timeoutMs: 60_000 } };
  return component(await compileComponent(bytes), { links, health: { ...OFTEN, timeoutMs: 30 } });
}

/** Never answers. */
const gate = implement(GATE, { init: () => undefined, ask: { 'test:health/gate#wait': () => new Promise(() => {}) } });

for (const [what, health, code, why] of [
  ['hangs', '(call $wait)', 'COMPONENT_DEADLINE', /longer than 30 ms to say how it is; raise "timeout"/],
  ['traps', '(unreachable)', 'COMPONENT_TRAPPED', /unreachable/],
] as const) {
  test(`S80: a component that ${what} when it is asked has failed, and only it: messages wait, and are handled`, async () => {
    const errors: RuntimeError[] = [];
    const letters: DeadLetter[] = [];
    await using system = await ActorSystem.create({
      onFailure: ({ error, phase }) => {
        if (phase === 'health') errors.push(error);
      },
      onDeadLetter: (letter) => letters.push(letter),
    });
    system.spawn(gate, 'gate', { stopTimeoutMs: 1 });
    const ref = system.spawn(await guest(health), 'guest', AT_ONCE);
    const answers: unknown[] = [];
    while (errors.length < 2) answers.push(await ref.askOp('count', []));
    assert.ok(answers.length > 0 && answers.every((answer) => typeof answer === 'number'));
    assert.equal(errors[0]?.code, code);
    assert.match(String(errors[0]?.message), why);
    assert.ok(RuntimeError.is(errors[0]));
    assert.equal(letters.length, 0, 'no message was in it');
  });
}

test('component refuses times of a health check that are out of range', async () => {
  for (const health of [{ everyMs: 0 }, { timeoutMs: Number.NaN }, { restartAfter: 1.5 }]) {
    await assert.rejects(component(STATEFUL, { health }), RangeError);
  }
});
