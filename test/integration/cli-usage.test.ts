import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = dirname(dirname(import.meta.dirname));
const MAIN = join(ROOT, 'src', 'cli', 'main.ts');
const HELLO = join(ROOT, 'fixtures/components/hello/hello.wasm');
const FOLDER = mkdtempSync(join(tmpdir(), 'troupe-cli-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function troupe(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: FOLDER,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  const [stdout = '', stderr = ''] = await Promise.all(
    [child.stdout, child.stderr].map((stream) =>
      stream
        .setEncoding('utf8')
        .toArray()
        .then((parts) => parts.join('')),
    ),
  );
  const code = child.exitCode ?? (await new Promise<number | null>((resolve) => child.once('close', resolve)));
  return { code, stdout, stderr };
}

const COMMANDS = ['up', 'run', 'inspect', 'types', 'ps', 'ask', 'tell'];

for (const command of COMMANDS) {
  test(`troupe ${command} --help prints usage, options and examples`, async () => {
    const { code, stdout, stderr } = await troupe([command, '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const part of [`Usage: troupe ${command}`, '--output <format>', 'Examples:', `$ troupe ${command}`]) {
      assert.ok(stdout.includes(part), `${part} in:\n${stdout}`);
    }
  });
}

test('troupe ask --help gives its time limit with a unit', async () => {
  const { stdout } = await troupe(['ask', '--help']);
  assert.match(stdout, /--timeout <duration> .*\(default: 5s\)/);
});

test('troupe --version prints the version of the package', async () => {
  const { code, stdout } = await troupe(['--version']);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

/** Each mistake: the arguments, the exit code, and what standard error must say. */
const MISTAKES: readonly { args: readonly string[]; exits: number; says: readonly string[] }[] = [
  { args: [], exits: 64, says: ['Usage: troupe', 'error[USAGE_INVALID]: Cannot do anything without a command'] },
  {
    args: ['help', 'rnu'],
    exits: 64,
    says: ["Unknown command 'rnu'", 'help: Did you mean run?', 'help: troupe --help'],
  },
  { args: ['state', 'show'], exits: 64, says: ["Missing required argument 'actor'", 'help: troupe state show --help'] },
  { args: ['rnu'], exits: 64, says: ["error[USAGE_INVALID]: Unknown command 'rnu'", 'help: Did you mean run?'] },
  {
    args: ['up', '--until-idel'],
    exits: 64,
    says: ["Unknown option '--until-idel'", 'help: Did you mean --until-idle?', 'help: troupe up --help'],
  },
  { args: ['up', 'a', 'b'], exits: 64, says: ['error[USAGE_INVALID]: Too many arguments'] },
  { args: ['run'], exits: 64, says: ["Missing required argument 'file'"] },
  {
    args: ['run', '--memory', '3', 'x.wasm'],
    exits: 64,
    says: ['Cannot read --memory "3": expected a size from "64KiB" to "4GiB"'],
  },
  { args: ['run', '--timeout', '0ms', 'x.wasm'], exits: 64, says: ['Expected a duration from "1ms" to "1h"'] },
  {
    args: ['run', 'nope.wasm'],
    exits: 66,
    says: ['error[FILE_NOT_FOUND]: Cannot read the component "nope.wasm": it is not there'],
  },
  {
    args: ['run', '.'],
    exits: 64,
    says: [
      'error[FILE_UNREADABLE]: Cannot read the component ".": it is a folder',
      'help: to run an application: troupe up .',
    ],
  },
  { args: ['inspect', 'nope.wasm'], exits: 66, says: ['Cannot read the component "nope.wasm": it is not there'] },
  { args: ['inspect', '.'], exits: 64, says: ['it is a folder; name the .wasm file in it'] },
  { args: ['inspect', '/dev/null'], exits: 64, says: ['it is not a regular file'] },
  { args: ['types', 'nope.wasm'], exits: 66, says: ['Cannot read the component "nope.wasm": it is not there'] },
  {
    args: ['types', HELLO, '-o', 'hello.wasm'],
    exits: 64,
    says: ['Cannot write types to "hello.wasm": the name of such a file ends in .d.ts'],
  },
  { args: ['types', HELLO, '-o', 'nope/a.d.ts'], exits: 64, says: ['its folder is not there'] },
  { args: ['run', '--dir', 'nope', MAIN], exits: 66, says: ['Cannot give the folder "nope": it is not there'] },
  { args: ['run', '--dir', '::/x', MAIN], exits: 64, says: ['expected HOST or HOST::GUEST'] },
  { args: ['run', '--dir', MAIN, MAIN], exits: 64, says: ['it is not a folder'] },
  { args: ['run', '--env', '=x', MAIN], exits: 64, says: ['expected NAME=VALUE or NAME'] },
  {
    args: ['run', '--env', 'TROUPE_UNSET', MAIN],
    exits: 64,
    says: ['it is not set', 'help: to set it: --env TROUPE_UNSET=VALUE'],
  },
  {
    args: ['up', 'nope'],
    exits: 66,
    says: ['error[FILE_NOT_FOUND]', 'it is not there', 'help: name the folder of an application'],
  },
  { args: ['up', 'x.wasm'], exits: 64, says: ['it is named like a component', 'help: troupe run x.wasm'] },
  { args: ['up'], exits: 66, says: ['it holds no troupe.toml'] },
  {
    args: ['ps'],
    exits: 69,
    says: ['error[CONTROL_UNREACHABLE]: No application runs in', 'control.json', 'help: start it: troupe up'],
  },
  { args: ['ps', '--app', 'nope'], exits: 66, says: ['error[FILE_NOT_FOUND]'] },
  { args: ['ask', 'a'], exits: 64, says: ["Missing required argument 'op'", 'help: troupe ask --help'] },
  { args: ['ask', 'a', 'b', '--timeout', 'soon'], exits: 64, says: ['such as "5s"'] },
  { args: ['tell', 'a', 'b', 'c', 'd'], exits: 64, says: ['Too many arguments'] },
  { args: ['ps', '--output', 'xml'], exits: 64, says: ['Allowed choices are table, json'] },
];

for (const { args, exits, says } of MISTAKES) {
  test(`troupe ${args.map((arg) => ([MAIN, HELLO].includes(arg) ? 'FILE' : arg)).join(' ')} ends with ${exits} and says why`, async () => {
    const { code, stdout, stderr } = await troupe(args);
    for (const part of says) assert.ok(stderr.includes(part), `${part} in:\n${stderr}`);
    assert.deepEqual([code, stdout], [exits, '']);
    assert.ok(!stderr.includes('\u001b'), 'colours are for terminals');
  });
}

test('troupe with --output json reports an error as one line of JSON', async () => {
  const { code, stdout, stderr } = await troupe(['ps', '--output', 'json']);
  assert.equal(stderr.trimEnd().split('\n').length, 1);
  const { error } = JSON.parse(stderr) as { error: { code: string; kind: string; exitCode: number } };
  assert.deepEqual(
    [code, stdout, error.code, error.kind, error.exitCode],
    [69, '', 'CONTROL_UNREACHABLE', 'unavailable', 69],
  );
});

test('troupe types writes a file, or to standard output, or as JSON', async () => {
  const written = await troupe(['types', HELLO, '-o', 'hello.d.ts']);
  assert.deepEqual([written.code, written.stdout], [0, 'Wrote the type Hello to hello.d.ts\n']);
  const text = readFileSync(join(FOLDER, 'hello.d.ts'), 'utf8');
  assert.match(text, /^export type Hello = Protocol</m);
  assert.equal((await troupe(['types', HELLO])).stdout, text);
  const json = await troupe(['types', HELLO, '--name', 'greeter', '--output', 'json']);
  const report = JSON.parse(json.stdout) as { file: string; name: string; text: string };
  assert.deepEqual([report.file, report.name], [HELLO, 'Greeter']);
  assert.match(report.text, /^export type Greeter = /m);
});

test('troupe up lists the mistakes of all files with file, line and column', async () => {
  const app = join(FOLDER, 'wrong');
  mkdirSync(app);
  writeFileSync(join(app, 'a.wasm'), '');
  writeFileSync(
    join(app, 'troupe.toml'),
    '[application]\nname = "wrong"\n[components.a]\nmanifest = "A.toml"\n[components.b]\n[view]\ncomponent = "aa"\nop = "x"\n',
  );
  writeFileSync(join(app, 'A.toml'), '[component]\nname = "a"\nsource = "a.wasm"\nvresion = "1"\n');
  const { code, stderr } = await troupe(['up', app]);
  assert.equal(code, 64);
  for (const part of [
    `error[CONFIG_INVALID]: Cannot use "${join(app, 'troupe.toml')}": 3 mistakes`,
    `${join(app, 'A.toml')}:4:1: component.vresion is not a known key`,
    'did you mean "version"?',
    `${join(app, 'troupe.toml')}:5:13: components.b needs either "manifest" or "source", found neither`,
    `${join(app, 'troupe.toml')}:7:1: view.component names no component: "aa"`,
    'did you mean "a"?',
  ]) {
    assert.ok(stderr.includes(part), `${part} in:\n${stderr}`);
  }
});

test('troupe up ends with 66 when all that is wrong is that a file is missing', async () => {
  const app = join(FOLDER, 'missing');
  mkdirSync(app);
  writeFileSync(join(app, 'troupe.toml'), '[application]\nname = "m"\n[components.a]\nsource = "gone.wasm"\n');
  const { code, stderr } = await troupe(['up', app]);
  assert.equal(code, 66);
  assert.match(
    stderr,
    /error\[FILE_NOT_FOUND\].*: 1 mistake\n.*troupe\.toml:4:1: components\.a\.source names a file that is not there/,
  );
});
