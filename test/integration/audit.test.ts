/** What a real `troupe up` puts on record, and the commands for it. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AuditLog, type AuditRecord } from '../../src/audit/index.ts';
import { connectControl } from '../../src/client/index.ts';
import { type ApplicationFolder, withApplicationFolder } from '../kit/application.ts';
import { troupe } from '../kit/process.ts';

const AUDITED = `[audit]
[components.echo]
source = "echo.wasm"
[components.echo.grants]
messaging = { tell = ["other", "nobody"] }
[components.other]
source = "echo.wasm"
`;
const FIXTURES = ['echo'];

function withAudited(use: (application: ApplicationFolder) => Promise<void>): Promise<void> {
  return withApplicationFolder({ fixtures: FIXTURES, toml: AUDITED }, use);
}

async function query(call: ApplicationFolder['call'], ...filter: string[]): Promise<AuditRecord[]> {
  const text = await call('audit', 'query', '--output', 'json', ...filter);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('troupe up puts on record what runs, what it was granted, wanted and denied, and what operators did', async () => {
  await withAudited(async ({ folder, up, call }) => {
    const running = await up();
    await call('ask', 'echo', 'tell', 'other echo\nhello');
    await troupe(['ask', 'echo', 'tell', 'stranger echo\nhello', '--app', folder]);
    for (let round = 0; round < 3; round++) await call('ask', 'echo', 'tell', 'other echo\nhello');
    running.child.kill('SIGTERM');
    await running.ended;
    const lifecycle = await query(call, '--kind', 'lifecycle');
    assert.deepEqual(lifecycle.map(({ action, actor, component }) => [action, actor ?? component]).slice(0, 5), [
      ['application.started', undefined],
      ['component.up', 'echo'],
      ['component.up', 'other'],
      ['actor.started', 'echo'],
      ['actor.started', 'other'],
    ]);
    assert.deepEqual(
      lifecycle.slice(5).map(({ action }) => action),
      ['actor.ended', 'actor.ended', 'application.stopped'],
    );
    const [allowed, denied, repeated] = await query(call, '--kind', 'capability');
    assert.partialDeepStrictEqual(allowed, {
      action: 'messaging.tell',
      outcome: 'allow',
      actor: 'echo',
      component: 'echo',
      resource: 'other',
      rule: 'messaging = { tell = ["other"] }',
    });
    assert.match(allowed?.revision ?? '', /^[0-9a-f]{64}$/);
    assert.partialDeepStrictEqual(denied, { outcome: 'deny', actor: 'echo', resource: 'stranger', rule: 'default' });
    assert.match(denied?.reason ?? '', /messaging = \{ tell = \["stranger"\] \}/);
    assert.partialDeepStrictEqual(repeated, { outcome: 'allow', resource: 'other', count: 3 });
    const operator = await query(call, '--kind', 'operator');
    assert.equal(operator.length, 5);
    assert.partialDeepStrictEqual(operator[0], { action: 'actor.ask', resource: 'echo', principal: 'control token' });
    assert.match(await call('audit', 'verify'), /^Whole: \d+ records in 1 file/);
    assert.equal((await call('audit', 'tail', '-n', '1', '--output', 'json')).trim(), JSON.stringify(lifecycle.at(-1)));
  });
});

test('troupe audit report lists what is granted and never used', async () => {
  await withAudited(async ({ up, call }) => {
    const running = await up();
    await call('ask', 'echo', 'tell', 'other echo\nhello');
    running.child.kill('SIGTERM');
    await running.ended;
    const report = JSON.parse(await call('audit', 'report', '--output', 'json'));
    const [echo] = report.components;
    assert.deepEqual(
      echo.granted.map(({ rule, count }: { rule: string; count: number }) => [rule, count]),
      [
        ['messaging = { tell = ["other"] }', 1],
        ['messaging = { tell = ["nobody"] }', 0],
      ],
    );
    assert.match(await call('audit', 'report'), /granted and never used:\n +messaging\.tell {2}by .*nobody/);
  });
});

test('troupe audit verify ends with 1 and the place when a record was changed, or the end is cut off', async () => {
  await withAudited(async ({ folder, up, call }) => {
    const running = await up();
    running.child.kill('SIGTERM');
    await running.ended;
    const file = join(folder, '.troupe', 'audit', 'audit-000001.jsonl');
    const whole = await readFile(file, 'utf8');
    const noted = /head ([0-9a-f]{64})/.exec(await call('audit', 'verify'))?.[1] as string;
    await call('audit', 'verify', '--head', noted);
    const wrong = await troupe(['audit', 'verify', '--app', folder, '--head', '0'.repeat(64)]);
    assert.deepEqual([wrong.code, /no record has the hash that was noted/.test(wrong.stdout)], [1, true]);
    await writeFile(file, whole.replace('component.up', 'component.ok'));
    const changed = await troupe(['audit', 'verify', '--app', folder]);
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /audit-000001\.jsonl:3: damaged/);
    await writeFile(file, whole.split('\n').slice(0, -3).join('\n').concat('\n'));
    const cut = await troupe(['audit', 'verify', '--app', folder, '--output', 'json']);
    assert.equal(cut.code, 1);
    assert.equal(JSON.parse(cut.stdout).problems[0].kind, 'truncated');
    // And nothing goes on with it.
    const refused = await troupe(['up', folder]);
    assert.deepEqual([refused.code, /AUDIT_CORRUPT/.test(refused.stderr)], [73, true]);
  });
});

test('after kill -9 what was acknowledged is on record, and what was torn is said', async () => {
  await withAudited(async ({ folder, up, call }) => {
    const first = await up();
    await call('ask', 'echo', 'echo', 'x');
    first.child.kill('SIGKILL');
    await first.ended;
    await appendFile(join(folder, '.troupe', 'audit', 'audit-000001.jsonl'), '{"seq":99,"ti');
    assert.match(await call('audit', 'verify'), /^Whole/);
    const second = await up();
    const [asked] = await query(call, '--kind', 'operator');
    assert.equal(asked?.action, 'actor.ask');
    const resumed = await query(call, '--action', 'log.resumed');
    assert.deepEqual(resumed[0]?.details, { tornBytes: 13 });
    second.child.kill('SIGTERM');
    await second.ended;
  });
});

test('a log that another process writes is refused by name, and can be read meanwhile', async () => {
  await withAudited(async ({ folder, up, call }) => {
    const directory = join(folder, '.troupe', 'audit');
    {
      await using _log = await AuditLog.open({ directory });
      const refused = await troupe(['up', folder]);
      assert.match(refused.stderr, /AUDIT_LOCKED/);
    }
    await up();
    assert.match(await call('audit', 'verify'), /^Whole/);
    assert.match(await call('audit', 'tail'), /component\.up/);
  });
});

test('what somebody without the token tries is on record as a number', async () => {
  await withAudited(async ({ folder, up, call }) => {
    const running = await up();
    await writeFile(join(folder, '.troupe', 'token'), 'x'.repeat(43));
    const client = await connectControl({ dir: folder });
    for (let round = 0; round < 5; round++) await assert.rejects(client.health(), { code: 'CONTROL_UNAUTHORIZED' });
    running.child.kill('SIGTERM');
    await running.ended;
    const refused = await query(call, '--action', 'control.refused');
    assert.deepEqual(
      refused.map(({ outcome, count = 1 }) => [outcome, count]),
      [
        ['deny', 1],
        ['deny', 4],
      ],
    );
  });
});
