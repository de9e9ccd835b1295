/** What a real `troupe up` does when it is asked to end: it finishes what it has accepted, or says what it lost. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { bytesPayload } from '../../src/api/index.ts';
import { connectControl } from '../../src/client/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { until } from '../kit/process.ts';

const payload = (text: string) => bytesPayload(new TextEncoder().encode(text));

test('S69: after SIGTERM troupe up handles every message that it accepted, keeps the state, and ends with 143', async () => {
  const toml = '[components.counter]\nsource = "stateful.wasm"\nkeep = {}\n';
  await withApplicationFolder({ fixtures: ['stateful'], toml }, async ({ folder, up, call }) => {
    const running = await up();
    const client = await connectControl({ dir: folder });
    let accepted = 0;
    let isOver = false;
    const tellOn = async () => {
      while (!isOver) {
        try {
          await client.tell({ actor: 'counter', op: 'add', payload: payload('1') });
          accepted++;
        } catch {
          isOver = true;
        }
      }
    };
    const load = Promise.all(Array.from({ length: 4 }, tellOn));
    await until(
      () => accepted >= 200,
      () => '200 messages',
    );
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    await load;
    assert.equal(code, 143, stderr);
    assert.doesNotMatch(stderr, /error\[/);
    const kept = await call('state', 'show', 'counter', '--output', 'json');
    const { state } = JSON.parse(kept) as { state: { base64: string } };
    const value = Number(Buffer.from(state.base64, 'base64').readBigInt64LE(4));
    // The last answers may have been lost with the connection, one of each client.
    assert.ok(value >= accepted && value <= accepted + 4, `${value} handled, ${accepted} accepted`);
  });
});

/** One actor waits for another that is not back for long, and messages wait behind that. */
const STUCK = `drain = "2s"
[components.front]
source = "echo.wasm"
[components.front.grants]
messaging = { ask = ["back"] }
[components.back]
source = "echo.wasm"
supervise = { backoff = { min = "50m", max = "1h" } }
`;

for (const signals of [['SIGTERM'], ['SIGTERM', 'SIGTERM'], ['SIGTERM', 'SIGINT']] as const) {
  test(`${signals.join(', ')}: what cannot be finished is said, or does not hold up who is impatient`, async () => {
    await withApplicationFolder({ fixtures: ['echo'], toml: STUCK }, async ({ folder, up }) => {
      const running = await up();
      const client = await connectControl({ dir: folder });
      await client.tell({ actor: 'back', op: 'trap', payload: payload('') });
      await running.writes(/back failed and restarts/);
      const waiting = ['back echo 3600000\nx', 'back echo 3600000\ny'];
      for (const text of waiting) await client.tell({ actor: 'front', op: 'ask', payload: payload(text) });
      running.child.kill(signals[0]);
      await running.writes(/waiting for/);
      if (signals[1] !== undefined) running.child.kill(signals[1]);
      const { code, stderr } = await running.ended;
      if (signals.length === 1) {
        assert.equal(code, 75, stderr);
        assert.match(stderr, /error\[DRAIN_INCOMPLETE\]: Cannot finish what was accepted within 2s: \d messages? lost/);
        assert.match(stderr, /help: .*\[application\] drain/);
      } else {
        assert.equal(code, signals[1] === 'SIGINT' ? 130 : 143, stderr);
        assert.doesNotMatch(stderr, /DRAIN_INCOMPLETE/);
      }
    });
  });
}

test('after SIGTERM a request under way is answered whole, and no other is taken', async () => {
  const toml =
    '[components.web]\nsource = "tour.wasm"\n[ingress]\nlisten = "127.0.0.1:0"\n[[http]]\nroute = "/*"\ncomponent = "web"\n';
  await withApplicationFolder({ fixtures: ['http/tour'], toml }, async ({ up, call }) => {
    const running = await up();
    await running.writes(/requests at http:\S+/);
    const address = /requests at (http:\S+)/.exec(running.stderr())?.[1] as string;
    const upload = request(`${address}/count`, { method: 'POST', agent: false });
    const answered = once(upload, 'response');
    upload.write('12345');
    await until(
      async () => (await call('ps', '--output', 'json')).includes('"inFlight": 1'),
      () => 'the request',
    );
    running.child.kill('SIGTERM');
    await running.writes(/stopping/);
    await until(
      () =>
        fetch(address).then(
          () => false,
          () => true,
        ),
      () => 'a closed port',
    );
    upload.end('67890');
    const [response] = await answered;
    assert.equal(response.statusCode, 200);
    assert.match(String(Buffer.concat(await response.toArray())), /10/);
    assert.equal((await running.ended).code, 143);
  });
});
