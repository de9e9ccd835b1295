/** `wasi:http` as a real component meets it: a server in front of it, other servers behind it, and all that goes wrong. */
import assert from 'node:assert/strict';
import { request as sendRequest } from 'node:http';
import { Readable } from 'node:stream';
import { before, describe, test } from 'node:test';
import type { CompiledComponent } from '../../src/component/index.ts';
import { compileHttpGuest, GuestServer, type ServeOptions } from '../kit/guest-server.ts';
import { ask, sockets, until } from '../kit/http-asking.ts';

const isReset = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ECONNRESET';

let hello: CompiledComponent;
let tour: CompiledComponent;
let socketsBefore: number;

before(async () => {
  hello = await compileHttpGuest('hello');
  tour = await compileHttpGuest('tour');
  socketsBefore = sockets();
});

/** Serves `component` for the time of `use`, and sees that nothing stays open. */
async function serving(
  component: CompiledComponent,
  options: ServeOptions,
  use: (server: GuestServer) => Promise<void>,
): Promise<void> {
  const server = await GuestServer.start(component, options);
  try {
    await use(server);
  } finally {
    await server.close();
  }
  await until(() => sockets() === socketsBefore);
}

describe('A request that comes in', () => {
  test('is answered by an instance of its own, or by one for all', async () => {
    for (const reuse of [false, true]) {
      await serving(hello, { reuse }, async (server) => {
        for (let round = 0; round < 20; round += 1) {
          const { status, text } = await ask(server.url('/'));
          assert.deepEqual({ status, text }, { status: 200, text: 'Hello, world!\n' });
        }
        assert.ok(server.outcomes.every(({ ended }) => ended === 'returned'));
      });
    }
  });

  test('shows its method, target and fields, without those of the connection', async () => {
    await serving(tour, {}, async (server) => {
      const headers = { 'X-One': '1', 'x-bytes': 'é', te: 'trailers', 'keep-alive': 'x', upgrade: 'y' };
      const { text } = await ask(server.url('/request?a=b&c'), { method: 'PURGE', headers });
      const [method, scheme, authority, path, ...fields] = text.split('\n');
      assert.deepEqual([method, scheme, authority, path], ['PURGE', 'http', server.authority, '/request?a=b&c']);
      assert.deepEqual(
        fields.map((line) => line.split(':')[0]),
        ['X-One', 'x-bytes', 'te', 'Content-Length', ''],
      );
    });
  });

  test('streams its body to the guest, and the trailers behind it', async () => {
    await serving(tour, {}, async (server) => {
      const body = 'some body';
      assert.equal((await ask(server.url('/echo'), { method: 'POST', body })).text, body);
      assert.equal((await ask(server.url('/count'), { method: 'POST', body })).text, '9 closed whole');
      assert.equal((await ask(server.url('/count'))).text, '0 closed whole');
      const headers = { trailer: 'x-sum', 'transfer-encoding': 'chunked' };
      const echoed = await ask(server.url('/echo'), { method: 'POST', headers, body, trailers: { 'x-sum': '9' } });
      assert.deepEqual([echoed.text, echoed.trailers['x-sum']], [body, '9']);
    });
  });

  test('need not be read', async () => {
    await serving(tour, {}, async (server) => {
      const body = 'x'.repeat(1_000_000);
      assert.equal((await ask(server.url('/ignore-body'), { method: 'POST', body })).text, 'ignored');
      assert.equal((await ask(server.url('/drop-body'), { method: 'POST', body })).text, 'dropped');
    });
  });

  test('that breaks off is known to the guest as such', async () => {
    await serving(tour, { reuse: true }, async (server) => {
      const sent = sendRequest(server.url('/count'), {
        method: 'POST',
        headers: { 'content-length': '100' },
        agent: false,
      });
      const gone = new Promise((resolve) => sent.on('close', resolve));
      sent.on('error', () => undefined);
      sent.write('only some');
      await until(() => server.underWay === 1);
      sent.destroy();
      await gone;
      await until(() => server.outcomes.length === 1);
      assert.equal(server.outcomes[0]?.ended, 'HTTP_CLIENT_GONE');
    });
  });
});

