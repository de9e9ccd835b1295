import { getStderr } from 'wasi:cli/stderr@0.2.12';
import { getStdout } from 'wasi:cli/stdout@0.2.12';
import type { OutputStream } from 'wasi:io/streams@0.2.12';
import { encodeUtf8 } from './encoding.ts';
import { messageOf } from './failure.ts';

/** Bytes that one `blocking-write-and-flush` takes. */
const WRITE_BYTES_MAX = 4_096;

/** The streams, asked for once: each time would be another handle. `null`: there is none. */
const streams: { out?: OutputStream | null; err?: OutputStream | null } = {};

function streamOf(name: 'out' | 'err'): OutputStream | null {
  streams[name] ??= name === 'out' ? getStdout() : getStderr();
  return streams[name];
}

/** Writes one line. Where the stream is closed or not granted, it goes nowhere, as a program's would. */
function writeLine(name: 'out' | 'err', text: string): void {
  try {
    const stream = streamOf(name);
    const bytes = encodeUtf8(`${text}\n`);
    for (let at = 0; at < bytes.length; at += WRITE_BYTES_MAX) {
      stream?.blockingWriteAndFlush(bytes.slice(at, at + WRITE_BYTES_MAX));
    }
  } catch {
    streams[name] = null;
  }
}

/** As a person reads it: texts as they are, errors with their place, everything else as JSON. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error)
    return `${value.name}: ${value.message}${value.stack ? `\n${value.stack.trimEnd()}` : ''}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) return toJson(value) ?? String(value);
  return String(value);
}

function toJson(value: object): string | undefined {
  try {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  } catch {
    // A circle: its name has to do.
    return undefined;
  }
}

const to =
  (name: 'out' | 'err') =>
  (...values: unknown[]): void =>
    writeLine(name, values.map(describe).join(' '));

/** `log`, `info`, `debug` to standard output; `warn`, `error`, `trace` to standard error. */
export const guestConsole = {
  log: to('out'),
  info: to('out'),
  debug: to('out'),
  warn: to('err'),
  error: to('err'),
  trace: to('err'),
};

/**
 * Says on standard error what nobody caught. What has a code, such as a request that was denied, is no mistake of the code
 * around it: one line says it all. A mistake is worth its stack.
 */
export function complain(thrown: unknown): void {
  const hasCode = typeof thrown === 'object' && thrown !== null && 'code' in thrown;
  guestConsole.error(hasCode ? messageOf(thrown) : thrown);
}
