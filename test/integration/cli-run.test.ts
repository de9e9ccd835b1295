/** `troupe run` and `troupe inspect` as processes of their own, on real components. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { ComponentReport } from '../../src/api/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { CLI_MAIN, startTroupe, troupe, until } from '../kit/process.ts';

const FIXTURES = join(dirname(dirname(import.meta.dirname)), 'fixtures', 'components');
const HELLO = join(FIXTURES, 'hello', 'hello.wasm');
const TOUR = join(FIXTURES, 'wasi-tour', 'wasi-tour.wasm');
const ECHO = join(FIXTURES, 'echo', 'echo.wasm');
const VALUES = join(FIXTURES, 'values', 'values.wasm');

const FOLDER = mkdtempSync(join(tmpdir(), 'troupe-run-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** The smallest core module there is. */
const CORE_MODULE = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

function file(name: string, content: string | Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  return path;
}

test('run greets with a Rust program', async () => {
  const ended = await troupe(['run', HELLO, 'Ada', 'Grace']);
  assert.deepEqual([ended.code, ended.stdout, ended.stderr], [0, 'Hello, Ada!\nHello, Grace!\n', '']);
});

test('run hands everything after the file to the guest as it is', async () => {
  const ended = await troupe(['run', '--', TOUR, 'args', '--help', '--output', 'json', '', 'é ü', '-x']);
  assert.deepEqual([ended.code, ended.stdout], [0, '--help\n--output\njson\n\né ü\n-x\n']);
  const flags = await troupe(['run', TOUR, 'args', '--memory', '1']);
  assert.deepEqual([flags.code, flags.stdout], [0, '--memory\n1\n']);
});

test('run passes bytes from standard input to standard output unchanged', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) & 0xff));
  const ended = await troupe(['run', TOUR, 'cat'], { input: bytes });
  assert.equal(ended.code, 0);
  assert.ok(ended.stdoutBytes.equals(bytes));
});

test('run keeps standard output and standard error apart', async () => {
  const ended = await troupe(['run', TOUR, 'args', 'out', '--', 'err', 'oops']);
  assert.deepEqual([ended.code, ended.stdout, ended.stderr], [0, 'out\n', 'oops\n']);
});

test('run ends with the exit code of the guest', async () => {
  const codes = await Promise.all(
    [['args'], ['exit', '0'], ['exit', '1'], ['nothing-of-that-name']].map((args) => troupe(['run', TOUR, ...args])),
  );
  assert.deepEqual(
    codes.map(({ code }) => code),
    [0, 0, 1, 1],
  );
});

test('run shows the variables that --env names and no others', async () => {
  const env = { TROUPE_TEST_PASSED: 'on', TROUPE_TEST_HIDDEN: 'secret' };
  const ended = await troupe(
    ['run', '--env', 'TROUPE_TEST_PASSED', '--env', 'A=b=c', '--env', 'EMPTY=', TOUR, 'environ'],
    { env },
  );
  assert.deepEqual(ended.stdout.split('\n').filter(Boolean).toSorted(), ['A=b=c', 'EMPTY=', 'TROUPE_TEST_PASSED=on']);
});

test('run shows the folders that --dir names and nothing above them', async () => {
  const data = join(FOLDER, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'in.txt'), 'inside');
  file('outside.txt', 'outside');
  const read = await troupe(['run', '--dir', `${data}::/data`, TOUR, 'read', '/data/in.txt']);
  assert.deepEqual([read.code, read.stdout], [0, 'inside']);
  const same = await troupe(['run', '--dir', 'data', TOUR, 'write', 'data/new.txt', 'made'], { cwd: FOLDER });
  assert.deepEqual([same.code, same.stderr], [0, '']);
  assert.equal(readFileSync(join(data, 'new.txt'), 'utf8'), 'made');
  const above = await troupe(['run', '--dir', `${data}::/data`, TOUR, 'read', '/data/../outside.txt']);
  assert.equal(above.code, 1);
  assert.ok(!above.stdout.includes('outside'));
  assert.equal((await troupe(['run', TOUR, 'read', '/etc/hostname'])).code, 1);
});

