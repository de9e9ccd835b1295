/** `troupe up` around an application whose every move the test decides: starts that hang, stops that fail, floods. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as later } from 'node:timers/promises';
import type { ActorInfo, ActorState, ComponentReport, OperationInfo, Payload } from '../../src/api/index.ts';
import type { RuntimePort } from '../../src/cli/index.ts';
import { connectControl } from '../../src/client/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { type CliRun, startCli } from '../kit/cli.ts';
import { NO_STATES } from '../kit/states.ts';

type StartOptions = Parameters<RuntimePort['startApplication']>[1];
type Application = Awaited<ReturnType<RuntimePort['startApplication']>>;

const ACTOR: ActorInfo = {
  name: 'parse',
  type: 'component',
  component: 'parse',
  state: 'running',
  queued: 0,
  capacity: 8,
  handled: 1_234,
  failed: 0,
  restarts: 0,
  deadLetters: 0,
  memoryBytes: 65_536,
  uptimeMs: 1_500,
};

/** The application under `up`; the test holds its strings. */
class Stage {
  readonly idle = Promise.withResolvers<void>();
  readonly started = Promise.withResolvers<StartOptions>();
  state: ActorState = 'running';
  view: () => Promise<string | undefined> = async () => undefined;
  stop: () => Promise<void> = async () => undefined;
  start: () => Promise<void> = async () => undefined;
  operations: OperationInfo[] = [{ name: '*', kind: 'message', wit: 'func()' }];
  asked: { op: string; payload: Payload }[] = [];
  reply: Payload = { form: 'json', value: null };
  stops = 0;

  readonly runtime: RuntimePort = {
    startApplication: async (_config, options) => {
      await this.start();
      this.started.resolve(options);
      return this.#application();
    },
    runCommand: () => Promise.reject(new Error('Not on this stage')),
    serveCommand: () => Promise.reject(new Error('Not on this stage')),
    inspectComponent: () => Promise.reject(new Error('Not on this stage')),
    diffGrants: () => Promise.reject(new Error('Not on this stage')),
    inspectMember: () => Promise.reject(new Error('Not on this stage')),
    typesOfComponent: () => Promise.reject(new Error('Not on this stage')),
    addArtifact: () => Promise.reject(new Error('Not on this stage')),
    withKeptStates: () => Promise.reject(new Error('Not on this stage')),
    withKeptMessages: () => Promise.reject(new Error('Not on this stage')),
    monitoringFiles: () => new Map(),
  };

  #application(): Application {
    const stop = async () => {
      this.stops++;
      await this.stop();
    };
    return {
      idle: this.idle.promise,
      application: () => ({ name: 'demo', pid: process.pid, startedAtMs: Date.now() }),
      actors: () => [{ ...ACTOR, state: this.state }],
      look: () => Promise.resolve(),
      operations: (name) => {
        if (name === ACTOR.name) return this.operations;
        throw new RuntimeError('ACTOR_NOT_FOUND', `No actor is named "${name}"`);
      },
      ...NO_STATES,
      ask: async ({ op, payload }) => {
        this.asked.push({ op, payload });
        return this.reply;
      },
      tell: ({ op, payload }) => {
        this.asked.push({ op, payload });
        return { ok: true };
      },
      viewText: () => this.view(),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  }
}

async function withUp(argv: readonly string[], use: (scene: Scene) => Promise<void>, terminal = false): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-up-'));
  writeFileSync(join(folder, 'a.wasm'), '');
  const view = '[view]\ncomponent = "parse"\nop = "show"\nevery = "100ms"\n';
  writeFileSync(
    join(folder, 'troupe.toml'),
    `[application]\nname = "demo"\n[components.parse]\nsource = "a.wasm"\n${view}`,
  );
  const stage = new Stage();
  const up = () => startCli({ argv: ['up', folder, ...argv], runtime: stage.runtime, terminal });
  try {
    await use({ folder, stage, up });
    assert.equal(existsSync(join(folder, '.troupe')), false, 'nothing is left behind');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Scene {
  readonly folder: string;
  readonly stage: Stage;
  readonly up: () => CliRun;
}

/** Waits until `run` has written `text`. */
async function written(read: () => string, text: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!read().includes(text)) {
    assert.ok(Date.now() < deadline, `${text} in:\n${read()}`);
    await later();
  }
}

