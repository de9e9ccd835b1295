import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type ConfigProblem, loadApplication } from '../../src/config/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';

type Files = Readonly<Record<string, string>>;

/** Calls `use` with a fresh folder that holds `files`. */
async function withFiles(files: Files, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-config-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function problemsOf(files: Files): Promise<string[]> {
  let found: string[] = [];
  await withFiles(files, async (folder) => {
    const error = await loadApplication(folder).then(
      () => assert.fail('it was accepted'),
      (thrown: unknown) => thrown,
    );
    assert.ok(RuntimeError.is(error), String(error));
    const problems = error.details.problems as readonly ConfigProblem[];
    found = problems.map((problem) => {
      const help = problem.help === undefined ? '' : `; ${problem.help}`;
      return `${problem.file}:${problem.line} ${problem.key} ${problem.message}${help}`.replaceAll(`${folder}/`, '');
    });
  });
  return found;
}

const FULL: Files = {
  'app/troupe.toml': `
[application]
name = "quakes"
[components.parse]
manifest = "../parse/Component.toml"
instances = 2
pool = 8
config = { by = "place", deep = { n = [1, 2] } }
args = ["--fast", ""]
env = { MODE = "x" }
mailbox = { capacity = 7, overflow = "drop-oldest" }
supervise = { restart = "transient", intensity = 3, period = "1m", backoff = { min = "10ms", max = "2s", factor = 1.5 }, quarantine = "1m" }
keep = { every-messages = 1 }
health = { every = "2s", restart-after = 0 }
subscribe = ["lines.*"]
limits = { memory = "64MiB", deadline = "unbounded" }
[components.parse.grants]
filesystem = [{ path = "./data", mount = "/data", rights = ["read", "write"] }]
env = ["LANG", "UNSET", "SECRET"]
clock = true
messaging = { publish = ["quakes.>"] }
[components.plain]
source = "plain.wasm"
[view]
component = "parse"
op = "show"
[control]
port = 0
`,
  'app/data/a.csv': '',
  'app/plain.wasm': '',
  'parse/parse.wasm': '',
  'parse/Component.toml': `
[component]
name = "parse"
version = "1.2.0"
source = "./parse.wasm"
sha256 = "${'AB'.repeat(32)}"
[asks]
filesystem = [{ path = "/data", rights = ["read"] }]
env = ["LANG", "UNSET"]
messaging = { publish = ["quakes.*"] }
[limits]
memory = "32MiB"
`,
};

test('loadApplication resolves everything that the files say', async () => {
  await withFiles(FULL, async (folder) => {
    const environment = { LANG: 'C', SECRET: 's' };
    const config = await loadApplication(join(folder, 'app'), { environment });
    assert.deepEqual(config.components[0], {
      name: 'parse',
      version: '1.2.0',
      source: join(folder, 'parse', 'parse.wasm'),
      sha256: 'ab'.repeat(32),
      actors: ['parse/1', 'parse/2'],
      config: { by: 'place', deep: { n: [1, 2] } },
      args: ['--fast', ''],
      env: { LANG: 'C', MODE: 'x' },
      mailbox: { capacity: 7, overflow: 'drop-oldest' },
      supervise: {
        restart: 'transient',
        intensity: 3,
        periodMs: 60_000,
        backoffMinMs: 10,
        backoffMaxMs: 2_000,
        backoffFactor: 1.5,
        quarantineMs: 60_000,
        stuckAfterMs: 0,
      },
      subscribe: [{ topic: 'lines.*', overflow: 'reject', capacity: 256, delivery: 'at-most-once' }],
      keep: { everyMessages: 1, everyMs: 1_000, maxBytes: 1_048_576 },
      health: { everyMs: 2_000, restartAfter: 0 },
      limits: { component: {}, memoryBytes: 33_554_432, tableElements: 100_000, deadlineMs: Number.POSITIVE_INFINITY },
      grants: {
        filesystem: [{ hostPath: join(folder, 'app', 'data'), guestPath: '/data', rights: ['read'] }],
        clock: false,
        random: false,
        stdio: { stdin: false, stdout: false, stderr: false },
        env: ['LANG', 'MODE'],
        messaging: { tell: [], ask: [], publish: ['quakes.*'] },
        http: [],
        network: { connect: [], listen: [], resolve: [] },
        keyvalue: [],
        secrets: [],
      },
      keys: {
        asked: [
          { action: 'env.read', rule: 'env = ["LANG"]' },
          { action: 'env.read', rule: 'env = ["UNSET"]' },
          { action: 'messaging.publish', rule: 'messaging = { publish = ["quakes.*"] }' },
          { action: 'filesystem.read', rule: 'filesystem = [{ path = "/data", rights = ["read"] }]' },
        ],
        given: [
          { action: 'clock.read', rule: 'clock = true' },
          { action: 'env.read', rule: 'env = ["LANG"]' },
          { action: 'env.read', rule: 'env = ["UNSET"]' },
          { action: 'env.read', rule: 'env = ["SECRET"]' },
          ...['read', 'write'].map((right) => {
            const path = join(folder, 'app', 'data');
            const rule = `filesystem = [{ path = "${path}", mount = "/data", rights = ["read", "write"] }]`;
            return { action: `filesystem.${right}`, rule };
          }),
          { action: 'messaging.publish', rule: 'messaging = { publish = ["quakes.>"] }' },
        ],
      },
      isolation: { kind: 'thread' },
      pool: 8,
      recycle: undefined,
      inject: [],
      secretEnv: {},
      http: undefined,
      links: [],
    });
    assert.deepEqual(config.view, { actor: 'parse/1', op: 'show', everyMs: 250 });
    assert.deepEqual(config.control, { kind: 'port', directory: join(folder, 'app', '.troupe'), port: 0, tokens: [] });
    assert.deepEqual(
      config.notices.map(({ message }) => message),
      [
        'is granted write on "/data", which its Component.toml does not ask for; it does not get it',
        'is granted clock, which its Component.toml does not ask for; it does not get it',
        'is granted the environment variable "SECRET", which its Component.toml does not ask for; it does not get it',
      ],
    );
    assert.ok(!JSON.stringify(config).includes('"s"'), 'a variable that is not granted stays out');
    assert.deepEqual(await loadApplication(join(folder, 'app', 'troupe.toml'), { environment }), config);
  });
});

test('loadApplication returns values that cannot be changed', async () => {
  await withFiles(FULL, async (folder) => {
    const config = await loadApplication(join(folder, 'app'));
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      assert.ok(Object.isFrozen(value));
      Object.values(value).forEach(visit);
    };
    visit(config);
  });
});

