import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { ManualClock } from '../../time/index.ts';
import { Guest } from '../guest/index.ts';
import {
  type ByteSink,
  type ByteSource,
  InputStream,
  IO_INTERFACES,
  IoError,
  OutputStream,
  Reader,
  Writer,
} from './index.ts';
import type { Pollable } from './pollable.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
type Functions = Record<string, (...args: any[]) => any>;

function setUp(resourcesMax = 100) {
  const clock = new ManualClock();
  const guest = new Guest({ clock, resourcesMax });
  const interfaces = IO_INTERFACES;
  const streams = interfaces['wasi:io/streams'] as unknown as Functions;
  const poll = interfaces['wasi:io/poll'] as unknown as Functions;
  const input = (source: ByteSource) => new InputStream({ guest, core: new Reader(guest, source) });
  const output = (sink: ByteSink) => new OutputStream({ guest, core: new Writer(guest, sink) });
  const call = (name: string, ...args: unknown[]) => {
    const fn = streams[`[method]${name}`] ?? poll[`[method]${name}`] ?? poll[name];
    assert.ok(fn !== undefined, name);
    return fn(...args);
  };
  return { clock, guest, input, output, call };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (result: { val: Uint8Array }) => new TextDecoder().decode(result.val);
const isTrap = (error: unknown) => RuntimeError.is(error, 'COMPONENT_TRAPPED');

/** A source that gives what it is fed, when it is fed. */
function fedSource() {
  const asked: { resolve: (bytes: Uint8Array | undefined) => void; reject: (error: unknown) => void }[] = [];
  const source: ByteSource = {
    read: () =>
      new Promise((resolve, reject) => {
        asked.push({ resolve, reject });
      }),
  };
  return { source, asked };
}

/** A sink that is busy with each write and flush until it is told to go on. */
function slowSink() {
  const written: string[] = [];
  const pending: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const busy = () =>
    new Promise<void>((resolve, reject) => {
      pending.push({ resolve, reject });
    });
  const sink: ByteSink = {
    write(chunk) {
      written.push(new TextDecoder().decode(chunk));
      return busy();
    },
    flush: () => {
      written.push('(flush)');
      return busy();
    },
  };
  const next = async () => {
    pending.shift()?.resolve();
    await settle();
  };
  return { sink, written, pending, next };
}

const settle = async () => {
  for (let round = 0; round < 10; round += 1) await Promise.resolve();
};

function listSource(...chunks: (string | Error)[]): ByteSource {
  return {
    read() {
      const chunk = chunks.shift();
      if (chunk instanceof Error) throw chunk;
      return chunk === undefined ? undefined : bytes(chunk);
    },
  };
}

test('I1: input-stream.read gives at most the length asked for and then what is left', () => {
  const { input, call } = setUp();
  const stream = input(listSource('hello'));
  assert.equal(textOf(call('input-stream.read', stream, 2n)), 'he');
  assert.equal(textOf(call('input-stream.read', stream, 0n)), '');
  assert.equal(textOf(call('input-stream.read', stream, 2n ** 64n - 1n)), 'llo');
  assert.deepEqual(call('input-stream.read', stream, 1n), { tag: 'err', val: { tag: 'closed', val: undefined } });
  assert.equal(call('input-stream.read', stream, 0n).tag, 'err');
});

test('I1: input-stream.read asks its source for 64 KiB at most', () => {
  const { input, call } = setUp();
  const asked: number[] = [];
  const stream = input({
    read(maxBytes) {
      asked.push(maxBytes);
      return undefined;
    },
  });
  call('input-stream.read', stream, 2n ** 64n - 1n);
  assert.deepEqual(asked, [65_536]);
});

test('I3: input-stream.read reports a failure once, with its error, and is closed then', () => {
  const { input, call } = setUp();
  const stream = input(listSource('x', Object.assign(new Error('/secret/path'), { code: 'EISDIR' })));
  call('input-stream.read', stream, 9n);
  const failed = call('input-stream.read', stream, 9n);
  assert.equal(failed.val.tag, 'last-operation-failed');
  assert.ok(failed.val.val instanceof IoError);
  assert.equal(failed.val.val.toDebugString(), 'The stream failed: EISDIR');
  assert.equal(call('input-stream.read', stream, 9n).val.tag, 'closed');
});

test('input-stream.read is empty while the source has nothing, and blocking-read waits', async () => {
  const { input, call } = setUp();
  const { source, asked } = fedSource();
  const stream = input(source);
  assert.equal(call('input-stream.read', stream, 9n).val.length, 0);
  const reading = call('input-stream.blocking-read', stream, 9n);
  assert.ok(reading instanceof Promise);
  assert.equal(asked.length, 1, 'a second read waits for the first');
  asked[0]?.resolve(bytes('hi'));
  assert.equal(textOf(await reading), 'hi');
});

test('I5: input-stream.blocking-read completes without a promise when bytes are there', () => {
  const { input, call } = setUp();
  assert.equal(textOf(call('input-stream.blocking-read', input(listSource('now')), 9n)), 'now');
});

test('input-stream.skip counts bytes instead of giving them', async () => {
  const { input, call } = setUp();
  const stream = input(listSource('abcdef'));
  assert.deepEqual(call('input-stream.skip', stream, 2n), { tag: 'ok', val: 2n });
  assert.deepEqual(call('input-stream.blocking-skip', stream, 100n), { tag: 'ok', val: 4n });
  assert.equal(call('input-stream.skip', stream, 1n).val.tag, 'closed');
});

test('I4: a guest that spins on an empty read lets the event loop have its turn', async () => {
  const { input, call, clock } = setUp();
  const stream = input(fedSource().source);
  const answers = Array.from({ length: 16 }, () => call('input-stream.read', stream, 1n));
  assert.ok(answers.slice(0, 15).every((answer) => !(answer instanceof Promise)));
  const waiting = answers[15];
  assert.ok(waiting instanceof Promise);
  clock.run();
  assert.equal((await waiting).val.length, 0);
});

test('I5: output-stream writes at once, without a promise, to a sink that takes bytes at once', () => {
  const { output, call } = setUp();
  const written: string[] = [];
  const stream = output({ write: (chunk) => void written.push(new TextDecoder().decode(chunk)) });
  assert.deepEqual(call('output-stream.check-write', stream), { tag: 'ok', val: 65_536n });
  assert.equal(call('output-stream.write', stream, bytes('a')).tag, 'ok');
  assert.equal(call('output-stream.blocking-write-and-flush', stream, bytes('b')).tag, 'ok');
  assert.equal(call('output-stream.flush', stream).tag, 'ok');
  assert.equal(call('output-stream.blocking-flush', stream).tag, 'ok');
  assert.deepEqual(written, ['a', 'b']);
  assert.deepEqual(call('output-stream.check-write', stream), { tag: 'ok', val: 65_536n });
});

test('I2: output-stream gathers what is written while its sink is busy and permits no more than it holds', async () => {
  const { output, call } = setUp();
  const { sink, written, next } = slowSink();
  const stream = output(sink);
  call('output-stream.write', stream, bytes('first'));
  call('output-stream.write', stream, bytes('second,'));
  call('output-stream.write', stream, bytes('third'));
  assert.deepEqual(written, ['first']);
  assert.equal(call('output-stream.check-write', stream).val, 65_536n - 17n);
  await next();
  assert.deepEqual(written, ['first', 'second,third']);
  assert.equal(call('output-stream.check-write', stream).val, 65_536n - 12n);
  await next();
  assert.equal(call('output-stream.check-write', stream).val, 65_536n);
});

test('I2: output-stream.write ends the guest when it writes more than is permitted', () => {
  const { output, call } = setUp();
  const stream = output(slowSink().sink);
  assert.throws(() => call('output-stream.write', stream, new Uint8Array(65_537)), isTrap);
  call('output-stream.write', stream, new Uint8Array(65_536));
  assert.equal(call('output-stream.check-write', stream).val, 0n);
  assert.throws(() => call('output-stream.write', stream, bytes('x')), isTrap);
  assert.equal(call('output-stream.write', stream, bytes('')).tag, 'ok');
});

test('output-stream.flush permits nothing until what was written before has gone out', async () => {
  const { output, call } = setUp();
  const { sink, written, next } = slowSink();
  const stream = output(sink);
  call('output-stream.write', stream, bytes('a'));
  call('output-stream.write', stream, bytes('b'));
  call('output-stream.flush', stream);
  assert.equal(call('output-stream.check-write', stream).val, 0n);
  await next();
  await next();
  assert.deepEqual(written, ['a', 'b', '(flush)']);
  assert.equal(call('output-stream.check-write', stream).val, 0n);
  await next();
  assert.equal(call('output-stream.check-write', stream).val, 65_536n);
});

test('output-stream.blocking-write-and-flush waits for a busy sink and for the flush', async () => {
  const { output, call } = setUp();
  const { sink, written, next } = slowSink();
  const stream = output(sink);
  call('output-stream.write', stream, new Uint8Array(65_535));
  const writing = call('output-stream.blocking-write-and-flush', stream, bytes('xyz'));
  assert.ok(writing instanceof Promise);
  for (let step = 0; step < 5; step += 1) await next();
  assert.deepEqual(await writing, { tag: 'ok', val: undefined });
  assert.deepEqual(written.slice(1), ['x', 'yz', '(flush)']);
});

test('output-stream takes at most 4096 bytes in one blocking write', () => {
  const { output, call } = setUp();
  const stream = output({ write: () => {} });
  assert.equal(call('output-stream.blocking-write-and-flush', stream, new Uint8Array(4_096)).tag, 'ok');
  assert.throws(() => call('output-stream.blocking-write-and-flush', stream, new Uint8Array(4_097)), isTrap);
  assert.throws(() => call('output-stream.blocking-write-zeroes-and-flush', stream, 4_097n), isTrap);
});

test('output-stream.write-zeroes obeys the same permit and allocates nothing for what it refuses', () => {
  const { output, call } = setUp();
  const written: Uint8Array[] = [];
  const stream = output({ write: (chunk) => void written.push(chunk) });
  assert.equal(call('output-stream.write-zeroes', stream, 3n).tag, 'ok');
  assert.equal(call('output-stream.blocking-write-zeroes-and-flush', stream, 2n).tag, 'ok');
  assert.deepEqual(
    written.map((chunk) => [...chunk]),
    [
      [0, 0, 0],
      [0, 0],
    ],
  );
  assert.throws(() => call('output-stream.write-zeroes', stream, 2n ** 64n - 1n), isTrap);
});

test('I3: output-stream reports what its sink threw once and is closed then', async () => {
  const { output, call } = setUp();
  const { sink, pending } = slowSink();
  const stream = output(sink);
  call('output-stream.write', stream, bytes('a'));
  pending[0]?.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  await settle();
  const failed = call('output-stream.check-write', stream);
  assert.equal(failed.val.tag, 'last-operation-failed');
  assert.equal(failed.val.val.errno, 'ENOSPC');
  assert.equal(call('output-stream.write', stream, bytes('b')).val.tag, 'closed');
  assert.equal(call('output-stream.flush', stream).val.tag, 'closed');
});

test('output-stream is closed, not failed, when nobody reads any more', () => {
  const { output, call } = setUp();
  const gone = () => {
    throw Object.assign(new Error('gone'), { code: 'EPIPE' });
  };
  const stream = output({ write: gone });
  assert.equal(call('output-stream.blocking-write-and-flush', stream, bytes('a')).tag, 'ok');
  assert.equal(call('output-stream.check-write', stream).val.tag, 'closed');
});

test('output-stream.splice moves no more than is asked for, there and permitted', () => {
  const { input, output, call } = setUp();
  const written: string[] = [];
  const to = output({ write: (chunk) => void written.push(new TextDecoder().decode(chunk)) });
  const from = input(listSource('abcdef'));
  assert.deepEqual(call('output-stream.splice', to, from, 2n), { tag: 'ok', val: 2n });
  assert.deepEqual(call('output-stream.splice', to, from, 0n), { tag: 'ok', val: 0n });
  assert.deepEqual(call('output-stream.splice', to, from, 2n ** 60n), { tag: 'ok', val: 4n });
  assert.equal(call('output-stream.splice', to, from, 1n).val.tag, 'closed');
  assert.deepEqual(written, ['ab', 'cdef']);
});

test('output-stream.blocking-splice waits for both sides', async () => {
  const { input, output, call } = setUp();
  const { source, asked } = fedSource();
  const { sink, written, next } = slowSink();
  const to = output(sink);
  call('output-stream.write', to, new Uint8Array(65_536));
  const splicing = call('output-stream.blocking-splice', to, input(source), 100n);
  await settle();
  assert.equal(asked.length, 0);
  await next();
  asked[0]?.resolve(bytes('in'));
  assert.deepEqual(await splicing, { tag: 'ok', val: 2n });
  assert.equal(written[1], 'in');
});

test('poll ends a guest that polls nothing or too much', () => {
  const { input, call } = setUp();
  const pollable = input(listSource()).subscribe();
  assert.throws(() => call('poll', []), isTrap);
  assert.throws(() => call('poll', new Array(16_385).fill(pollable)), isTrap);
});

test('poll reports a pollable as often as it stands in the list', () => {
  const { input, call } = setUp();
  const stream = input(listSource('x'));
  const [first, second] = [stream.subscribe(), stream.subscribe()];
  assert.deepEqual(call('poll', [first, second, first]), [0, 1, 2]);
});

test('poll waits until one is ready and tells which', async () => {
  const { input, output, call } = setUp();
  const { source, asked } = fedSource();
  const { sink, next } = slowSink();
  const to = output(sink);
  call('output-stream.write', to, new Uint8Array(65_536));
  const list = [input(source).subscribe(), to.subscribe()];
  const first = call('poll', list);
  await next();
  assert.deepEqual(await first, [1]);
  asked[0]?.resolve(undefined);
  await settle();
  assert.deepEqual(call('poll', list), [0, 1], 'the end of a stream is an event too');
});

test('pollable.ready begins the read that it tells of', async () => {
  const { input, call } = setUp();
  const { source, asked } = fedSource();
  const pollable: Pollable = input(source).subscribe();
  assert.equal(call('pollable.ready', pollable), false);
  asked[0]?.resolve(bytes('x'));
  await settle();
  assert.equal(call('pollable.ready', pollable), true);
  assert.equal(call('pollable.block', pollable), undefined);
});

test('a stream dropped before its pollables ends the guest, and not one that is gone already', () => {
  const { input, guest } = setUp();
  const [first, second] = [input(listSource()), input(listSource())];
  const pollable = first.subscribe();
  assert.throws(() => first.drop(), isTrap);
  pollable.drop();
  second.subscribe();
  void guest.dispose();
  second.drop();
});

test('G1: a wait ends with COMPONENT_KILLED when the guest goes', async () => {
  const { input, guest, call } = setUp();
  const stream = input(fedSource().source);
  const waits = [call('input-stream.blocking-read', stream, 1n), call('pollable.block', stream.subscribe())];
  void guest.dispose();
  for (const wait of waits) await assert.rejects(wait, (error) => RuntimeError.is(error, 'COMPONENT_KILLED'));
  await assert.rejects(call('input-stream.blocking-read', stream, 1n), (error) => RuntimeError.is(error));
});

test('G2: a guest that collects resources without end is ended at its limit', () => {
  const { input, call } = setUp(10);
  const stream = input(listSource('x'));
  const collect = () => {
    for (;;) call('input-stream.subscribe', stream);
  };
  assert.throws(collect, (error) => RuntimeError.is(error, 'COMPONENT_LIMIT'));
});

test('arguments of other types than WASI declares end the guest', () => {
  const { input, output, call } = setUp();
  const wrong: [string, ...unknown[]][] = [
    ['input-stream.read', {}, 1n],
    ['input-stream.read', input(listSource()), 1],
    ['input-stream.read', input(listSource()), 'x'],
    ['output-stream.write', output({ write: () => {} }), 'text'],
    ['output-stream.write', input(listSource()), bytes('x')],
    ['output-stream.splice', output({ write: () => {} }), output({ write: () => {} }), 1n],
    ['poll', 'x'],
    ['poll', [undefined]],
  ];
  for (const [name, ...args] of wrong) assert.throws(() => call(name, ...args), isTrap, name);
});
