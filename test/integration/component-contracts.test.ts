/** What deployment refuses before anything runs, and what a component may do while it is being made. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type CompiledComponent, compileComponent } from '../../src/component/index.ts';
import { componentEmbed, componentNew, parseWat } from '../../src/component/tooling/index.ts';
import { checkImports, shapeOf } from '../../src/host/index.ts';
import { ActorSystem, componentActor, implement, protocol, RuntimeError, type } from '../../src/index.ts';
import { runCommand } from '../../src/runtime/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const compile = async (text: string): Promise<CompiledComponent> => compileComponent(await parseWat(text));

/** A component whose only export is the function `name`, of type `func(x: u32)`. */
function exporting(name: string): string {
  const [face, func] = name.split('#');
  return `(component
    (core module $M (func (export "f") (param i32))) (core instance $m (instantiate $M))
    (func $f (param "x" u32) (canon lift (core func $m "f")))
    (instance $i (export "${func}" (func $f))) (export "${face}" (instance $i)))`;
}

test('H1: shapeOf takes a component that was made from wit/actor.wit', async () => {
  const wit = await readFile(new URL('../../wit/actor.wit', import.meta.url), 'utf8');
  const bytes = await componentNew(await componentEmbed({ wit, world: 'stateful-actor' }));
  const shape = shapeOf(await compileComponent(bytes));
  assert.equal(shape.kind, 'message');
  assert.deepEqual(Object.keys(shape.lifecycle).sort(), ['health', 'restore', 'snapshot', 'start', 'stop']);
});

for (const name of [
  'troupe:actor/handler@0.1.0#handle',
  'troupe:actor/lifecycle@0.1.3#start',
  'troupe:actor/lifecycle@0.1.0#stop',
  'troupe:actor/lifecycle@0.1.0#health',
  'troupe:actor/lifecycle@0.1.0#snapshot',
  'troupe:actor/lifecycle@0.1.0#restore',
  'wasi:cli/run@0.2.8#run',
]) {
  test(`H1: componentActor refuses "${name}" of another type`, async () => {
    const component = await compile(exporting(name));
    assert.throws(
      () => componentActor(component),
      failsWith('COMPONENT_UNSUPPORTED', new RegExp(`"${name}" has the type func\\(x: u32\\) and must have func\\(`)),
    );
  });
}

