/** Requests of a component to others: real servers, good and bad, and what the component is told of them. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener, request as sendRequest } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { CompiledComponent } from '../../src/component/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { UndiciClient } from '../../src/wasi/http/index.ts';
import { compileHttpGuest, GuestServer, type ServeOptions } from '../kit/guest-server.ts';
import { type Answer, type Asked, ask, sockets, until } from '../kit/http-asking.ts';

/** Only for the one test of a certificate that nobody vouches for. */
const UNTRUSTED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgytglptJxrptn2sAe
xh9Pzj+i9wDRDtFDtPWC1KVxF92hRANCAASh9j07ddZGSQsiUFSXc0WkCu8+0NTR
l+06U9BQmiLvri9ximc3zDCkvVTJ/qkn3hsWrkdMrD/VnquELvL4WCOc
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUQGyC2bgP/km4yHSzN7NNe07SidUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIwMDUyOFoYDzIxMjYxMDMw
MjAwNTI4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASh9j07ddZGSQsiUFSXc0WkCu8+0NTRl+06U9BQmiLvri9ximc3zDCk
vVTJ/qkn3hsWrkdMrD/VnquELvL4WCOco28wbTAdBgNVHQ4EFgQU/wUSCPmY8ObJ
+qu3YVsGGZ4Mw7UwHwYDVR0jBBgwFoAU/wUSCPmY8ObJ+qu3YVsGGZ4Mw7UwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgM1hnjCi5lVxw2khefRDyCApcp0fr03P66iXnz6FiI5MCIQD2
be3aDJ61i9Vm+4KZ7Fnuqc7p+Ws8Fh51o1LHIL0VNQ==
-----END CERTIFICATE-----`,
};

let tour: CompiledComponent;
let socketsBefore: number;

before(async () => {
  tour = await compileHttpGuest('tour');
  socketsBefore = sockets();
});

after(() => assert.equal(sockets(), socketsBefore));

interface Peer {
  readonly authority: string;
  close(): Promise<void>;
}

async function listening(server: TcpServer): Promise<Peer> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    authority: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

const httpPeer = (listener: RequestListener): Promise<Peer> => listening(createServer(listener));

/** Answers every connection with these bytes as soon as it says something; `end` closes it then. */
const rawPeer = (bytes: string, end = true): Promise<Peer> =>
  listening(
    createTcpServer((socket) => {
      socket.once('data', () => (end ? socket.end(bytes, 'latin1') : socket.write(bytes, 'latin1')));
    }),
  );

interface Scene {
  readonly peer: Peer;
  readonly server: GuestServer;
  /** Has the guest do `path` with the peer. */
  go(path: string, asked?: Asked): Promise<Answer>;
}

/** Runs `use` with a guest that may call `peer`, and sees that nothing stays open. */
async function withPeer(peer: Peer, use: (scene: Scene) => Promise<void>, options: ServeOptions = {}): Promise<void> {
  const before = sockets();
  const grants = { http: ['http://127.0.0.1:*', 'https://127.0.0.1:*'] };
  const server = await GuestServer.start(tour, { grants, reuse: true, ...options });
  const go = (path: string, { headers = {}, ...asked }: Asked = {}) =>
    ask(server.url(path), { ...asked, headers: { 'x-authority': peer.authority, ...headers } });
  try {
    await use({ peer, server, go });
  } finally {
    await server.close();
    await peer.close();
  }
  await until(() => sockets() <= before);
}

describe('A request that goes out', () => {
  test('carries method, path, fields and body, and brings back status, fields, body and trailers', async () => {
    const peer = await httpPeer((request, response) => {
      response.writeHead(201, {
        'x-method': request.method as string,
        'x-path': request.url as string,
        trailer: 'x-sum',
      });
      response.write(`${request.headers.host} ${request.headers['x-mine']} `);
      request.on('data', (chunk) => response.write(chunk));
      request.on('end', () => {
        response.addTrailers({ 'x-sum': '42' });
        response.end();
      });
    });
    await withPeer(peer, async ({ go }) => {
      const headers = { 'x-path': '/a?b=c', 'x-mine': 'yes' };
      const answer = await go('/proxy', { method: 'PATCH', headers, body: 'the body' });
      assert.equal(answer.status, 201);
      assert.deepEqual([answer.headers['x-method'], answer.headers['x-path']], ['PATCH', '/a?b=c']);
      assert.deepEqual([answer.text, answer.trailers['x-sum']], [`${peer.authority} yes the body`, '42']);
      assert.equal((await go('/last')).text, 'closed whole');
    });
  });

  test('follows no redirect and decodes nothing', async () => {
    const peer = await httpPeer((_, response) => {
      response.writeHead(302, { location: '/elsewhere', 'content-encoding': 'gzip' });
      response.end('not gzip at all');
    });
    await withPeer(peer, async ({ go }) => {
      const { status, text, headers } = await go('/proxy');
      assert.deepEqual([status, text, headers.location], [302, 'not gzip at all', '/elsewhere']);
    });
  });

  test('takes no notice of what only informs', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
    await withPeer(await rawPeer(`${early}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody`), async ({ go }) => {
      const { status, text, headers } = await go('/proxy');
      assert.deepEqual([status, text, headers.link], [200, 'body', undefined]);
    });
  });

  test('does not ask before it sends its body', async () => {
    const peer = await httpPeer((request, response) => {
      response.end(String(request.headers.expect));
      request.resume();
    });
    await withPeer(peer, async ({ go }) => {
      const headers = { expect: '100-continue' };
      assert.equal((await go('/proxy', { method: 'POST', headers, body: 'x' })).text, 'undefined');
    });
  });

  test('uses a connection again', async () => {
    const ports = new Set<number | undefined>();
    const peer = await httpPeer((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    });
    await withPeer(peer, async ({ go }) => {
      for (let round = 0; round < 5; round += 1) assert.equal((await go('/proxy')).text, 'ok');
      assert.equal(ports.size, 1);
    });
  });

  test('gives its response once', async () => {
    await withPeer(await httpPeer((_, response) => response.end('x')), async ({ go }) => {
      assert.equal((await go('/get-twice')).text, 'none response taken');
    });
  });

  test('H3: streams up and down as fast as the slower side', async () => {
    const chunk = Buffer.alloc(65_536, 'y');
    const chunks = 800;
    let uploaded = 0;
    let downloaded = 0;
    const peer = await httpPeer(async (request, response) => {
      for await (const data of request) uploaded += data.length;
      for (; downloaded < chunks * chunk.length && !response.destroyed; downloaded += chunk.length) {
        if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
      }
      response.end();
    });
    await withPeer(peer, async ({ server }) => {
      const headers = { 'x-authority': peer.authority };
      const sent = sendRequest(server.url('/proxy'), { method: 'POST', headers, agent: false });
      Readable.from(Array.from({ length: chunks }, () => chunk)).pipe(sent);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        sent.on('error', reject);
        sent.on('response', resolve);
      });
      assert.equal(uploaded, chunks * chunk.length);
      // Nobody reads: what the peer can send is what the buffers of four sockets and a window hold.
      await isSteady(() => downloaded);
      assert.ok(downloaded < 20_000_000, `${downloaded} bytes were taken for nobody`);
      let received = 0;
      for await (const data of response) received += data.length;
      assert.equal(received, chunks * chunk.length);
      assert.ok(server.mostHeldBytes <= 3 * 65_536, `${server.mostHeldBytes} bytes were held`);
    });
  });
});

/** Waits until a number has been the same for a while. */
async function isSteady(read: () => number): Promise<void> {
  let last = read();
  let since = Date.now();
  await until(() => {
    const now = read();
    if (now !== last) since = Date.now();
    last = now;
    return now > 0 && Date.now() - since > 100;
  });
}

describe('H4: A request is refused', () => {
  test('where no grant says that it may go, and the denial is reported', async () => {
    let requests = 0;
    const peer = await httpPeer((_, response) => {
      requests += 1;
      response.end();
    });
    for (const http of [[], ['http://example.com'], ['https://127.0.0.1:*'], ['http://127.0.0.1:1']]) {
      await withGrants(peer, http, async ({ server, go }) => {
        const { status, text } = await go('/proxy', { method: 'POST', body: 'x' });
        assert.deepEqual([status, text], [502, 'HTTP-request-denied']);
        assert.match(server.denied[0] as string, new RegExp(`add http = \\["http://${peer.authority}"\\]$`));
      });
    }
    assert.equal(requests, 0);
    await peer.close();
  });

  test('where `*` is granted and it is for this machine', async () => {
    const peer = await httpPeer((_, response) => response.end('reached'));
    await withPeer(
      peer,
      async ({ server, go }) => {
        for (const host of ['localhost', '127.0.0.1', '[::1]', '0x7f.1']) {
          const headers = { 'x-authority': `${host}:${peer.authority.split(':')[1]}` };
          assert.equal((await go('/proxy', { headers })).text, 'HTTP-request-denied', host);
        }
        assert.equal(server.denied.length, 4);
      },
      { grants: { http: ['http://*:*'] } },
    );
  });

  test('where the name leads to an address that is not granted', async () => {
    const peer = await httpPeer((_, response) => response.end('reached'));
    const asked: string[] = [];
    const client = new UndiciClient((request) => {
      asked.push(`${request.host} ${request.address}`);
      return { effect: 'deny', rule: 'default', reason: 'No' };
    });
    const failure = await new Promise((resolve) => {
      const request = {
        method: 'GET',
        endpoint: { scheme: 'http', host: 'localhost', port: Number(peer.authority.split(':')[1]) },
        path: '/',
        headers: [],
        body: undefined,
        connectMs: 5_000,
        firstByteMs: 5_000,
        betweenBytesMs: 5_000,
        clock: systemClock,
      } as const;
      const events = {
        onResponse: () => resolve('a response'),
        onFailure: (code: { readonly tag: string }, denied?: { readonly reason: string }) =>
          resolve([code.tag, denied?.reason]),
        onEnd: () => undefined,
      };
      client.send(request, events);
    });
    assert.deepEqual(failure, ['destination-IP-prohibited', 'No']);
    assert.ok(asked.length > 0 && asked.every((text) => /^localhost (?:127\.|::1)/.test(text)), String(asked));
    await peer.close();
  });

  test('when more are under way than a guest may have', async () => {
    const peer = await httpPeer(() => undefined);
    await withPeer(
      peer,
      async ({ go }) => {
        assert.equal((await go('/flood')).text, '5 connection-limit-reached');
        assert.equal((await go('/flood')).text, '5 connection-limit-reached', 'what was let go of counts no more');
      },
      { limits: { httpRequestsMax: 5 } },
    );
  });

  test('when it is no request', async () => {
    const peer = await httpPeer((_, response) => response.end());
    await withPeer(peer, async ({ go }) => {
      assert.equal((await go('/proxy', { headers: { 'x-path': '*' } })).text, 'HTTP-request-URI-invalid');
      assert.equal(
        (await go('/proxy', { headers: { 'x-authority': 'exa%6dple.com' } })).text,
        'HTTP-request-URI-invalid',
      );
    });
  });
});

async function withGrants(peer: Peer, http: readonly string[], use: (scene: Scene) => Promise<void>): Promise<void> {
  await withPeer({ ...peer, close: async () => undefined }, use, { grants: { http } });
}

/** Something that goes wrong, and what the guest is told. */
interface Misfortune {
  readonly title: string;
  readonly peer: () => Promise<Peer>;
  readonly code: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TLS = { 'x-scheme': 'https' };
const SOON = { 'x-timeout-ms': '50' };
const HEAD = 'HTTP/1.1 200 OK\r\n';
const silentPeer = () => listening(createTcpServer((socket) => void socket.on('data', () => undefined)));

const REFUSALS: readonly Misfortune[] = [
  {
    title: 'nobody listens',
    peer: async () => ({ authority: '127.0.0.1:1', close: async () => undefined }),
    code: 'connection-refused',
  },
  { title: 'the peer hangs up', peer: () => rawPeer(''), code: 'connection-terminated' },
  {
    title: 'the peer resets',
    peer: () => listening(createTcpServer((socket) => void socket.once('data', () => socket.resetAndDestroy()))),
    code: 'connection-terminated',
  },
  { title: 'the peer says nothing', peer: silentPeer, code: 'connection-read-timeout', headers: SOON },
  { title: 'a TLS peer says nothing', peer: silentPeer, code: 'connection-timeout', headers: { ...SOON, ...TLS } },
  {
    title: 'a TLS peer speaks something else',
    peer: () => rawPeer('HTTP/1.1 400 Bad Request\r\n\r\n'),
    code: 'TLS-protocol-error',
    headers: TLS,
  },
  {
    title: 'nobody vouches for the certificate',
    peer: () => listening(createTlsServer(UNTRUSTED, (_, response) => response.end())),
    code: 'TLS-certificate-error',
    headers: TLS,
  },
  { title: 'the answer is no HTTP', peer: () => rawPeer('SSH-2.0-OpenSSH\r\n'), code: 'HTTP-protocol-error' },
  { title: 'a field has no name', peer: () => rawPeer(`${HEAD}: x\r\n\r\n`), code: 'HTTP-protocol-error' },
  { title: 'the head is cut off', peer: () => rawPeer(`${HEAD}x-a: `), code: 'connection-terminated' },
  {
    title: 'the fields are huge',
    peer: () => rawPeer(`${HEAD}x: ${'y'.repeat(70_000)}\r\n\r\n`),
    code: 'HTTP-response-header-section-size',
  },
  {
    title: 'the fields are many',
    peer: () => rawPeer(`${HEAD}${'a:\r\n'.repeat(3_000)}\r\n`),
    code: 'HTTP-response-header-section-size',
  },
  {
    title: 'the peer changes the protocol',
    peer: () => rawPeer('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    code: 'connection-terminated',
  },
];

describe('H4: A request that fails says why', () => {
  for (const { title, peer, code, headers = {} } of REFUSALS) {
    test(`${title}: ${code}`, async () => {
      await withPeer(await peer(), async ({ go }) => {
        const { status, text } = await go('/options', { headers: { 'x-timeout-ms': '5000', ...headers } });
        assert.deepEqual([status, text], [502, code]);
      });
    });
  }

  test('a name that nobody has: DNS-error', async () => {
    const peer = await httpPeer((_, response) => response.end());
    await withPeer(
      peer,
      async ({ go }) => {
        const { text } = await go('/proxy', { headers: { 'x-authority': 'nobody.invalid' } });
        assert.match(text, /^DNS-(?:error|timeout)$/);
      },
      { grants: { http: ['http://*'] } },
    );
  });
});

const BREAKS: readonly Misfortune[] = [
  {
    title: 'it is shorter than promised',
    peer: () => rawPeer(`${HEAD}content-length: 100\r\n\r\nfew`),
    code: 'HTTP-response-incomplete',
  },
  {
    title: 'it ends between chunks',
    peer: () => rawPeer(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nfew\r\n`),
    code: 'HTTP-response-incomplete',
  },
  {
    title: 'a chunk is none',
    peer: () => rawPeer(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nfew\r\nzz\r\n`),
    code: 'HTTP-protocol-error',
  },
  {
    title: 'nothing more comes',
    peer: () => rawPeer(`${HEAD}content-length: 100\r\n\r\nfew`, false),
    code: 'connection-read-timeout',
  },
];

describe('A response that breaks off says why', () => {
  for (const { title, peer, code } of BREAKS) {
    test(`${title}: ${code}`, async () => {
      await withPeer(await peer(), async ({ go }) => {
        const relayed = await go('/options', { headers: SOON }).catch(() => undefined);
        assert.ok(relayed === undefined || relayed.cut !== undefined, 'what was relayed of it is cut off too');
        assert.equal((await go('/last')).text, `${code} ${code}`);
      });
    });
  }
});

describe('H4: Nothing is left of a request', () => {
  /** A peer that takes requests and never answers; counts the connections that it has. */
  async function hanging(): Promise<Peer & { connections(): number; requests(): number }> {
    let connections = 0;
    let requests = 0;
    const server = createServer(() => {
      requests += 1;
    });
    server.on('connection', (socket) => {
      connections += 1;
      socket.on('close', () => {
        connections -= 1;
      });
    });
    const peer = await listening(server);
    return { ...peer, connections: () => connections, requests: () => requests };
  }

  test('when the guest lets go of it', async () => {
    const peer = await hanging();
    await withPeer(peer, async ({ go }) => {
      assert.equal((await go('/drop-future')).text, 'dropped');
      await until(() => peer.connections() === 0);
    });
  });

  test('when the guest is gone', async () => {
    const peer = await hanging();
    await withPeer(peer, async ({ server }) => {
      const sent = sendRequest(server.url('/proxy'), { headers: { 'x-authority': peer.authority }, agent: false });
      sent.on('error', () => undefined);
      sent.end();
      await until(() => peer.requests() === 1);
      sent.destroy();
      await until(() => server.underWay === 0 && peer.connections() === 0);
      assert.equal(server.outcomes[0]?.ended, 'HTTP_CLIENT_GONE');
    });
  });

  test('when the guest is gone before there is a connection', async () => {
    const peer = await listening(createTcpServer((socket) => void socket.on('data', () => undefined)));
    await withPeer(peer, async ({ server }) => {
      const headers = { 'x-authority': peer.authority, 'x-scheme': 'https' };
      const before = sockets();
      const sent = sendRequest(server.url('/proxy'), { headers, agent: false });
      sent.on('error', () => undefined);
      sent.end();
      // Two of the request to us, two of the guest's handshake.
      await until(() => sockets() === before + 4);
      sent.destroy();
      await until(() => sockets() === before);
    });
  });
});
