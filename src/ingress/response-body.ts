import type { ServerResponse } from 'node:http';
import type { Clock } from '../time/index.ts';
import type { HttpBodySink, HttpErrorCode, RawHeaders } from '../wasi/index.ts';

const PEER_GONE: Error = Object.assign(new Error('The client is gone'), { code: 'EPIPE' });

/** Statuses that never have a body; the first must not say either how long it would be (RFC 9110, 8.6). */
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

interface AnswerHead {
  readonly status: number;
  readonly headers: RawHeaders;
}

export interface ResponseContext {
  readonly clock: Clock;
  /** Hears that the answer is given up. @param isUnsent None of it has been sent: the request can be answered otherwise. */
  onAbort(reason: HttpErrorCode, isUnsent: boolean): void;
}

/** Bytes that are turned into a text of as many characters, to be written with the head: a page of memory, 1 µs. */
const TEXT_BYTES_MAX = 4_096;

/**
 * What a client gets to take a window of an answer, or the last of it with what the system holds. The guest may be done,
 * and its deadline over: nobody else would end the wait.
 */
const WINDOW_MS = 60_000;

/**
 * An answer on its way out. The head is kept back with the first bytes until the job that runs is over: what a guest
 * says without waiting in between leaves in one piece, with its length.
 *
 *     respond ─► [ head + first bytes ] ─── finish ──► one write, with a content-length
 *                        └── a second write, or the job is over ──► head, then chunks
 */
export class ResponseBody implements HttpBodySink {
  private readonly response: ServerResponse;
  private readonly head: AnswerHead;
  private readonly context: ResponseContext;
  private first: Uint8Array | undefined = undefined;
  private headSent = false;

  constructor(response: ServerResponse, head: AnswerHead, context: ResponseContext) {
    this.response = response;
    this.head = head;
    this.context = context;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    const { response } = this;
    if (response.destroyed) throw PEER_GONE;
    if (!this.headSent && this.first === undefined) {
      this.first = bytes;
      return undefined;
    }
    this.sendHead();
    return response.write(bytes) ? undefined : this.until('drain');
  }

  finish(trailers?: RawHeaders): void | Promise<void> {
    const { response } = this;
    if (response.destroyed) return undefined;
    if (trailers !== undefined) this.sendTrailers(trailers);
    else if (this.headSent) response.end();
    else this.sendWhole();
    return response.writableLength === 0 ? undefined : this.until('finish');
  }

  abort(reason: HttpErrorCode): void {
    const { response } = this;
    if (response.destroyed) return;
    this.context.onAbort(reason, !this.headSent);
    if (!this.headSent) return;
    // A mere end of the connection could pass for the end of the body.
    response.socket?.resetAndDestroy();
    response.destroy();
  }

  /** Sends what is kept back. Called when the job that began the answer is over. */
  readonly sendHead = (): void => {
    const { response, first } = this;
    if (this.headSent || response.destroyed || response.headersSent) return;
    this.headSent = true;
    this.writeHead(undefined);
    if (first === undefined) response.flushHeaders();
    else response.write(first);
    this.first = undefined;
  };

  private sendWhole(): void {
    const { response, first } = this;
    this.headSent = true;
    this.first = undefined;
    this.writeHead(first?.length ?? 0);
    // Node.js writes the head and a text in one piece, but the head and bytes in two.
    if (first === undefined || first.length > TEXT_BYTES_MAX) response.end(first);
    else response.end(Buffer.from(first.buffer, first.byteOffset, first.length).toString('latin1'), 'latin1');
  }

  /** @param bytes Length of the whole body, if that is known without having been said. */
  private writeHead(bytes: number | undefined): void {
    const { response } = this;
    const { status, headers } = this.head;
    const hasBody = response.req.method !== 'HEAD' && status !== NO_CONTENT && status !== NOT_MODIFIED;
    const found = lookAt(headers);
    const isWhole = hasBody && bytes !== undefined && !found.length;
    const isChunked = hasBody && bytes === undefined && !found.length && response.req.httpVersion === '1.1';
    // Trailers come after chunks only; to announce them elsewhere is an error for Node.js.
    const fitting = found.trailer && !isChunked ? without(headers, 'trailer') : headers;
    const kept = found.length && status === NO_CONTENT ? without(fitting, 'content-length') : fitting;
    response.writeHead(status, (isWhole ? [...kept, 'content-length', String(bytes)] : kept) as string[]);
  }

  private sendTrailers(trailers: RawHeaders): void {
    const { response } = this;
    this.sendHead();
    const pairs: [string, string][] = [];
    for (let at = 0; at + 1 < trailers.length; at += 2)
      pairs.push([trailers[at] as string, trailers[at + 1] as string]);
    response.addTrailers(pairs);
    response.end();
  }

  /** Settles at `event`, or when there is nobody left to wait for: a client that takes too long is let go of. */
  private until(event: 'drain' | 'finish'): Promise<void> {
    const { response } = this;
    const timer = this.context.clock.after(WINDOW_MS, () => response.destroy());
    return new Promise((resolve) => {
      const settle = (): void => {
        timer.cancel();
        response.off(event, settle);
        response.off('close', settle);
        resolve();
      };
      response.on(event, settle);
      response.on('close', settle);
    });
  }
}

/** Which of the fields are there that decide how a body is sent. */
function lookAt(headers: RawHeaders): { length: boolean; trailer: boolean } {
  let length = false;
  let trailer = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name.length === 14 && name.toLowerCase() === 'content-length') length = true;
    else if (name.length === 7 && name.toLowerCase() === 'trailer') trailer = true;
  }
  return { length, trailer };
}

function without(headers: RawHeaders, name: string): RawHeaders {
  return headers.filter((_, at) => (headers[at - (at % 2)] as string).toLowerCase() !== name);
}
