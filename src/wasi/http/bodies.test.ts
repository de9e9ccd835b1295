import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failsWith } from '../../../test/kit/fails-with.ts';
import type { Guest, Result } from '../guest/index.ts';
import type { InputStream, IoError, OutputStream } from '../io/index.ts';
import { HttpFailure } from './error-code.ts';
import { bytes, MemorySink, MemorySource, settled, testGuest } from './http.suite.ts';
import { IncomingBody } from './incoming-body.ts';
import { HELD_BYTES_MAX } from './limits.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { RequestFlow } from './request-flow.ts';

function okOf<T>(result: Result<T, unknown>): T {
  assert.equal(result.tag, 'ok');
  return result.val as T;
}

const textOf = (result: unknown) => Buffer.from(okOf(result as Result<Uint8Array, unknown>)).toString('latin1');

/** The `error-code` of a stream that failed, or `closed`. */
function problemOf(result: unknown): unknown {
  const { tag, val } = result as Result<unknown, { readonly tag: string; readonly val?: unknown }>;
  assert.equal(tag, 'err');
  if (val === undefined || (val as { readonly tag: string }).tag === 'closed') return 'closed';
  const { cause } = (val as { readonly val: IoError }).val;
  return cause instanceof HttpFailure ? cause.errorCode.tag : cause;
}

const incoming = (guest: Guest, source?: MemorySource) => {
  const body = new IncomingBody(guest, source);
  return { body, stream: okOf(body.stream()) as InputStream };
};

const outgoing = (guest: Guest, promised?: number) => {
  const body = new OutgoingBody(guest, 'response', promised);
  return { body, stream: okOf(body.stream()) as OutputStream };
};

// ── in ──

test('IncomingBody gives its stream once, and reads what is there without a promise', () => {
  const { guest } = testGuest();
  const { body, stream } = incoming(guest, new MemorySource(['one', 'two']));
  assert.equal(body.stream().tag, 'err');
  assert.deepEqual([textOf(stream.read(10)), textOf(stream.read(10))], ['one', 'two']);
  assert.equal(problemOf(stream.read(10)), 'closed');
});

test('IncomingBody of a message without body is at its end', async () => {
  const { guest } = testGuest();
  const { body, stream } = incoming(guest);
  assert.equal(problemOf(stream.read(10)), 'closed');
  stream.drop();
  assert.deepEqual(await body.finish().get(), { tag: 'ok', val: { tag: 'ok', val: undefined } });
});

test('IncomingBody cannot be finished or dropped while its stream lives', () => {
  const { guest } = testGuest();
  assert.throws(() => incoming(guest, new MemorySource([])).body.finish(), failsWith('COMPONENT_TRAPPED', /stream/));
  const source = new MemorySource(['x']);
  assert.throws(() => incoming(guest, source).body.drop(), failsWith('COMPONENT_TRAPPED', /stream/));
  assert.ok(source.isClosed);
});

test('IncomingBody tells the error code of a message that broke off, to the stream and to the trailers', async () => {
  const { guest } = testGuest();
  const failure = new HttpFailure({ tag: 'connection-read-timeout' });
  const { body, stream } = incoming(guest, new MemorySource(['x', failure]));
  textOf(stream.read(10));
  assert.equal(problemOf(stream.read(10)), 'connection-read-timeout');
  assert.equal(problemOf(stream.read(10)), 'closed');
  stream.drop();
  const trailers = await body.finish().get();
  assert.deepEqual(trailers, { tag: 'ok', val: { tag: 'err', val: { tag: 'connection-read-timeout' } } });
});

test('FutureTrailers reads the rest away, and gives the trailers once', async () => {
  const { guest } = testGuest();
  const source = new MemorySource(['much', 'more'], { trailers: ['X-Sum', '1', 'Connection', 'close'], isOpen: true });
  const future = new IncomingBody(guest, source).finish();
  assert.equal(await future.get(), undefined);
  const pollable = future.subscribe();
  assert.equal(pollable.ready(), false);
  source.finish();
  await settled();
  assert.equal(pollable.ready(), true);
  const given = okOf(okOf((await future.get()) as never)) as { entries(): [string, Uint8Array][] };
  assert.deepEqual(
    given.entries().map(([name]) => name),
    ['X-Sum'],
  );
  assert.deepEqual(await future.get(), { tag: 'err', val: undefined });
  assert.ok(source.isClosed);
});