describe('A response', () => {
  test('has trailers, and what informs goes before it', async () => {
    await serving(tour, {}, async (server) => {
      const { text, trailers } = await ask(server.url('/trailers'));
      assert.deepEqual([text, trailers['x-sum']], ['body', '42']);
      const hinted = await ask(server.url('/hints'));
      assert.deepEqual([hinted.informed, hinted.text], [[103], 'HTTP-protocol-error']);
    });
  });

  test('may be written and finished before it is set', async () => {
    await serving(tour, {}, async (server) => {
      assert.equal((await ask(server.url('/early'))).text, 'written before it was set');
    });
  });

  test('has any final status and needs no body', async () => {
    await serving(tour, {}, async (server) => {
      for (const status of ['200', '204', '304', '404', '599', '999']) {
        const answer = await ask(server.url('/status'), { headers: { 'x-status': status } });
        assert.deepEqual([answer.status, answer.text], [Number(status), '']);
      }
      for (const status of ['0', '99', '1000']) {
        assert.equal((await ask(server.url('/status'), { headers: { 'x-status': status } })).text, 'refused');
      }
      const informational = await ask(server.url('/status'), { headers: { 'x-status': '150' } });
      assert.deepEqual([informational.status, informational.text], [500, 'HTTP-protocol-error']);
    });
  });

  test('has no body for HEAD, whatever was written', async () => {
    await serving(hello, {}, async (server) => {
      const { status, text, cut } = await ask(server.url('/'), { method: 'HEAD' });
      assert.deepEqual({ status, text, cut }, { status: 200, text: '', cut: undefined });
    });
  });

  test('can be an error, which the server answers', async () => {
    await serving(tour, {}, async (server) => {
      const { status, text } = await ask(server.url('/fail'));
      assert.deepEqual([status, text], [500, 'destination-not-found']);
      assert.deepEqual(server.outcomes[0]?.failure?.tag, 'destination-not-found');
    });
  });

  test('that is never set is answered by the server', async () => {
    await serving(tour, { reuse: true }, async (server) => {
      const { status, text } = await ask(server.url('/never'));
      assert.deepEqual([status, text], [500, 'HTTP_RESPONSE_MISSING']);
      assert.equal((await ask(server.url('/early'))).status, 200, 'the same instance goes on');
    });
  });

  test('that is set twice ends the guest; the first one stands', async () => {
    await serving(tour, {}, async (server) => {
      assert.equal((await ask(server.url('/twice'))).text, 'first');
      assert.equal(server.outcomes[0]?.ended, 'COMPONENT_TRAPPED');
    });
  });

  test('whose guest traps is 500 before, and cut off after its head', async () => {
    await serving(tour, {}, async (server) => {
      assert.equal((await ask(server.url('/trap-before'))).status, 500);
      assert.ok(await isCutOff(server.url('/trap-after')));
      assert.equal((await ask(server.url('/early'))).status, 200, 'others go on');
    });
  });

  test('whose body is not finished is cut off', async () => {
    await serving(tour, { reuse: true }, async (server) => {
      for (const path of ['/unfinished', '/left']) assert.ok(await isCutOff(server.url(path)), path);
      assert.ok(server.outcomes.every(({ ended }) => ended === 'returned'));
    });
  });

  test('has the length that it promised, or is cut off', async () => {
    await serving(tour, { reuse: true }, async (server) => {
      assert.ok(await isCutOff(server.url('/too-long')));
      assert.equal((await ask(server.url('/last'))).text, 'HTTP-response-body-size HTTP-response-body-size');
      assert.ok(await isCutOff(server.url('/too-short')));
      assert.equal((await ask(server.url('/last'))).text, 'ok HTTP-response-body-size');
      const ambiguous = await ask(server.url('/two-lengths'));
      assert.deepEqual([ambiguous.status, ambiguous.text], [500, 'HTTP-protocol-error']);
      assert.equal((await ask(server.url('/last'))).text, 'no body');
    });
  });
});

