/** `troupe up`, `ps`, `ask` and `tell` as processes of their own, on real components. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { ActorInfo } from '../../src/api/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { startTroupe, type TroupeProcess, troupe } from '../kit/process.ts';

const FIXTURES = join(dirname(dirname(import.meta.dirname)), 'fixtures', 'components');

/** An actor with typed operations: one that adds bytes, and one that gives its list of texts back. */
const CALC = await parseWat(`(component
  (core module $m
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8)))
      (local.get $at))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "same") (param i32 i32) (result i32)
      (i32.store (i32.const 8) (local.get 0))
      (i32.store (i32.const 12) (local.get 1))
      (i32.const 8)))
  (core instance $i (instantiate $m))
  (func $add (param "a" u8) (param "b" u8) (result u8) (canon lift (core func $i "add")))
  (func $same (param "words" (list string)) (result (list string))
    (canon lift (core func $i "same") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $ops (export "add" (func $add)) (export "same" (func $same)))
  (export "demo:calc/ops@1.0.0" (instance $ops)))`);

interface Scene {
  readonly folder: string;
  readonly up: (...args: string[]) => TroupeProcess;
  /** Runs a command against the folder and gives its standard output; fails unless it ends with 0. */
  readonly call: (...args: string[]) => Promise<string>;
}