test('loadApplication listens at a socket beside the file unless told otherwise', async () => {
  const minimal = '[application]\nname = "a"\n[components.a]\nsource = "a.wasm"\n';
  for (const [section, expected] of [
    ['', '.troupe/control.sock'],
    ['[control]\nsocket = "x.sock"\n', 'x.sock'],
  ] as const) {
    await withFiles({ 'troupe.toml': minimal + section, 'a.wasm': '' }, async (folder) => {
      const { control } = await loadApplication(folder);
      assert.deepEqual(control, {
        kind: 'socket',
        directory: join(folder, '.troupe'),
        socketPath: join(folder, expected),
        tokens: [],
      });
    });
  }
  await withFiles({ 'troupe.toml': `${minimal}[control]\nenabled = false\n`, 'a.wasm': '' }, async (folder) => {
    assert.deepEqual((await loadApplication(folder)).control, { kind: 'off' });
  });
});

test('loadApplication keeps data beside the file unless told otherwise', async () => {
  const minimal = '[application]\nname = "a"\n[components.a]\nsource = "a.wasm"\n';
  await withFiles({ 'troupe.toml': minimal, 'a.wasm': '' }, async (folder) => {
    const limits = { bytes: 4_294_967_296, bucketBytes: 268_435_456, bucketKeys: 1_048_576 };
    const { store } = await loadApplication(folder);
    assert.deepEqual(store, { directory: join(folder, '.troupe', 'data'), limits });
  });
  const section = '[store]\ndirectory = "kept"\nsize = "1GiB"\nbucket-size = "2MiB"\nbucket-keys = 9\n';
  await withFiles({ 'troupe.toml': minimal + section, 'a.wasm': '' }, async (folder) => {
    const limits = { bytes: 1_073_741_824, bucketBytes: 2_097_152, bucketKeys: 9 };
    assert.deepEqual((await loadApplication(folder)).store, { directory: join(folder, 'kept'), limits });
  });
});

test('loadApplication checks what no single value shows', async () => {
  const toml = `[application]
name = "a"
[components.one]
source = "a.wasm"
manifest = "b.toml"
[components.two]
source = "a.wasm"
supervise = { backoff = { min = "9s", max = "1s" } }
config = { x = [1, { y = nan }] }
[components.two.grants]
filesystem = [
  { path = ".", mount = "/d", rights = ["read"] },
  { path = ".", mount = "/d", rights = ["read"] },
]
[components.three]
manifest = "C.toml"
sha256 = "${'0'.repeat(64)}"
[components.four]
manifest = "none.toml"
[view]
component = "too"
op = "x"
[control]
socket = "a"
port = 1
`;
  const manifest = `[component]\nname = "c"\nsource = "gone.wasm"\nsha256 = "${'1'.repeat(64)}"\n`;
  assert.deepEqual(await problemsOf({ 'troupe.toml': toml, 'C.toml': manifest, 'a.wasm': '' }), [
    'C.toml:3 component.source names a file that is not there: "gone.wasm"',
    'troupe.toml:3 components.one needs either "manifest" or "source", found both; source = "./component.wasm"',
    'troupe.toml:8 components.two.supervise.backoff.min is longer than the longest wait: 9000 ms and 1000 ms',
    'troupe.toml:9 components.two.config.x.1.y is a number that JSON cannot say; use a finite number',
    'troupe.toml:13 components.two.grants.filesystem.1.mount is mounted twice: "/d"',
    `troupe.toml:17 components.three.sha256 differs from the manifest's: ${'0'.repeat(64)} and ${'1'.repeat(64)}`,
    'troupe.toml:19 components.four.manifest cannot read the manifest "none.toml": it is not there',
    'troupe.toml:21 view.component names no component: "too"; did you mean "two"?',
    'troupe.toml:25 control.port cannot stand beside "socket"; keep one of them',
  ]);
});