test('up stops in order when it is interrupted and ends with 130', async () => {
  await withUp([], async ({ stage, up }) => {
    const run = up();
    await stage.started.promise;
    run.interrupts.raise('SIGINT');
    assert.equal(await run.done, 130);
    assert.deepEqual([stage.stops, run.exits], [1, []]);
  });
});

test('up ends with 143 after SIGTERM', async () => {
  await withUp([], async ({ stage, up }) => {
    const run = up();
    await stage.started.promise;
    run.interrupts.raise('SIGTERM');
    assert.equal(await run.done, 143);
  });
});

test('up that waits for an actor to finish says for which', async () => {
  await withUp([], async ({ stage, up }) => {
    const stopping = Promise.withResolvers<void>();
    stage.stop = () => stopping.promise;
    const run = up();
    await stage.started.promise;
    run.interrupts.raise('SIGINT');
    await written(run.stderr, 'waiting for parse to finish; another Ctrl-C ends at once');
    stopping.resolve();
    assert.equal(await run.done, 130);
  });
});

test('up that is interrupted a second time removes its files at once', async () => {
  await withUp([], async ({ folder, stage, up }) => {
    const stopping = Promise.withResolvers<void>();
    stage.stop = () => stopping.promise;
    const run = up();
    await stage.started.promise;
    assert.ok(existsSync(join(folder, '.troupe', 'control.json')));
    run.interrupts.raise('SIGINT');
    run.interruptAgain('SIGINT');
    assert.deepEqual(run.exits, [130]);
    assert.equal(existsSync(join(folder, '.troupe')), false);
    stopping.resolve();
    await run.done;
  });
});

test('up that is interrupted while it starts gives up the start', async () => {
  await withUp([], async ({ stage, up }) => {
    const begun = Promise.withResolvers<void>();
    stage.start = () => {
      begun.resolve();
      return new Promise((_, reject) =>
        run.interrupts.signal.addEventListener('abort', () => reject(new Error('aborted'))),
      );
    };
    const run = up();
    await begun.promise;
    run.interrupts.raise('SIGINT');
    assert.equal(await run.done, 130);
    assert.ok(!run.stderr().includes('error['), run.stderr());
  });
});

test('up whose start fails reports it and leaves nothing behind', async () => {
  await withUp([], async ({ stage, up }) => {
    stage.start = () => Promise.reject(new RuntimeError('COMPONENT_IMPORT_MISSING', 'Cannot link component "parse"'));
    const run = up();
    assert.equal(await run.done, 77);
    assert.match(run.stderr(), /error\[COMPONENT_IMPORT_MISSING\]: Cannot link component "parse"/);
  });
});

test('up --until-idle ends with 0 when the work is done, 69 when an actor was given up', async () => {
  for (const [state, expected] of [
    ['completed', 0],
    ['failed', 69],
  ] as const) {
    await withUp(['--until-idle'], async ({ stage, up }) => {
      const run = up();
      await stage.started.promise;
      stage.state = state;
      stage.idle.resolve();
      assert.equal(await run.done, expected);
      assert.equal(run.stderr().includes('actors that were given up: "parse"'), expected === 69);
    });
  }
});

test('up ends by itself when no actor is left', async () => {
  await withUp([], async ({ stage, up }) => {
    const run = up();
    const { onEvent } = await stage.started.promise;
    await written(run.stderr, 'demo runs as process');
    stage.state = 'completed';
    onEvent({ type: 'completed', actor: 'parse' });
    assert.equal(await run.done, 0);
  });
});