test('FutureTrailers cannot be dropped before what was made from it, and closes what it did not read', () => {
  const { guest } = testGuest();
  const source = new MemorySource([], { isOpen: true });
  const future = new IncomingBody(guest, source).finish();
  future.subscribe();
  assert.throws(() => future.drop(), failsWith('COMPONENT_TRAPPED', /pollable/));
  assert.ok(source.isClosed);
});

test('IncomingBody that is closed lets go of what it has, and ends who waits', async () => {
  const { guest } = testGuest();
  const { body, stream } = incoming(guest, new MemorySource([], { isOpen: true }));
  const waiting = stream.blockingRead(10);
  body.close();
  assert.equal(problemOf(await waiting), 'closed');
  const future = new IncomingBody(guest, new MemorySource([], { isOpen: true }));
  const trailers = future.finish();
  await trailers.get();
  future.close();
  assert.deepEqual(await trailers.get(), { tag: 'ok', val: { tag: 'err', val: { tag: 'connection-terminated' } } });
});

// ── out ──

test('OutgoingBody passes bytes on as they come, and ends with its trailers', () => {
  const { body, stream } = outgoing(testGuest().guest);
  const sink = new MemorySink();
  body.attach(sink);
  okOf(stream.write(bytes('one')));
  assert.equal(sink.text, 'one');
  stream.drop();
  okOf(body.finish(['x-sum', '1']));
  assert.deepEqual([sink.outcome, sink.trailers, body.settled()], ['finished', ['x-sum', '1'], undefined]);
});

test('OutgoingBody holds what is written before it has somewhere to go, and no more than a window', async () => {
  const { body, stream } = outgoing(testGuest().guest);
  assert.equal((await stream.blockingWriteAndFlush(bytes('first '))).tag, 'ok');
  const chunk = new Uint8Array(4_096).fill(0x61);
  let written = 0;
  while ((okOf(stream.checkWrite() as never) as bigint) >= 4_096n) {
    okOf(stream.write(chunk));
    written += chunk.length;
  }
  assert.ok(written >= HELD_BYTES_MAX && written <= 3 * HELD_BYTES_MAX, String(written));
  const sink = new MemorySink();
  body.attach(sink);
  await settled();
  assert.equal(sink.text.length, 6 + written);
  assert.ok(sink.text.startsWith('first aaa'));
  stream.drop();
  okOf(body.finish(undefined));
  assert.equal(sink.outcome, 'finished');
});

test('OutgoingBody that was finished before it had somewhere to go is sent whole', async () => {
  const { body, stream } = outgoing(testGuest().guest, 5);
  okOf(stream.write(bytes('hello')));
  stream.drop();
  okOf(body.finish([]));
  const sink = new MemorySink();
  sink.stop();
  body.attach(sink);
  assert.deepEqual([sink.text, sink.outcome], ['hello', 'open']);
  const done = body.settled();
  sink.go();
  await done;
  assert.deepEqual([sink.outcome, sink.trailers], ['finished', undefined]);
});

test('H3: OutgoingBody makes the guest wait for a sink that is busy, and ends after what it holds', async () => {
  const { body, stream } = outgoing(testGuest().guest);
  const sink = new MemorySink();
  body.attach(sink);
  sink.stop();
  okOf(stream.write(bytes('one ')));
  okOf(stream.write(bytes('two ')));
  okOf(stream.write(bytes('three')));
  assert.deepEqual([sink.text, sink.writes], ['one ', 1]);
  stream.drop();
  okOf(body.finish(undefined));
  assert.equal(sink.outcome, 'open');
  sink.go();
  await body.settled();
  assert.deepEqual([sink.text, sink.writes, sink.outcome], ['one two three', 2, 'finished']);
});

