import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failsWith } from '../../../test/kit/fails-with.ts';
import { RuntimeError } from '../../errors/index.ts';
import type { Guest, Result } from '../guest/index.ts';
import type { OutputStream } from '../io/index.ts';
import { Fields } from './fields.ts';
import { bytes, MemoryExchange, MemorySource, settled, testGuest } from './http.suite.ts';
import type { IncomingRequest } from './incoming.ts';
import { openExchange, type ResponseOutparam } from './open-exchange.ts';
import { OutgoingResponse } from './outgoing.ts';
import type { OutgoingBody } from './outgoing-body.ts';

function okOf<T>(result: Result<T, unknown>): T {
  assert.equal(result.tag, 'ok');
  return result.val as T;
}

function opened(guest: Guest, server: MemoryExchange) {
  const open = openExchange(guest, server);
  const [request, outparam] = open.args as [IncomingRequest, ResponseOutparam];
  return { open, request, outparam };
}

interface Made {
  readonly response: OutgoingResponse;
  readonly body: OutgoingBody;
  readonly stream: OutputStream;
}

function responseOf(guest: Guest, headers: readonly (readonly [string, string])[] = []): Made {
  const fields = new Fields(guest);
  for (const [name, value] of headers) fields.append(name, bytes(value));
  const response = new OutgoingResponse(guest, fields);
  const body = okOf(response.body());
  return { response, body, stream: okOf(body.stream()) };
}

const set = (outparam: ResponseOutparam, val: object) => outparam.set({ tag: 'ok', val });

test('IncomingRequest shows what the server received, without the fields of the connection', () => {
  const { guest } = testGuest();
  const { request } = opened(guest, new MemoryExchange({ method: 'PURGE' }));
  assert.deepEqual(request.method(), { tag: 'other', val: 'PURGE' });
  assert.deepEqual([request.scheme().tag, request.authority()], ['HTTP', 'example.com']);
  assert.equal(request.pathWithQuery(), '/path?query');
  assert.deepEqual(
    request
      .headers()
      .entries()
      .map(([name]) => name),
    ['X-Name'],
  );
});

test('IncomingRequest gives its body once, and nothing when it is over', () => {
  const { guest } = testGuest();
  const source = new MemorySource(['x'], { isOpen: true });
  const { open, request } = opened(guest, new MemoryExchange({ source }));
  okOf(request.consume());
  assert.equal(request.consume().tag, 'err');
  void open.close();
  assert.ok(source.isClosed);
  for (const use of [() => request.method(), () => request.headers(), () => request.consume()]) {
    assert.throws(use, failsWith('COMPONENT_TRAPPED', /over/));
  }
  request.drop();
});

test('an exchange is answered with what the guest set, and is over with its body', () => {
  const { guest } = testGuest();
  const server = new MemoryExchange();
  const { open, request, outparam } = opened(guest, server);
  const { response, body, stream } = responseOf(guest, [['X-A', '1']]);
  response.setStatus(201);
  set(outparam, response);
  okOf(stream.write(bytes('text')));
  stream.drop();
  okOf(body.finish(undefined));
  request.drop();
  assert.equal(open.close(), undefined);
  assert.deepEqual(
    [server.status, server.headers, server.sink.text, server.sink.outcome],
    [201, ['X-A', '1'], 'text', 'finished'],
  );
});

test('an answer without body is whole at once', () => {
  const { guest } = testGuest();
  const server = new MemoryExchange();
  const { open, outparam } = opened(guest, server);
  set(outparam, new OutgoingResponse(guest, new Fields(guest)));
  assert.deepEqual([server.status, server.sink.outcome, open.close()], [200, 'finished', undefined]);
});

test('an exchange waits for a slow server to take the rest', async () => {
  const { guest } = testGuest();
  const server = new MemoryExchange();
  const { open, outparam } = opened(guest, server);
  const { response, body, stream } = responseOf(guest);
  server.sink.stop();
  set(outparam, response);
  okOf(stream.write(bytes('one ')));
  okOf(stream.write(bytes('two')));
  stream.drop();
  okOf(body.finish(undefined));
  const rest = open.close();
  assert.ok(rest instanceof Promise);
  server.sink.go();
  await rest;
  assert.deepEqual([server.sink.text, server.sink.outcome], ['one two', 'finished']);
});

test('an exchange that the guest did not answer fails by name', () => {
  const { guest } = testGuest();
  const server = new MemoryExchange();
  const { open, outparam } = opened(guest, server);
  outparam.drop();
  assert.equal(open.close(), undefined);
  assert.deepEqual([server.failure?.tag, server.reason], ['internal-error', 'HTTP_RESPONSE_MISSING']);
});

test('an exchange whose guest ended fails with the reason, and is cut off if it was answered', () => {
  const { guest } = testGuest();
  const reason = new RuntimeError('COMPONENT_TRAPPED', 'It trapped');
  const unanswered = new MemoryExchange();
  void opened(guest, unanswered).open.close(reason);
  assert.equal(unanswered.reason, 'COMPONENT_TRAPPED');
  const answered = new MemoryExchange();
  const { open, outparam } = opened(guest, answered);
  set(outparam, responseOf(guest).response);
  void open.close(reason);
  assert.deepEqual([answered.failure, answered.sink.outcome], [undefined, { tag: 'HTTP-response-incomplete' }]);
});