/** Whether the answer does not come to its end. */
async function isCutOff(url: string): Promise<boolean> {
  try {
    return (await ask(url)).cut !== undefined;
  } catch (error) {
    return isReset(error);
  }
}

describe('What a guest sends', () => {
  test('H1: has only well-formed fields, none of the connection', async () => {
    await serving(tour, {}, async (server) => {
      const { text } = await ask(server.url('/fields'));
      const invalid = Array(7).fill('invalid-syntax');
      const forbidden = Array(5).fill('forbidden');
      const rest = ['ok', 'ok', '2', 'gone', 'immutable', 'refused'];
      assert.deepEqual(text.split(' '), ['ok', ...invalid, 'ok', ...forbidden, ...rest]);
    });
  });

  test('H1: goes only to what is a target', async () => {
    await serving(tour, {}, async (server) => {
      const { text } = await ask(server.url('/targets'));
      const [paths, authorities, schemes, methods] = text.split('|').map((part) => part.trim());
      assert.equal(paths, 'yes yes yes no no no no no yes');
      assert.equal(authorities, 'yes yes yes no no no no no');
      assert.equal(schemes, 'yes no no');
      assert.equal(methods, 'yes no no');
    });
  });

  test('ends it if it is no text, or more than it may have', async () => {
    await serving(tour, {}, async (server) => {
      for (const [path, code] of [
        ['/bad-text', 'COMPONENT_TRAPPED'],
        ['/huge-fields', 'COMPONENT_LIMIT'],
      ] as const) {
        const { status, text } = await ask(server.url(path));
        assert.deepEqual([status, text], [500, code]);
      }
    });
  });

  test('ends it if the streams of a body outlive the body', async () => {
    await serving(tour, {}, async (server) => {
      assert.ok(await isCutOff(server.url('/live-stream')));
      assert.equal(server.outcomes[0]?.ended, 'COMPONENT_TRAPPED');
    });
  });

  test('ends it if it uses a request that is over', async () => {
    await serving(tour, { reuse: true }, async (server) => {
      assert.equal((await ask(server.url('/keep'))).text, 'kept');
      assert.equal((await ask(server.url('/keep'))).status, 500);
      assert.deepEqual(
        server.outcomes.map(({ ended }) => ended),
        ['returned', 'COMPONENT_TRAPPED'],
      );
    });
  });
});

describe('Back-pressure', () => {
  const WINDOW_BYTES = 3 * 65_536;

  test('H3: 100 MB pass through a guest, and the host holds a window of them', async () => {
    await serving(tour, {}, async (server) => {
      const chunk = Buffer.alloc(65_536, 'x');
      const chunks = 1_600;
      function* body(): Generator<Buffer> {
        for (let at = 0; at < chunks; at += 1) yield chunk;
      }
      const sent = sendRequest(server.url('/echo'), { method: 'POST', agent: false });
      Readable.from(body()).pipe(sent);
      let received = 0;
      await new Promise<void>((resolve, reject) => {
        sent.on('error', reject);
        sent.on('response', (response) => {
          response.on('data', (data) => {
            received += data.length;
          });
          response.on('end', resolve);
        });
      });
      assert.equal(received, chunks * chunk.length);
      await until(() => server.outcomes.length === 1);
      assert.ok(server.mostHeldBytes <= WINDOW_BYTES, `${server.mostHeldBytes} bytes were held`);
    });
  });

  test('H3: an endless response waits for its reader, and ends with it', async () => {
    await serving(tour, { reuse: true }, async (server) => {
      const sent = sendRequest(server.url('/endless'), { agent: false });
      sent.on('error', () => undefined);
      sent.end();
      await new Promise<void>((resolve) => {
        sent.on('response', (response) => {
          response.on('error', () => undefined);
          response.once('readable', resolve);
        });
      });
      await until(() => server.mostHeldBytes > 16_384);
      sent.destroy();
      await until(() => server.outcomes.length === 1);
      assert.equal(server.outcomes[0]?.ended, 'HTTP_CLIENT_GONE');
      assert.ok(server.mostHeldBytes <= WINDOW_BYTES, `${server.mostHeldBytes} bytes were held`);
    });
  });
});
