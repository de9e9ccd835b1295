/** Actors of modules on worker threads, through the public API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ActorRef,
  ActorSystem,
  type DeadLetter,
  type FailureReport,
  implement,
  protocol,
  RuntimeError,
  type SystemOptions,
  type,
  workerActor,
} from '../../src/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { until } from '../kit/process.ts';
import { Bench } from './workers/actors.ts';

const MODULE = new URL('./workers/actors.ts', import.meta.url);
const bench = workerActor(MODULE, { export: 'bench', protocol: Bench });
const PATIENT = { supervision: { restart: 'permanent', intensity: 100, backoffMinMs: 1 } } as const;

async function withSystem(options: SystemOptions, body: (kit: Kit) => Promise<void>): Promise<void> {
  const letters: DeadLetter[] = [];
  const failures: FailureReport[] = [];
  await using system = await ActorSystem.create({
    ...options,
    onDeadLetter: (letter) => void letters.push(letter),
    onFailure: (report) => void failures.push(report),
  });
  await body({ system, letters, failures });
}

interface Kit {
  readonly system: ActorSystem;
  readonly letters: readonly DeadLetter[];
  readonly failures: readonly FailureReport[];
}

const code = (expected: string) => (error: unknown) => RuntimeError.is(error) && error.code === expected;

for (const workers of [0, 2]) {
  test(`workers: with ${workers} threads, actors of modules tell, ask, stream and emit as any others`, async () => {
    await withSystem({ workers }, async ({ system }) => {
      const ref = system.spawn(bench, 'bench');
      const events = ref.on.changed();
      for (let i = 1; i <= 100; i++) assert.deepEqual(ref.tell.add(i), { ok: true });
      assert.equal(await ref.ask.sum(), 5_050);
      assert.equal((await ref.ask.where()).main, workers === 0);
      assert.equal((await events.next()).value, 1);
      await events.return();
      const bytes = new Uint8Array([1, 2, 3]);
      assert.deepEqual(await ref.ask.echo(bytes), bytes);
      const value = { deep: [new Map([['a', 1]]), new Date(0), 10n, 'ü', null, undefined] };
      assert.deepEqual(await ref.ask.echo(value), value);
      const large = new Uint8Array(3 * 1_024 ** 2).fill(7);
      assert.deepEqual(await ref.ask.echo(large), large);
      const seen: number[] = [];
      for await (const n of ref.stream.count(10)) if (seen.push(n) === 4) break;
      assert.deepEqual(seen, [0, 1, 2, 3]);
      await assert.rejects(
        ref.ask.echo(() => {}),
        failsWith('MESSAGE_UNSERIALIZABLE', /names instead of references/),
      );
      assert.equal(system.info(ref).busy, false);
    });
  });
}

test('workers: actors find one another by name, in both directions, and circles of asks are refused', async () => {
  await withSystem({ workers: 2 }, async ({ system }) => {
    const Caller = protocol('test:caller', {
      ask: {
        call: { in: type<string>(), out: type<unknown>() },
        plain: { in: type<number>(), out: type<number>() },
      },
    });
    const caller = implement(Caller, {
      init: () => null,
      ask: {
        call: (ctx, name) =>
          (ctx.lookup(name) as ActorRef<typeof Bench>).ask.askOther({ name: 'caller', op: 'plain', payload: 1 }),
        plain: (_, n) => n + 1,
      },
    });
    const here = system.spawn(caller, 'caller');
    const refs = ['one', 'two', 'three'].map((name) => system.spawn(bench, name));
    await Promise.all(refs.map(({ ready }) => ready));
    const [one] = refs as [ActorRef<typeof Bench>];
    assert.equal(await one.ask.askOther({ name: 'caller', op: 'plain', payload: 41 }), 42);
    for (const name of ['two', 'three']) {
      assert.deepEqual(await one.ask.askOther({ name, op: 'echo', payload: name }), name);
    }
    await assert.rejects(
      here.ask.call('one'),
      failsWith('ACTOR_FAILED', /each would wait for the next, "one" → "caller" → "one"/),
    );
    await one.ask.child('kid');
    await until(
      () => system.lookup('one/kid') !== undefined,
      () => 'the child has no name here',
    );
    assert.equal(await system.lookup('one/kid')?.askOp('echo', 'hello'), 'hello');
    assert.equal(
      await (refs[1] as ActorRef<typeof Bench>).ask.askOther({ name: 'one/kid', op: 'echo', payload: 2 }),
      2,
    );
  });
});

test('workers: what is published on one thread reaches subscribers on all', async () => {
  await withSystem({ workers: 2 }, async ({ system }) => {
    const refs = ['one', 'two'].map((name) => system.spawn(bench, name, { subscribe: { 'sums.*': 'add' } }));
    await Promise.all(refs.map(({ ready }) => ready));
    const [one, two] = refs as [ActorRef<typeof Bench>, ActorRef<typeof Bench>];
    assert.equal(system.publish('sums.a', 5), 2);
    await one.ask.publish({ topic: 'sums.b', payload: 7 });
    for (const ref of [one, two]) {
      const deadline = async (): Promise<boolean> => (await ref.ask.sum()) === 12;
      await until(deadline, () => 'not all have it');
    }
  });
});

test('S89: a worker that ends is lost: asks are told at once, and its actors go on elsewhere with their mailboxes', async () => {
  await withSystem({ workers: 1 }, async ({ system, failures, letters }) => {
    const ref = system.spawn(bench, 'bench', PATIENT);
    await ref.ready;
    const waiting = ref.ask.wait(undefined, { timeoutMs: 60_000 });
    ref.tell.add(1);
    const end = system.spawn(bench, 'end', PATIENT).ask.exit(undefined, { timeoutMs: 60_000 });
    await Promise.all([waiting, end].map((ask) => assert.rejects(ask, code('WORKER_LOST'))));
    assert.equal(await ref.ask.sum(undefined, { timeoutMs: 60_000 }), 0, 'it began anew');
    assert.ok(failures.some(({ actor, error }) => actor.name === 'bench' && error.code === 'WORKER_LOST'));
    assert.ok(letters.some(({ name, op, reason }) => name === 'bench' && op === 'add' && reason === 'lost'));
  });
});

test('S89: a worker whose event loop stands still is lost when its watchdog says so', async () => {
  await withSystem({ workers: { count: 1, watchdogMs: 200 } }, async ({ system }) => {
    const ref = system.spawn(bench, 'bench', PATIENT);
    await ref.ready;
    ref.tell.spin();
    await assert.rejects(ref.ask.sum(undefined, { timeoutMs: 60_000 }), code('WORKER_LOST'));
    assert.equal(await ref.ask.sum(undefined, { timeoutMs: 60_000 }), 0);
  });
});

test('workers: an actor that is killed while it holds its thread is gone at once, and its thread with it', async () => {
  await withSystem({ workers: { count: 1, watchdogMs: 200 } }, async ({ system }) => {
    const ref = system.spawn(bench, 'bench');
    await ref.ready;
    ref.tell.spin();
    ref.kill();
    assert.equal((await ref.terminated).kind, 'killed');
    const next = system.spawn(bench, 'bench', { ...PATIENT, startTimeoutMs: 60_000 });
    assert.equal(await next.ask.sum(undefined, { timeoutMs: 60_000 }), 0);
  });
});

test('workers: a module that cannot be used is a start that failed, by name', async () => {
  await withSystem({ workers: 1 }, async ({ system }) => {
    const cases = [
      [new URL('./workers/missing.ts', import.meta.url), 'bench', 'MODULE_LOAD_FAILED', /Cannot load .*missing/],
      [MODULE, 'bensch', 'MODULE_EXPORT_INVALID', /it exports no such thing, but "bench", "other"/],
      [MODULE, 'nothing', 'MODULE_EXPORT_INVALID', /it is no actor type/],
      [MODULE, 'other', 'MODULE_EXPORT_INVALID', /it implements "test:other@1.0.0", not "test:bench@1.0.0"/],
    ] as const;
    for (const [url, name, cause, text] of cases) {
      const type = workerActor(url, { export: name, protocol: Bench });
      const ref = system.spawn(type, undefined, { supervision: { restart: 'temporary' } });
      await assert.rejects(ref.ready, (error) => {
        failsWith('ACTOR_START_FAILED', text)(error);
        assert.equal((error as RuntimeError).details.cause, cause);
        return true;
      });
    }
  });
  assert.throws(() => workerActor('./actors.ts', { export: 'bench', protocol: Bench }), TypeError);
});

test('workers: their number and times are checked', async () => {
  for (const workers of [-1, 1.5, 257, { count: 1, watchdogMs: 0 }, { count: 1, startMs: 1e9 }]) {
    await assert.rejects(ActorSystem.create({ workers }), RangeError);
  }
});

test('S69: a drain waits for what actors on workers have accepted', async () => {
  await withSystem({ workers: 2 }, async ({ system, letters }) => {
    const refs = Array.from({ length: 4 }, () => system.spawn(bench));
    await Promise.all(refs.map(({ ready }) => ready));
    for (const ref of refs) for (let i = 0; i < 1_000; i++) assert.equal(ref.tell.add(1).ok, true);
    const handled = () => refs.map((ref) => system.info(ref).handled);
    await system.drain({ deadlineMs: 60_000 });
    assert.deepEqual(handled(), [1_000, 1_000, 1_000, 1_000]);
    assert.deepEqual(letters, []);
  });
});