test('loadApplication wants at least one component, and folders that are there', async () => {
  assert.deepEqual(await problemsOf({ 'troupe.toml': '[application]\nname = "a"\n[components]\n' }), [
    'troupe.toml:3 components has no component; add one: [components.greeter]',
  ]);
  const toml =
    '[application]\nname = "a"\n[components.a]\nsource = "a.wasm"\ngrants = { filesystem = [{ path = "no", mount = "/d", rights = ["read"] }] }\n';
  assert.deepEqual(await problemsOf({ 'troupe.toml': toml, 'a.wasm': '' }), [
    'troupe.toml:5 components.a.grants.filesystem names a folder that is not there: "no"',
  ]);
});

test('loadApplication says what is wrong with the file itself', async () => {
  await withFiles(
    { 'big/troupe.toml': ' '.repeat(1_048_577), 'binary/troupe.toml': '', 'mine/troupe.toml': '' },
    async (folder) => {
      writeFileSync(join(folder, 'binary', 'troupe.toml'), Buffer.from([0xff, 0xfe]));
      mkdirSync(join(folder, 'dir', 'troupe.toml'), { recursive: true });
      mkdirSync(join(folder, 'pipe'));
      assert.equal(spawnSync('mkfifo', [join(folder, 'pipe', 'troupe.toml')]).status, 0);
      chmodSync(join(folder, 'mine', 'troupe.toml'), 0);
      const cases: readonly [string, string, RegExp][] = [
        ['nowhere', 'FILE_NOT_FOUND', /it is not there/],
        ['', 'FILE_NOT_FOUND', /holds no troupe\.toml/],
        ['big', 'FILE_UNREADABLE', /1048577 bytes, at most 1048576/],
        ['binary', 'FILE_UNREADABLE', /not UTF-8/],
        ['dir', 'FILE_UNREADABLE', /it is a folder/],
        ['pipe', 'FILE_UNREADABLE', /not a regular file/],
        ...(process.getuid?.() === 0 ? [] : [['mine', 'FILE_UNREADABLE', /may not read/] as [string, string, RegExp]]),
      ];
      for (const [path, code, text] of cases) {
        await assert.rejects(loadApplication(join(folder, path)), (error) => {
          assert.ok(RuntimeError.is(error), path);
          assert.equal(error.code, code, path);
          assert.match(error.message, text);
          return true;
        });
      }
    },
  );
});

test('loadApplication passes on variables of the environment, not what every object has', async () => {
  const text = '[application]\nname = "a"\n[components.a]\nsource = "a.wasm"\n[components.a.grants]\n';
  const files = { 'troupe.toml': `${text}env = ["constructor", "toString", "LANG"]\n`, 'a.wasm': '' };
  await withFiles(files, async (folder) => {
    const { components } = await loadApplication(folder, { environment: { LANG: 'C' } });
    assert.deepEqual(components[0]?.env, { LANG: 'C' });
  });
});

test('loadApplication reads the conditions of a grant, and says what is wrong with them', async () => {
  const files = (grants: string): Files => ({
    'a.wasm': '',
    'troupe.toml': `[application]\nname = "demo"\n[components.a]\nsource = "a.wasm"\n[components.a.grants]\n${grants}\n`,
  });
  const line =
    'http = [{ pattern = "https://a.example", methods = ["GET"], until = 2027-01-31T12:00:00+01:00 }, "https://b.example"]';
  await withFiles(files(line), async (folder) => {
    const [component] = (await loadApplication(folder)).components;
    const untilMs = Date.UTC(2027, 0, 31, 11);
    assert.deepEqual(component?.grants.http, [
      { pattern: 'https://a.example', untilMs, methods: ['GET'] },
      'https://b.example',
    ]);
  });
  assert.deepEqual(await problemsOf(files('http = [{ pattern = "https://a.example", method = "GET" }]')), [
    'troupe.toml:6 components.a.grants.http.0.method is not a known key; did you mean "methods"?',
  ]);
  assert.deepEqual(await problemsOf(files('keyvalue = [{ pattern = "a", until = "2027-01-31T12:00:00" }]')), [
    'troupe.toml:6 components.a.grants.keyvalue.0.until expected a time with its offset, such as 2027-01-31T12:00:00Z, found "2027-01-31T12:00:00"',
  ]);
  assert.deepEqual(await problemsOf(files('http = [{ pattern = "https://a.example", methods = ["get"] }]')), [
    'troupe.toml:6 components.a.grants.http.0.methods.0 expected a method of HTTP in upper case, such as "GET", found "get"',
  ]);
});
