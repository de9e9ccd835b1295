/** Component actors through the public API: real components of real compilers, real actors. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import {
  ActorSystem,
  acquire,
  type ComponentActorType,
  component,
  implement,
  openStore,
  pool,
  protocol,
  RuntimeError,
  type,
} from '../../src/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/components/${name}/${name}.wasm`, import.meta.url));
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (reply: unknown) => new TextDecoder().decode(reply as Uint8Array);

const MESSAGING = { messaging: { tell: ['*'], ask: ['*'], publish: ['>'] } };
const echo: ComponentActorType = await component(fixture('echo'), { name: 'echo', grants: MESSAGING });
const NO_BACKOFF = { restart: 'permanent', intensity: 1000, backoffMinMs: 0, backoffMaxMs: 0 } as const;

test('H1: component makes an actor of a component that exports a handler', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(echo, 'echo');
  await ref.ready;
  assert.equal(text(await ref.askOp('echo', bytes('hello'))), 'hello');
  assert.equal(text(await ref.askOp('echo', 'text is sent as UTF-8: é')), 'text is sent as UTF-8: é');
  assert.equal(text(await ref.askOp('none', undefined)), '', 'no payload is no bytes');
  assert.equal(text(await ref.askOp('self', undefined)), 'echo');
  assert.match(
    text(await ref.askOp('describe', 'abc', { timeoutMs: 900 })),
    /^ask describe bytes=3 sender=- remaining=\d+$/,
  );
});

test('H1: component refuses a payload that is neither bytes nor text, and the actor goes on', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(echo, 'echo');
  await assert.rejects(ref.askOp('echo', { a: 1 }), failsWith('MESSAGE_INVALID', /bytes or text, got object/));
  assert.equal(text(await ref.askOp('echo', 'on')), 'on');
});

test('H2: a trap restarts the actor alone: its mailbox is kept, its memory is new, its sibling notices nothing', async () => {
  const failures: string[] = [];
  await using system = await ActorSystem.create({
    onFailure: ({ actor, error }) => failures.push(`${actor.name} ${error.details.cause}`),
  });
  const options = { supervision: NO_BACKOFF };
  const [first, second] = [system.spawn(echo, 'first', options), system.spawn(echo, 'second', options)];
  await Promise.all([first.askOp('count', ''), first.askOp('count', ''), second.askOp('count', '')]);
  const trapped = assert.rejects(first.askOp('trap', ''), failsWith('ACTOR_FAILED'));
  const queued = [first.askOp('count', ''), first.askOp('count', '')];
  await trapped;
  assert.deepEqual(
    (await Promise.all(queued)).map(text),
    ['1', '2'],
    'queued behind the trap, answered by the new instance',
  );
  assert.equal(text(await second.askOp('count', '')), '2');
  assert.deepEqual(failures, ['first COMPONENT_TRAPPED']);
  assert.equal(system.info(first).restarts, 1);
});

test('H2: a component that traps too often is given up, with its last failure', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(echo, 'echo', { supervision: { ...NO_BACKOFF, intensity: 2 } });
  for (let round = 0; round < 3; round++) await assert.rejects(ref.askOp('trap', ''), failsWith('ACTOR_FAILED'));
  const end = await ref.terminated;
  assert.equal(end.kind, 'escalated');
  assert.equal(end.error?.details.cause, 'COMPONENT_TRAPPED');
  await assert.rejects(ref.askOp('echo', ''), failsWith('ACTOR_STOPPED'));
});

test('H5: what a guest answers arrives as ANSWER with its own code, and cannot pass for a failure of the host', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(echo, 'echo');
  await assert.rejects(ref.askOp('fail', 'not now'), (error) => {
    failsWith('ANSWER_CONFLICT', /not now/)(error);
    return (error as RuntimeError).details.answerCode === 'REFUSED';
  });
  const relay = system.spawn(echo, 'relay');
  await assert.rejects(relay.askOp('ask', 'echo fail 500\nthrough two'), (error) => {
    failsWith('ANSWER_CONFLICT', /through two/)(error);
    return (error as RuntimeError).details.answerCode === 'REFUSED';
  });
});

test('component actors and TypeScript actors send to each other, with sender, deadline and topic', async () => {
  await using system = await ActorSystem.create();
  const Log = protocol('test:log', {
    tell: { line: type<Uint8Array>() },
    ask: { lines: { in: type<void>(), out: type<string[]>() } },
  });
  const log = implement(Log, {
    init: () => [] as string[],
    tell: { line: (ctx, line) => void ctx.state.push(`${ctx.sender?.name}: ${text(line)}`) },
    ask: { lines: (ctx) => ctx.state },
  });
  const logRef = system.spawn(log, 'log');
  const ref = system.spawn(echo, 'echo', { subscribe: ['news.*'] });
  assert.equal(text(await ref.askOp('tell', 'log line\nfrom wasm')), 'sent');
  assert.deepEqual(await logRef.ask.lines(), ['echo: from wasm']);
  const other = system.spawn(echo, 'other');
  assert.match(
    text(await other.askOp('ask', 'echo describe 5000\nxy', { timeoutMs: 700 })),
    /sender=other remaining=([1-6]?\d?\d|700)$/,
    'the deadline is inherited',
  );
  assert.equal(text(await other.askOp('publish', 'news.today\n!')), '1');
  assert.equal(system.publish('news.tomorrow', bytes('?')), 1);
  assert.equal(text(await ref.askOp('count', '')), '3');
});

test('S44, S49, S51: components are routees of a pool, are leased, and are members of a group', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(pool(echo, { size: 3, supervision: { intensity: 1_000, backoffMinMs: 0 } }), 'echoes');
  await ref.ready;
  const answers = await Promise.all(Array.from({ length: 6 }, () => ref.askOp('self', undefined)));
  assert.deepEqual([...new Set(answers.map(text))].sort(), ['echoes/1', 'echoes/2', 'echoes/3']);
  {
    await using lease = await acquire(ref);
    const leased = text(await lease.ref.askOp('self', undefined));
    for (let i = 0; i < 4; i++) assert.notEqual(text(await ref.askOp('self', undefined)), leased);
  }
  const subscribe = [{ topic: 'jobs.*', group: 'echoes', overflow: 'drop-oldest' as const }];
  const members = ['a', 'b'].map((name) => system.spawn(echo, name, { subscribe }));
  for (let i = 0; i < 4; i++) assert.equal(system.publish('jobs.new', bytes('!')), 1);
  const counts = await Promise.all(members.map(async (member) => text(await member.askOp('count', ''))));
  assert.deepEqual(counts, ['3', '3'], 'two messages each, and the question');
  assert.equal(system.info(members[0] as (typeof members)[number]).subscriptions[0]?.delivered, 2);
});

test('S52: a component gets what was published durably while it restarted or was not there', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'troupe-kept-'));
  try {
    const subscribe = [{ topic: 'news.*', delivery: 'at-least-once' as const }];
    for (const expected of ['4', '3']) {
      await using store = await openStore({ directory });
      await using system = await ActorSystem.create({ store });
      if (expected === '3') assert.equal(await system.publishDurably('news.early', bytes('!')), 1);
      const ref = system.spawn(echo, 'echo', { subscribe });
      if (expected === '4') assert.equal(await system.publishDurably('news.early', bytes('!')), 1);
      for (const topic of expected === '4' ? ['news.a', 'news.b'] : ['news.c'])
        await system.publishDurably(topic, bytes('!'));
      assert.equal(text(await ref.askOp('count', '')), expected);
      await ref.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('a component that asks in a circle is refused at once', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(echo, 'echo');
  await assert.rejects(ref.askOp('ask', 'echo echo 60000\nself'), failsWith('ANSWER_CONFLICT', /echo/));
});

test('an ask to somebody who is not there is an answer, not a trap', async () => {
  await using system = await ActorSystem.create();
  const ref = system.spawn(echo, 'echo');
  await assert.rejects(ref.askOp('ask', 'nobody echo 100\n'), failsWith('ANSWER_NOT_FOUND', /nobody/));
  await assert.rejects(ref.askOp('tell', 'nobody echo\n'), failsWith('ANSWER_NOT_FOUND', /nobody/));
  await assert.rejects(ref.askOp('ask', 'echo echo 0\n'), failsWith('ANSWER_INVALID', /timeout-ms/));
  assert.equal(text(await ref.askOp('echo', 'alive')), 'alive');
});

test('H4: a denial is an answer that says the line to add, and is reported', async () => {
  const denials: string[] = [];
  const held = await component(fixture('echo'), {
    grants: { messaging: { tell: ['friend'] } },
    onDenied: (actor, decision) => denials.push(`${actor}: ${decision.line}`),
  });
  await using system = await ActorSystem.create();
  const ref = system.spawn(held, 'held');
  await assert.rejects(
    ref.askOp('tell', 'enemy echo\n'),
    failsWith('ANSWER_DENIED', /messaging = \{ tell = \["enemy"\] \}/),
  );
  await assert.rejects(ref.askOp('publish', 'news\n'), failsWith('ANSWER_DENIED'));
  assert.deepEqual(denials, ['held: messaging = { tell = ["enemy"] }', 'held: messaging = { publish = ["news"] }']);
});

test('H3: component refuses imports that cannot be linked, with the lines to add, before anything runs', async () => {
  await assert.rejects(
    component(fixture('wasi-tour'), { name: 'tour' }),
    failsWith(
      'COMPONENT_IMPORT_MISSING',
      /\[components\.tour\.grants\] (clock = true and random = true|random = true and clock = true)/,
    ),
  );
  await assert.rejects(
    component(fixture('bench')),
    failsWith('COMPONENT_IMPORT_MISSING', /\[components\.bench\.links\] "troupe:bench\/host@0\.1\.0" = "ACTOR"/),
  );
  await assert.rejects(component('/nowhere/x.wasm'), failsWith('FILE_NOT_FOUND', /\/nowhere\/x\.wasm/));
});

test('lifecycle: start gets the configuration and may refuse; stop runs at the end', async () => {
  const stateful = await component(fixture('stateful'), { config: { begin: 40 } });
  const refusing = await component(fixture('stateful'), { config: { please: 'refuse' } });
  await using system = await ActorSystem.create();
  const ref = system.spawn(stateful, 'stateful', { supervision: NO_BACKOFF });
  assert.equal(text(await ref.askOp('add', '2')), '42');
  await assert.rejects(ref.askOp('trap', ''));
  assert.equal(text(await ref.askOp('get', '')), '40', 'a restart starts from the configuration');
  const refused = system.spawn(refusing, 'refusing', { supervision: { restart: 'temporary' } });
  await assert.rejects(refused.ready, failsWith('ACTOR_START_FAILED', /The configuration says refuse/));
  await ref.stop();
});

const CALCULATOR = `(component
  (core module $m (memory (export "memory") 1)
    (func (export "add") (param i32 i32) (result i32) (i32.and (i32.add (local.get 0) (local.get 1)) (i32.const 255)))
    (func (export "big") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
    (func (export "echo") (param i32 i32) (result i32) (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
  (core instance $i (instantiate $m))
  (func $add (param "a" u8) (param "b" u8) (result u8) (canon lift (core func $i "add")))
  (func $big (param "n" u64) (result u64) (canon lift (core func $i "big")))
  (func $echo (param "text" string) (result string) (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $ops (export "add" (func $add)) (export "big" (func $big)))
  (export "test:calculator/ops@1.2.3" (instance $ops))
  (export "echo" (func $echo)))`;

test('H1: every other export is an ask operation with the array of its arguments', async () => {
  const calculator = await component(await compileComponent(await parseWat(CALCULATOR)), { name: 'calculator' });
  await using system = await ActorSystem.create();
  const ref = system.spawn(calculator, 'calculator');
  assert.equal(await ref.askOp('test:calculator/ops#add', [200, 100]), 44);
  assert.equal(await ref.askOp('echo', ['añ🙂']), 'añ🙂');
  assert.equal(await ref.askOp('test:calculator/ops#big', [2n ** 64n - 1n]), 0n);
  const many = Array.from({ length: 500 }, (_, n) => ref.askOp('test:calculator/ops#big', [BigInt(n)]));
  assert.deepEqual((await Promise.all(many)).at(-1), 500n, 'many messages in one turn');
  await assert.rejects(ref.askOp('test:calculator/ops#add', [300, 1]), failsWith('MESSAGE_INVALID', /args\[0\]/));
  await assert.rejects(ref.askOp('test:calculator/ops#add', 'no array'), failsWith('MESSAGE_INVALID', /\(a, b\)/));
  await assert.rejects(
    ref.askOp('test:calculator/ops#ad', []),
    failsWith('OPERATION_UNKNOWN', /test:calculator\/ops#add/),
  );
});

test('H1: component refuses, by name, exports whose types hold resources', async () => {
  const error = await component(fixture('resources')).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(
    RuntimeError.is(error) && ['COMPONENT_UNSUPPORTED', 'COMPONENT_IMPORT_MISSING'].includes(error.code),
    String(error),
  );
});

test('memory: the maximum is enforced, and the guest sees that it cannot grow', async () => {
  const small = await component(fixture('echo'), { grants: MESSAGING, limits: { memoryBytes: 1024 * 1024 } });
  await using system = await ActorSystem.create();
  const ref = system.spawn(small, 'small');
  assert.equal(text(await ref.askOp('grow', '100')), '-1');
  assert.ok((small.memoryBytes('small') ?? Number.NaN) <= 1024 * 1024);
  assert.equal(text(await ref.askOp('echo', 'goes on')), 'goes on');
});

test('a task runs to its end under supervision; its exit is its own, not the process', async () => {
  const lines: string[] = [];
  const stdio = () => ({ stdout: { write: (chunk: Uint8Array) => void lines.push(text(chunk)) } });
  const grants = { clock: true, random: true, stdio: { stdin: false, stdout: true, stderr: false } };
  const hello = await component(fixture('hello'), { name: 'hello', args: ['Ada'], grants, stdio });
  await using system = await ActorSystem.create();
  const end = await system.spawn(hello, 'hello').terminated;
  assert.equal(end.kind, 'stopped');
  assert.match(lines.join(''), /Ada/);
});

test('deadline: a guest that waits too long is killed and restarted, and the asker is told', async () => {
  const Silent = protocol('test:silent', { ask: { wait: { in: type<Uint8Array>(), out: type<Uint8Array>() } } });
  const silent = implement(Silent, {
    init: () => undefined,
    ask: { wait: () => new Promise<Uint8Array>(() => undefined) },
  });
  const hasty = await component(fixture('echo'), { grants: MESSAGING, deadlineMs: 50 });
  const failures: string[] = [];
  await using system = await ActorSystem.create({ onFailure: ({ error }) => failures.push(`${error.details.cause}`) });
  system.spawn(silent, 'silent', { stopTimeoutMs: 10 });
  const ref = system.spawn(hasty, 'hasty', { supervision: NO_BACKOFF });
  await assert.rejects(ref.askOp('ask', 'silent wait 60000\n', { timeoutMs: 5_000 }), failsWith('ACTOR_FAILED'));
  assert.deepEqual(failures, ['COMPONENT_DEADLINE']);
  assert.equal(text(await ref.askOp('echo', 'again')), 'again');
});

test('kill: an actor that waits is gone at once and its asker is told', async () => {
  const Silent = protocol('test:silent', { ask: { wait: { in: type<Uint8Array>(), out: type<Uint8Array>() } } });
  const silent = implement(Silent, {
    init: () => undefined,
    ask: { wait: () => new Promise<Uint8Array>(() => undefined) },
  });
  await using system = await ActorSystem.create();
  system.spawn(silent, 'silent', { stopTimeoutMs: 10 });
  const ref = system.spawn(echo, 'echo');
  const waiting = assert.rejects(ref.askOp('ask', 'silent wait 60000\n'), failsWith('ACTOR_STOPPED'));
  await ref.ready;
  await new Promise(setImmediate);
  ref.kill();
  await waiting;
  assert.equal((await ref.terminated).kind, 'killed');
  assert.equal(echo.memoryBytes('echo'), undefined);
});

test('a thousand actors of one component share the compiled code and answer each for itself', async () => {
  await using system = await ActorSystem.create();
  const refs = Array.from({ length: 1000 }, (_, index) => system.spawn(echo, `echo/${index}`));
  const replies = await Promise.all(refs.map((ref) => ref.askOp('self', '', { timeoutMs: 30_000 })));
  assert.deepEqual(
    replies.map(text),
    refs.map((ref) => ref.name),
  );
});

test('S60, S62: a component goes on from its last snapshot, after a trap and in the next system of the store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'troupe-state-'));
  const stateful = await component(fixture('stateful'), { keep: { everyMessages: 2 } });
  const options = { supervision: NO_BACKOFF };
  try {
    for (const [before, origin] of [
      [0, 'started'],
      [111, 'restored'],
    ] as const) {
      await using store = await openStore({ directory });
      await using system = await ActorSystem.create({ store });
      const ref = system.spawn(stateful, 'stateful', options);
      assert.equal(text(await ref.askOp('get', '')), String(before));
      assert.equal(text(await ref.askOp('origin', '')), origin);
      if (origin === 'restored') continue;
      for (const by of ['1', '10', '100', '1000']) await ref.askOp('add', by);
      assert.equal(text(await ref.askOp('add', '-1000')), '111');
      await assert.rejects(ref.askOp('trap', ''), failsWith('ACTOR_FAILED'));
      assert.equal(text(await ref.askOp('get', '')), '1111', 'the fifth was undone');
      assert.equal(text(await ref.askOp('origin', '')), 'restored');
      assert.equal(text(await ref.askOp('add', '-1000')), '111');
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('component refuses to keep what has no lifecycle', async () => {
  await assert.rejects(
    component(fixture('echo'), { grants: MESSAGING, keep: {} }),
    /does not export troupe:actor\/lifecycle/,
  );
});