test('H1: componentActor is not taken in by a resource that is called like a type', async () => {
  const component = await compile(`(component
    (type $r' (resource (rep i32))) (export $r "string" (type $r'))
    (core module $M (memory (export "mem") 1) (func (export "f") (param i32 i32) (result i32) (i32.const 0))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8)))
    (core instance $m (instantiate $M))
    (func $f (param "config" (list u8)) (result (result (error (own $r))))
      (canon lift (core func $m "f") (memory $m "mem") (realloc (func $m "realloc"))))
    (instance $i (export "start" (func $f))) (export "troupe:actor/lifecycle@0.1.0" (instance $i)))`);
  assert.throws(() => componentActor(component), failsWith('COMPONENT_UNSUPPORTED', /lifecycle@0\.1\.0#start/));
});

test('H1: shapeOf names ten thousand exports in one pass', async () => {
  const exports = Array.from({ length: 9_999 }, (_, index) => `(export "f${index}" (func $f))`).join(' ');
  const component = await compile(`(component (core module $M (func (export "f"))) (core instance $m (instantiate $M))
    (func $f (canon lift (core func $m "f"))) ${exports})`);
  assert.equal(shapeOf(component).operations.size, 9_999);
});

test('H3: checkImports finds the function that a known interface does not have', async () => {
  const component = await compile(`(component
    (import "wasi:cli/environment@0.2.99" (instance $e (export "initial-cwd" (func)) (export "from-the-future" (func))))
    (import "troupe:actor/messaging@0.1.9" (instance $m (export "shout" (func))))
    (core func $f (canon lower (func $e "from-the-future"))) (core func $s (canon lower (func $m "shout")))
    (core module $M (import "" "f" (func)) (import "" "s" (func)) (func (export "f")))
    (core instance $c (instantiate $M (with "" (instance (export "f" (func $f)) (export "s" (func $s))))))
    (func (export "f") (canon lift (core func $c "f"))))`);
  assert.throws(
    () => checkImports(component, {}, { label: 'early' }),
    failsWith(
      'COMPONENT_IMPORT_MISSING',
      /^Cannot link component "early": nothing here offers wasi:cli\/environment@0\.2\.99#from-the-future, troupe:actor\/messaging@0\.1\.9#shout$/,
    ),
  );
});

test('H3: checkImports finds the resource of an interface that nothing offers, though no function of it is called', async () => {
  const component = await compile(`(component
    (import "demo:kv/store" (instance $kv (export "bucket" (type (sub resource)))))
    (alias export $kv "bucket" (type $b)) (core func $drop (canon resource.drop $b))
    (core module $M (import "" "drop" (func (param i32))) (func (export "f")))
    (core instance $m (instantiate $M (with "" (instance (export "drop" (func $drop))))))
    (func (export "f") (canon lift (core func $m "f"))))`);
  assert.throws(
    () => checkImports(component, {}, { label: 'kv' }),
    failsWith('COMPONENT_IMPORT_MISSING', /nothing here offers demo:kv\/store$/),
  );
});

test('H3: checkImports asks for nothing that only stands in the list of imports', async () => {
  const component = await compile(`(component
    (import "wasi:http/types@0.2.0" (instance (export "fields" (type (sub resource))) (export "f" (func))))
    (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64)))))
    (core module $M (func (export "f"))) (core instance $m (instantiate $M))
    (func (export "f") (canon lift (core func $m "f"))))`);
  checkImports(component, {}, { label: 'frugal' });
  await using system = await ActorSystem.create();
  assert.equal(await system.spawn(componentActor(component), 'frugal').askOp('f', []), undefined);
});

test('componentActor refuses a deadline that is none', async () => {
  const component = await compile(exporting('demo:a/b#f'));
  for (const deadlineMs of [-1, Number.NaN]) assert.throws(() => componentActor(component, { deadlineMs }), RangeError);
  assert.equal(componentActor(component, { deadlineMs: Number.POSITIVE_INFINITY }).name, 'component');
});

/** What `troupe:actor/messaging` is to the components below: `$m` with `tell` and `ask`. */
const MESSAGING = `(import "troupe:actor/types@0.1.0" (instance $t
    (type $k (enum "invalid" "denied" "not-found" "conflict" "overload" "timeout" "unavailable" "cancelled" "internal"))
    (export "failure-kind" (type $kind (eq $k)))
    (type $f (record (field "kind" $kind) (field "code" string) (field "message" string)))
    (export "failure" (type (eq $f)))))
  (alias export $t "failure" (type $failure))
  (import "troupe:actor/messaging@0.1.0" (instance $m
    (alias outer 1 $failure (type $o)) (export "failure" (type $f (eq $o)))
    (export "tell" (func (param "to" string) (param "op" string) (param "payload" (list u8)) (result (result (error $f)))))
    (export "ask" (func (param "to" string) (param "op" string) (param "payload" (list u8)) (param "timeout-ms" u32)
      (result (result (list u8) (error $f)))))))`;

/** Asks "slow" for ever; whatever it is answered, it asks again. `where`: `start` section or exported function. */
function asking(where: 'start' | 'export'): string {
  return `(component
    ${MESSAGING}
    (core module $A (memory (export "mem") 1) (data (i32.const 16) "slow")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
    (core instance $a (instantiate $A))
    (core func $ask (canon lower (func $m "ask") (memory $a "mem") (realloc (func $a "realloc"))))
    (core module $M (import "a" "mem" (memory 1))
      (import "m" "ask" (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32)))
      (func $loop (loop $again
        (call $ask (i32.const 16) (i32.const 4) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0)
          (i32.const 60000) (i32.const 1024))
        (br $again)))
      ${where === 'start' ? '(start $loop)' : ''} (func (export "f") (call $loop)))
    (core instance $c (instantiate $M (with "a" (instance $a)) (with "m" (instance (export "ask" (func $ask))))))
    (func (export "f") (canon lift (core func $c "f"))))`;
}

const Slow = protocol('test:slow@1.0.0', { ask: { slow: { in: type<unknown>(), out: type<unknown>() } } });

for (const where of ['start', 'export'] as const) {
  test(`H2: an actor that is killed while its guest waits runs no more of it: ${where}`, {
    timeout: 10_000,
  }, async () => {
    let asked = 0;
    const waits = Promise.withResolvers<void>();
    const slow = implement(Slow, {
      init: () => undefined,
      ask: {
        slow: () => {
          asked += 1;
          waits.resolve();
          return new Promise(() => undefined);
        },
      },
    });
    await using system = await ActorSystem.create();
    const busy = system.spawn(slow, 'slow');
    const grants = { messaging: { ask: ['slow'] } };
    const ref = system.spawn(componentActor(await compile(asking(where)), { name: 'asker', grants }), 'asker');
    const reply = ref.askOp('f', []).catch((error: RuntimeError) => error.code);
    await waits.promise;
    ref.kill();
    assert.equal(await reply, 'ACTOR_STOPPED');
    // A guest that went on would ask again and again, and let nobody else have a turn.
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(asked, 1);
    busy.kill();
  });
}

test('memoryBytes is that of the actor of this name that lives, whoever else had the name', async () => {
  const kind = componentActor(
    await compile(`(component (core module $M (memory (export "m") 2) (func (export "f") (param i32 i32)))
      (core instance $m (instantiate $M))
      (core module $A (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8)))
      (core instance $a (instantiate $A))
      (func (export "f") (param "x" string)
        (canon lift (core func $m "f") (memory $m "m") (realloc (func $a "realloc")))))`),
  );
  const first = await ActorSystem.create();
  await first.spawn(kind, 'same').ready;
  await using second = await ActorSystem.create();
  await second.spawn(kind, 'same').ready;
  await first.stop();
  assert.equal(kind.memoryBytes('same'), 131_072);
  assert.equal(kind.memoryBytes('other'), undefined);
});

/** A program whose start section waits for an hour, or exits with a status. */
function program(start: string): string {
  return `(component
    (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type $p (sub resource)))
      (export "[method]pollable.block" (func (param "self" (borrow $p))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
      (alias outer 1 $pollable (type $o)) (export "pollable" (type $p (eq $o)))
      (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
    (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit-with-code" (func (param "status-code" u8)))))
    (core func $block (canon lower (func $poll "[method]pollable.block")))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core func $exit (canon lower (func $exit "exit-with-code")))
    (core module $M (import "" "block" (func $block (param i32))) (import "" "exit" (func $exit (param i32)))
      (import "" "subscribe" (func $subscribe (param i64) (result i32)))
      (func $start ${start}) (start $start) (func (export "run") (result i32) (i32.const 0)))
    (core instance $m (instantiate $M (with "" (instance
      (export "block" (func $block)) (export "exit" (func $exit)) (export "subscribe" (func $subscribe))))))
    (func $run (result (result)) (canon lift (core func $m "run")))
    (instance $i (export "run" (func $run))) (export "wasi:cli/run@0.2.0" (instance $i)))`;
}

const WAIT = '(call $block (call $subscribe (i64.const 3600000000000)))';

async function runProgram(start: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-program-'));
  const file = join(folder, 'program.wasm');
  writeFileSync(file, await parseWat(program(start)));
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  try {
    return await runCommand({ file, args: [], env: {}, dirs: [], stdin, stdout, stderr, ...options });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('runCommand counts the start functions as part of the program: deadline, signal and exit', async () => {
  assert.equal(await runProgram(''), 0);
  assert.equal(await runProgram('(call $exit (i32.const 7))'), 7);
  await assert.rejects(runProgram(WAIT, { timeoutMs: 20 }), failsWith('COMPONENT_DEADLINE', /longer than 20 ms/));
  const controller = new AbortController();
  setTimeout(() => controller.abort(new RuntimeError('COMPONENT_KILLED', 'Ctrl-C')), 20);
  await assert.rejects(runProgram(WAIT, { signal: controller.signal }), failsWith('COMPONENT_KILLED', /Ctrl-C/));
});

test('a task has no deadline of its own accord, and keeps one that is set', async () => {
  const component = await compile(
    program('').replace('(result i32) (i32.const 0)', `(result i32) ${WAIT} (i32.const 0)`),
  );
  const errors: unknown[] = [];
  await using system = await ActorSystem.create({ onFailure: ({ error }) => errors.push(error.details.cause) });
  const options = { grants: { clock: true }, deadlineMs: 20 };
  const limited = system.spawn(componentActor(component, options), 'limited', {
    supervision: { restart: 'temporary' },
  });
  const free = system.spawn(componentActor(component, { grants: { clock: true } }), 'free');
  assert.equal((await limited.terminated).kind, 'failed');
  assert.deepEqual(errors, ['COMPONENT_DEADLINE']);
  assert.equal(system.info(free).state, 'running');
  free.kill();
});

test('H3: checkImports refuses our own interface with other types: what stands behind it trusts them', async () => {
  const importing = (params: string): string => `(component
    (import "troupe:actor/messaging@0.1.0" (instance $m (export "self" (func ${params} (result string)))))
    (core module $A (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8)))
    (core instance $a (instantiate $A))
    (core func $self (canon lower (func $m "self") (memory $a "mem") (realloc (func $a "realloc"))))
    (core module $M (import "" "self" (func ${params === '' ? '' : '(param i32)'} (param i32))) (func (export "f")))
    (core instance $c (instantiate $M (with "" (instance (export "self" (func $self))))))
    (func (export "f") (canon lift (core func $c "f"))))`;
  checkImports(await compile(importing('')), {}, { label: 'self' });
  const other = await compile(importing('(param "x" u32)'));
  assert.throws(
    () => checkImports(other, {}, { label: 'self' }),
    failsWith(
      'COMPONENT_UNSUPPORTED',
      /"troupe:actor\/messaging@0\.1\.0#self" has the type func\(x: u32\) -> string and must/,
    ),
  );
});

/** Sends as many bytes as it is asked to; answers with the kind of the failure, or 9. */
const SENDER = `(component
  ${MESSAGING}
  (core module $A (memory (export "mem") 40) (data (i32.const 16) "sinkput")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2097152)))
  (core instance $a (instantiate $A))
  (core func $tell (canon lower (func $m "tell") (memory $a "mem") (realloc (func $a "realloc"))))
  (core func $ask (canon lower (func $m "ask") (memory $a "mem") (realloc (func $a "realloc"))))
  (core module $M (import "a" "mem" (memory 1))
    (import "m" "tell" (func $tell (param i32 i32 i32 i32 i32 i32 i32)))
    (import "m" "ask" (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32)))
    (func $answer (result i32)
      (if (result i32) (i32.load8_u (i32.const 1024)) (then (i32.load8_u (i32.const 1028))) (else (i32.const 9))))
    (func (export "tell") (param $op i32) (param $bytes i32) (result i32)
      (call $tell (i32.const 16) (i32.const 4) (i32.const 20) (local.get $op) (i32.const 0) (local.get $bytes) (i32.const 1024))
      (call $answer))
    (func (export "ask") (param $bytes i32) (result i32)
      (call $ask (i32.const 16) (i32.const 4) (i32.const 20) (i32.const 3) (i32.const 0) (local.get $bytes)
        (i32.const 1000) (i32.const 1024))
      (call $answer)))
  (core instance $c (instantiate $M (with "a" (instance $a))
    (with "m" (instance (export "tell" (func $tell)) (export "ask" (func $ask))))))
  (func (export "tell") (param "op" u32) (param "bytes" u32) (result u32) (canon lift (core func $c "tell")))
  (func (export "ask") (param "bytes" u32) (result u32) (canon lift (core func $c "ask"))))`;

test('a component sends and is answered 1 MiB at most, by an operation of 255 characters at most', async () => {
  const Sink = protocol('test:sink@1.0.0', {
    tell: { put: type<Uint8Array>() },
    ask: { put: { in: type<Uint8Array>(), out: type<Uint8Array>() } },
  });
  const sizes: number[] = [];
  let reply = new Uint8Array();
  const sink = implement(Sink, {
    init: () => undefined,
    tell: { put: (_, bytes) => void sizes.push(bytes.length) },
    ask: { put: () => reply },
  });
  await using system = await ActorSystem.create();
  system.spawn(sink, 'sink');
  const grants = { messaging: { tell: ['sink'], ask: ['sink'] } };
  const ref = system.spawn(componentActor(await compile(SENDER), { grants }), 'sender');
  const [invalid, unknown, sent] = [0, 2, 9];
  assert.equal(await ref.askOp('tell', [3, 1_048_576]), sent);
  assert.equal(await ref.askOp('tell', [3, 1_048_577]), invalid);
  assert.equal(await ref.askOp('tell', [255, 0]), unknown);
  assert.equal(await ref.askOp('tell', [256, 0]), invalid);
  assert.equal(await ref.askOp('ask', [1_048_577]), invalid);
  assert.equal(await ref.askOp('ask', [0]), sent);
  reply = new Uint8Array(1_048_577);
  assert.equal(await ref.askOp('ask', [0]), invalid);
  assert.deepEqual(sizes, [1_048_576]);
});

test('H2: an exit in the middle of a message is a failure of the actor, whatever the status', async () => {
  const text = program('').replace(
    '(func (export "run") (result i32) (i32.const 0))',
    '(func (export "f") (param i32) (call $exit (local.get 0)))',
  );
  const component = await compile(
    text.replace(/\(func \$run .*$/s, '(func (export "f") (param "status" u32) (canon lift (core func $m "f"))))'),
  );
  const failures: unknown[] = [];
  await using system = await ActorSystem.create({ onFailure: ({ error }) => failures.push(error.details.cause) });
  const supervision = { restart: 'permanent', backoffMinMs: 0, backoffMaxMs: 0 } as const;
  const ref = system.spawn(componentActor(component, { grants: { clock: true } }), 'quitter', { supervision });
  for (const status of [0, 3])
    await assert.rejects(ref.askOp('f', [status]), failsWith('ACTOR_FAILED', /ended itself/));
  assert.deepEqual(failures, ['COMPONENT_EXITED', 'COMPONENT_EXITED']);
  assert.equal(system.info(ref).restarts, 2);
});