test('run --memory bounds the memory of the guest', async () => {
  const small = await troupe(['run', '--memory', '1MiB', TOUR, 'memory', '4096']);
  assert.deepEqual([small.code, small.stdout], [1, '']);
  const large = await troupe(['run', '--memory', '16MiB', TOUR, 'memory', '4096']);
  assert.deepEqual([large.code, large.stdout], [0, 'got\n']);
});

test('run --timeout ends a guest that takes too long', async () => {
  const ended = await troupe(['run', '--timeout', '200ms', TOUR, 'sleep', '20000']);
  assert.equal(ended.code, 75);
  assert.match(ended.stderr, /^error\[\w+\]: .*200 ms/);
});

test('run reports a trap as an error of its own', async () => {
  const ended = await troupe(['run', TOUR, 'args', 'before', '--', 'trap']);
  assert.equal(ended.code, 134);
  assert.match(ended.stderr, /^error\[COMPONENT_TRAPPED\]: The component trapped: .*wasi-tour\.wasm"\)\n$/);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`run ends at once with ${signal}, as any command does`, async () => {
    const run = startTroupe(['run', TOUR, 'err', 'ready', '--', 'cat'], { input: 'open' });
    await run.writes(/ready/);
    run.child.kill(signal);
    const ended = await run.ended;
    assert.deepEqual([ended.signal, ended.stdout, ended.stderr], [signal, '', 'ready\n']);
  });
}

const SPIN = await parseWat(`(component
  (core module $m (func (export "run") (result i32) (loop $again (br $again)) (unreachable)))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exports)))`);

test('run --timeout ends a guest that computes without end', async () => {
  const ended = await troupe(['run', '--timeout', '200ms', file('spin.wasm', SPIN)]);
  assert.equal(ended.code, 75);
  assert.match(ended.stderr, /^error\[COMPONENT_DEADLINE\]: .*200 ms/);
});

test('run can be interrupted when its guest never gives the thread back', {
  skip: process.platform !== 'linux',
}, async () => {
  const run = startTroupe(['run', file('spin.wasm', SPIN)]);
  // By then it has burnt more processor time than any start takes: fields 14 and 15, in hundredths of a second.
  const burnt = () => {
    const fields = readFileSync(`/proc/${run.child.pid}/stat`, 'utf8').split(' ');
    return Number(fields[13]) + Number(fields[14]);
  };
  await until(
    () => burnt() > 200,
    () => 'the guest to spin',
  );
  run.child.kill('SIGINT');
  assert.equal((await run.ended).signal, 'SIGINT');
});

test('run whose guest ends does not wait for input that nobody reads', async () => {
  const run = startTroupe(['run', TOUR, 'args', 'done'], { input: 'open' });
  assert.deepEqual([(await run.ended).code, run.stdout()], [0, 'done\n']);
});

