import {
  type IncomingRequest,
  type Method,
  type OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from 'wasi:http/types@0.2.12';
import { Body, type BodyInit, isPieces, send } from './body.ts';
import { complain } from './console.ts';
import { settle } from './event-loop.ts';
import { Headers, type HeadersInit } from './headers.ts';
import { toBytes } from './payload.ts';

/** A request that came in. Its body can be read once, whole or in pieces (`for (const chunk of request.body)`). */
export class IncomingHttpRequest {
  /** Upper case. */
  readonly method: string;
  /** `/quakes?since=3`, as it was sent. */
  readonly target: string;
  /** What stands before the question mark. */
  readonly path: string;
  readonly authority: string;
  readonly headers: Headers;
  readonly body: Body;

  constructor(request: IncomingRequest) {
    this.method = methodOf(request.method());
    this.target = request.pathWithQuery() ?? '/';
    this.path = this.target.split('?', 1)[0] as string;
    this.authority = request.authority() ?? '';
    this.headers = Headers.fromWire(request.headers());
    this.body = new Body(() => request.consume());
  }

  /** The first value of a name in the query; `null` if it is not there. */
  query(name: string): string | null {
    const at = this.target.indexOf('?');
    const pairs = at < 0 ? [] : this.target.slice(at + 1).split('&');
    for (const pair of pairs) {
      const [key = '', ...value] = pair.split('=');
      if (decoded(key) === name) return decoded(value.join('='));
    }
    return null;
  }

  text(): string {
    return this.body.text();
  }

  /** @throws {Failure} `PAYLOAD_INVALID` — it is not JSON; answered with 400 if nobody catches it. */
  json(): unknown {
    return this.body.json();
  }
}

function methodOf(method: Method): string {
  return method.tag === 'other' ? method.val : method.tag.toUpperCase();
}

function decoded(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Not well-formed: as it was sent.
    return spaced;
  }
}

export interface HttpResponse {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: HeadersInit;
  /** Text, bytes, what JSON can say, or an iterable of pieces, each sent at once. */
  readonly body?: BodyInit;
}

/** A text is the body of a 200. */
export type HttpAnswer = HttpResponse | string;
export type HttpHandler = (request: IncomingHttpRequest) => HttpAnswer | PromiseLike<HttpAnswer>;

/** What a component exports as `incomingHandler`. */
export interface HttpExports {
  handle(request: IncomingRequest, response: ResponseOutparam): void;
}

/**
 * Makes the export of a component that answers HTTP. A handler that throws is answered with 500, one that throws a
 * `Failure` of the kinds `invalid`, `denied`, `not-found`, `conflict` or `overload` with 400, 403, 404, 409 or 503 and
 * its message.
 *
 * @example
 * ```ts
 * export const incomingHandler = serve((request) => ({ body: { path: request.path } }));
 * ```
 */
export function serve(handler: HttpHandler): HttpExports {
  return {
    handle(incoming, outparam) {
      const [response, body] = open(answerOf(handler, incoming), outparam);
      const pieces = body === null ? [] : body instanceof Uint8Array ? [body] : body;
      try {
        send(response, pieces);
      } catch (thrown) {
        // The head is out: all that can be done is not to end the body.
        complain(thrown);
      }
    },
  };
}

function answerOf(handler: HttpHandler, incoming: IncomingRequest): HttpResponse {
  try {
    const answer = settle(handler(new IncomingHttpRequest(incoming)));
    return typeof answer === 'string' ? { body: answer } : answer;
  } catch (thrown) {
    return refusal(thrown);
  }
}

const STATUS: Readonly<Record<string, number>> = {
  invalid: 400,
  denied: 403,
  'not-found': 404,
  conflict: 409,
  overload: 503,
};

function refusal(thrown: unknown): HttpResponse {
  const { kind, message } = thrown as { readonly kind?: string; readonly message?: string };
  const status = kind === undefined ? undefined : STATUS[kind];
  if (status !== undefined) return { status, body: `${message}\n` };
  complain(thrown);
  return { status: 500, body: 'The component failed\n' };
}

/** Says what the response is; gives the body to write to, and what to write. */
function open(
  { status = 200, headers: given = {}, body }: HttpResponse,
  outparam: ResponseOutparam,
): [OutgoingBody, Iterable<string | Uint8Array> | Uint8Array | null] {
  const headers = new Headers(given);
  const content = isPieces(body) ? body : toBytes(body);
  const type = contentType(body);
  if (type !== undefined && !headers.has('content-type')) headers.set('content-type', type);
  if (!isPieces(body)) headers.set('content-length', String((content as Uint8Array | null)?.length ?? 0));
  const response = new OutgoingResponse(headers.toWire());
  response.setStatusCode(status);
  const writable = response.body();
  ResponseOutparam.set(outparam, { tag: 'ok', val: response });
  return [writable, content];
}

function contentType(body: BodyInit): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return 'text/plain; charset=utf-8';
  if (body instanceof Uint8Array || isPieces(body)) return 'application/octet-stream';
  return 'application/json';
}
