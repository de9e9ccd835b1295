/** Tokens of others than this user, from the command that makes them to the record of their use. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectControl } from '../../src/client/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { troupe } from '../kit/process.ts';

test('troupe token makes a token that does what its role allows, and is on record by its name', async () => {
  const toml = '[control]\nport = 0\n[components.echo]\nsource = "./echo.wasm"\n[audit]\n';
  await withApplicationFolder({ fixtures: ['echo'], toml }, async ({ folder, up, call }) => {
    const made = await troupe(['token', 'grafana', '--role', 'operator']);
    const token = made.stdout.trim();
    const lines = made.stderr.slice(made.stderr.indexOf('[[control.tokens]]'));
    assert.ok(!lines.includes(token), 'what is kept is no token');
    appendFileSync(join(folder, 'troupe.toml'), lines);
    const running = await up('--output', 'json');
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stdout())?.[0];
    assert.ok(url, running.stdout());
    const client = await connectControl({ url, token });
    assert.equal((await client.actors())[0]?.name, 'echo');
    const payload = { form: 'bytes', base64: btoa('hi') } as const;
    await client.ask({ actor: 'echo', op: 'echo', payload, timeoutMs: 5_000 });
    await assert.rejects(client.stop(), { code: 'CONTROL_FORBIDDEN' });
    const stranger = await connectControl({ url, token: `${token}x` });
    await assert.rejects(stranger.actors(), { code: 'CONTROL_UNAUTHORIZED' });
    const { principal } = JSON.parse(
      (await call('audit', 'query', '--action', 'actor.ask', '--output', 'json')).split('\n')[0] ?? '',
    );
    assert.equal(principal, 'grafana');
    const refused = (await call('audit', 'query', '--action', 'control.refused', '--output', 'json'))
      .trim()
      .split('\n');
    assert.deepEqual(
      refused.map((line) => JSON.parse(line)).map(({ principal: who, resource }) => [who, resource]),
      [
        ['grafana', '/v1/stop'],
        [undefined, '/v1/actors'],
      ],
    );
  });
});

test('troupe token refuses a name that is none, and a role that there is not', async () => {
  assert.equal((await troupe(['token', 'No Name'])).code, 64);
  const { code, stderr } = await troupe(['token', 'me', '--role', 'king']);
  assert.equal(code, 64);
  assert.match(stderr, /reader, operator, admin/);
});
