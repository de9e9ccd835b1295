/** Who gives what: both keys, policies, and what the commands say of them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ApplicationFolder, withApplicationFolder } from '../kit/application.ts';
import { troupe } from '../kit/process.ts';

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
