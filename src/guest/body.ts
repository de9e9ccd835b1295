import { type IncomingBody, OutgoingBody } from 'wasi:http/types@0.2.12';
import type { InputStream } from 'wasi:io/streams@0.2.12';
import { decodeUtf8 } from './encoding.ts';
import { drop } from './handles.ts';
import { fromJson, type Payload, toBytes } from './payload.ts';

/** Bytes asked for at once; what a host holds ready for a guest. */
const READ_BYTES = 65_536;
/** Bytes that one `blocking-write-and-flush` takes. */
const WRITE_BYTES_MAX = 4_096;

/** What came with a request or a response; it can be read once. */
export class Body implements Iterable<Uint8Array> {
  readonly #take: () => IncomingBody;
  #bytes: Uint8Array | undefined;

  constructor(take: () => IncomingBody) {
    this.#take = take;
  }

  /** Piece by piece, as they arrive. */
  *[Symbol.iterator](): Iterator<Uint8Array> {
    const body = this.#take();
    const stream = body.stream();
    try {
      for (let chunk = read(stream); chunk !== undefined; chunk = read(stream)) yield chunk;
    } finally {
      drop('input-stream', stream);
    }
  }

  bytes(): Uint8Array {
    if (this.#bytes !== undefined) return this.#bytes;
    const chunks = [...this];
    const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#bytes = bytes;
    return bytes;
  }

  text(): string {
    return decodeUtf8(this.bytes());
  }

  /** @throws {Failure} `PAYLOAD_INVALID` — it is not JSON. */
  json(): unknown {
    return fromJson(this.bytes());
  }
}

/** The next bytes; `undefined` at the end. */
function read(stream: InputStream): Uint8Array | undefined {
  try {
    return stream.blockingRead(READ_BYTES);
  } catch (thrown) {
    const payload = (thrown as { readonly payload?: { readonly tag?: string } }).payload;
    if (payload?.tag === 'closed') return undefined;
    throw new Error('The body broke off');
  }
}

/** What can be sent as a body: a payload, or pieces of it, each sent when it is there. */
export type BodyInit = Payload | Iterable<string | Uint8Array>;

/** Whether it is sent in pieces; its length is then not known before. */
export function isPieces(body: BodyInit): body is Iterable<string | Uint8Array> {
  return (
    typeof body === 'object' &&
    body !== null &&
    !(body instanceof Uint8Array) &&
    Symbol.iterator in body &&
    !Array.isArray(body)
  );
}

/** Writes all of `body` and finishes it. */
export function send(to: OutgoingBody, pieces: Iterable<string | Uint8Array>): void {
  const stream = to.write();
  try {
    for (const piece of pieces) {
      const bytes = toBytes(piece) ?? new Uint8Array(0);
      for (let at = 0; at < bytes.length; at += WRITE_BYTES_MAX) {
        stream.blockingWriteAndFlush(bytes.subarray(at, at + WRITE_BYTES_MAX).slice());
      }
    }
  } finally {
    drop('output-stream', stream);
  }
  OutgoingBody.finish(to, null);
}
