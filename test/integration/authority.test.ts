/** Who gives what: both keys, policies, and what the commands say of them. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ApplicationFolder, withApplicationFolder } from '../kit/application.ts';
import { type TroupeProcess, troupe } from '../kit/process.ts';

const MANIFEST = `[component]
name = "echo"
source = "echo.wasm"
[asks]
messaging = { tell = ["other", "boss"] }
http = ["https://api.example.com"]
`;

const TOML = `[audit]
[components.echo]
manifest = "Component.toml"
[components.echo.grants]
messaging = { tell = ["*"] }
clock = true
[components.echo.grants.deny]
messaging = { tell = ["boss"] }
[components.other]
source = "echo.wasm"
[components.boss]
source = "echo.wasm"
`;

function withKeys(policy: string, use: (application: ApplicationFolder) => Promise<void>): Promise<void> {
  return withApplicationFolder({ fixtures: ['echo'], toml: TOML }, async (application) => {
    writeFileSync(join(application.folder, 'Component.toml'), MANIFEST);
    if (policy !== '') writeFileSync(join(application.folder, 'policy.toml'), policy);
    await use(application);
  });
}

test('S97: a component is granted what its author asks for, the operator gives and every policy allows; a denial beats all', async () => {
  const told = async (policy: string): Promise<readonly boolean[]> => {
    const results: boolean[] = [];
    await withKeys(policy, async ({ folder, up }) => {
      await up();
      for (const target of ['other', 'boss', 'echo'])
        results.push((await troupe(['ask', 'echo', 'tell', `${target} echo\nhello`, '--app', folder])).code === 0);
    });
    return results;
  };
  // It is granted "*" and asks for two; one of them is denied. Then a policy takes the other one, too.
  assert.deepEqual(await told(''), [true, false, false]);
  assert.deepEqual(await told('[[allow]]\nmessaging = { tell = ["nobody"] }\n'), [false, false, false]);
  assert.deepEqual(await told('[[deny]]\nmessaging = { tell = ["*"] }\n'), [false, false, false]);
});

test('a denial is on record with the rule that made it, and what is granted and refused at each start', async () => {
  await withKeys('[[deny]]\nmessaging = { tell = ["other"] }\n', async ({ folder, up, call }) => {
    const running = await up();
    await troupe(['ask', 'echo', 'tell', 'other echo\nhello', '--app', folder]);
    running.child.kill('SIGTERM');
    await running.ended;
    const rule = `${join(folder, 'policy.toml')}: deny = { messaging = { tell = ["other"] } }`;
    const [denied] = (await call('audit', 'query', '--kind', 'capability', '--output', 'json')).split('\n');
    assert.partialDeepStrictEqual(JSON.parse(denied as string), { outcome: 'deny', resource: 'other', rule });
    const grants = (await call('audit', 'query', '--kind', 'grant', '--outcome', 'deny', '--output', 'json')).trim();
    assert.deepEqual(
      grants.split('\n').map((line) => JSON.parse(line).rule),
      ['deny = { messaging = { tell = ["boss"] } }', rule, rule, rule],
    );
  });
});

test('S121: a grant with conditions holds under them: up to a size, until it ends, and within the bounds of a policy', async () => {
  const toml = `[components.echo]
source = "echo.wasm"
[components.echo.grants.messaging]
tell = [
  { pattern = "other", size = "1KiB" },
  { pattern = "past", until = 2001-01-01T00:00:00Z },
  { pattern = "later", until = 2999-01-01T00:00:00+02:00 },
]
[components.other]
source = "echo.wasm"
[components.past]
source = "echo.wasm"
[components.later]
source = "echo.wasm"
`;
  await withApplicationFolder({ fixtures: ['echo'], toml }, async ({ folder, up, call }) => {
    const policy = '[[allow]]\nmessaging = { tell = [{ pattern = "other", size = "5B" }, "past", "later"] }\n';
    writeFileSync(join(folder, 'policy.toml'), policy);
    await up();
    const tell = async (target: string, text: string) =>
      (await troupe(['ask', 'echo', 'tell', `${target} echo\n${text}`, '--app', folder])).code === 0;
    assert.deepEqual(
      [await tell('other', 'hello'), await tell('other', 'longer'), await tell('past', 'a'), await tell('later', 'a')],
      [true, false, false, true],
    );
    const { authority } = JSON.parse(await call('inspect', 'echo', '--output', 'json'));
    assert.equal(authority.granted[0].rule, 'messaging = { tell = [{ pattern = "other", size = "5B" }] }');
  });
});

test('inspect --app says what a component asks for, is given and gets, and the difference', async () => {
  await withKeys('[[deny]]\nkeyvalue = ["secrets"]\n', async ({ folder, call }) => {
    const { authority, refusals } = JSON.parse(await call('inspect', 'echo', '--output', 'json'));
    const rules = (list: { rule: string }[]) => list.map(({ rule }) => rule);
    assert.deepEqual(refusals, []);
    assert.deepEqual(rules(authority.asked), [
      'messaging = { tell = ["other"] }',
      'messaging = { tell = ["boss"] }',
      'http = ["https://api.example.com"]',
    ]);
    assert.deepEqual(rules(authority.given), ['clock = true', 'messaging = { tell = ["*"] }']);
    assert.deepEqual(rules(authority.granted), ['messaging = { tell = ["other"] }', 'messaging = { tell = ["boss"] }']);
    const policy = join(folder, 'policy.toml');
    assert.deepEqual(rules(authority.denied), [
      'deny = { messaging = { tell = ["boss"] } }',
      `${policy}: deny = { keyvalue = ["secrets"] }`,
    ]);
    assert.deepEqual(authority.policies, [policy]);
    assert.deepEqual(
      authority.differences.map(({ kind, help }: { kind: string; help?: string }) => [kind, help]),
      [
        ['not-asked', undefined],
        ['not-granted', 'to grant it, add to [components.echo.grants]: http = ["https://api.example.com"]'],
      ],
    );
    const text = await call('inspect', 'echo');
    assert.match(text, /^Granted\n {2}messaging = \{ tell = \["other"\] \}$/m);
    assert.match(text, /^Differences\n {2}is granted clock, .*\n {2}asks for HTTP requests .*\n {4}to grant it, add/m);
    const unknown = await troupe(['inspect', 'nobody', '--app', folder]);
    assert.deepEqual([unknown.code, /components are: echo, other, boss/.test(unknown.stderr)], [64, true]);
  });
});

test('inspect --app names what a component would be refused for, with the line to add', async () => {
  const toml = '[components.wasi-tour]\nsource = "wasi-tour.wasm"\n';
  await withApplicationFolder({ fixtures: ['wasi-tour'], toml }, async ({ call }) => {
    const { refusals } = JSON.parse(await call('inspect', 'wasi-tour', '--output', 'json'));
    assert.match(refusals.join(), /add under \[components\.wasi-tour\.grants\] clock = true/);
  });
});

const OBSERVED = `[audit]
[components.echo]
source = "echo.wasm"
mode = "observe"
[components.other]
source = "echo.wasm"
[components.services]
manifest = "services/Component.toml"
mode = "observe"
[components.services.grants.deny]
keyvalue = ["secrets"]
`;

/** Buckets are what it asks for; messages are not. */
const SERVICES =
  '[component]\nname = "services"\nsource = "../services.wasm"\n[asks]\nkeyvalue = ["default", "secrets", "team-*"]\n';