/** A folder with an application of the given components (by fixture) and the rest of its `troupe.toml`. */
async function withApplication(toml: string, use: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-up-'));
  for (const name of ['echo', 'wasi-tour']) {
    copyFileSync(join(FIXTURES, name, `${name}.wasm`), join(folder, `${name}.wasm`));
  }
  writeFileSync(join(folder, 'calc.wasm'), CALC);
  writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "demo"\n${toml}`);
  const processes: TroupeProcess[] = [];
  const up = (...args: string[]) => {
    const started = startTroupe(['up', folder, ...args]);
    processes.push(started);
    return started;
  };
  const call = async (...args: string[]) => {
    const ended = await troupe([...args, '--app', folder]);
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.stderr}`);
    return ended.stdout;
  };
  try {
    await use({ folder, up, call });
  } finally {
    for (const { child, ended } of processes) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

const RUNS = /demo runs as process/;

test('up runs actors that ask, tell and ps reach, until Ctrl-C', async () => {
  const toml = '[components.echo]\nsource = "echo.wasm"\n[components.calc]\nsource = "calc.wasm"\ninstances = 2\n';
  await withApplication(toml, async ({ folder, up, call }) => {
    const application = up();
    await application.writes(RUNS);
    assert.equal(await call('ask', 'echo', 'echo', 'grüezi'), 'grüezi');
    assert.equal(await call('ask', 'echo', 'self'), 'echo');
    await call('tell', 'echo', 'count');
    await call('tell', 'echo', 'count');
    assert.equal(await call('ask', 'echo', 'count'), '3');
    assert.equal(await call('ask', 'calc/2', 'add', '[40, 2]'), '42\n');
    assert.deepEqual(JSON.parse(await call('ask', 'calc/1', 'demo:calc/ops#same', '[["a", "é"]]')), ['a', 'é']);
    const { actors } = JSON.parse(await call('ps', '--output', 'json')) as { actors: ActorInfo[] };
    assert.deepEqual(
      actors.map(({ name, type, state }) => [name, type, state]),
      [
        ['echo', 'component', 'running'],
        ['calc/1', 'component', 'running'],
        ['calc/2', 'component', 'running'],
      ],
    );
    assert.ok((actors[0]?.handled ?? 0) >= 5 && (actors[0]?.memoryBytes ?? 0) > 0);
    application.child.kill('SIGINT');
    assert.equal((await application.ended).code, 130);
    assert.equal(existsSync(join(folder, '.troupe')), false);
  });
});

test('a trap is a supervised failure: the actor answers again, its sibling noticed nothing', async () => {
  const toml =
    '[components.echo]\nsource = "echo.wasm"\nsupervise = { backoff = { min = "0ms" } }\n[components.other]\nsource = "echo.wasm"\n';
  await withApplication(toml, async ({ folder, up, call }) => {
    const application = up();
    await application.writes(RUNS);
    await call('ask', 'other', 'count');
    const failed = await troupe(['ask', 'echo', 'trap', '--app', folder]);
    assert.equal(failed.code, 69);
    assert.match(failed.stderr, /^error\[ACTOR_FAILED\]: .*trapped/);
    assert.equal(await call('ask', 'echo', 'echo', 'again'), 'again');
    assert.equal(await call('ask', 'other', 'count'), '2');
    const { actors } = JSON.parse(await call('ps', '--output', 'json')) as { actors: ActorInfo[] };
    assert.deepEqual(
      actors.map(({ restarts }) => restarts),
      [1, 0],
    );
    application.child.kill('SIGINT');
    await application.ended;
  });
});

test('ask says what is wrong with what it was given', async () => {
  const toml = '[components.echo]\nsource = "echo.wasm"\n[components.calc]\nsource = "calc.wasm"\n';
  await withApplication(toml, async ({ folder, up }) => {
    await up().writes(RUNS);
    const cases: readonly [string[], number, RegExp][] = [
      [['ask', 'ecko', 'echo'], 66, /error\[ACTOR_NOT_FOUND\][\s\S]*did you mean "echo"\?/],
      [['ask', 'calc', 'same', '["a", "b"]'], 64, /expected 1 \(words\), got 2[\s\S]*an array in an array/],
      [['ask', 'calc', 'adt'], 66, /error\[OPERATION_UNKNOWN\][\s\S]*did you mean "add"\?/],
      [['ask', 'calc', 'add', '[1]'], 64, /error\[MESSAGE_INVALID\]: .*expected 2 \(a, b\), got 1/],
      [['ask', 'calc', 'add', '[1, "x"]'], 64, /error\[MESSAGE_INVALID\]: Cannot read b: expected a number/],
      [['ask', 'echo', 'fail', 'because'], 73, /because/],
      [['ask', 'echo', 'nonsense'], 64, /error\[/],
    ];
    for (const [args, code, text] of cases) {
      const ended = await troupe([...args, '--app', folder]);
      assert.match(ended.stderr, text);
      assert.deepEqual([ended.code, ended.stdout], [code, ''], args.join(' '));
    }
  });
});

test('up shows the last words of a task that fails, tells of the failure once, and says who was given up', async () => {
  const toml =
    '[components.tour]\nsource = "wasi-tour.wasm"\nargs = ["read", "/data/words", "--", "exit", "1"]\nsupervise = { intensity = 0 }\n[components.tour.grants]\nclock = true\nrandom = true\nstdio = true\nfilesystem = [{ path = ".", mount = "/data", rights = ["read"] }]\n';
  await withApplication(toml, async ({ folder, up }) => {
    writeFileSync(join(folder, 'words'), 'first\nlast words, no line end');
    const { code, stdout, stderr } = await up().ended;
    assert.equal(stdout, 'tour | first\ntour | last words, no line end\n');
    const told = stderr.split('\n').filter((line) => line.includes('status 1'));
    assert.deepEqual(told, [
      'tour failed: ACTOR_FAILED: "tour" failed while it handled "run": The component ended itself with status 1; it is not restarted',
    ]);
    assert.match(stderr, /error\[ACTOR_FAILED\]: The application has ended with actors that were given up: "tour"\n$/);
    assert.equal(code, 69);
  });
});

test('up passes on all that a task prints, however much it is', async () => {
  const toml =
    '[components.tour]\nsource = "wasi-tour.wasm"\nargs = ["read", "/data/words"]\n[components.tour.grants]\nclock = true\nrandom = true\nstdio = true\nfilesystem = [{ path = ".", mount = "/data", rights = ["read"] }]\n';
  await withApplication(toml, async ({ folder, up }) => {
    writeFileSync(join(folder, 'words'), 'a line of some length\n'.repeat(300_000));
    const { code, stdout } = await up('--until-idle').ended;
    assert.deepEqual([code, stdout.length], [0, 300_000 * 'tour | a line of some length\n'.length]);
  });
});

test('up --until-idle runs a task to its end and shows what it prints', async () => {
  const toml =
    '[components.tour]\nsource = "wasi-tour.wasm"\nargs = ["args", "one", "two"]\n[components.tour.grants]\nclock = true\nrandom = true\nstdio = true\n';
  await withApplication(toml, async ({ up, folder }) => {
    const { code, stdout, stderr } = await up('--until-idle').ended;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'tour | one\ntour | two\n');
    assert.match(stderr, /tour completed/);
    assert.equal(existsSync(join(folder, '.troupe')), false);
  });
});

test('up refuses a component whose imports are not granted, with the lines to add, and starts nothing', async () => {
  await withApplication(
    '[components.echo]\nsource = "echo.wasm"\n[components.tour]\nsource = "wasi-tour.wasm"\n',
    async ({ up, folder }) => {
      const { code, stdout, stderr } = await up().ended;
      assert.deepEqual([code, stdout], [77, '']);
      assert.match(stderr, /error\[COMPONENT_IMPORT_MISSING\][\s\S]*tour[\s\S]*clock = true/);
      assert.doesNotMatch(stderr, /started/);
      assert.equal(existsSync(join(folder, '.troupe')), false);
    },
  );
});

test('up refuses a component whose digest is not the pinned one', async () => {
  const toml = `[components.echo]\nsource = "echo.wasm"\nsha256 = "${'0'.repeat(64)}"\n`;
  await withApplication(toml, async ({ up }) => {
    const { code, stderr } = await up().ended;
    assert.equal(code, 64, stderr);
    assert.match(stderr, /sha256|digest/i);
  });
});

test('a second up of the same folder is refused, and one after kill -9 is not', async () => {
  await withApplication('[components.echo]\nsource = "echo.wasm"\n', async ({ folder, up, call }) => {
    const first = up();
    await first.writes(RUNS);
    const second = await up().ended;
    assert.equal(second.code, 73);
    assert.match(second.stderr, new RegExp(`error\\[APPLICATION_RUNNING\\]: .*process ${first.child.pid}`));
    assert.equal(await call('ask', 'echo', 'echo', 'still here'), 'still here');
    first.child.kill('SIGKILL');
    await first.ended;
    assert.ok(existsSync(join(folder, '.troupe', 'control.json')));
    const orphan = await troupe(['ps', '--app', folder]);
    assert.equal(orphan.code, 69);
    assert.match(orphan.stderr, /error\[CONTROL_UNREACHABLE\]: No application runs in/);
    const third = up();
    await third.writes(RUNS);
    assert.equal(await call('ask', 'echo', 'echo', 'back'), 'back');
    third.child.kill('SIGTERM');
    assert.equal((await third.ended).code, 143);
    assert.equal(existsSync(join(folder, '.troupe')), false);
  });
});

test('up listens on a loopback port when told to', async () => {
  await withApplication(
    '[components.echo]\nsource = "echo.wasm"\n[control]\nport = 0\n',
    async ({ folder, up, call }) => {
      await up().writes(/control port at http:\/\/127\.0\.0\.1:\d+/);
      assert.equal(await call('ask', 'echo', 'echo', 'x'), 'x');
      const { address } = JSON.parse(readFileSync(join(folder, '.troupe', 'control.json'), 'utf8')) as {
        address: { port: number };
      };
      const answer = await fetch(`http://127.0.0.1:${address.port}/v1/actors`);
      assert.equal(answer.status, 401);
    },
  );
});