test('up prints the view when it changes, and the last one at the end', async () => {
  await withUp(['--until-idle'], async ({ stage, up }) => {
    let shown = 'one\n';
    stage.view = async () => shown;
    const run = up();
    await written(run.stdout, 'one');
    shown = 'two\u001b[2J';
    stage.idle.resolve();
    assert.equal(await run.done, 0);
    assert.equal(run.stdout(), 'one\n\ntwo\n');
  });
});

test('up puts what guests print behind their names, without escape sequences', async () => {
  await withUp([], async ({ stage, up }) => {
    const run = up();
    const { onEvent } = await stage.started.promise;
    onEvent({ type: 'output', actor: 'parse', stream: 'stdout', text: 'a\n\u001b[31mb\u001b[0m\n' });
    onEvent({ type: 'output', actor: 'parse', stream: 'stderr', text: 'oops' });
    onEvent({ type: 'failed', actor: 'parse', error: { code: 'COMPONENT_TRAPPED', message: 'It\ntrapped\u0007' } });
    run.interrupts.raise('SIGINT');
    await run.done;
    assert.equal(run.stdout(), 'parse | a\nparse | b\n');
    assert.match(run.stderr(), /parse \| oops\nparse failed: COMPONENT_TRAPPED: It trapped\ufffd\n/);
  });
});

test('up --output json writes one object a line and nothing else', async () => {
  await withUp(['--output', 'json', '--until-idle'], async ({ stage, up }) => {
    stage.view = async () => 'text';
    const run = up();
    const { onEvent } = await stage.started.promise;
    onEvent({ type: 'output', actor: 'parse', stream: 'stdout', text: 'x' });
    await written(run.stdout, '"view"');
    stage.idle.resolve();
    await run.done;
    const types = run
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string; atMs: number }).type);
    assert.deepEqual(types.toSorted(), ['ended', 'output', 'running', 'stopping', 'view']);
    assert.equal(types.at(-1), 'ended');
    assert.equal(run.stderr(), '');
  });
});

test('up on a terminal shows actors and view, and keeps the last picture', async () => {
  await withUp(
    ['--until-idle'],
    async ({ stage, up }) => {
      stage.view = async () => `${'line\n'.repeat(100)}`;
      const run = up();
      await written(run.stdout, 'ACTOR');
      await written(run.stdout, 'more lines');
      stage.view = () => Promise.reject(new RuntimeError('ASK_TIMEOUT', 'No reply'));
      await written(run.stdout, 'The view does not answer: No reply');
      stage.view = async () => 'the last';
      stage.idle.resolve();
      assert.equal(await run.done, 0);
      assert.match(run.stdout(), /1,234.*64 KiB[\s\S]*the last/);
      assert.ok(!run.stdout().includes('\u001b[?25l'), 'the cursor is never hidden');
    },
    true,
  );
});

test('up stops when the control port says so', async () => {
  await withUp([], async ({ folder, stage, up }) => {
    const run = up();
    await written(run.stderr, 'demo runs as process');
    await (await connectControl({ dir: folder })).stop();
    assert.equal(await run.done, 0);
    assert.equal(stage.stops, 1);
  });
});

test('up does not disturb an application that runs in the same folder', async () => {
  await withUp([], async ({ folder, stage, up }) => {
    const first = up();
    await written(first.stderr, 'demo runs as process');
    const other = new Stage();
    // In one process both have the same id, so the address alone must tell them apart.
    const second = startCli({ argv: ['up', folder], runtime: other.runtime });
    assert.equal(await second.done, 73);
    assert.match(second.stderr(), /error\[PORT_IN_USE\]/);
    assert.equal((await (await connectControl({ dir: folder })).application()).name, 'demo');
    first.interrupts.raise('SIGINT');
    await first.done;
    assert.equal(stage.stops, 1);
  });
});

