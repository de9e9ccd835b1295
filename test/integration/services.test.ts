/** Buckets, configuration and logging through real components: by the API, by `troupe up` and by `troupe run`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { bytesPayload, payloadBytes } from '../../src/api/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { loadApplication } from '../../src/config/index.ts';
import { type ActorRef, ActorSystem, type ComponentOptions, component, type RuntimeError } from '../../src/index.ts';
import { type ApplicationEvent, startApplication } from '../../src/runtime/index.ts';
import { openStore } from '../../src/store/index.ts';
import type { LogEntry } from '../../src/wasi/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { startTroupe, troupe } from '../kit/process.ts';

const WASM = fileURLToPath(new URL('../../fixtures/components/services/services.wasm', import.meta.url));
const root = await mkdtemp(join(tmpdir(), 'troupe-services-'));
after(() => rm(root, { recursive: true, force: true }));

const DRAFTS = ['1', '2'] as const;
const KEYVALUE = { keyvalue: ['default', 'team-*'] };
const toText = (reply: unknown) => new TextDecoder().decode(reply as Uint8Array);

/** Asks an actor in lines of text. */
const asker =
  (ref: ActorRef) =>
  async (op: string, ...lines: readonly string[]): Promise<string> =>
    toText(await ref.askOp(op, lines.join('\n'), { timeoutMs: 20_000 }));

/** A system with a store of its own, and actors of the component in it. */
async function withServices(
  options: ComponentOptions,
  use: (spawn: (name: string) => ReturnType<typeof asker>) => Promise<void>,
): Promise<void> {
  await using store = await openStore();
  const type = await component(WASM, { store, ...options });
  await using system = await ActorSystem.create();
  await use((name) => asker(system.spawn(type, name, { supervision: { backoffMinMs: 0 } })));
}

/** For `assert.rejects`: a failure that the guest answered with this code. */
const answers =
  (code: string, pattern = /(?:)/) =>
  (error: RuntimeError) => {
    assert.equal(error.details.answerCode, code);
    assert.match(error.message, pattern);
    return true;
  };

