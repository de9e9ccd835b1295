import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failsWith } from '../../../test/kit/fails-with.ts';
import type { Guest, Result } from '../guest/index.ts';
import { AddressDenied, type Phase, toErrorCode } from './failures.ts';
import { Fields } from './fields.ts';
import { bytes, MemorySink, MemorySource, settled, testGuest } from './http.suite.ts';
import { CONNECT_TIMEOUT_MS, RESPONSE_TIMEOUT_MS, TIMEOUT_MS_MAX } from './limits.ts';
import { OutgoingRequest, RequestOptions } from './outgoing.ts';
import { type FutureIncomingResponse, send } from './outgoing-handler.ts';
import { fromMethod, isAuthority, isPathWithQuery } from './variants.ts';

const GRANTED = ['http://example.com', 'https://example.com:8443'];

function requestOf(guest: Guest, headers: readonly (readonly [string, string])[] = []): OutgoingRequest {
  const fields = new Fields(guest);
  for (const [name, value] of headers) fields.append(name, bytes(value));
  const request = new OutgoingRequest(guest, fields);
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority('example.com');
  return request;
}

function sentOf(result: ReturnType<typeof send>): FutureIncomingResponse {
  assert.equal(result.tag, 'ok');
  return result.val as FutureIncomingResponse;
}

const codeOf = (result: Result<unknown, unknown>) =>
  result.tag === 'ok' ? 'ok' : (result.val as { readonly tag: string }).tag;

test('send hands the client what the guest made', () => {
  const { guest, client } = testGuest({ http: GRANTED });
  const request = requestOf(guest, [
    ['X-A', '1'],
    ['Expect', '100-continue'],
  ]);
  request.setScheme({ tag: 'HTTPS' });
  request.setAuthority('EXAMPLE.com:8443');
  request.setMethod({ tag: 'post' });
  request.setPathWithQuery('/a?b');
  const body = request.body().val;
  sentOf(send(guest, request, undefined));
  const [sent] = client.sent;
  assert.deepEqual(sent?.endpoint, { scheme: 'https', host: 'example.com', port: 8443 });
  assert.deepEqual([sent?.method, sent?.path, sent?.headers], ['POST', '/a?b', ['X-A', '1']]);
  assert.deepEqual(
    [sent?.connectMs, sent?.firstByteMs, sent?.betweenBytesMs],
    [CONNECT_TIMEOUT_MS, RESPONSE_TIMEOUT_MS, RESPONSE_TIMEOUT_MS],
  );
  assert.equal(sent?.body, body);
});

test('send takes the timeouts of the guest, at least a millisecond and at most an hour', () => {
  const { guest, client } = testGuest({ http: GRANTED });
  const options = new RequestOptions(guest);
  options.connect = 0n;
  options.firstByte = 1_500_000n;
  options.betweenBytes = 2n ** 64n - 1n;
  sentOf(send(guest, requestOf(guest), options));
  const [sent] = client.sent;
  assert.deepEqual([sent?.connectMs, sent?.firstByteMs, sent?.betweenBytesMs], [1, 2, TIMEOUT_MS_MAX]);
});

test('send gives the path that it means', () => {
  const { guest, client } = testGuest({ http: GRANTED });
  for (const path of [undefined, '', '?q', '/p']) {
    const request = requestOf(guest);
    request.setPathWithQuery(path);
    sentOf(send(guest, request, undefined)).drop();
    client.sent.at(-1)?.events.onEnd();
  }
  assert.deepEqual(
    client.sent.map(({ path }) => path),
    ['/', '/', '/?q', '/p'],
  );
});

test('H4: send refuses what is no request, and what is not granted', () => {
  const cases: readonly [(request: OutgoingRequest) => unknown, string][] = [
    [(request) => request.setAuthority(undefined), 'HTTP-request-URI-invalid'],
    [(request) => request.setPathWithQuery('*'), 'HTTP-request-URI-invalid'],
    [(request) => request.setAuthority('example.com:0'), 'HTTP-request-URI-invalid'],
    [(request) => request.setScheme({ tag: 'other', val: 'ftp' }), 'HTTP-protocol-error'],
    [(request) => request.setMethod({ tag: 'connect' }), 'HTTP-request-method-invalid'],
    [(request) => request.setScheme(undefined), 'HTTP-request-denied'],
    [(request) => request.setAuthority('example.com:81'), 'HTTP-request-denied'],
    [(request) => request.setAuthority('example.org'), 'HTTP-request-denied'],
  ];
  for (const [change, expected] of cases) {
    const { guest, client, denied } = testGuest({ http: GRANTED });
    const request = requestOf(guest);
    change(request);
    assert.equal(codeOf(send(guest, request, undefined)), expected);
    assert.deepEqual([client.sent.length, denied.length], [0, expected === 'HTTP-request-denied' ? 1 : 0]);
  }
});