async function withRunning(
  use: (scene: Scene & { call: (...argv: string[]) => Promise<Answer> }) => Promise<void>,
): Promise<void> {
  await withUp([], async (scene) => {
    const run = scene.up();
    await written(run.stderr, 'demo runs as process');
    const call = async (...argv: string[]) => {
      const input = argv.at(-1) === '-' ? 'from stdin' : '';
      const command = startCli({ argv: [...argv, '--app', scene.folder], runtime: scene.stage.runtime, input });
      const code = await command.done;
      return { code, stdout: command.stdout(), bytes: command.stdoutBytes(), stderr: command.stderr() };
    };
    try {
      await use({ ...scene, call });
    } finally {
      run.interrupts.raise('SIGINT');
      await run.done;
    }
  });
}

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
}

test('ps lists the actors as a table or as JSON', async () => {
  await withRunning(async ({ call }) => {
    const table = await call('ps');
    assert.match(table.stdout, /^demo: 1 actor, process \d+, up /);
    assert.match(table.stdout, /ACTOR +TYPE +STATE[\s\S]*parse +component +running +main +0\/8 +1,234/);
    const json = JSON.parse((await call('ps', '--output', 'json')).stdout) as { actors: ActorInfo[] };
    assert.deepEqual(json.actors, [ACTOR]);
  });
});

test('ask sends text to an actor that handles messages, and writes its bytes as they are', async () => {
  await withRunning(async ({ call, stage, folder }) => {
    const reply = Buffer.from([0, 255, 10, 27]);
    stage.reply = { form: 'bytes', base64: reply.toString('base64') };
    const bytes = (text: string): Payload => ({ form: 'bytes', base64: Buffer.from(text).toString('base64') });
    assert.deepEqual((await call('ask', 'parse', 'line', 'é')).bytes, reply);
    writeFileSync(join(folder, 'data'), 'from file');
    await call('ask', 'parse', 'line', '--data', `@${join(folder, 'data')}`);
    await call('ask', 'parse', 'line', '-');
    await call('tell', 'parse', 'line');
    assert.deepEqual(stage.asked, [
      { op: 'line', payload: bytes('é') },
      { op: 'line', payload: bytes('from file') },
      { op: 'line', payload: bytes('from stdin') },
      { op: 'line', payload: bytes('') },
    ]);
  });
});

test('ask turns JSON into arguments for a typed operation, found by its last part', async () => {
  await withRunning(async ({ call, stage }) => {
    stage.operations = [
      { name: 'demo:calc/ops#add', kind: 'function', wit: 'func(a: u32, b: u32) -> u32' },
      { name: 'demo:calc/ops#double', kind: 'function', wit: 'func(a: u32) -> u32' },
    ];
    stage.reply = { form: 'json', value: { sum: 3 } };
    assert.equal((await call('ask', 'parse', 'add', '[1, 2]')).stdout, '{\n  "sum": 3\n}\n');
    await call('ask', 'parse', 'double', '21');
    await call('tell', 'parse', 'demo:calc/ops#double');
    const sent = stage.asked.map(({ op, payload }) => [op, payload.form === 'json' ? payload.value : payload]);
    assert.deepEqual(sent, [
      ['demo:calc/ops#add', [1, 2]],
      ['demo:calc/ops#double', [21]],
      ['demo:calc/ops#double', []],
    ]);
    assert.equal(
      (await call('ask', 'parse', 'add', '[1]', '--output', 'json')).stdout,
      '{\n  "payload": {\n    "form": "json",\n    "value": {\n      "sum": 3\n    }\n  }\n}\n',
    );
  });
});

