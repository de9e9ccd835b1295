import { handle } from 'wasi:http/outgoing-handler@0.2.12';
import {
  type ErrorCode,
  type FutureIncomingResponse,
  type IncomingResponse,
  OutgoingRequest,
  RequestOptions,
} from 'wasi:http/types@0.2.12';
import { Body, type BodyInit, isPieces, send } from './body.ts';
import { drop } from './handles.ts';
import { Headers, type HeadersInit } from './headers.ts';
import { toBytes } from './payload.ts';

const NANOSECONDS = 1_000_000;
const METHODS = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'] as const;

export interface RequestInit {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit;
  /** Milliseconds to connect, to the first byte, and between bytes. Default: the host's. */
  readonly timeoutMs?: number;
}

/** What came back. */
export class HttpResult {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;

  constructor(response: IncomingResponse) {
    this.status = response.status();
    this.headers = Headers.fromWire(response.headers());
    this.body = new Body(() => response.consume());
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  text(): string {
    return this.body.text();
  }

  json(): unknown {
    return this.body.json();
  }
}

/** Why there was no response: `code` is that of WASI, `connection-refused` or `HTTP-request-denied` for example. */
export class RequestError extends Error {
  readonly code: string;

  constructor(url: string, { tag }: ErrorCode) {
    super(`Cannot request ${url}: ${tag}`);
    this.name = 'RequestError';
    this.code = tag;
  }
}

/**
 * Sends a request and waits for the head of the response; only this actor waits. Needs an `http` grant.
 *
 * @param url With `http:` or `https:`.
 * @throws {RequestError} there was no response.
 * @throws {TypeError} the URL cannot be read.
 */
export function request(url: string, init: RequestInit = {}): HttpResult {
  const outgoing = outgoingRequest(url, init);
  const body = outgoing.body();
  try {
    const future = handle(outgoing, optionsOf(init.timeoutMs));
    const content = isPieces(init.body) ? init.body : toBytes(init.body);
    send(body, content === null ? [] : content instanceof Uint8Array ? [content] : content);
    return new HttpResult(responseOf(future, url));
  } catch (thrown) {
    const code = (thrown as { readonly payload?: ErrorCode }).payload;
    throw code?.tag === undefined ? thrown : new RequestError(url, code);
  }
}

function outgoingRequest(url: string, { method = 'GET', headers = {}, body }: RequestInit): OutgoingRequest {
  const parts = /^(https?):\/\/([^/?#]+)([^#]*)/i.exec(url);
  if (parts === null) throw new TypeError(`Cannot read the URL "${url}"`);
  const [, scheme = '', authority = '', target = ''] = parts;
  const fields = new Headers(headers);
  if (body !== undefined && !isPieces(body)) fields.set('content-length', String(toBytes(body)?.length ?? 0));
  const outgoing = new OutgoingRequest(fields.toWire());
  const known = METHODS.find((name) => name === method.toLowerCase());
  outgoing.setMethod(known === undefined ? { tag: 'other', val: method } : { tag: known });
  outgoing.setScheme({ tag: scheme.toLowerCase() === 'https' ? 'HTTPS' : 'HTTP' });
  outgoing.setAuthority(authority);
  outgoing.setPathWithQuery(target.startsWith('/') ? target : `/${target}`);
  return outgoing;
}

function optionsOf(timeoutMs: number | undefined): RequestOptions | null {
  if (timeoutMs === undefined) return null;
  const options = new RequestOptions();
  options.setConnectTimeout(timeoutMs * NANOSECONDS);
  options.setFirstByteTimeout(timeoutMs * NANOSECONDS);
  options.setBetweenBytesTimeout(timeoutMs * NANOSECONDS);
  return options;
}

function responseOf(future: FutureIncomingResponse, url: string): IncomingResponse {
  const pollable = future.subscribe();
  pollable.block();
  drop('http-pollable', pollable);
  const outcome = future.get();
  if (outcome?.tag !== 'ok') throw new RequestError(url, outcome?.val ?? { tag: 'internal-error' });
  if (outcome.val.tag === 'err') throw new RequestError(url, outcome.val.val);
  return outcome.val.val;
}