for (const draft of DRAFTS) {
  test(`a component uses a bucket by draft ${draft} of wasi:keyvalue`, async () => {
    await withServices({ grants: KEYVALUE }, async (spawn) => {
      const ask = spawn('guest');
      await assert.rejects(ask(`${draft} get`, 'default', 'a'), answers('NO_KEY'));
      assert.equal(await ask(`${draft} exists`, 'default', 'a'), 'no');
      await ask(`${draft} set`, 'default', 'a', 'a value\nof two lines');
      await ask(`${draft} set`, '', 'b', 'in the bucket without a name');
      assert.equal(await ask(`${draft} get`, 'default', 'a'), 'a value\nof two lines');
      assert.equal(await ask(`${draft} get`, 'default', 'b'), 'in the bucket without a name');
      assert.equal(await ask(`${draft} list`, 'default', ''), '-\na\nb');
      await ask(`${draft} delete`, 'default', 'a');
      assert.equal(await ask(`${draft} exists`, 'default', 'a'), 'no');
      await ask(`${draft} set-many`, 'team-a', 'x', '1', 'y', '2');
      assert.equal(await ask(`${draft} get-many`, 'team-a', 'y', 'none', 'x'), '=2\nnone\n=1');
      await ask(`${draft} delete-many`, 'team-a', 'x', 'none');
      assert.equal(await ask(`${draft} list`, 'team-a', ''), '-\ny');
    });
  });

  test(`KV4: increments of several actors by draft ${draft} are all counted`, async () => {
    await withServices({ grants: KEYVALUE }, async (spawn) => {
      const actors = ['one', 'two', 'three'].map(spawn);
      await Promise.all(actors.map((ask) => ask(`${draft} increment`, 'default', 'n', '1', '300')));
      assert.equal(await actors[0]?.(`${draft} get`, 'default', 'n'), '900');
      await actors[0]?.(`${draft} set`, 'default', 'n', 'nine hundred');
      const refused = actors[1]?.(`${draft} increment`, 'default', 'n', '1', '1');
      await assert.rejects(
        refused as Promise<string>,
        answers('OTHER', /STORE_NUMBER_INVALID: .*does not hold a decimal/),
      );
    });
  });

  test(`KV6: a component lists a large bucket page by page by draft ${draft}`, async () => {
    await withServices({ grants: KEYVALUE }, async (spawn) => {
      const ask = spawn('guest');
      const keys = Array.from({ length: 3_000 }, (_, index) => `${index}`);
      for (const part of [keys.slice(0, 2_000), keys.slice(2_000)]) {
        await ask(`${draft} set-many`, 'default', ...part.flatMap((key) => [key, 'x']));
      }
      const seen: string[] = [];
      for (let cursor = ''; cursor !== '-'; ) {
        const [next = '', ...page] = (await ask(`${draft} list`, 'default', cursor)).split('\n');
        seen.push(...page);
        cursor = next;
      }
      assert.deepEqual(seen, keys);
    });
  });

  test(`KV1: a bucket that is not granted answers access-denied by draft ${draft}, and the operator hears of it`, async () => {
    const denials: string[] = [];
    const onDenied: ComponentOptions['onDenied'] = (actor, { reason }) => denials.push(`${actor}: ${reason}`);
    await withServices({ grants: KEYVALUE, onDenied }, async (spawn) => {
      const ask = spawn('guest');
      await assert.rejects(ask(`${draft} get`, 'other', 'a'), answers('ACCESS_DENIED'));
      await assert.rejects(ask(`${draft} get`, '../../etc', 'a'), answers('NO_SUCH_STORE'));
      assert.deepEqual(denials, ['guest: No grant covers the bucket "other"; to allow it, add keyvalue = ["other"]']);
    });
    await withServices({}, async (spawn) => {
      await assert.rejects(spawn('guest')(`${draft} get`, 'default', 'a'), answers('ACCESS_DENIED'));
    });
  });

  test(`a component that hoards buckets by draft ${draft} is ended, and its successor has them all again`, async () => {
    await withServices({ grants: KEYVALUE }, async (spawn) => {
      const ask = spawn('guest');
      await assert.rejects(ask(`${draft} hoard`, 'default', 'default'), (error: RuntimeError) => {
        assert.equal(error.details.cause, 'COMPONENT_LIMIT');
        return true;
      });
      await ask(`${draft} set`, 'default', 'a', '1');
      assert.equal(await ask(`${draft} get`, 'default', 'a'), '1');
    });
  });

  test(`KV5: keys and values that are too large are refused by draft ${draft}, and the actor goes on`, async () => {
    await withServices({ grants: KEYVALUE }, async (spawn) => {
      const ask = spawn('guest');
      const refused = answers('OTHER', /STORE_LIMIT: .*the bytes of a key are 1025, at most 1024/);
      await assert.rejects(ask(`${draft} set`, 'default', 'k'.repeat(1_025), 'v'), refused);
      await assert.rejects(ask(`${draft} get`, 'default', 'k'.repeat(1_025)), refused);
      const value = 'v'.repeat(1_000_000);
      await ask(`${draft} set`, 'default', 'k'.repeat(1_024), value);
      assert.equal(await ask(`${draft} get`, 'default', 'k'.repeat(1_024)), value);
    });
  });
}

test('KV4: swaps of several actors lose nothing, and one on what was changed fails', async () => {
  await withServices({ grants: KEYVALUE }, async (spawn) => {
    const actors = ['a', 'b', 'c'].map((name) => ({ name, ask: spawn(name) }));
    await Promise.all(actors.map(({ name, ask }) => ask('2 append', 'default', 'text', name, '50')));
    const text = (await actors[0]?.ask('2 get', 'default', 'text')) ?? '';
    assert.equal([...text].sort().join(''), `${'a'.repeat(50)}${'b'.repeat(50)}${'c'.repeat(50)}`);
    assert.equal(await actors[0]?.ask('2 stale', 'default', 'key', 'what it is now'), 'what it is now');
  });
});

test('KV2: two components that are granted the same bucket share it', async () => {
  await using store = await openStore();
  await using system = await ActorSystem.create();
  const spawn = async (name: string) =>
    asker(system.spawn(await component(WASM, { store, grants: { keyvalue: ['shared'] } }), name));
  const [writer, reader] = [await spawn('writer'), await spawn('reader')];
  await writer('1 set', 'shared', 'a', '1');
  assert.equal(await reader('2 get', 'shared', 'a'), '1');
});

test('component refuses buckets without a store, and a watcher by name', async () => {
  await assert.rejects(component(WASM, { grants: KEYVALUE }), (error) => {
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /pass one: \{ store: await openStore\(\) \}/);
    return true;
  });
  const watcher = join(root, 'watcher.wasm');
  await writeFile(
    watcher,
    await parseWat(`(component
      (core module $m (func (export "f")))
      (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f")))
      (instance $watcher (export "on-set" (func $f)))
      (export "wasi:keyvalue/watcher@0.2.0-draft2" (instance $watcher)))`),
  );
  await assert.rejects(
    component(watcher),
    failsWith('COMPONENT_UNSUPPORTED', /it exports "wasi:keyvalue\/watcher@0\.2\.0-draft2", and nothing here tells it/),
  );
});