test('send refuses a body whose length cannot be told or kept', () => {
  const { guest } = testGuest({ http: GRANTED });
  const lengths = (...values: string[]) =>
    requestOf(
      guest,
      values.map((value) => ['content-length', value] as const),
    );
  assert.equal(codeOf(send(guest, lengths('1', '1'), undefined)), 'HTTP-protocol-error');
  assert.equal(codeOf(send(guest, lengths('5'), undefined)), 'HTTP-request-body-size');
  const dropped = requestOf(guest);
  const body = dropped.body().val as { drop(): void };
  body.drop();
  assert.equal(codeOf(send(guest, dropped, undefined)), 'HTTP-protocol-error');
});

test('send takes the body of a request along that it refuses', () => {
  const { guest } = testGuest();
  const request = requestOf(guest);
  const body = request.outgoingBody ?? (request.body().val as NonNullable<OutgoingRequest['outgoingBody']>);
  assert.equal(codeOf(send(guest, request, undefined)), 'HTTP-request-denied');
  const sink = new MemorySink();
  body.attach(sink);
  assert.deepEqual(sink.outcome, { tag: 'HTTP-protocol-error' });
});

test('send refuses more requests than a guest may have under way, until one is over', () => {
  const { guest, client } = testGuest({ http: GRANTED });
  for (let round = 0; round < 3; round += 1) sentOf(send(guest, requestOf(guest), undefined));
  assert.equal(codeOf(send(guest, requestOf(guest), undefined)), 'connection-limit-reached');
  client.sent[0]?.events.onEnd();
  sentOf(send(guest, requestOf(guest), undefined));
});

test('FutureIncomingResponse gives its response once', async () => {
  const { guest, client } = testGuest({ http: GRANTED });
  const future = sentOf(send(guest, requestOf(guest), undefined));
  const pollable = future.subscribe();
  assert.deepEqual([await future.get(), pollable.ready()], [undefined, false]);
  const source = new MemorySource(['x']);
  client.sent[0]?.events.onResponse({ status: 201, headers: ['Connection', 'close', 'X-A', '1'], body: source });
  assert.equal(pollable.ready(), true);
  const got = (await future.get()) as Result<Result<{ status: number; headers(): Fields; drop(): void }, never>, never>;
  assert.ok(got.tag === 'ok' && got.val.tag === 'ok');
  const response = got.val.val;
  assert.deepEqual(
    [
      response.status,
      response
        .headers()
        .entries()
        .map(([name]) => name),
    ],
    [201, ['X-A']],
  );
  assert.deepEqual(await future.get(), { tag: 'err', val: undefined });
  response.drop();
  assert.ok(source.isClosed, 'a response that is not read is let go of');
});

test('FutureIncomingResponse gives the reason of a failure, and reports a denial', async () => {
  const { guest, client, denied } = testGuest({ http: GRANTED });
  const future = sentOf(send(guest, requestOf(guest), undefined));
  const decision = { effect: 'deny', rule: 'default', reason: 'No' } as const;
  client.sent[0]?.events.onFailure({ tag: 'destination-IP-prohibited' }, decision);
  assert.deepEqual(await future.get(), { tag: 'ok', val: { tag: 'err', val: { tag: 'destination-IP-prohibited' } } });
  assert.deepEqual(denied, ['No']);
});

test('FutureIncomingResponse that is dropped lets go of its request, or of the response that came', () => {
  const { guest, client } = testGuest({ http: GRANTED });
  sentOf(send(guest, requestOf(guest), undefined)).drop();
  assert.equal(client.sent[0]?.isAborted, true);
  const future = sentOf(send(guest, requestOf(guest), undefined));
  const source = new MemorySource([]);
  client.sent[1]?.events.onResponse({ status: 200, headers: [], body: source });
  future.drop();
  assert.ok(source.isClosed);
  const polled = sentOf(send(guest, requestOf(guest), undefined));
  polled.subscribe();
  assert.throws(() => polled.drop(), failsWith('COMPONENT_TRAPPED', /pollable/));
});

test('W4: disposing of the guest lets go of every request', async () => {
  const { guest, client } = testGuest({ http: GRANTED });
  sentOf(send(guest, requestOf(guest), undefined));
  sentOf(send(guest, requestOf(guest), undefined));
  await guest.dispose();
  for (const { isAborted, events } of client.sent) {
    assert.ok(isAborted);
    events.onEnd();
  }
  await settled();
});