test('a command whose output cannot be written says so, and does not end with 0', {
  skip: !existsSync('/dev/full'),
}, () => {
  const full = openSync('/dev/full', 'w');
  after(() => closeSync(full));
  for (const args of [['--version'], ['inspect', ECHO], ['run', TOUR, 'args', 'x']]) {
    const ended = spawnSync(process.execPath, [CLI_MAIN, ...args], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    assert.match(`${ended.stderr}`, /^error\[OUTPUT_FAILED\]: Cannot write to standard output: ENOSPC/);
    assert.equal(ended.status, 69, args.join(' '));
  }
});

test('run ends quietly when nobody reads its output any more', async () => {
  const run = startTroupe(['run', TOUR, 'err', 'ready', '--', 'cat'], { input: Buffer.alloc(4_000_000) });
  await run.writes(/ready/);
  run.child.stdout?.destroy();
  const { code, stderr } = await run.ended;
  assert.equal(code, 141);
  assert.doesNotMatch(stderr, /error\[/);
});

const echoBytes = readFileSync(ECHO);

/** Files that are no program: exit code, error code, and what the text says. */
const WRONG_FILES: readonly { name: string; bytes: Uint8Array; exits: number; code: string; says: RegExp }[] = [
  { name: 'empty.wasm', bytes: Buffer.alloc(0), exits: 64, code: 'NOT_A_COMPONENT', says: /empty\.wasm/ },
  { name: 'text.wasm', bytes: Buffer.from('hello'), exits: 64, code: 'NOT_A_COMPONENT', says: /text\.wasm/ },
  { name: 'core.wasm', bytes: CORE_MODULE, exits: 64, code: 'NOT_A_COMPONENT', says: /core WebAssembly module/ },
  {
    name: 'cut.wasm',
    bytes: echoBytes.subarray(0, echoBytes.length >> 1),
    exits: 64,
    code: 'COMPONENT_INVALID',
    says: /cut\.wasm|byte|ends/,
  },
  {
    name: 'actor.wasm',
    bytes: echoBytes,
    exits: 64,
    code: 'COMPONENT_UNSUPPORTED',
    says: /does not export wasi:cli\/run/,
  },
];

for (const { name, bytes, exits, code, says } of WRONG_FILES) {
  test(`run refuses ${name} with ${code}`, async () => {
    const ended = await troupe(['run', file(name, bytes)]);
    assert.match(ended.stderr, new RegExp(`^error\\[${code}\\]: `));
    assert.match(ended.stderr, says);
    assert.deepEqual([ended.code, ended.stdout], [exits, '']);
  });
}

test('run refuses a component with one byte changed, or runs it; it never breaks', async () => {
  const bytes = readFileSync(HELLO);
  for (const at of [8, 20, 100, bytes.length >> 1, bytes.length - 10]) {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 0x55;
    const ended = await troupe(['run', file('flipped.wasm', copy)]);
    assert.notEqual(ended.code, 70, ended.stderr);
    assert.equal(ended.signal, null);
  }
});

test('inspect says what a component becomes, needs and offers', async () => {
  const hello = await troupe(['inspect', HELLO]);
  assert.equal(hello.code, 0, hello.stderr);
  assert.match(hello.stdout, /becomes {2}a task that runs to its end/);
  assert.match(hello.stdout, /wasi:cli@0\.2\.\d+ /);
  const values = await troupe(['inspect', VALUES]);
  assert.match(values.stdout, /Operations[\s\S]*troupe:values\/scalars#add-u8: func\(a: u8, b: u8\) -> u8/);
  const wit = await troupe(['inspect', ECHO, '--wit']);
  assert.match(wit.stdout, /export troupe:actor\/handler@0\.1\.0/);
});

test('inspect --output json gives the whole report', async () => {
  const { code, stdout } = await troupe(['inspect', ECHO, '--output', 'json']);
  assert.equal(code, 0);
  const report = JSON.parse(stdout) as ComponentReport;
  const sums = readFileSync(join(FIXTURES, 'SHA256SUMS'), 'utf8');
  assert.ok(sums.includes(report.sha256), 'the digest is that of the list');
  assert.deepEqual([report.becomes, report.refusals], ['message', []]);
  assert.ok(report.coreModules.length > 0);
});

test('inspect refuses what is no component, as run does', async () => {
  const ended = await troupe(['inspect', file('core2.wasm', CORE_MODULE)]);
  assert.deepEqual([ended.code, ended.stdout], [64, '']);
  assert.match(ended.stderr, /^error\[NOT_A_COMPONENT\]/);
  assert.equal((await troupe(['inspect', join(FOLDER, 'nope.wasm')])).code, 66);
  assert.equal((await troupe(['inspect', FOLDER])).code, 64);
  assert.ok(existsSync(FOLDER));
});