function withObserved(use: (application: ApplicationFolder) => Promise<void>): Promise<void> {
  return withApplicationFolder({ fixtures: ['echo', 'services'], toml: OBSERVED }, async (application) => {
    mkdirSync(join(application.folder, 'services'));
    writeFileSync(join(application.folder, 'services', 'Component.toml'), SERVICES);
    await use(application);
  });
}

async function ends(running: TroupeProcess): Promise<void> {
  running.child.kill('SIGTERM');
  await running.ended;
}

/** Asks once for each of what the components use. */
async function useAll({ folder, call }: ApplicationFolder): Promise<readonly (number | null)[]> {
  await call('ask', 'echo', 'tell', 'other echo\nhello');
  await call('ask', 'services', '2 set', 'default\na\n1');
  const denied = ['other', 'secrets'].map((bucket) =>
    troupe(['ask', 'services', '2 get', `${bucket}\na`, '--app', folder]),
  );
  return (await Promise.all(denied)).map(({ code }) => code);
}

test('S120: observed, what the operator does not give is let through, told, and on record as would-deny; asks and denials hold', async () => {
  await withObserved(async (application) => {
    const running = await application.up();
    const codes = await useAll(application);
    assert.ok(!codes.includes(0), `asks and denials hold: ${codes}`);
    assert.equal(JSON.parse(await application.call('inspect', 'echo', '--output', 'json')).authority.mode, 'observe');
    assert.match(await application.call('audit', 'report'), /would be denied:\n +messaging\.tell {2}→ other/);
    await ends(running);
    assert.match(
      running.stdout() + running.stderr(),
      /echo would be denied something: .*messaging = \{ tell = \["other"\] \}/,
    );
    const text = await application.call('audit', 'query', '--kind', 'capability', '--output', 'json');
    const records = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      records.map(({ outcome, rule, resource }) => [outcome, rule, resource]).toSorted(),
      [
        ['deny', 'default', 'other'],
        ['deny', 'deny = { keyvalue = ["secrets"] }', 'secrets'],
        ['would-deny', 'observe', 'default'],
        ['would-deny', 'observe', 'other'],
      ].toSorted(),
    );
  });
});