test('CF1: a component sees its own configuration, flat and as texts, by both names of the interface', async () => {
  const config = { greeting: 'hello', retry: { max: 3 }, list: [1, 2] };
  await withServices({ config }, async (spawn) => {
    const ask = spawn('guest');
    assert.equal(await ask('config', 'greeting'), 'hello');
    assert.equal(await ask('runtime', 'retry.max'), '3');
    assert.equal(await ask('config-all'), 'greeting=hello\nretry.max=3\nlist=[1,2]');
    await assert.rejects(ask('config', 'retry'), answers('NO_KEY'));
  });
});

test('LO1: what a component logs is heard, with the name of its actor; a flood is counted', async () => {
  const logged: (LogEntry & { readonly actor: string })[] = [];
  const onLog: ComponentOptions['onLog'] = (actor, entry) => logged.push({ actor, ...entry });
  await withServices({ onLog }, async (spawn) => {
    const ask = spawn('guest');
    await ask('log', '3', '1', 'disk is low');
    assert.deepEqual(logged, [{ actor: 'guest', level: 'warn', context: 'services', message: 'disk is low' }]);
    await ask('log', '0', '100000', 'x');
    assert.ok(logged.length < 1_000, `${logged.length} lines of 100,000`);
  });
  const dropped = logged.reduce((sum, entry) => sum + (entry.dropped ?? 0), 0);
  const told = logged.filter(({ message }) => message === 'x').length;
  assert.equal(dropped + told, 100_000);
});

// ── applications ──

/** A folder with an application of one actor; `rest` is the rest of its file. */
async function applicationIn(rest: string): Promise<string> {
  const folder = await mkdtemp(join(root, 'app-'));
  await writeFile(
    join(folder, 'troupe.toml'),
    `[application]\nname = "demo"\n[components.guest]\nsource = "${WASM}"\n${rest}`,
  );
  return folder;
}

async function start(folder: string) {
  const events: ApplicationEvent[] = [];
  const application = await startApplication(await loadApplication(folder), { onEvent: (event) => events.push(event) });
  const ask = async (op: string, ...lines: readonly string[]) => {
    const payload = bytesPayload(new TextEncoder().encode(lines.join('\n')));
    const reply = await application.ask({ actor: 'guest', op, payload, timeoutMs: 5_000 });
    return reply.form === 'bytes' ? toText(payloadBytes(reply)) : '';
  };
  return { events, application, ask };
}

const GRANTS = '[components.guest.grants]\nkeyvalue = ["default"]\n';

test('an application keeps its buckets beside its file, from one run to the next', async () => {
  const folder = await applicationIn(GRANTS);
  for (const sum of ['1', '2']) {
    const { application, ask } = await start(folder);
    assert.equal(await ask('1 increment', 'default', 'runs', '1', '1'), sum);
    await application.stop();
  }
  assert.ok((await stat(join(folder, '.troupe', 'data', 'store.sqlite'))).isFile());
});

test('an application without granted buckets leaves no data behind', async () => {
  const folder = await applicationIn('');
  const { application, ask } = await start(folder);
  await assert.rejects(ask('1 get', 'default', 'a'), answers('ACCESS_DENIED'));
  await application.stop();
  await assert.rejects(stat(join(folder, '.troupe')), { code: 'ENOENT' });
});

