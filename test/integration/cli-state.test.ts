/** What a real `troupe up` keeps of its actors, and the commands for it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesPayload, payloadBytes } from '../../src/api/index.ts';
import { connectControl } from '../../src/client/index.ts';
import { openStore } from '../../src/store/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { startTroupe, troupe, until } from '../kit/process.ts';

const KEPT =
  '[components.counter]\nsource = "stateful.wasm"\n[components.counter.keep]\nevery-messages = 1\n[components.other]\nsource = "echo.wasm"\n';
const FIXTURES = ['stateful', 'echo'];

test('S62: an actor of troupe up goes on from its last snapshot after kill -9, and after a stop in order', async () => {
  await withApplicationFolder({ fixtures: FIXTURES, toml: KEPT }, async ({ folder, up, call }) => {
    const first = await up();
    const client = await connectControl({ dir: folder });
    for (const by of ['1', '10', '100']) {
      await client.ask({ actor: 'counter', op: 'add', payload: bytesPayload(new TextEncoder().encode(by)) });
    }
    const isKept = async () => {
      const { state } = await client.state('counter');
      return state?.form === 'bytes' && payloadBytes(state)[4] === 111;
    };
    await until(isKept, () => 'the state on disk');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await up();
    assert.equal((await call('ask', 'counter', 'get')).trim(), '111');
    assert.equal((await call('ask', 'counter', 'origin')).trim(), 'restored');
    await call('ask', 'counter', 'add', '1000');
    second.child.kill('SIGTERM');
    assert.equal((await second.ended).code, 143);
    await up();
    assert.equal((await call('ask', 'counter', 'get')).trim(), '1111');
    assert.ok(existsSync(join(folder, '.troupe', 'data')));
  });
});

test('state list, show and remove work on a running application and on one that does not run', async () => {
  await withApplicationFolder({ fixtures: FIXTURES, toml: KEPT }, async ({ folder, up, call }) => {
    const none = JSON.parse(await call('state', 'list', '--output', 'json')) as { states: unknown[] };
    assert.deepEqual(none.states, []);
    assert.equal(existsSync(join(folder, '.troupe')), false, 'nothing is made where there is nothing');
    const running = await up();
    await call('ask', 'counter', 'add', '5');
    const list = await call('state', 'list');
    assert.match(list, /^ACTOR +TYPE +VERSION +SIZE\ncounter +counter +- +\d+ B\n$/);
    const shown = JSON.parse(await call('state', 'show', 'counter', '--output', 'json')) as Record<string, unknown>;
    assert.deepEqual(
      { ...shown, bytes: 0 },
      { name: 'counter', bytes: 0, type: 'counter', version: 0, state: { form: 'bytes', base64: 'VENOVAUAAAAAAAAA' } },
    );
    const refused = await troupe(['state', 'remove', 'counter', '--app', folder]);
    assert.equal(refused.code, 73);
    assert.match(refused.stderr, /error\[STATE_IN_USE\]: .*"counter".*\n.*stop the application/);
    const unknown = await troupe(['state', 'show', 'contuer', '--app', folder]);
    assert.equal(unknown.code, 66);
    assert.match(unknown.stderr, /error\[STATE_NOT_FOUND\]: .*"contuer".*\n.*did you mean "counter"/);
    running.child.kill('SIGTERM');
    await running.ended;
    assert.equal(await call('state', 'list'), list, 'the same without the application');
    assert.match(await call('state', 'show', 'counter'), /TCNT/);
    assert.match(await call('state', 'remove', 'counter'), /counter/);
    assert.match(await call('state', 'list'), /Nothing is kept/);
    await up();
    assert.equal((await call('ask', 'counter', 'get')).trim(), '0', 'it begins anew');
  });
});

test('up refuses to keep what a component cannot give, and says where', async () => {
  const toml = '[components.other]\nsource = "echo.wasm"\nkeep = {}\nhealth = {}\n';
  await withApplicationFolder({ fixtures: FIXTURES, toml }, async ({ folder }) => {
    const { code, stderr } = await startTroupe(['up', folder]).ended;
    assert.equal(code, 64, stderr);
    assert.match(stderr, /components\.other\.keep stands at a component that does not export snapshot and restore/);
    assert.match(stderr, /components\.other\.health stands at a component that does not export health/);
  });
});

test('a damaged state is said of its actor, shown by state list, and can be removed', async () => {
  await withApplicationFolder({ fixtures: FIXTURES, toml: KEPT }, async ({ folder, call }) => {
    {
      await using store = await openStore({ directory: join(folder, '.troupe', 'data') });
      await store.write([{ bucket: 'actors/state', key: 'counter', value: new Uint8Array([1, 2, 3]) }]);
    }
    const { stderr } = await troupe(['up', folder, '--until-idle']);
    assert.match(stderr, /counter failed: .*STATE_CORRUPT|counter failed.*damaged/);
    assert.match(await call('state', 'list'), /counter +damaged/);
    await call('state', 'remove', 'counter');
    assert.match(await call('state', 'list'), /Nothing is kept/);
  });
});

test('ps says how an actor is that is not well, and why one is not there', async () => {
  const toml = `[components.counter]
source = "stateful.wasm"
health = { every = "100ms", restart-after = 0 }
[components.other]
source = "echo.wasm"
supervise = { intensity = 0, quarantine = "1h" }
`;
  await withApplicationFolder({ fixtures: FIXTURES, toml }, async ({ folder, up, call }) => {
    await up();
    const client = await connectControl({ dir: folder });
    const payload = bytesPayload(new TextEncoder().encode('1000'));
    await client.ask({ actor: 'counter', op: 'add', payload });
    await client.tell({ actor: 'other', op: 'trap', payload });
    const isTold = async () => {
      const [counter, other] = await client.actors();
      return counter?.condition?.status === 'unhealthy' && other?.state === 'quarantined';
    };
    await until(isTold, () => 'both');
    const shown = await call('ps');
    assert.match(shown, /^counter is unhealthy for \w+: The value is 1000 or more$/m);
    assert.match(shown, /^other is quarantined; \w+ ago: ACTOR_FAILED: .*unreachable/m);
  });
});