test('up --record writes the grants that a run needed: put into troupe.toml, they are what the next run uses', async () => {
  await withObserved(async (application) => {
    const { folder, up } = application;
    const file = join(folder, 'recorded.toml');
    const first = await up('--record', file);
    await useAll(application);
    await ends(first);
    const recorded = readFileSync(file, 'utf8');
    assert.match(recorded, /^\[components\.echo\.grants\]\nmessaging = \{ tell = \["other"\] \}$/m);
    // What is denied although it was asked for is there, too: somebody has to read it. What a denial refuses is not.
    assert.match(recorded, /^\[components\.services\.grants\]\nkeyvalue = \["default", "other"\]$/m);
    const plain = OBSERVED.replaceAll('mode = "observe"\n', '');
    writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "demo"\n${plain}${recorded}`);
    const second = await up('--record', file);
    await useAll(application);
    await ends(second);
    assert.equal(readFileSync(file, 'utf8'), recorded, 'granted, the same is used, and nothing is missed');
    const log = await application.call(
      'audit',
      'query',
      '--kind',
      'capability',
      '--outcome',
      'would-deny',
      '--output',
      'json',
    );
    assert.equal(log.trim().split('\n').length, 2, 'of the first run');
  });
});

test('up --record says what a component was refused for, and overwrites nothing but records', async () => {
  const toml = '[components.wasi-tour]\nsource = "wasi-tour.wasm"\n';
  await withApplicationFolder({ fixtures: ['wasi-tour'], toml }, async ({ folder }) => {
    const file = join(folder, 'recorded.toml');
    const refused = await troupe(['up', folder, '--record', file]);
    assert.match(refused.stderr, /COMPONENT_IMPORT_MISSING/);
    assert.match(readFileSync(file, 'utf8'), /^clock = true$/m);
    const wrong = await troupe(['up', folder, '--record', join(folder, 'troupe.toml')]);
    assert.deepEqual([wrong.code, /it is there, and no record/.test(wrong.stderr)], [64, true]);
    assert.equal(readFileSync(join(folder, 'troupe.toml'), 'utf8').endsWith(toml), true);
  });
});

test('grant diff says what a new revision newly wants, and ends with 1 if there is something', async () => {
  await withApplicationFolder({ fixtures: ['echo', 'services'], toml: '' }, async ({ folder }) => {
    const wasm = (name: string) => join(folder, `${name}.wasm`);
    const manifest = (version: string, asks: string) => {
      mkdirSync(join(folder, version));
      const text = `[component]\nname = "echo"\nsource = "../echo.wasm"\n${asks}`;
      writeFileSync(join(folder, version, 'Component.toml'), text);
      return join(folder, version);
    };
    const more = await troupe(['grant', 'diff', wasm('echo'), wasm('services'), '--output', 'json']);
    assert.equal(more.code, 1, more.stderr);
    const { imports, dropped, asks } = JSON.parse(more.stdout);
    assert.deepEqual(asks, []);
    assert.deepEqual(dropped, ['troupe:actor/messaging@0.1']);
    const store = imports.find(({ name }: { name: string }) => name === 'wasi:keyvalue/store@0.2.0-draft2');
    assert.deepEqual([store.need, store.line], ['grant', 'keyvalue = ["NAME"]']);
    assert.ok(store.functions.includes('open'));
    const same = await troupe(['grant', 'diff', wasm('echo'), wasm('echo')]);
    assert.deepEqual([same.code, /wants nothing new/.test(same.stdout)], [0, true]);

    const old = manifest(
      'v1',
      '[asks]\nhttp = ["https://*.example.com"]\nfilesystem = [{ path = "/data", rights = ["read"] }]\n',
    );
    const narrower = manifest(
      'v2',
      '[asks]\nhttp = ["https://api.example.com"]\nfilesystem = [{ path = "/data/in", rights = ["read"] }]\n',
    );
    const wider = manifest(
      'v3',
      '[asks]\nclock = true\nenv = ["HOME"]\nhttp = ["https://example.com"]\nfilesystem = [{ path = "/data", rights = ["read", "write"] }]\n',
    );
    assert.equal((await troupe(['grant', 'diff', old, narrower])).code, 0);
    const asked = await troupe(['grant', 'diff', old, join(wider, 'Component.toml')]);
    assert.equal(asked.code, 1);
    assert.deepEqual(asked.stdout.trim().split('\n'), [
      '+ asks for clock = true',
      '+ asks for http = ["https://example.com"]',
      '+ asks for env = ["HOME"]',
      '+ asks for filesystem = [{ path = "/data", rights = ["read", "write"] }]',
    ]);
    const silent = await troupe(['grant', 'diff', old, manifest('v4', '')]);
    assert.deepEqual([silent.code, /says no more what it asks for/.test(silent.stdout)], [1, true]);
  });
});

test('S122: of a folder that is granted by a pattern, what matches can be read and listed, and nothing else is there', async () => {
  const toml = `[components.tour]
manifest = "tour.toml"
args = ["list", "/data", "--", "read", "/data/sub/b.csv", "--", "read", "/data/secret.txt"]
supervise = { intensity = 0 }
[components.tour.grants]
clock = true
random = true
stdio = true
filesystem = [{ path = "data/**", mount = "/data", rights = ["read", "list"] }]
`;
  const manifest = `[component]
name = "tour"
source = "wasi-tour.wasm"
[asks]
clock = true
random = true
stdio = true
filesystem = [{ path = "/data/**/*.csv", rights = ["read", "list"] }]
`;
  await withApplicationFolder({ fixtures: ['wasi-tour'], toml }, async ({ folder, call }) => {
    mkdirSync(join(folder, 'data', 'sub'), { recursive: true });
    for (const name of ['a.csv', 'secret.txt', 'sub/b.csv']) writeFileSync(join(folder, 'data', name), `of ${name}\n`);
    writeFileSync(join(folder, 'tour.toml'), manifest);
    const ended = await troupe(['up', folder, '--no-view']);
    const output = ended.stdout + ended.stderr;
    assert.match(output, /tour \| a\.csv\n(?:.*\n)?tour \| sub\/\n(?:.*\n)?tour \| of sub\/b\.csv/);
    assert.match(
      output,
      /tour was denied something: The patterns of the grant of the folder do not match "\/data\/secret\.txt"/,
    );
    assert.ok(!output.includes('of secret.txt'));
    const { authority } = JSON.parse(await call('inspect', 'tour', '--output', 'json'));
    assert.match(JSON.stringify(authority.granted), /data\/\*\*/);
    writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "demo"\n${toml.replace('"list"]', '"write"]')}`);
    const refused = await troupe(['up', folder]);
    assert.match(refused.stderr, /filesystem\.0\.rights expected "read" and "list" alone where the path is a pattern/);
  });
});