test('R1: an application whose data another process has does not start, nor does one whose data is damaged', async () => {
  const folder = await applicationIn(`${GRANTS}[store]\ndirectory = "kept"\n`);
  const { application } = await start(folder);
  await assert.rejects(start(folder), failsWith('STORE_LOCKED', /kept\/store\.sqlite": another process uses it/));
  await application.stop();
  await writeFile(join(folder, 'kept', 'store.sqlite'), 'damaged '.repeat(1_000));
  await assert.rejects(start(folder), failsWith('STORE_UNUSABLE', /kept\/store\.sqlite/));
});

test('[store] bounds what an application keeps', async () => {
  const folder = await applicationIn(`${GRANTS}[store]\nbucket-keys = 2\n`);
  const { application, ask } = await start(folder);
  const refused = ask('1 set-many', 'default', 'a', '1', 'b', '2', 'c', '3');
  await assert.rejects(refused, answers('OTHER', /holds 2 of 2 keys/));
  await application.stop();
});

test('R2: a storage thread that dies is an event, and the application goes on with what was answered', async () => {
  const folder = await applicationIn(GRANTS);
  const started = once(process, 'worker') as Promise<[Worker]>;
  const { application, events, ask } = await start(folder);
  await ask('1 set', 'default', 'a', 'kept');
  const [thread] = await started;
  await thread.terminate();
  assert.equal(await ask('1 get', 'default', 'a'), 'kept');
  assert.deepEqual(
    events.filter(({ type }) => type === 'failed').map(({ actor, error }) => [actor, error?.code]),
    [[undefined, 'STORE_LOST']],
  );
  await application.stop();
});

test('R2: what an actor logs is an event', async () => {
  const folder = await applicationIn('');
  const { application, events, ask } = await start(folder);
  await ask('log', '4', '1', 'broken');
  await application.stop();
  assert.deepEqual(
    events.filter(({ type }) => type === 'log'),
    [{ type: 'log', actor: 'guest', component: 'guest', level: 'error', context: 'services', text: 'broken' }],
  );
});

test('troupe up shows what is logged, and what was answered survives kill -9', async () => {
  const folder = await applicationIn(GRANTS);
  const first = startTroupe(['up', folder]);
  await first.writes(/runs as process/);
  const call = (...args: readonly string[]) => troupe(['ask', 'guest', ...args, '--app', folder]);
  const logged = await call('log', '3\n1\n\u001b[31mlow');
  assert.equal(logged.code, 0, logged.stderr);
  await first.writes(/guest \| warn services: low/);
  const set = await call('1 set', 'default\nkey\nkept');
  assert.equal(set.code, 0, set.stderr);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = startTroupe(['up', folder]);
  await second.writes(/runs as process/);
  const got = await call('2 get', 'default\nkey');
  assert.match(got.stdout, /kept/);
  second.child.kill('SIGTERM');
  assert.equal((await second.ended).code, 143);
});

// ── programs ──

/** A program that counts its runs in the bucket without a name, and logs. */
const COUNTER = `(component
  (type $store (instance
    (type $variant (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $variant)))
    (export "bucket" (type $bucket (sub resource)))
    (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))))
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $store (type $store)))
  (alias export $store "bucket" (type $bucket))
  (alias export $store "error" (type $error))
  (type $atomics (instance
    (alias outer 1 $bucket (type $outer-bucket))
    (export "bucket" (type $bucket (eq $outer-bucket)))
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "increment" (func (param "bucket" (borrow $bucket)) (param "key" string) (param "delta" u64)
      (result (result u64 (error $error)))))))
  (import "wasi:keyvalue/atomics@0.2.0-draft" (instance $atomics (type $atomics)))
  (type $logging (instance
    (type $enum (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $enum)))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))
  (import "wasi:logging/logging@0.1.0-draft" (instance $logging (type $logging)))
  (core module $memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (i32.const 4096)))))
  (core instance $memory (instantiate $memory))
  (core func $open (canon lower (func $store "open") (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core func $increment
    (canon lower (func $atomics "increment") (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core func $log (canon lower (func $logging "log") (memory $memory "memory")))
  (core module $main
    (import "" "memory" (memory 1))
    (import "" "open" (func $open (param i32 i32 i32)))
    (import "" "increment" (func $increment (param i32 i32 i32 i64 i32)))
    (import "" "log" (func $log (param i32 i32 i32 i32 i32)))
    (data (i32.const 0) "runs")
    (func (export "run") (result i32)
      (call $open (i32.const 0) (i32.const 0) (i32.const 64))
      (if (i32.load8_u (i32.const 64)) (then (return (i32.const 1))))
      (call $increment (i32.load (i32.const 68)) (i32.const 0) (i32.const 4) (i64.const 1) (i32.const 96))
      (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4))
      (i32.load8_u (i32.const 96))))
  (core instance $main (instantiate $main (with "" (instance
    (export "memory" (memory $memory "memory")) (export "open" (func $open)) (export "increment" (func $increment))
    (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exports)))`;

test('troupe run keeps buckets only where --data says, and prints what is logged to standard error', async () => {
  const program = join(root, 'counter.wasm');
  await writeFile(program, await parseWat(COUNTER));
  const data = join(root, 'counted');
  for (const args of [[], ['--data', data], ['--data', data]]) {
    const { code, stdout, stderr } = await troupe(['run', ...args, program]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: 'info: runs\n' });
  }
  await using store = await openStore({ directory: data });
  assert.equal(toText((await store.read('keyvalue/default', ['runs']))[0]?.value), '2');
});
