import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { ManualClock } from '../time/index.ts';
import type { RawHeaders } from '../wasi/index.ts';
import { ResponseBody } from './response-body.ts';

interface Head {
  readonly status?: number;
  readonly headers?: RawHeaders;
  readonly method?: string;
  readonly version?: '1.0' | '1.1';
}

/** An answer to a request, and what of it a client has got. */
function answer({ status = 200, headers = [], method = 'GET', version = '1.1' }: Head = {}, windowBytes = 1_048_576) {
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { method, httpVersion: version, httpVersionMajor: 1, httpVersionMinor: Number(version[2]) });
  const response = new ServerResponse(request);
  response.sendDate = false;
  response.shouldKeepAlive = false;
  const wire = new PassThrough({ highWaterMark: windowBytes });
  response.assignSocket(wire as unknown as Socket);
  const clock = new ManualClock();
  const aborts: string[] = [];
  const context = {
    clock,
    onAbort: ({ tag }: { readonly tag: string }, isUnsent: boolean) => void aborts.push(`${tag} ${isUnsent}`),
  };
  const body = new ResponseBody(response, { status, headers }, context);
  const bytes: Buffer[] = [];
  const sent = (): string => {
    for (let chunk = wire.read(); chunk !== null; chunk = wire.read()) bytes.push(chunk);
    return Buffer.concat(bytes).toString('latin1');
  };
  const text = (part: string): void => void body.write(new TextEncoder().encode(part));
  return { body, text, sent, aborts, response, clock };
}

describe('ResponseBody', () => {
  test('ResponseBody sends what is said at once in one piece, with its length', () => {
    const { body, text, sent } = answer({ headers: ['x-a', 'b'] });
    text('hello');
    assert.equal(sent(), '');
    void body.finish();
    assert.equal(sent(), 'HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\nConnection: close\r\n\r\nhello');
  });

  test('ResponseBody sends head and first bytes when the job is over, and the rest, in chunks', () => {
    const { body, text, sent } = answer();
    text('one');
    body.sendHead();
    text('two');
    void body.finish();
    assert.match(sent(), /Transfer-Encoding: chunked\r\n\r\n(?:6\r\nonetwo|3\r\none\r\n3\r\ntwo)\r\n0\r\n\r\n$/);
  });

  test('ResponseBody keeps a length that was said, and gives none where there is no body', () => {
    for (const [head, pattern] of [
      [{ headers: ['Content-Length', '0'] }, /Content-Length: 0\r\nConnection/],
      [{ status: 204 }, /^HTTP\/1\.1 204 No Content\r\nConnection: close\r\n\r\n$/],
      [{ status: 204, headers: ['Content-Length', '0'] }, /^HTTP\/1\.1 204 No Content\r\nConnection: close\r\n\r\n$/],
      [{ status: 304 }, /^HTTP\/1\.1 304 Not Modified\r\nConnection: close\r\n\r\n$/],
      [{ method: 'HEAD', headers: ['content-length', '5'] }, /content-length: 5\r\nConnection: close\r\n\r\n$/],
      [{ method: 'HEAD' }, /^HTTP\/1\.1 200 OK\r\nConnection: close\r\n\r\n$/],
      [{}, /content-length: 0\r\n/],
    ] as const) {
      const { body, sent } = answer(head);
      void body.finish();
      assert.match(sent(), pattern);
    }
  });

  for (const [what, head] of Object.entries({
    'a length': { headers: ['trailer', 'x', 'content-length', '2'] },
    'HTTP/1.0': { headers: ['Trailer', 'x'], version: '1.0' },
    HEAD: { headers: ['trailer', 'x'], method: 'HEAD' },
    '204': { headers: ['trailer', 'x'], status: 204 },
  } satisfies Record<string, Head>)) {
    test(`ResponseBody announces no trailers with ${what}, where there can be none`, () => {
      const { body, sent } = answer(head);
      body.sendHead();
      assert.doesNotMatch(sent(), /trailer/i);
    });
  }

  test('ResponseBody announces and sends trailers after chunks, and forgets the announcement if there are none', () => {
    const { body, text, sent } = answer({ headers: ['trailer', 'x'] });
    text('hi');
    void body.finish(['x', '1', 'y', '2']);
    assert.match(sent(), /trailer: x\r\n[\s\S]*0\r\nx: 1\r\ny: 2\r\n\r\n$/);
    const none = answer({ headers: ['trailer', 'x'] });
    none.text('hi');
    void none.body.finish();
    assert.doesNotMatch(none.sent(), /trailer/);
  });

  test('ResponseBody that is given up before it was sent leaves the request to be answered otherwise', () => {
    const { body, text, sent, aborts } = answer();
    text('hi');
    body.abort({ tag: 'HTTP-response-incomplete' });
    assert.deepEqual(aborts, ['HTTP-response-incomplete true']);
    assert.equal(sent(), '');
  });

  test('ResponseBody waits a minute for a client to take a window, in the middle as at the end', async () => {
    for (const isEnd of [false, true]) {
      const { body, text, response, clock } = answer({}, 1);
      text('one');
      body.sendHead();
      const waiting = isEnd ? body.finish() : body.write(new Uint8Array(65_536));
      await clock.elapse(59_999);
      assert.equal(response.destroyed, false);
      await clock.elapse(1);
      assert.equal(response.destroyed, true);
      response.emit('close');
      await waiting;
      assert.equal(clock.pendingTimers, 0);
    }
  });

  test('ResponseBody tells a guest that its client is gone, and does nothing more', () => {
    const { body, text, response, aborts } = answer();
    response.destroy();
    assert.throws(() => text('hi'), { code: 'EPIPE' });
    assert.equal(body.finish(), undefined);
    body.abort({ tag: 'HTTP-response-incomplete' });
    body.sendHead();
    assert.deepEqual(aborts, []);
  });
});
