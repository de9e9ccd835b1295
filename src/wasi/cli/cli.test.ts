import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { type Clock, ManualClock } from '../../time/index.ts';
import { defineWasi, type Stdio, type WasiOptions } from '../index.ts';
import { bufferSink, bufferSource, lineSink, readableSource, writableSink } from './index.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of the interface by their WIT names
type Functions = Record<string, (...args: any[]) => any>;

const bytes = (text: string) => new TextEncoder().encode(text);

type SetUpOptions = Partial<WasiOptions> & Stdio & { readonly clock?: Clock };

function setUp({ stdin, stdout, stderr, terminals, clock = new ManualClock(), ...options }: SetUpOptions = {}) {
  const wasi = defineWasi(options);
  const stdio = { ...(stdin && { stdin }), ...(stdout && { stdout }), ...(stderr && { stderr }) };
  const guest = wasi.guest({ clock, stdio: { ...stdio, ...(terminals && { terminals }) } });
  const call = (name: string, fn: string, ...args: unknown[]) =>
    (wasi.interfaces[`wasi:${name}`] as unknown as Functions)[fn]?.call(guest, ...args);
  const print = (text: string) =>
    call('io/streams', '[method]output-stream.blocking-write-and-flush', call('cli/stdout', 'get-stdout'), bytes(text));
  const read = (stream: unknown) => call('io/streams', '[method]input-stream.blocking-read', stream, 100n);
  return { wasi, guest, call, print, read };
}

test('L1: environment shows what was given and nothing else', () => {
  const { call } = setUp({ args: ['prog', 'a b'], env: { KEY: 'value', EMPTY: '' } });
  assert.deepEqual(call('cli/environment', 'get-arguments'), ['prog', 'a b']);
  assert.deepEqual(call('cli/environment', 'get-environment'), [
    ['KEY', 'value'],
    ['EMPTY', ''],
  ]);
  assert.equal(call('cli/environment', 'initial-cwd'), undefined);
  const bare = setUp();
  assert.deepEqual(bare.call('cli/environment', 'get-environment'), []);
  assert.deepEqual(bare.call('cli/environment', 'get-arguments'), []);
});

test('L2: exit ends the guest with its status', () => {
  const { call } = setUp();
  const exits = (status: number, fn: string, arg: unknown) =>
    assert.throws(
      () => call('cli/exit', fn, arg),
      (error) => RuntimeError.is(error, 'COMPONENT_EXITED') && error.details.status === status,
    );
  exits(0, 'exit', { tag: 'ok', val: undefined });
  exits(1, 'exit', { tag: 'err', val: undefined });
  exits(42, 'exit-with-code', 42);
});

test('standard streams without a port are an end and a void', () => {
  const { call, print, read } = setUp();
  assert.equal(print('lost').tag, 'ok');
  assert.equal(read(call('cli/stdin', 'get-stdin')).val.tag, 'closed');
});

test('L3: handles of standard input share its bytes', () => {
  const { call, read } = setUp({ stdin: bufferSource('x'.repeat(150)) });
  const [first, second] = [call('cli/stdin', 'get-stdin'), call('cli/stdin', 'get-stdin')];
  assert.equal(read(first).val.length, 100);
  assert.equal(read(second).val.length, 50);
  assert.equal(read(first).val.tag, 'closed');
});

test('terminals are there if they are', () => {
  const { call } = setUp({ terminals: { stdout: true } });
  assert.equal(call('cli/terminal-stdin', 'get-terminal-stdin'), undefined);
  assert.equal(typeof call('cli/terminal-stdout', 'get-terminal-stdout'), 'object');
  assert.equal(call('cli/terminal-stderr', 'get-terminal-stderr'), undefined);
});

test('defineWasi offers clocks and randomness only when they are granted', () => {
  const names = (options: Partial<WasiOptions>) => Object.keys(setUp(options).wasi.interfaces);
  assert.ok(!names({}).some((name) => /clocks|random/.test(name)));
  assert.equal(
    names({ clockGranted: true, randomGranted: true }).filter((name) => /clocks|random/.test(name)).length,
    5,
  );
});

test('defineWasi refuses limits out of range', () => {
  assert.throws(() => setUp({ limits: { openFilesMax: -1 } }), RangeError);
  assert.throws(() => setUp({ limits: { resourcesMax: 0 } }), RangeError);
});

test('dispose waits for standard output to take what it holds, and not longer than drainMs', async () => {
  const clock = new ManualClock();
  let release = () => {};
  const stdout = {
    write: () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  };
  const patient = setUp({ clock, stdout });
  patient.call('io/streams', '[method]output-stream.write', patient.call('cli/stdout', 'get-stdout'), bytes('x'));
  const disposed = patient.guest.dispose();
  release();
  await disposed;
  const stuck = setUp({ clock, stdout });
  stuck.call('io/streams', '[method]output-stream.write', stuck.call('cli/stdout', 'get-stdout'), bytes('x'));
  const late = stuck.guest.dispose();
  clock.advance(1_000);
  await late;
  assert.equal(clock.pendingTimers, 0);
});