test('ask says what was meant when actor, operation or payload are wrong', async () => {
  await withRunning(async ({ call, stage }) => {
    stage.operations = [{ name: 'demo:calc/ops#add', kind: 'function', wit: 'func(a: u32) -> u32' }];
    const cases: readonly [string[], number, RegExp][] = [
      [['ask', 'pasre', 'add'], 66, /error\[ACTOR_NOT_FOUND\][\s\S]*help: did you mean "parse"\?/],
      [['ask', 'xyzxyz', 'add'], 66, /help: actors are: parse/],
      [
        ['ask', 'parse', 'ad'],
        66,
        /error\[OPERATION_UNKNOWN\]: "parse" has no operation "ad"\nhelp: did you mean "add"\?/,
      ],
      [['tell', 'parse', 'zzz'], 66, /help: operations are: demo:calc\/ops#add/],
      [
        ['ask', 'parse', 'add', '{'],
        64,
        /error\[USAGE_INVALID\]: Cannot read the payload as JSON[\s\S]*func\(a: u32\) -> u32/,
      ],
      [['ask', 'parse', 'add', '1', '--data', '2'], 64, /give one of them/],
      [['ask', 'parse', 'add', '--data', '@/nope'], 66, /Cannot read "\/nope": it is not there/],
      [['ask', 'parse', 'add', '--data', '@/tmp'], 64, /it is not a regular file/],
    ];
    for (const [argv, code, text] of cases) {
      const answer = await call(...argv);
      assert.match(answer.stderr, text);
      assert.deepEqual([answer.code, answer.stdout], [code, '']);
    }
    assert.deepEqual(stage.asked, []);
  });
});

test('inspect describes a component without letting its names reach the terminal', async () => {
  const report: ComponentReport = {
    file: 'x.wasm',
    sizeBytes: 2_048,
    sha256: 'ab'.repeat(32),
    becomes: 'functions',
    lifecycle: false,
    imports: [
      { name: 'wasi:clocks/wall-clock@0.2.3', functions: [], need: 'required-grant', grantLine: 'clock = true' },
      { name: 'wasi:clocks/monotonic-clock@0.2.3', functions: [], need: 'required-grant', grantLine: 'clock = true' },
      { name: 'wasi:io/streams@0.2.3', functions: [], need: 'free' },
      { name: 'demo:calc/ops', functions: [], need: 'link', linkLine: '"demo:calc/ops" = "ACTOR"' },
      { name: 'evil:\u001b[2Jname/x', functions: [], need: 'unsupported' },
    ],
    exports: [],
    operations: [{ name: 'a#b', kind: 'function', wit: 'func()' }],
    coreModules: [{ sizeBytes: 10, memory: { minBytes: 65_536 } }],
    refusals: ['Nothing here offers "evil"'],
    wit: 'world root {}\n',
  };
  const runtime: RuntimePort = { ...new Stage().runtime, inspectComponent: async () => report };
  const run = startCli({ argv: ['inspect', 'x.wasm'], runtime });
  assert.equal(await run.done, 0);
  const text = run.stdout();
  assert.ok(!text.includes('\u001b'));
  for (const part of [
    'size     2 KiB (2,048 bytes)',
    'modules  1; memory from 64 KiB',
    'Would be refused\n  Nothing here offers "evil"',
    'Imports that need a grant\n  wasi:clocks@0.2.3  wall-clock, monotonic-clock',
    'Imports that another actor has to answer\n  demo:calc  ops',
    'ACTOR being a component that exports it\n  "demo:calc/ops" = "ACTOR"\n',
    'a#b: func()',
    'To grant it all, under [components.NAME.grants] of troupe.toml\n  clock = true\n',
  ]) {
    assert.ok(text.includes(part), `${part} in:\n${text}`);
  }
  const wit = startCli({ argv: ['inspect', 'x.wasm', '--wit'], runtime });
  await wit.done;
  assert.equal(wit.stdout(), 'world root {}\n');
  const json = startCli({ argv: ['inspect', 'x.wasm', '--output', 'json'], runtime });
  await json.done;
  assert.deepEqual(JSON.parse(json.stdout()), report);
});