test('H2: OutgoingBody refuses a byte too many before it is sent, and a byte too few', () => {
  const long = outgoing(testGuest().guest, 3);
  const sink = new MemorySink();
  long.body.attach(sink);
  okOf(long.stream.write(bytes('abc')));
  assert.equal(problemOf(long.stream.write(bytes('d'))), 'HTTP-response-body-size');
  assert.deepEqual([sink.text, sink.outcome], ['abc', { tag: 'HTTP-response-body-size', val: 4n }]);
  long.stream.drop();
  assert.deepEqual(long.body.finish(undefined), { tag: 'err', val: { tag: 'HTTP-response-body-size', val: 4n } });

  const short = new OutgoingBody(testGuest().guest, 'request', 3);
  const other = new MemorySink();
  short.attach(other);
  assert.deepEqual(short.finish(undefined), { tag: 'err', val: { tag: 'HTTP-request-body-size', val: 0n } });
  assert.notEqual(other.outcome, 'finished');
});

test('H2: OutgoingBody that is dropped is not whole, whether it has somewhere to go or not', () => {
  const { guest } = testGuest();
  const sink = new MemorySink();
  const body = new OutgoingBody(guest, 'response', undefined);
  body.attach(sink);
  body.drop();
  assert.deepEqual(sink.outcome, { tag: 'HTTP-response-incomplete' });
  const early = new OutgoingBody(guest, 'response', undefined);
  early.drop();
  const late = new MemorySink();
  early.attach(late);
  assert.deepEqual([late.outcome, early.settled()], [{ tag: 'HTTP-response-incomplete' }, undefined]);
});

test('OutgoingBody cannot be finished or dropped while its stream lives', () => {
  const { guest } = testGuest();
  assert.throws(() => outgoing(guest).body.finish(undefined), failsWith('COMPONENT_TRAPPED', /stream/));
  assert.throws(() => outgoing(guest).body.drop(), failsWith('COMPONENT_TRAPPED', /stream/));
});

test('OutgoingBody is closed to the guest when the peer is gone', async () => {
  const { body, stream } = outgoing(testGuest().guest);
  const sink = new MemorySink();
  body.attach(sink);
  sink.isGone = true;
  okOf(stream.write(bytes('x')));
  assert.equal(problemOf(stream.write(bytes('y'))), 'closed');
  assert.equal(body.settled(), undefined);
  stream.drop();
  assert.deepEqual(body.finish(undefined), { tag: 'err', val: { tag: 'connection-terminated' } });
});

test('OutgoingBody refuses trailers that come too late for what they say, and those of requests', () => {
  const { guest } = testGuest();
  const response = new OutgoingBody(guest, 'response', undefined);
  assert.deepEqual(response.finish(['Content-Length', '1']), { tag: 'err', val: { tag: 'HTTP-protocol-error' } });
  const request = new OutgoingBody(guest, 'request', undefined);
  assert.equal((request.finish(['x-sum', '1']).val as { readonly tag: string }).tag, 'internal-error');
  assert.equal(new OutgoingBody(guest, 'request', undefined).finish([]).tag, 'ok');
});

// ── on the way to undici ──

test('RequestFlow hands over one piece at a time and lets the writer wait for the next', async () => {
  const flow = new RequestFlow();
  let isTaken = false;
  const taken = Promise.resolve(flow.write(bytes('one'))).then(() => {
    isTaken = true;
  });
  assert.equal(Buffer.from((await flow.next()).value as Uint8Array).toString(), 'one');
  await settled();
  assert.deepEqual([isTaken, flow.isSending], [false, true]);
  const next = flow.next();
  await taken;
  flow.finish();
  assert.deepEqual([(await next).done, (await flow.next()).done, flow.isSending], [true, true, false]);
});

test('RequestFlow fails the request when the body will not be whole', async () => {
  const flow = new RequestFlow();
  const waiting = flow.next();
  flow.abort({ tag: 'HTTP-protocol-error' });
  await assert.rejects(waiting, HttpFailure);
  await assert.rejects(flow.next(), HttpFailure);
});

test('RequestFlow closes the body when the request is over', async () => {
  const flow = new RequestFlow();
  const taken = flow.write(bytes('x'));
  await flow.return();
  await taken;
  assert.throws(() => flow.write(bytes('y')), { code: 'EPIPE' });
});
