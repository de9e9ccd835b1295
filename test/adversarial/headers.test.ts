/** Headers that would make two requests of one, or speak for the connection, given where a guest gives them: to its imports. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { HostFunction } from '../../src/component/index.ts';
import { SystemClock } from '../../src/time/index.ts';
import { defineWasi } from '../../src/wasi/index.ts';

const TYPES = 'wasi:http/types';

const REFUSED: readonly (readonly [what: string, name: string, value: string])[] = [
  ['a line in a value', 'x-fine', 'yes\r\nx-injected: yes'],
  ['a bare line feed in a value', 'x-fine', 'yes\nx-injected: yes'],
  ['a bare carriage return in a value', 'x-fine', 'yes\rx-injected: yes'],
  ['a zero byte in a value', 'x-fine', 'yes\0'],
  ['a line in a name', 'x-fine: yes\r\nx-injected', 'yes'],
  ['a colon in a name', 'x-injected: yes', 'yes'],
  ['a space behind a name', 'content-length ', '0'],
  ['a name of nothing', '', 'yes'],
  ['chunks', 'Transfer-Encoding', 'chunked'],
  ['chunks that few know', 'TRANSFER-ENCODING', 'xchunked'],
  ['another host', 'Host', 'other.example'],
  ['an upgrade', 'upgrade', 'h2c'],
  ['the connection', 'Connection', 'x-fine'],
  ['a proxy', 'proxy-authorization', 'Basic eA=='],
];

/** A server that notes the heads of requests, and a guest that may send to it. */
async function guestOf(t: TestContext) {
  const heads: string[][] = [];
  const server = createServer((request, response) => {
    heads.push(request.rawHeaders);
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const wasi = defineWasi({ grants: { http: [`http://127.0.0.1:${port}`] } });
  const guest = wasi.guest({ clock: new SystemClock() });
  t.after(async () => {
    await guest.dispose();
    server.closeAllConnections();
    server.close();
  });
  // biome-ignore lint/suspicious/noExplicitAny: each function has its own result
  const call = async (name: string, ...args: unknown[]): Promise<any> => {
    const [iface, member] = name.startsWith('[') ? [TYPES, name] : (name.split('#') as [string, string]);
    const fn = (wasi.interfaces as Record<string, Record<string, HostFunction>>)[iface]?.[member];
    assert.ok(typeof fn === 'function', name);
    return await fn.call(guest, ...args);
  };
  return { call, heads, authority: `127.0.0.1:${port}` };
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('headers that no guest may give', () => {
  for (const [what, name, value] of REFUSED) {
    test(`nobody gives ${what}, in no way; the request arrives with what is the guest’s to say`, async (t) => {
      const { call, heads, authority } = await guestOf(t);
      const given: readonly [string, Uint8Array] = [name, bytesOf(value)];
      assert.equal((await call('[static]fields.from-list', [given])).tag, 'err');
      const fields = await call('[constructor]fields');
      assert.equal((await call('[method]fields.append', fields, ...given)).tag, 'err');
      assert.equal((await call('[method]fields.set', fields, name, [given[1]])).tag, 'err');
      assert.equal((await call('[method]fields.append', fields, 'x-own', bytesOf('yes'))).tag, 'ok');
      const request = await call('[constructor]outgoing-request', fields);
      await call('[method]outgoing-request.set-scheme', request, { tag: 'HTTP' });
      await call('[method]outgoing-request.set-authority', request, authority);
      const sent = await call('wasi:http/outgoing-handler#handle', request, undefined);
      assert.equal(sent.tag, 'ok');
      const pollable = await call('[method]future-incoming-response.subscribe', sent.val);
      await call('wasi:io/poll#[method]pollable.block', pollable);
      assert.equal(heads.length, 1);
      const [head = []] = heads;
      const values = (wanted: string) =>
        head.filter((_, at) => head[at - (at % 2)]?.toLowerCase() === wanted && at % 2 === 1);
      assert.deepEqual([values('host'), values('x-own'), values('x-injected')], [[authority], ['yes'], []]);
      assert.deepEqual([values('transfer-encoding'), values('upgrade'), values('proxy-authorization')], [[], [], []]);
    });
  }
});