test('isAuthority takes a host and a port, and no user', () => {
  for (const text of ['a', 'a.b:80', '127.0.0.1', '[::1]', '[::1]:8080']) assert.equal(isAuthority(text), true, text);
  for (const text of [
    '',
    'u@a',
    'u:p@a',
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'a\\b',
    '::1',
    '[::1',
    'a:',
    'a:65536',
    'a:b',
    'ä',
  ]) {
    assert.equal(isAuthority(text), false, text);
  }
});

test('isPathWithQuery takes visible ASCII without a fragment', () => {
  for (const text of ['', '/', '/a/b?c=d&e', '?q', '*', '/{"a":[1]}', "/~!$&'()*+,;=:@%20"]) {
    assert.equal(isPathWithQuery(text), true, text);
  }
  for (const text of ['a', '/a b', '/a#b', '/a\\b', '/ä', '/\r\n', '/\0', '*a', `/${'a'.repeat(20_000)}`]) {
    assert.equal(isPathWithQuery(text), false, text);
  }
});

test('fromMethod takes tokens', () => {
  assert.equal(fromMethod({ tag: 'get' }), 'GET');
  assert.equal(fromMethod({ tag: 'other', val: 'M-SEARCH' }), 'M-SEARCH');
  for (const val of ['', 'a b', 'a\r\nb', 'x'.repeat(100)]) assert.equal(fromMethod({ tag: 'other', val }), undefined);
});

test('toErrorCode names what undici, Node.js and OpenSSL say', () => {
  const cases: readonly [code: string, phase: Phase, expected: string][] = [
    ['ECONNREFUSED', 'connect', 'connection-refused'],
    ['ENOTFOUND', 'connect', 'DNS-error'],
    ['EAI_AGAIN', 'connect', 'DNS-timeout'],
    ['EHOSTUNREACH', 'connect', 'destination-IP-unroutable'],
    ['EADDRNOTAVAIL', 'connect', 'destination-unavailable'],
    ['EMFILE', 'connect', 'connection-limit-reached'],
    ['ETIMEDOUT', 'connect', 'connection-timeout'],
    ['ETIMEDOUT', 'body', 'connection-read-timeout'],
    ['ECONNRESET', 'head', 'connection-terminated'],
    ['ECONNRESET', 'body', 'HTTP-response-incomplete'],
    ['UND_ERR_SOCKET', 'body', 'HTTP-response-incomplete'],
    ['UND_ERR_HEADERS_TIMEOUT', 'head', 'connection-read-timeout'],
    ['UND_ERR_HEADERS_TIMEOUT', 'send', 'connection-write-timeout'],
    ['UND_ERR_BODY_TIMEOUT', 'body', 'connection-read-timeout'],
    ['UND_ERR_HEADERS_OVERFLOW', 'head', 'HTTP-response-header-section-size'],
    ['UND_ERR_MAX_ORIGINS_REACHED', 'connect', 'connection-limit-reached'],
    ['HPE_INVALID_CHUNK_SIZE', 'body', 'HTTP-protocol-error'],
    ['HPE_INVALID_TRANSFER_ENCODING', 'head', 'HTTP-response-transfer-coding'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect', 'TLS-certificate-error'],
    ['CERT_HAS_EXPIRED', 'connect', 'TLS-certificate-error'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect', 'TLS-certificate-error'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'connect', 'TLS-protocol-error'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'connect', 'TLS-alert-received'],
    ['EWHATEVER', 'head', 'internal-error'],
  ];
  for (const [code, phase, expected] of cases) {
    assert.equal(toErrorCode(Object.assign(new Error('secret path'), { code }), phase).tag, expected, code);
  }
});

test('toErrorCode tells a guest nothing of the host', () => {
  const { tag, val } = toErrorCode(new Error('/etc/secret'), 'head');
  assert.deepEqual([tag, val], ['internal-error', undefined]);
  assert.equal(toErrorCode('x', 'head').tag, 'internal-error');
  const both = new AggregateError([Object.assign(new Error('a'), { code: 'ECONNREFUSED' })]);
  assert.equal(toErrorCode(both, 'connect').tag, 'connection-refused');
  const denied = new AddressDenied({ effect: 'deny', rule: 'default', reason: 'No' });
  assert.equal(toErrorCode(denied, 'connect').tag, 'destination-IP-prohibited');
  const alert = toErrorCode(Object.assign(new Error(), { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }), 'connect');
  assert.deepEqual(alert.val, { alertId: undefined, alertMessage: 'unknown ca' });
});