test('bufferSink closes the stream when it is full', () => {
  const stdout = bufferSink(4);
  const { call, print } = setUp({ stdout });
  assert.equal(print('1234').tag, 'ok');
  print('5');
  assert.equal(stdout.text(), '1234');
  const stream = call('cli/stdout', 'get-stdout');
  assert.equal(call('io/streams', '[method]output-stream.check-write', stream).val.tag, 'closed');
});

test('lineSink hands over whole lines, however they are cut', () => {
  const lines: string[] = [];
  const sink = lineSink((line) => lines.push(line), 10);
  for (const piece of ['a', 'b\nc\r\n\n', 'gr', 'ü', '\n']) void sink.write(bytes(piece));
  assert.deepEqual(lines, ['ab', 'c', '', 'grü']);
  void sink.write(bytes('0123456789abcde\nrest'));
  sink.end();
  sink.end();
  assert.deepEqual(lines.slice(4), ['0123456789', 'abcde', 'rest']);
});

test('L4: dispose hands over the line that a guest did not finish', async () => {
  const lines: string[] = [];
  const { guest, print } = setUp({ stdout: lineSink((line) => lines.push(line)) });
  print('whole\nhalf');
  assert.deepEqual(lines, ['whole']);
  await guest.dispose();
  assert.deepEqual(lines, ['whole', 'half']);
});

test('lineSink joins a character that was cut in two', () => {
  const lines: string[] = [];
  const sink = lineSink((line) => lines.push(line));
  const [first, second, rest] = [...bytes('ü\n')];
  void sink.write(Uint8Array.of(first ?? 0));
  void sink.write(Uint8Array.of(second ?? 0, rest ?? 0));
  assert.deepEqual(lines, ['ü']);
});

test('readableSource waits for a Node.js stream and sees its end', async () => {
  const stream = new PassThrough();
  const { call, read } = setUp({ stdin: readableSource(stream) });
  const stdin = call('cli/stdin', 'get-stdin');
  const reading = read(stdin);
  stream.write('hello');
  assert.equal(Buffer.from((await reading).val).toString(), 'hello');
  const ending = read(stdin);
  stream.end();
  assert.equal((await ending).val.tag, 'closed');
  assert.equal(stream.listenerCount('readable'), 0);
});

test('readableSource gives the read that a guest was waiting for to the one that follows it', async () => {
  const stream = new PassThrough();
  const stdin = readableSource(stream);
  const first = setUp({ stdin });
  const abandoned = first.read(first.call('cli/stdin', 'get-stdin'));
  await first.guest.dispose();
  await assert.rejects(abandoned);
  const second = setUp({ stdin });
  const reading = second.read(second.call('cli/stdin', 'get-stdin'));
  stream.write('hello');
  assert.equal(Buffer.from((await reading).val).toString(), 'hello');
  const waiting = second.read(second.call('cli/stdin', 'get-stdin'));
  stdin.close();
  assert.equal((await waiting).val.tag, 'closed');
  assert.equal(stream.listenerCount('readable'), 0);
});

test('readableSource reports the error of its stream', async () => {
  const stream = new PassThrough();
  const { call, read } = setUp({ stdin: readableSource(stream) });
  const stdin = call('cli/stdin', 'get-stdin');
  const reading = read(stdin);
  stream.destroy(Object.assign(new Error('bad'), { code: 'EIO' }));
  const failed = await reading;
  assert.equal(failed.val.val.errno, 'EIO');
});

test('writableSink passes on the back-pressure of a Node.js stream', async () => {
  const written: string[] = [];
  let release = () => {};
  const stream = new Writable({
    highWaterMark: 4,
    write(chunk, _encoding, callback) {
      written.push(String(chunk));
      release = callback;
    },
  });
  const { print } = setUp({ stdout: writableSink(stream) });
  const printing = print('12345678');
  assert.ok(printing instanceof Promise);
  release();
  // The empty write that tells when all has gone out is written like any other.
  await Promise.resolve();
  while (written.length < 2) await new Promise((resolve) => process.nextTick(resolve));
  release();
  assert.equal((await printing).tag, 'ok');
  assert.equal(written[0], '12345678');
});

test('writableSink closes the guest’s stream when the reader goes, and the process lives', async () => {
  const stream = new Writable({
    write(_chunk, _encoding, callback) {
      callback(Object.assign(new Error('gone'), { code: 'EPIPE' }));
    },
  });
  const sink = writableSink(stream);
  const { call, print } = setUp({ stdout: sink });
  await print('x');
  await print('y');
  const check = call('io/streams', '[method]output-stream.check-write', call('cli/stdout', 'get-stdout'));
  assert.equal(check.val.tag, 'closed');
  sink.close();
});