test('an exchange fails with the error that the guest sets, if there is such an error', () => {
  const { guest } = testGuest();
  const server = new MemoryExchange();
  const { open, outparam } = opened(guest, server);
  outparam.set({ tag: 'err', val: { tag: 'destination-unavailable' } });
  void open.close();
  assert.deepEqual([server.failure, server.reason], [{ tag: 'destination-unavailable' }, undefined]);
  const { outparam: other } = opened(guest, new MemoryExchange());
  assert.throws(() => other.set({ tag: 'err', val: { tag: 'made-up' } }), failsWith('COMPONENT_TRAPPED'));
});

test('a response that is set when its request is over ends the guest', () => {
  const { guest } = testGuest();
  const { open, outparam } = opened(guest, new MemoryExchange());
  void open.close();
  const { response } = responseOf(guest);
  assert.throws(() => set(outparam, response), failsWith('COMPONENT_TRAPPED', /over/));
});

test('H2: an answer that no server could send whole is refused before its head', () => {
  const cases: readonly [(guest: Guest) => OutgoingResponse, string][] = [
    [(guest) => withStatus(guest, 101), 'HTTP-protocol-error'],
    [(guest) => withStatus(guest, 199), 'HTTP-protocol-error'],
    [(guest) => withLengths(guest, '1', '2'), 'HTTP-protocol-error'],
    [(guest) => withLengths(guest, 'x'), 'HTTP-protocol-error'],
    [(guest) => withLengths(guest, '5'), 'HTTP-response-body-size'],
    [withDroppedBody, 'HTTP-response-incomplete'],
  ];
  for (const [make, expected] of cases) {
    const { guest } = testGuest();
    const server = new MemoryExchange();
    const { open, outparam } = opened(guest, server);
    set(outparam, make(guest));
    void open.close();
    assert.deepEqual([server.failure?.tag, server.status], [expected, undefined]);
  }
});

function withStatus(guest: Guest, status: number): OutgoingResponse {
  const response = new OutgoingResponse(guest, new Fields(guest));
  okOf(response.setStatus(status));
  return response;
}

function withLengths(guest: Guest, ...lengths: string[]): OutgoingResponse {
  const fields = new Fields(guest);
  for (const length of lengths) fields.append('content-length', bytes(length));
  return new OutgoingResponse(guest, fields);
}

function withDroppedBody(guest: Guest): OutgoingResponse {
  const { response, body, stream } = responseOf(guest);
  stream.drop();
  body.drop();
  return response;
}

test('an answer to HEAD, and one that has no body by its status, may promise a length', () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 304],
    ['GET', 204],
  ] as const) {
    const { guest } = testGuest();
    const server = new MemoryExchange({ method });
    const { open, outparam } = opened(guest, server);
    const { response, body, stream } = responseOf(guest, [['content-length', '100']]);
    response.setStatus(status);
    set(outparam, response);
    stream.drop();
    okOf(body.finish(undefined));
    void open.close();
    assert.deepEqual([server.status, server.sink.outcome], [status, 'finished']);
  }
});

test('what informs goes before the answer, and only that', () => {
  const { guest } = testGuest();
  const server = new MemoryExchange();
  const { outparam } = opened(guest, server);
  okOf(outparam.sendInformational(103, new Fields(guest)));
  for (const status of [99, 101, 200, 500]) {
    assert.equal(outparam.sendInformational(status, new Fields(guest)).tag, 'err', String(status));
  }
  assert.deepEqual(server.informed, [103]);
});

test('what informs frames nothing, and has an end: nothing makes a guest wait that says it without reading clients', () => {
  const { guest } = testGuest();
  const server = new MemoryExchange();
  const { outparam } = opened(guest, server);
  const fieldsOf = (name: string, value: string) => {
    const fields = new Fields(guest);
    fields.append(name, bytes(value));
    return fields;
  };
  assert.equal(outparam.sendInformational(103, fieldsOf('Content-Length', '5')).tag, 'err');
  okOf(outparam.sendInformational(103, fieldsOf('link', 'x'.repeat(60_000))));
  const refused = outparam.sendInformational(103, fieldsOf('link', 'x'.repeat(10_000)));
  assert.deepEqual(refused, { tag: 'err', val: { tag: 'HTTP-response-header-section-size', val: undefined } });
  let informed = 1;
  while (outparam.sendInformational(103, new Fields(guest)).tag === 'ok') informed++;
  assert.ok(informed < 1_000);
  assert.equal(server.informed.length, informed);
});

test('W4: disposing of the guest fails what is unanswered and cuts off what is not whole', async () => {
  const { guest } = testGuest();
  const unanswered = new MemoryExchange({ source: new MemorySource([], { isOpen: true }) });
  okOf(opened(guest, unanswered).request.consume());
  const answered = new MemoryExchange();
  const { outparam } = opened(guest, answered);
  set(outparam, responseOf(guest).response);
  await guest.dispose();
  await settled();
  assert.deepEqual([unanswered.reason, unanswered.source?.isClosed], ['COMPONENT_KILLED', true]);
  assert.deepEqual(answered.sink.outcome, { tag: 'HTTP-response-incomplete' });
});

test('openExchange refuses a guest that keeps too much', () => {
  const { guest } = testGuest({ resourcesMax: 3 });
  openExchange(guest, new MemoryExchange());
  assert.throws(() => openExchange(guest, new MemoryExchange()), failsWith('COMPONENT_LIMIT'));
});
