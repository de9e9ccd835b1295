/** Component actors on threads and in child processes, through the public API. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type ActorRef,
  ActorSystem,
  type ComponentOptions,
  component,
  implement,
  protocol,
  type RuntimeError,
  type,
} from '../../src/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { failsWith } from '../kit/fails-with.ts';
import { until } from '../kit/process.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/components/${name}/${name}.wasm`, import.meta.url));
const text = (reply: unknown) => new TextDecoder().decode(reply as Uint8Array);
const MESSAGING = { messaging: { tell: ['*'], ask: ['*'] } };
const PATIENT = { supervision: { restart: 'permanent', intensity: 100, backoffMinMs: 1 } } as const;

/** A component whose actors live in a process that is called `group`. */
const isolated = (group: string, options: ComponentOptions = {}) =>
  component(fixture('echo'), { name: 'echo', grants: MESSAGING, isolation: { process: group }, ...options });

/** Child processes of this one that run workers. */
function children(parent = process.pid): number[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(parent)], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes('--troupe-worker')).map((line) => Number.parseInt(line, 10));
}

const ask = async (ref: ActorRef, op: string, payload = ''): Promise<string> => text(await ref.askOp(op, payload));

test('isolation: actors of a group share a child process, and those of another have their own', async () => {
  await using system = await ActorSystem.create({ workers: 1 });
  const [one, two] = [await isolated('tenants'), await isolated('tenants')];
  const other = await isolated('other');
  const refs = [system.spawn(one, 'one'), system.spawn(two, 'two'), system.spawn(other, 'three')];
  assert.deepEqual(await Promise.all(refs.map((ref) => ask(ref, 'self'))), ['one', 'two', 'three']);
  assert.equal(children().length, 2);
  await system.stop();
  assert.deepEqual(children(), []);
});

test('isolation: a child that the kernel kills is a named failure; its actors go on in another, and nobody else notices', async () => {
  const failures: RuntimeError[] = [];
  await using system = await ActorSystem.create({ workers: 1, onFailure: ({ error }) => failures.push(error) });
  const grants = { messaging: { tell: ['*'], ask: ['*'] } };
  const beside = system.spawn(await component(fixture('echo'), { name: 'echo', grants }), 'beside');
  const ref = system.spawn(await isolated('hostile'), 'hostile', PATIENT);
  assert.equal(await ask(ref, 'count'), '1');
  assert.equal(await ask(beside, 'count'), '1');
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const) {
    const name = signal.toLowerCase();
    const silent = system.spawn(silence, name);
    const pending = assert.rejects(
      ref.askOp('ask', `${name} wait 60000\n`),
      failsWith('WORKER_LOST', new RegExp(signal)),
    );
    await until(
      () => system.info(silent).busy,
      () => 'the call',
    );
    process.kill(children()[0] as number, signal);
    await pending;
    assert.equal(await ask(ref, 'count'), '1', 'a new instance in a new process');
  }
  assert.equal(failures.length, 3);
  for (const { code } of failures) assert.equal(code, 'WORKER_LOST');
  assert.equal(await ask(beside, 'count'), '2');
});

const Silence = protocol('test:silence', { ask: { wait: { in: type<Uint8Array>(), out: type<Uint8Array>() } } });
const silence = implement(Silence, {
  init: () => undefined,
  ask: { wait: () => new Promise<Uint8Array>(() => undefined) },
});

test('isolation: a child has no environment, and only the descriptors that it needs', async () => {
  await using system = await ActorSystem.create({ workers: 1 });
  process.env.TROUPE_TEST_SECRET = 'hidden';
  const ref = system.spawn(await isolated('bare'), 'bare');
  await ref.ready;
  const [pid] = children();
  assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, 'utf8'), /TROUPE_TEST_SECRET/);
  delete process.env.TROUPE_TEST_SECRET;
});

test('isolation: what cannot leave the main thread is refused by name', async () => {
  await using system = await ActorSystem.create({ workers: 1 });
  const reader = await isolated('reader', { grants: { stdio: { stdin: true, stdout: false, stderr: false } } });
  assert.throws(() => system.spawn(reader, 'reader'), failsWith('CONFIG_INVALID', /stdin.*take "isolation" out/));
});

test('isolation: a system without threads has processes too', async () => {
  await using system = await ActorSystem.create();
  assert.equal(await ask(system.spawn(await isolated('alone'), 'alone'), 'self'), 'alone');
  assert.equal(children().length, 1);
});

test('workers: actors are spread over threads, and their number is checked', async () => {
  await assert.rejects(ActorSystem.create({ workers: 257 }), RangeError);
  await using system = await ActorSystem.create({ workers: 2 });
  const echo = await component(fixture('echo'), { name: 'echo', grants: MESSAGING });
  const refs = Array.from({ length: 8 }, (_, index) => system.spawn(echo, `echo/${index}`));
  assert.deepEqual(
    await Promise.all(refs.map((ref) => ask(ref, 'self'))),
    refs.map(({ name }) => name),
  );
  assert.equal(
    await ask(refs[0] as ActorRef, 'ask', 'echo/1 echo 5000\nhello'),
    'hello',
    'from one thread to the other',
  );
});

test('isolation: troupe up shows where actors live, and leaves no process behind when it is killed', async () => {
  const toml = `workers = 1
[components.echo]
source = "./echo.wasm"
isolation = "process"
grants.messaging = { tell = ["*"], ask = ["*"] }
`;
  await withApplicationFolder({ fixtures: ['echo'], toml }, async ({ up, call }) => {
    const { child: main } = await up();
    const pid = main.pid as number;
    assert.equal(await call('ask', 'echo', 'echo', 'hello'), 'hello');
    const { actors } = JSON.parse(await call('ps', '--output', 'json')) as { actors: { worker?: string }[] };
    assert.match(actors[0]?.worker ?? '', /^process /);
    const [child] = children(pid);
    assert.ok(child !== undefined);
    process.kill(pid, 'SIGKILL');
    await until(
      () => !isAlive(child),
      () => 'the end of the child',
    );
  });
});

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
