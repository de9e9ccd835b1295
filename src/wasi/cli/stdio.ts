import type { Readable, Writable } from 'node:stream';
import type { ByteSink, ByteSource } from '../io/index.ts';

/** Bytes that {@link bufferSink} keeps by default. */
const BUFFER_BYTES_MAX = 1_048_576;

/** Bytes of one line that {@link lineSink} gathers by default; a longer one is handed over in pieces. */
const LINE_BYTES_MAX = 65_536;

/** A source that is at its end. */
export const EMPTY_SOURCE: ByteSource = Object.freeze({ read: () => undefined });

/** A sink that takes everything and keeps nothing. */
export const DISCARD_SINK: ByteSink = Object.freeze({ write: () => {} });

/** A source of bytes that are there already. */
export function bufferSource(input: Uint8Array | string): ByteSource {
  let rest = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  return {
    read(maxBytes) {
      if (rest.length === 0) return undefined;
      const bytes = rest.subarray(0, maxBytes);
      rest = rest.subarray(bytes.length);
      return bytes;
    },
  };
}

/** Keeps what is written. */
export interface BufferSink extends ByteSink {
  bytes(): Uint8Array;
  text(): string;
}

/** @param maxBytes What is kept at most; then the stream is closed to the guest. Default 1 MiB. */
export function bufferSink(maxBytes = BUFFER_BYTES_MAX): BufferSink {
  const chunks: Uint8Array[] = [];
  let length = 0;
  return {
    write(bytes) {
      if (length + bytes.length > maxBytes) throw Object.assign(new Error('The buffer is full'), { code: 'EPIPE' });
      chunks.push(bytes);
      length += bytes.length;
    },
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

/** Hands over whole lines, and an unfinished last one when the guest is gone. */
export interface LineSink extends ByteSink {
  end(): void;
}

/**
 * Cuts what is written into lines.
 *
 * @param onLine Gets each line without its end (`\n` or `\r\n`), decoded from UTF-8; wrong bytes become U+FFFD.
 * @param maxBytes Of one line; a longer one comes in pieces. Default 65,536.
 */
export function lineSink(onLine: (line: string) => void, maxBytes = LINE_BYTES_MAX): LineSink {
  let partial: Uint8Array[] = [];
  let partialBytes = 0;
  const emit = (bytes: Uint8Array, whole: boolean) => {
    const line = partialBytes === 0 ? bytes : Buffer.concat([...partial, bytes]);
    partial = [];
    partialBytes = 0;
    const end = whole && line.at(-1) === 0x0d ? line.length - 1 : line.length;
    onLine(Buffer.from(line.buffer, line.byteOffset, end).toString('utf8'));
  };
  return {
    write(bytes) {
      let rest = bytes;
      while (rest.length > 0) {
        const newline = rest.indexOf(0x0a);
        const room = maxBytes - partialBytes;
        if (newline >= 0 && newline <= room) {
          emit(rest.subarray(0, newline), true);
          rest = rest.subarray(newline + 1);
        } else if (rest.length > room) {
          emit(rest.subarray(0, room), false);
          rest = rest.subarray(room);
        } else {
          // A copy: many small pieces shall not keep their large buffers alive.
          partial.push(rest.slice());
          partialBytes += rest.length;
          break;
        }
      }
    },
    end() {
      if (partialBytes > 0) emit(new Uint8Array(0), false);
    },
  };
}

/** A Node.js stream that guests read; `close` lets go of it without ending it. */
export interface ReadableSource extends ByteSource {
  close(): void;
}

/**
 * Reads a Node.js stream on demand: nothing is taken from it before a guest reads. A guest that follows another, after
 * a restart for example, goes on where that one ended; a read that the first was waiting for is the second's.
 *
 * @param stream `process.stdin`, for example. While a guest waits for it, it keeps the process alive.
 */
export function readableSource(stream: Readable): ReadableSource {
  let waiting: NextChunk | undefined;
  const readNow = (): Uint8Array | 'end' | 'none' => {
    const chunk: unknown = stream.read();
    if (typeof chunk === 'string') return Buffer.from(chunk);
    if (chunk instanceof Uint8Array) return chunk;
    if (stream.errored) throw stream.errored;
    return stream.readableEnded || stream.destroyed ? 'end' : 'none';
  };
  return {
    read() {
      if (waiting !== undefined) return waiting.bytes;
      const now = readNow();
      if (now !== 'none') return now === 'end' ? undefined : now;
      waiting = nextChunk(stream, readNow, () => {
        waiting = undefined;
      });
      return waiting.bytes;
    },
    close() {
      waiting?.giveUp();
      stream.pause();
      if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
    },
  };
}

interface NextChunk {
  readonly bytes: Promise<Uint8Array | undefined>;
  /** Ends the wait as if the stream had ended. */
  giveUp(): void;
}

const READ_EVENTS = ['readable', 'end', 'close', 'error'] as const;

/** Waits until `readNow` gives something; calls `settled` when the wait is over. */
function nextChunk(stream: Readable, readNow: () => Uint8Array | 'end' | 'none', settled: () => void): NextChunk {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
  const settle = (finish: () => void) => {
    for (const event of READ_EVENTS) stream.off(event, check);
    settled();
    finish();
  };
  const check = () => {
    try {
      const now = readNow();
      if (now !== 'none') settle(() => resolve(now === 'end' ? undefined : now));
    } catch (error) {
      settle(() => reject(error));
    }
  };
  for (const event of READ_EVENTS) stream.on(event, check);
  return { bytes: promise, giveUp: () => settle(() => resolve(undefined)) };
}

/** A Node.js stream that guests write; `close` lets go of it without ending it. */
export interface WritableSink extends ByteSink {
  close(): void;
}

const NOTHING = new Uint8Array(0);

/**
 * Writes to a Node.js stream with its back-pressure. Make one per stream and share it between guests: each one listens
 * for errors, so that a reader that goes away closes the guest's stream instead of ending the process.
 *
 * @param stream `process.stdout`, for example.
 */
export function writableSink(stream: Writable): WritableSink {
  let failure: Error | undefined;
  const onError = (error: Error) => {
    failure = error;
  };
  stream.on('error', onError);
  const check = () => {
    if (failure !== undefined) throw failure;
    if (stream.destroyed || stream.writableEnded)
      throw Object.assign(new Error('The stream has ended'), { code: 'EPIPE' });
  };
  return {
    write(bytes) {
      check();
      return stream.write(bytes) ? undefined : written(stream);
    },
    flush() {
      check();
      return stream.writableLength === 0 ? undefined : written(stream);
    },
    close() {
      stream.off('error', onError);
    },
  };
}

/** Settles when everything written so far has gone out. */
function written(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(NOTHING, (error) => (error ? reject(error) : resolve()));
  });
}
