/** Requests over real sockets through a server and a pool to real components. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CompiledComponent } from '../../src/component/index.ts';
import { type ComponentActorType, componentActor, type HttpOptions, type HttpPool } from '../../src/host/index.ts';
import { type IngressLimits, type IngressServer, type RequestRecord, serveIngress } from '../../src/ingress/index.ts';
import { type ActorSystem, createActorSystem } from '../../src/runtime/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { compileHttpGuest } from '../kit/guest-server.ts';
import { httpGuest } from '../kit/http-guest.ts';
import { until } from '../kit/process.ts';
import { openDescriptors, openRaw, rawRequest, requestText } from '../kit/raw-http.ts';

let guest: CompiledComponent;
let tour: CompiledComponent;
let descriptors: number;

before(async () => {
  guest = await httpGuest();
  tour = await compileHttpGuest('tour');
  // What the first server opens for good stays out of the count.
  await using stage = await Stage.open(guest);
  await fetch(stage.url('/'), { headers: { connection: 'close' } });
});

after(() => noDescriptorIsLeft());

async function noDescriptorIsLeft(): Promise<void> {
  await until(
    () => openDescriptors() <= descriptors,
    () => `${openDescriptors()} descriptors to be ${descriptors}`,
  );
}

interface StageOptions {
  readonly http?: HttpOptions;
  readonly limits?: Partial<IngressLimits>;
  readonly deadlineMs?: number;
}

/** A component behind a server of its own. */
class Stage implements AsyncDisposable {
  readonly server: IngressServer;
  readonly records: RequestRecord[];
  readonly #type: ComponentActorType;
  readonly #system: ActorSystem;

  private constructor(parts: {
    server: IngressServer;
    records: RequestRecord[];
    type: ComponentActorType;
    system: ActorSystem;
  }) {
    this.server = parts.server;
    this.records = parts.records;
    this.#type = parts.type;
    this.#system = parts.system;
  }

  static async open(component: CompiledComponent, options: StageOptions = {}): Promise<Stage> {
    descriptors ??= openDescriptors();
    const { http, limits, deadlineMs } = options;
    const type = componentActor(component, {
      name: 'web',
      grants: { clock: true },
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(http && { http }),
    });
    const system = createActorSystem();
    const records: RequestRecord[] = [];
    await system.spawn(type, 'web').ready;
    const server = await serveIngress({
      listen: { host: '127.0.0.1', port: 0 },
      clock: systemClock,
      ...(limits && { limits }),
      onRequest: (record) => records.push(record),
      routes: [
        {
          path: { kind: 'prefix', path: '' },
          host: { kind: 'any', host: '' },
          methods: ['GET', 'POST', 'HEAD'],
          target: { component: 'web', pool: () => type.pool('web') },
        },
        {
          path: { kind: 'exact', path: '/gone' },
          host: { kind: 'any', host: '' },
          methods: [],
          target: { component: 'gone', pool: () => undefined },
        },
      ],
    });
    return new Stage({ server, records, type, system });
  }

  get pool(): HttpPool {
    const pool = this.#type.pool('web');
    assert.ok(pool);
    return pool;
  }

  url(path: string): string {
    return `${this.server.address}${path}`;
  }

  raw(text: string): Promise<string> {
    return rawRequest(this.server.address, text);
  }

