import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  bytesPayload,
  type JsonValue,
  type OperationInfo,
  type Payload,
  payloadBytes,
  REQUEST_BODY_BYTES_MAX,
} from '../api/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { CliContext, InputStream } from './context.ts';
import type { OutputFormat } from './report-error.ts';
import { sanitize, toJson } from './text.ts';

/** Bytes of a payload: base64 makes four of three, and the rest of the request needs room. */
const PAYLOAD_BYTES_MAX = Math.floor((REQUEST_BODY_BYTES_MAX * 3) / 4) - 4_096;

/** Bytes of a hexadecimal dump; a terminal is no place for more. */
const DUMP_BYTES_MAX = 4_096;

/** Where the payload of `ask` and `tell` comes from. */
export interface PayloadSource {
  /** The argument: text, or `-` for standard input. */
  readonly argument?: string | undefined;
  /** `--data`: `@file`, `-` or text. */
  readonly data?: string | undefined;
}

/**
 * Reads the payload that an operation takes: JSON with the arguments in order for one with WIT types, opaque bytes for
 * an actor that handles messages.
 */
export async function readPayload(
  context: CliContext,
  source: PayloadSource,
  operation: OperationInfo,
): Promise<Payload> {
  const bytes = await readSource(context, source);
  if (operation.kind === 'message') return bytesPayload(bytes ?? new Uint8Array());
  if (bytes === undefined) return { form: 'json', value: [] };
  const value = parseJson(bytes, operation);
  return { form: 'json', value: Array.isArray(value) ? value : [value] };
}

async function readSource(context: CliContext, { argument, data }: PayloadSource): Promise<Uint8Array | undefined> {
  if (argument !== undefined && data !== undefined) {
    throw new RuntimeError(
      'USAGE_INVALID',
      'Cannot take a payload from the argument and from --data: give one of them',
    );
  }
  const text = argument ?? data;
  if (text === undefined) return undefined;
  if (text === '-') return await readStream(context.stdin, 'standard input');
  if (data?.startsWith('@')) return await readFile(data.slice(1));
  return checkSize(Buffer.from(text, 'utf8'), 'the payload');
}

async function readStream(stream: InputStream, name: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > PAYLOAD_BYTES_MAX) throw tooLarge(name);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function readFile(file: string): Promise<Uint8Array> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) throw new RuntimeError('FILE_UNREADABLE', `Cannot read "${file}": it is not a regular file`);
    if (stats.size > PAYLOAD_BYTES_MAX) throw tooLarge(`"${file}"`);
    return checkSize(await handle.readFile(), `"${file}"`);
  } catch (cause) {
    if (RuntimeError.is(cause)) throw cause;
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const reason = missing ? 'it is not there' : 'this user may not read it';
    throw new RuntimeError(missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE', `Cannot read "${file}": ${reason}`, {
      cause,
    });
  }
}

function checkSize(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes.length > PAYLOAD_BYTES_MAX) throw tooLarge(name);
  return bytes;
}

function tooLarge(name: string): RuntimeError {
  return new RuntimeError('MESSAGE_INVALID', `Cannot send ${name}: a payload has at most ${PAYLOAD_BYTES_MAX} bytes`);
}

function parseJson(bytes: Uint8Array, operation: OperationInfo): JsonValue {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RuntimeError('USAGE_INVALID', `Cannot read the payload as JSON: ${sanitize(reason)}`, {
      cause,
      details: { help: [`${operation.name} is ${operation.wit}`, 'quote texts twice for the shell: \'"text"\''] },
    });
  }
}

/** Writes a reply: JSON as it is; bytes as text when they are, else raw to a pipe and as a dump to a terminal. */
export function writeReply(context: CliContext, payload: Payload, format: OutputFormat): void {
  const { stdout } = context;
  if (format === 'json') {
    stdout.write(`${toJson({ payload })}\n`);
    return;
  }
  if (payload.form === 'json') {
    stdout.write(`${toJson(payload.value)}\n`);
    return;
  }
  const bytes = payloadBytes(payload);
  if (!stdout.isTTY) {
    stdout.write(bytes);
    return;
  }
  const text = decodeText(bytes);
  if (text === undefined) stdout.write(dump(bytes));
  else if (text !== '') stdout.write(text.endsWith('\n') ? sanitize(text) : `${sanitize(text)}\n`);
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    // Not text; the caller shows it otherwise.
    return undefined;
  }
}

/** Offset, sixteen bytes, and what of them can be shown. */
function dump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, DUMP_BYTES_MAX); at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const shown = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${digits.padEnd(47)}  ${shown}`);
  }
  if (bytes.length > DUMP_BYTES_MAX)
    lines.push(`… ${bytes.length - DUMP_BYTES_MAX} more bytes; write them to a file with > FILE`);
  return `${lines.join('\n')}\n`;
}
