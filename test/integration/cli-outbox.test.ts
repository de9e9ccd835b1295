/** What an operator sees of messages that a real `troupe up` keeps or loses, and of its health. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesPayload } from '../../src/api/index.ts';
import { connectControl } from '../../src/client/index.ts';
import { ActorSystem, implement, openStore, protocol, type } from '../../src/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { troupe, until } from '../kit/process.ts';

const TOML =
  '[components.other]\nsource = "echo.wasm"\nsubscribe = [{ topic = "news.*", delivery = "at-least-once" }]\n[components.counter]\nsource = "stateful.wasm"\nhealth = { every = "100ms", restart-after = 0 }\n';
const FIXTURES = ['echo', 'stateful'];

/** Keeps messages for an actor that the application does not have. */
async function leave(folder: string, messages: number): Promise<void> {
  await using store = await openStore({ directory: join(folder, '.troupe', 'data') });
  await using system = await ActorSystem.create({ store });
  const Ghost = protocol('test:ghost@1.0.0', { tell: { add: type<number>() } });
  const ref = system.spawn(implement(Ghost, { init: () => 0, tell: { add: () => {} } }), 'old/ghost');
  await ref.stop();
  for (let i = 0; i < messages; i++) await ref.deliver.add(i);
}

test('S75: outbox list and remove work on a running application that was killed before, and on one that does not run', async () => {
  await withApplicationFolder({ fixtures: FIXTURES, toml: TOML }, async ({ folder, up, call }) => {
    assert.equal(await call('outbox', 'list'), 'No messages are kept\n');
    await leave(folder, 3);
    const shown = /^ACTOR +MESSAGES +UNDER WAY +ATTEMPTS +OLDEST +SIZE\nold\/ghost +3 +0 +0 +\S+ +\d+ B\n$/;
    assert.match(await call('outbox', 'list'), shown);
    const first = await up();
    assert.match(await call('outbox', 'list'), shown);
    first.child.kill('SIGKILL');
    await first.ended;
    const running = await up();
    assert.match(await call('outbox', 'list'), shown);
    const wrong = await troupe(['outbox', 'remove', 'old/gost', '--app', folder]);
    assert.equal(wrong.code, 66);
    assert.match(wrong.stderr, /error\[MESSAGES_NOT_FOUND\]: .*"old\/gost".*\n.*did you mean "old\/ghost"/);
    assert.equal(await call('dead-letters'), 'No dead letters\n');
    assert.equal(await call('outbox', 'remove', 'old/ghost'), 'Removed 3 messages for old/ghost\n');
    assert.match(await call('dead-letters'), /^old\/ghost +add +removed +3 +\S+ +-$/m);
    const { deadLetters } = JSON.parse(await call('dead-letters', '--output', 'json')) as {
      deadLetters: Record<string, unknown>[];
    };
    assert.deepEqual(
      deadLetters.map(({ lastAtMs, ...rest }) => rest),
      [{ actor: 'old/ghost', reason: 'removed', operation: 'add', count: 3 }],
    );
    running.child.kill('SIGTERM');
    await running.ended;
    await leave(folder, 2);
    const json = await call('outbox', 'remove', 'old/ghost', '--output', 'json');
    assert.deepEqual(JSON.parse(json), { actor: 'old/ghost', removed: 2 });
    assert.deepEqual(JSON.parse(await call('outbox', 'list', '--output', 'json')), { queues: [], hasMore: false });
    assert.equal((await troupe(['dead-letters', '--app', folder])).code, 69);
  });
});

test('health ends with 0 when all is well, with 1 when an actor is not, and says which', async () => {
  await withApplicationFolder({ fixtures: FIXTURES, toml: TOML }, async ({ folder, up, call }) => {
    assert.equal((await troupe(['health', '--app', folder])).code, 69);
    await up();
    const client = await connectControl({ dir: folder });
    await until(
      async () => (await client.health()).status === 'healthy',
      () => 'healthy',
    );
    assert.equal(await call('health'), 'healthy\n');
    const payload = bytesPayload(new TextEncoder().encode('1000'));
    await client.ask({ actor: 'counter', op: 'add', payload });
    await until(
      async () => (await client.health()).reasons.some(({ actor }) => actor === 'counter'),
      () => 'unhealthy',
    );
    const { code, stdout } = await troupe(['health', '--app', folder]);
    assert.equal(code, 1);
    assert.match(stdout, /^unhealthy\n(.*\n)*counter is unhealthy for \S+: The value is 1000 or more\n/);
    const json = await troupe(['health', '--output', 'json', '--app', folder]);
    assert.equal((JSON.parse(json.stdout) as { status: string }).status, 'unhealthy');
  });
});