  async isIdle(): Promise<void> {
    await until(
      () => this.server.inFlight === 0 && this.pool.stats.inFlight === 0,
      () => `no request to be under way: ${JSON.stringify(this.pool.stats)}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.#system.stop();
  }
}

/** Status and code of a raw answer that is a problem document. */
function problemOf(text: string): string {
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'none';
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? 'none';
  return `${status} ${code}`;
}

describe('ingress: what is no request', () => {
  const wrong: Readonly<Record<string, readonly [string, string]>> = {
    'bytes beyond ASCII in a path': ['GET /caf\xe9 HTTP/1.1\r\nHost: a\r\n\r\n', '400 HTTP_REQUEST_INVALID'],
    'escapes that are no UTF-8': [requestText('/%ff%fe'), '400 HTTP_REQUEST_INVALID'],
    'a malformed escape': [requestText('/100%'), '400 HTTP_REQUEST_INVALID'],
    'an escaped NUL': [requestText('/a%00b'), '400 HTTP_REQUEST_INVALID'],
    'a dot-segment': [requestText('/a/../../etc/passwd'), '400 HTTP_REQUEST_INVALID'],
    'an escaped dot-segment': [requestText('/%2e%2e/a'), '400 HTTP_REQUEST_INVALID'],
    'a fragment': [requestText('/a#b'), '400 HTTP_REQUEST_INVALID'],
    'two hosts': [requestText('/', ['host: other']), '400 HTTP_REQUEST_INVALID'],
    'a target that is no path': [requestText('*', [], 'OPTIONS'), '400 HTTP_REQUEST_INVALID'],
    noise: ['\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', '400 HTTP_REQUEST_INVALID'],
    'a length and chunks at once': [
      requestText('/', ['Content-Length: 3', 'Transfer-Encoding: chunked'], 'POST'),
      '400 HTTP_REQUEST_INVALID',
    ],
    'two lengths': [requestText('/', ['Content-Length: 3', 'Content-Length: 4'], 'POST'), '400 HTTP_REQUEST_INVALID'],
    'a length with a sign': [requestText('/', ['Content-Length: +3'], 'POST'), '400 HTTP_REQUEST_INVALID'],
    'two lengths in one field': [requestText('/', ['Content-Length: 3, 3'], 'POST'), '400 HTTP_REQUEST_INVALID'],
    'chunks that are not the last encoding': [
      requestText('/', ['Transfer-Encoding: chunked, identity'], 'POST'),
      '400 HTTP_REQUEST_INVALID',
    ],
    'another encoding than chunks': [
      requestText('/', ['Transfer-Encoding: xchunked'], 'POST'),
      '400 HTTP_REQUEST_INVALID',
    ],
    'chunks of another encoding': [
      requestText('/', ['Transfer-Encoding: gzip, chunked'], 'POST'),
      '400 HTTP_REQUEST_INVALID',
    ],
    'a field that goes on in the next line': [requestText('/', ['x: a\r\n b']), '400 HTTP_REQUEST_INVALID'],
    'a space before the colon': [requestText('/', ['Content-Length : 3'], 'POST'), '400 HTTP_REQUEST_INVALID'],
    'lines that end with LF alone': [requestText('/', ['x: a']).replaceAll('\r\n', '\n'), '400 HTTP_REQUEST_INVALID'],
    'a CR alone in a field': [requestText('/', ['x: a\rContent-Length: 3']), '400 HTTP_REQUEST_INVALID'],
    'a NUL in a field': [requestText('/', ['x: a\0b']), '400 HTTP_REQUEST_INVALID'],
    'a head of 20 KB': [requestText('/', [`X: ${'x'.repeat(20_000)}`]), '431 HTTP_HEADERS_TOO_LARGE'],
    'a target of 20 KB': [requestText(`/${'x'.repeat(20_000)}`), '431 HTTP_HEADERS_TOO_LARGE'],
    '101 header fields': [
      requestText(
        '/',
        Array.from({ length: 99 }, (_, at) => `x-${at}: y`),
      ),
      '431 HTTP_HEADERS_TOO_LARGE',
    ],
    'a method that the route does not take': [requestText('/', [], 'DELETE'), '405 HTTP_METHOD_NOT_ALLOWED'],
    'a component that does not run': [requestText('/gone', [], 'DELETE'), '503 HTTP_UNAVAILABLE'],
    'a body that is announced to be too large': [
      requestText('/', ['Content-Length: 1001'], 'POST'),
      '413 HTTP_BODY_TOO_LARGE',
    ],
  };
  let stage: Stage;
  before(async () => {
    stage = await Stage.open(guest, { limits: { bodyBytesMax: 1_000 } });
  });
  after(() => stage[Symbol.asyncDispose]());
  for (const [what, [request, answer]] of Object.entries(wrong)) {
    test(`ingress answers ${answer.slice(0, 3)} to ${what}, and closes`, async () => {
      assert.equal(problemOf(await stage.raw(request)), answer);
    });
  }

  test('ingress names the methods that a route takes', async () => {
    assert.match(await stage.raw(requestText('/', [], 'DELETE')), /\r\nallow: GET, HEAD, POST\r\n/);
  });

  test('ingress refuses HTTP/1.1 without a host', async () => {
    assert.match(await stage.raw('GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
  });

  test('ingress passes none of them to the component', async () => {
    await stage.isIdle();
    assert.equal(stage.pool.stats.served + stage.pool.stats.failed, 0);
  });
});

test('ingress answers 404 with a problem document where no route leads', async () => {
  await using server = await serveIngress({
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    routes: [],
  });
  const response = await fetch(`${server.address}/a`);
  assert.equal(response.status, 404);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.deepEqual(await response.json(), {
    type: '/errors#HTTP_ROUTE_NOT_FOUND',
    title: 'No route leads to a component',
    status: 404,
    code: 'HTTP_ROUTE_NOT_FOUND',
  });
});

describe('ingress: clients that take their time', () => {
  test('ingress answers 408 to a head that does not come to its end', async () => {
    await using stage = await Stage.open(guest, { limits: { headersTimeoutMs: 200 } });
    const connection = openRaw(stage.server.address, 'GET / HTTP/1.1\r\nHost: a\r\n');
    const drip = setInterval(() => connection.send('X: y\r\n'), 20);
    const { text } = await connection.closed;
    clearInterval(drip);
    assert.equal(problemOf(text), '408 HTTP_REQUEST_TIMEOUT');
  });

  test('ingress answers 408 to a body that does not come to its end, and ends the guest that reads it', async () => {
    await using stage = await Stage.open(guest, { limits: { headersTimeoutMs: 200, requestTimeoutMs: 300 } });
    const connection = openRaw(stage.server.address, requestText('/w', ['Content-Length: 10'], 'POST'));
    const { text } = await connection.closed;
    assert.equal(problemOf(text), '408 HTTP_REQUEST_TIMEOUT');
    await stage.isIdle();
    assert.equal(stage.pool.stats.cancelled, 1);
  });

  test('ingress cuts a connection whose request breaks off while the answer is under way', async () => {
    await using stage = await Stage.open(guest);
    const connection = openRaw(stage.server.address, requestText('/echo', ['Transfer-Encoding: chunked'], 'POST'));
    connection.send('3\r\nabc\r\n');
    await connection.gets(/abc/);
    connection.send('zzz\r\n');
    const { text } = await connection.closed;
    assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1, 'no second answer in the middle of the first');
    await stage.isIdle();
  });

  test('ingress ends the guest when a client closes its side in the middle of a body', async () => {
    await using stage = await Stage.open(guest);
    const connection = openRaw(stage.server.address, requestText('/echo', ['Content-Length: 100'], 'POST'));
    connection.send('0123456789');
    await connection.gets(/0123456789/);
    connection.socket.end();
    await connection.closed;
    await stage.isIdle();
    assert.equal(stage.pool.stats.cancelled, 1);
  });

  for (const [how, leave] of Object.entries({
    'closes its side': (socket: { end(): unknown }) => socket.end(),
    'resets the connection': (socket: { resetAndDestroy(): unknown }) => socket.resetAndDestroy(),
  })) {
    test(`ingress ends the guest of a client that ${how} while it waits`, async () => {
      await using stage = await Stage.open(guest, { http: { maxInvocations: 10 } });
      const connection = openRaw(stage.server.address, 'GET /w HTTP/1.1\r\nHost: a\r\n\r\n');
      await until(
        () => stage.pool.stats.inFlight === 1,
        () => 'the request to have an instance',
      );
      leave(connection.socket);
      await connection.closed;
      await stage.isIdle();
      assert.equal(stage.pool.stats.cancelled, 1);
      assert.equal(stage.pool.memoryBytes, 0);
      assert.equal(stage.records.at(-1)?.status, 0);
    });
  }

  test('ingress ends the guests of all requests of a connection, those in line too', async () => {
    await using stage = await Stage.open(guest);
    const one = 'GET /w HTTP/1.1\r\nHost: a\r\n\r\n';
    const connection = openRaw(stage.server.address, one.repeat(20));
    await until(
      () => stage.pool.stats.inFlight === 20,
      () => 'all to have instances',
    );
    connection.socket.destroy();
    await stage.isIdle();
    assert.equal(stage.pool.stats.cancelled, 20);
    assert.equal(stage.records.length, 20);
  });

  test('ingress writes no refusal into the middle of an answer, whatever follows on the connection', async () => {
    await using stage = await Stage.open(guest);
    const one = 'GET /s HTTP/1.1\r\nHost: a\r\n\r\n';
    const connection = openRaw(stage.server.address, `${one}${one}`);
    await until(
      () => stage.pool.stats.inFlight === 2,
      () => 'both to have instances',
    );
    connection.send('noise\r\n\r\n');
    const { text } = await connection.closed;
    assert.doesNotMatch(text, /400/);
    await stage.isIdle();
  });

  test('ingress lets a client read its refusal that is still sending a body', async () => {
    await using stage = await Stage.open(guest, { limits: { bodyBytesMax: 1_000 } });
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n';
    const connection = openRaw(stage.server.address, head);
    const drip = setInterval(() => connection.send('x'.repeat(10_000)), 5);
    await connection.gets(/413[\s\S]*HTTP_BODY_TOO_LARGE/);
    const { text } = await connection.closed;
    clearInterval(drip);
    assert.equal(problemOf(text), '413 HTTP_BODY_TOO_LARGE');
  });

  test('ingress keeps a connection after a refusal', async () => {
    await using stage = await Stage.open(guest);
    const connection = openRaw(stage.server.address, 'GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n');
    await connection.gets(/HTTP_REQUEST_INVALID/);
    connection.send(requestText('/'));
    assert.match((await connection.closed).text, /HTTP\/1\.1 400[\s\S]*HTTP\/1\.1 200/);
  });

  test('ingress has a guest wait that writes faster than its client reads', async () => {
    await using stage = await Stage.open(guest);
    const before = process.memoryUsage().arrayBuffers;
    const connection = openRaw(stage.server.address, requestText('/flood'));
    connection.socket.pause();
    await until(
      () => stage.pool.stats.inFlight === 1,
      () => 'the request to have an instance',
    );
    // Time for 100 MB, if nothing stopped the guest.
    let looks = 0;
    await until(
      () => ++looks > 20,
      () => 'time to pass',
    );
    assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1_048_576);
    connection.socket.destroy();
    await stage.isIdle();
    assert.equal(stage.pool.stats.cancelled, 1);
  });

  test('ingress streams 100 MB through a guest, both ways, with flat memory', async () => {
    await using stage = await Stage.open(guest, { deadlineMs: 60_000 });
    const bytes = 100 * 1_048_576;
    const chunk = new Uint8Array(65_536).fill(65);
    let peak = 0;
    let sent = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          peak = Math.max(peak, stage.pool.memoryBytes);
          if (sent >= bytes) return controller.close();
          sent += chunk.length;
          return controller.enqueue(chunk.slice());
        },
      },
      { highWaterMark: 1 },
    );
    const response = await fetch(stage.url('/echo'), { method: 'POST', body, duplex: 'half' } as RequestInit);
    let received = 0;
    assert.ok(response.body);
    for await (const part of response.body) received += part.length;
    assert.equal(received, bytes);
    assert.ok(peak <= 8 * 1_048_576, `the guest had ${peak} bytes`);
  });
});

describe('ingress: what a component sees and says', () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.open(tour);
  });
  after(() => stage[Symbol.asyncDispose]());

  test('ingress hands over method, target, authority and headers as they were sent', async () => {
    const text = await stage.raw(requestText('/request?q=%61&%zz', ['X-Twice: a', 'x-twice: b']));
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.match(text, /\/request\?q=%61&%zz/);
    assert.match(text, /test/);
    assert.equal(text.match(/x-twice/gi)?.length, 2);
  });

  test('ingress says 100 Continue when the component reads the body, and not otherwise', async () => {
    const expecting = ['Expect: 100-continue', 'Content-Length: 5'];
    const reading = openRaw(stage.server.address, requestText('/echo', expecting, 'POST'));
    await reading.gets(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    reading.send('hello');
    assert.match((await reading.closed).text, /\r\n\r\nHTTP\/1\.1 200 [\s\S]*hello/);
    const ignoring = await stage.raw(requestText('/ignore-body', expecting, 'POST'));
    assert.match(ignoring, /^HTTP\/1\.1 200 /);
  });

  test('ingress passes informational answers on before the answer', async () => {
    assert.match(
      await stage.raw(requestText('/hints')),
      /^HTTP\/1\.1 103 Early Hints\r\n[\s\S]*\r\n\r\nHTTP\/1\.1 200 /,
    );
    assert.match(await stage.raw('GET /hints HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /, 'HTTP/1.0 has none');
  });

  test('ingress passes trailers both ways', async () => {
    assert.match(await stage.raw(requestText('/trailers')), /\r\n0\r\n[\w-]+: .+\r\n\r\n$/);
    const request = `${requestText('/echo', ['Transfer-Encoding: chunked', 'Trailer: x-sum'], 'POST')}5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n`;
    assert.match(await stage.raw(request), /\r\n0\r\nx-sum: 42\r\n\r\n$/i);
  });

  test('ingress gives a whole answer its length, and HEAD no body', async () => {
    const whole = await stage.raw(requestText('/request'));
    const [head = '', body = ''] = whole.split('\r\n\r\n');
    assert.match(head, new RegExp(`content-length: ${body.length}`, 'i'));
    const none = await stage.raw(requestText('/request', [], 'HEAD'));
    assert.match(none, /^HTTP\/1\.1 200 /);
    assert.equal(none.split('\r\n\r\n')[1], '');
  });

  test('ingress answers pipelined requests in their order', async () => {
    const one = 'GET /request?first HTTP/1.1\r\nHost: a\r\n\r\n';
    const text = await stage.raw(`${one}${requestText('/request?second')}`);
    assert.ok(text.indexOf('first') < text.indexOf('second'));
    assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 2);
  });

  test('ingress keeps a connection for the next request', async () => {
    const connection = openRaw(stage.server.address, 'GET /request HTTP/1.1\r\nHost: a\r\n\r\n');
    await connection.gets(/HTTP\/1\.1 200/);
    connection.send(requestText('/request'));
    assert.equal((await connection.closed).text.match(/HTTP\/1\.1 200/g)?.length, 2);
  });

  for (const [path, answer] of Object.entries({
    '/trap-before': '500 HTTP_COMPONENT_FAILED',
    '/never': '500 HTTP_RESPONSE_MISSING',
    '/twice': 'none none',
  })) {
    test(`ingress answers for a component that does ${path}`, async () => {
      const text = await stage.raw(requestText(path));
      if (answer === 'none none') assert.doesNotMatch(text, /unreachable|wasm|\.ts/);
      else assert.equal(problemOf(text), answer);
    });
  }

  test('ingress tells nothing of the inside of a component that fails', async () => {
    const text = await stage.raw(requestText('/trap-before'));
    assert.doesNotMatch(text, /trap|unreachable|wasm/i);
  });

  test('ingress resets the connection when a component traps in the middle of its answer', async () => {
    const { error, text } = await openRaw(stage.server.address, requestText('/trap-after')).closed;
    const isAnsweredWhole = /^HTTP\/1\.1 500 /.test(text);
    assert.ok(error === 'ECONNRESET' || isAnsweredWhole, text);
  });

  test('ingress goes on after each of them', async () => {
    assert.match(await stage.raw(requestText('/request')), /^HTTP\/1\.1 200 /);
  });
});

describe('ingress: more than there is room for', () => {
  test('ingress serves as many of 200 requests at once as may wait, sends the others away, and leaves nothing', async () => {
    const stage = await Stage.open(guest, { http: { instances: 8, queue: 16 } });
    const before = openDescriptors();
    const answers = await Promise.all(Array.from({ length: 200 }, () => stage.raw(requestText('/s'))));
    const served = answers.filter((text) => text.startsWith('HTTP/1.1 200 '));
    const shed = answers.filter((text) => problemOf(text) === '503 HTTP_OVERLOADED');
    assert.equal(served.length + shed.length, 200);
    assert.ok(served.length >= 24, `${served.length} served`);
    assert.ok(shed.every((text) => /\r\nretry-after: 1\r\n/.test(text)));
    await stage.isIdle();
    const { stats } = stage.pool;
    assert.deepEqual([stats.served, stats.shed, stats.waiting], [served.length, shed.length, 0]);
    await until(
      () => openDescriptors() <= before,
      () => 'descriptors to be closed',
    );
    await stage[Symbol.asyncDispose]();
    await noDescriptorIsLeft();
  });

  test('ingress bounds the requests of all components together', async () => {
    await using stage = await Stage.open(guest, { limits: { inFlightMax: 1 } });
    const held = openRaw(stage.server.address, requestText('/w'));
    await until(
      () => stage.server.inFlight === 1,
      () => 'the request to be under way',
    );
    const text = await stage.raw(requestText('/'));
    assert.equal(problemOf(text), '503 HTTP_OVERLOADED');
    held.socket.destroy();
    await stage.isIdle();
  });

  test('ingress closes connections beyond its number unread', async () => {
    await using stage = await Stage.open(guest, { limits: { connectionsMax: 1 } });
    const held = openRaw(stage.server.address, 'GET /w HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(
      () => stage.server.inFlight === 1,
      () => 'the request to be under way',
    );
    assert.equal(await stage.raw(requestText('/')), '');
    held.socket.destroy();
    await stage.isIdle();
  });

  test('ingress answers 504 when a component takes too long, and 413 when it reads more than a body may have', async () => {
    await using stage = await Stage.open(guest, { deadlineMs: 100 });
    assert.equal(problemOf(await stage.raw(requestText('/w'))), '504 COMPONENT_DEADLINE');
    await using counting = await Stage.open(tour, { limits: { bodyBytesMax: 1_000 } });
    const body = `${'400\r\n'}${'x'.repeat(1_024)}\r\n0\r\n\r\n`;
    const text = await counting.raw(`${requestText('/count', ['Transfer-Encoding: chunked'], 'POST')}${body}`);
    assert.match(text, /body-size|413/i);
  });
});

describe('ingress: its end', () => {
  test('ingress lets requests under way end, takes no more, and cuts what takes too long', async () => {
    const stage = await Stage.open(guest, { limits: { drainMs: 400 } });
    const short = openRaw(stage.server.address, 'GET /s HTTP/1.1\r\nHost: a\r\n\r\n');
    const long = openRaw(stage.server.address, 'GET /w HTTP/1.1\r\nHost: a\r\n\r\n');
    const idle = openRaw(stage.server.address, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle.gets(/hello/);
    await until(
      () => stage.pool.stats.inFlight === 2,
      () => 'both requests to have instances',
    );
    await stage[Symbol.asyncDispose]();
    assert.match((await short.closed).text, /^HTTP\/1\.1 200 /);
    assert.equal((await long.closed).text, '');
    await idle.closed;
    await noDescriptorIsLeft();
  });

  test('ingress says who has the port', async () => {
    await using stage = await Stage.open(guest);
    const port = Number(new URL(stage.server.address).port);
    const second = serveIngress({ listen: { host: '127.0.0.1', port }, clock: systemClock, routes: [] });
    await assert.rejects(second, failsWith('PORT_IN_USE', /another process listens there/));
    const nowhere = serveIngress({ listen: { host: '192.0.2.1', port: 0 }, clock: systemClock, routes: [] });
    await assert.rejects(nowhere, failsWith('CONFIG_INVALID', /no such address/));
  });
});
