/** A component as the request listener of a server of one's own. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { CompiledComponent } from '../../src/component/index.ts';
import { ActorSystem, httpComponent } from '../../src/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { httpGuest } from '../kit/http-guest.ts';

let guest: CompiledComponent;
const servers: Server[] = [];

before(async () => {
  guest = await httpGuest();
});

after(() => {
  for (const server of servers) server.close();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('httpComponent handles requests that a server passes to it, beside those that it keeps', async () => {
  await using plugin = await httpComponent(guest, { name: 'plugin', grants: { clock: true } });
  const address = await listen(
    createServer((request, response) => {
      if (request.url?.startsWith('/plugin')) response.end('ours');
      else plugin.listener(request, response);
    }),
  );
  assert.equal(await (await fetch(`${address}/plugin`)).text(), 'ours');
  assert.equal(await (await fetch(`${address}/`)).text(), 'hello 1\n');
  assert.equal((await fetch(`${address}/trap`)).status, 500);
  const { served, failed } = plugin.stats;
  assert.deepEqual([served, failed], [1, 1]);
});

test('httpComponent answers 503 after its close, and its actor is gone', async () => {
  const plugin = await httpComponent(guest, { name: 'plugin', grants: { clock: true } });
  const address = await listen(createServer(plugin.listener));
  await plugin.close();
  const response = await fetch(`${address}/`);
  assert.equal(response.status, 503);
  assert.equal(((await response.json()) as { code: string }).code, 'HTTP_UNAVAILABLE');
  assert.equal((await plugin.ref.terminated).kind, 'stopped');
});

test('httpComponent lives in the system that it is given, and refuses messages by name', async () => {
  await using system = await ActorSystem.create();
  await using plugin = await httpComponent(guest, { system, name: 'plugin', grants: { clock: true } });
  await assert.rejects(plugin.ref.askOp('hello', 1), failsWith('OPERATION_UNKNOWN', /it handles HTTP requests/));
  await assert.rejects(
    httpComponent(guest, { system, name: 'plugin', grants: { clock: true } }),
    failsWith('NAME_TAKEN'),
  );
});

test('httpComponent bounds requests and bodies as it is told', async () => {
  await using plugin = await httpComponent(guest, {
    grants: { clock: true },
    deadlineMs: 100,
    http: { instances: 1, queue: 0 },
    requestLimits: { bodyBytesMax: 10 },
  });
  const address = await listen(createServer(plugin.listener));
  const [late, shed] = await Promise.all([fetch(`${address}/w`), fetch(`${address}/`)]);
  assert.deepEqual([late.status, shed.status].toSorted(), [503, 504]);
  const large = await fetch(address, { method: 'POST', body: 'x'.repeat(11) });
  assert.equal(large.status, 413);
  await assert.rejects(httpComponent(guest, { grants: { clock: true }, http: { instances: 0 } }), RangeError);
});

test('httpComponent refuses a component that handles no requests', async () => {
  const echo = new URL('../../fixtures/components/echo/echo.wasm', import.meta.url);
  await assert.rejects(httpComponent(echo), failsWith('COMPONENT_UNSUPPORTED', /does not export wasi:http/));
});
