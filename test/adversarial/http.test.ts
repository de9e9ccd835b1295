/** Attempts to send requests where they may not go, and heads that say what they may not. Each has a form that succeeds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { describe, test } from 'node:test';
import type { Grants } from '../../src/capability/index.ts';
import { httpComponent } from '../../src/index.ts';
import { fixture, Record } from './kit.ts';

/** A server of this machine that no guest may reach. */
class Inside implements AsyncDisposable {
  readonly heads: { readonly url: string | undefined; readonly headers: IncomingHttpHeaders }[] = [];
  readonly #server: Server;

  constructor(location?: string) {
    this.#server = createServer(({ url, headers }, response) => {
      this.heads.push({ url, headers });
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end('inside');
    });
  }

  async open(): Promise<this> {
    this.#server.listen(0, '0.0.0.0');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

interface Sent {
  readonly status: number;
  readonly body: string;
  readonly decisions: readonly string[];
}

/** Has a guest send a request. */
async function send(authority: string, grants: Grants, { path = '/', headers = {} } = {}): Promise<Sent> {
  const record = new Record();
  await using plugin = await httpComponent(await fixture('http/tour'), {
    name: 'guest',
    grants,
    audit: record,
  });
  const front = createServer(plugin.listener);
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  try {
    const address = `http://127.0.0.1:${(front.address() as AddressInfo).port}/fetch`;
    const answer = await fetch(address, {
      headers: { 'x-authority': authority, 'x-path': path, connection: 'close', ...headers },
      redirect: 'manual',
    });
    return { status: answer.status, body: await answer.text(), decisions: record.decisions };
  } finally {
    front.close();
    front.closeAllConnections();
  }
}

/** Spellings of this machine and of private places; `PORT` is that of the server inside. */
const PLACES: readonly (readonly [what: string, authority: string])[] = [
  ['the address of this machine', '127.0.0.1:PORT'],
  ['a short address', '127.1:PORT'],
  ['a hexadecimal address', '0x7f.0.0.1:PORT'],
  ['one hexadecimal number', '0x7f000001:PORT'],
  ['one decimal number', '2130706433:PORT'],
  ['an octal address', '0177.0.0.1:PORT'],
  ['one octal number', '017700000001:PORT'],
  ['the address of nobody', '0.0.0.0:PORT'],
  ['another address of this machine', '127.255.255.254:PORT'],
  ['the loopback of IPv6', '[::1]:PORT'],
  ['an IPv4 address in one of IPv6', '[::ffff:127.0.0.1]:PORT'],
  ['the same in hexadecimal', '[::ffff:7f00:1]:PORT'],
  ['the same by NAT64', '[64:ff9b::7f00:1]:PORT'],
  ['a name of this machine', 'localhost:PORT'],
  ['a name of this machine in another case', 'LOCALHOST.:PORT'],
  ['a name below localhost', 'a.localhost:PORT'],
  ['the metadata of a cloud', '169.254.169.254'],
  ['the same as one number', '2852039166'],
  ['a private address', '10.0.0.1'],
  ['another private address', '192.168.0.1:PORT'],
  ['a shared address', '100.64.0.1'],
  ['a private address of IPv6', '[fd00::1]:PORT'],
  ['a link-local address', '[fe80::1]:PORT'],
  ['a user in front', 'example.com@127.0.0.1:PORT'],
  ['a user and a password in front', 'example.com:80@127.0.0.1:PORT'],
  ['digits of another script', '１２７.0.0.1:PORT'],
  ['digits in circles', '①②⑦.0.0.1:PORT'],
  ['a full stop of another script', '127。0。0。1:PORT'],
  ['a percent sign', '127.0.0.1%2f.example.com:PORT'],
  ['a slash', '127.0.0.1:PORT/.example.com'],
  ['a fragment', '127.0.0.1:PORT#.example.com'],
  ['a backslash', '127.0.0.1:PORT\\.example.com'],
];

describe('requests to where no grant leads', () => {
  for (const [what, pattern] of PLACES) {
    test(`a grant of the public internet leads nobody to ${what}; one that names it does`, async () => {
      await using inside = await new Inside().open();
      const authority = pattern.replace('PORT', String(inside.port));
      // What HTTP cannot carry as text goes as its bytes.
      const carried = Buffer.from(authority).toString('latin1');
      const { status, body, decisions } = await send(carried, { http: ['http://*:*', 'https://*:*'] });
      // What cannot be an authority is refused when the guest sets it, which this one does not survive.
      assert.match(`${status} ${body}`, /^502 (HTTP-request-denied|HTTP-request-URI-invalid)$|^500 .*COMPONENT_FAILED/);
      assert.deepEqual(inside.heads, []);
      // What is no authority leads nowhere, and nothing is decided of it.
      if (body.includes('denied'))
        assert.ok(
          decisions.some((line) => line.startsWith('!http.request ')),
          decisions.join('\n'),
        );
      const allowed = await send(`127.0.0.1:${inside.port}`, { http: [`http://127.0.0.1:${inside.port}`] });
      assert.deepEqual([allowed.status, allowed.body], [200, 'inside']);
      assert.ok(
        allowed.decisions.includes(`http.request http://127.0.0.1:${inside.port}`),
        allowed.decisions.join('\n'),
      );
    });
  }

  test('a name that leads to a private address is decided by that address, when it is connected to', async () => {
    await using inside = await new Inside().open();
    const authority = `${hostname()}:${inside.port}`;
    const { status, body, decisions } = await send(authority, { http: ['http://*:*'] });
    assert.equal(status, 502);
    // Where the name of this machine is unknown, there is nothing to reach.
    assert.match(body, /destination-IP-prohibited|DNS-error/);
    assert.deepEqual(inside.heads, []);
    if (!body.includes('prohibited')) return;
    assert.ok(
      decisions.some((line) => line.startsWith('!http.request ')),
      decisions.join('\n'),
    );
    const allowed = await send(authority, {
      http: [`http://${hostname()}:*`, 'http://0.0.0.0/0:*', 'http://[::]/0:*'],
    });
    assert.equal(allowed.body, 'inside');
  });

  test('a redirect leads nobody further: the guest gets it, and asks anew', async () => {
    await using inside = await new Inside().open();
    await using outside = await new Inside(`http://127.0.0.1:${inside.port}/`).open();
    const grants = { http: [`http://127.0.0.1:${outside.port}`] };
    const redirected = await send(`127.0.0.1:${outside.port}`, grants);
    assert.equal(redirected.status, 302);
    assert.deepEqual(inside.heads, []);
    const again = await send(`127.0.0.1:${inside.port}`, grants);
    assert.match(again.body, /denied/);
    const allowed = await send(`127.0.0.1:${inside.port}`, { http: [`http://127.0.0.1:*`] });
    assert.equal(allowed.body, 'inside');
  });

  test('a denial beats every grant, however the place is spelt', async () => {
    await using inside = await new Inside().open();
    const { port } = inside;
    const http = ['http://127.0.0.0/8:*', 'http://localhost:*', 'http://[::ffff:127.0.0.1]:*'];
    for (const authority of ['127.0.0.1', '127.1', '[::ffff:7f00:1]', '2130706433', 'localhost']) {
      const denied = await send(`${authority}:${port}`, {
        http,
        deny: [{ http: ['http://127.0.0.0/8:*', 'http://[::1]:*'] }],
      });
      assert.match(denied.body, /denied|prohibited/, authority);
    }
    assert.deepEqual(inside.heads, []);
    assert.equal((await send(`127.1:${port}`, { http })).body, 'inside');
  });
});

describe('what a request may say', () => {
  for (const [what, path] of [
    ['a line', '/a\r\nx-injected: yes'],
    ['a space and a version', '/a HTTP/1.1'],
    ['another origin', 'http://other.example/'],
    ['two slashes', '//other.example/'],
    ['a fragment', '/a#b'],
  ] as const) {
    test(`no guest puts ${what} into a path; an ordinary one arrives`, async () => {
      await using inside = await new Inside().open();
      const { port } = inside;
      const grants = { http: [`http://127.0.0.1:${port}`] };
      const carried = what === 'a line' ? encodeURI(path) : path;
      await send(`127.0.0.1:${port}`, grants, { path: carried }).catch(() => undefined);
      for (const { url, headers } of inside.heads) {
        assert.equal(headers['x-injected'], undefined);
        assert.match(url ?? '', /^\/[^\s#]*$/);
        assert.equal(headers.host, `127.0.0.1:${port}`);
      }
      const before = inside.heads.length;
      assert.equal((await send(`127.0.0.1:${port}`, grants, { path: '/a?b=%20c' })).body, 'inside');
      assert.equal(inside.heads[before]?.url, '/a?b=%20c');
    });
  }
});
