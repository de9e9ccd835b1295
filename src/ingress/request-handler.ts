import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SharedCount } from '../collections/index.ts';
import type { ErrorCode } from '../errors/index.ts';
import type { HttpPool, HttpTicket } from '../host/index.ts';
import type { Clock } from '../time/index.ts';
import { type Refusal, refuse, statusOf } from './answers.ts';
import { type ExchangeSettings, NodeExchange } from './node-exchange.ts';
import type { IngressLimits } from './options.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';
import type { RouteTable } from './route-table.ts';

/** Where a route leads. */
export interface HttpTarget {
  /** Name of the component, for people. */
  readonly component: string;
  /** The pool of its actor; undefined while it has none. */
  pool(): HttpPool | undefined;
}

/** One request that is over, for a log. Method and path come from a client. */
export interface RequestRecord {
  readonly method: string;
  /** Without its query, which may hold secrets. */
  readonly path: string;
  /** 0: the client went before it was answered. */
  readonly status: number;
  readonly durationMs: number;
  /** Undefined: no route led to one. */
  readonly component: string | undefined;
}

export interface RequestHandlerOptions {
  readonly routes: RouteTable<HttpTarget>;
  readonly limits: IngressLimits;
  readonly clock: Clock;
  /** Hears of every request that is over. It should be quick. */
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
  /** Requests under way, which `limits.inFlightMax` bounds. Default: those of this handler. */
  readonly inFlight?: SharedCount | undefined;
}

/** What came of looking at a request. */
type Admission =
  | { readonly ok: true; readonly target: RequestTarget; readonly pool: HttpPool; readonly component: string }
  | { readonly ok: false; readonly refusal: Refusal };

/** Takes the requests of a `node:http` server: checks each, finds its component, and answers by itself what has none. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #settings: ExchangeSettings;
  /** What to call when a connection ends: for the requests that wait behind an earlier answer. Bounded as requests are. */
  readonly #queued = new WeakMap<Socket, Set<() => void>>();
  readonly #inFlight: SharedCount;
  #onOver: (() => void) | undefined;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
    this.#inFlight = options.inFlight ?? new SharedCount();
    this.#settings = { clock: options.clock, bodyBytesMax: options.limits.bodyBytesMax };
  }

  /** Requests under way here. */
  get inFlight(): number {
    return this.#inFlight.own;
  }

  /** Called whenever a request is over; for a server that closes. */
  whenOver(callback: () => void): void {
    this.#onOver = callback;
  }

  /** @param awaitsContinue The client has sent `expect: 100-continue`, and nobody has answered that yet. */
  handle(request: IncomingMessage, response: ServerResponse, awaitsContinue = false): void {
    const { onRequest, clock } = this.#options;
    const startMs = onRequest === undefined ? 0 : clock.nowMs();
    const admission = this.#admit(request);
    let ticket: HttpTicket | undefined;
    this.#inFlight.add(1);
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      this.#inFlight.add(-1);
      ticket?.cancel();
      if (onRequest !== undefined)
        onRequest(recordOf(request, response, { admission, durationMs: clock.nowMs() - startMs }));
      this.#onOver?.();
    };
    // What a write to a client that has gone reports is told by `close` too.
    response.on('error', ignore);
    response.on('close', over);
    // One that waits behind an earlier answer of its connection has no socket yet, and hears nothing of its end.
    if (response.socket === null) this.#watchQueued(request.socket, response, over);
    if (!admission.ok) {
      refuse(response, admission.refusal, clock);
      return;
    }
    const { pool, target } = admission;
    ticket = pool.handle(new NodeExchange({ request, response, awaitsContinue }, target, this.#settings));
  }

  #watchQueued(socket: Socket, response: ServerResponse, over: () => void): void {
    let queued = this.#queued.get(socket);
    if (queued === undefined) {
      const callbacks = new Set<() => void>();
      socket.on('close', () => {
        for (const callback of callbacks) callback();
      });
      this.#queued.set(socket, callbacks);
      queued = callbacks;
    }
    const callbacks = queued;
    callbacks.add(over);
    response.on('close', () => callbacks.delete(over));
  }

  #admit(request: IncomingMessage): Admission {
    const { limits, routes } = this.#options;
    if (this.#inFlight.total >= limits.inFlightMax) return refused('HTTP_OVERLOADED', { retryAfterS: 1 });
    if (request.rawHeaders.length > 2 * limits.headersMax) return refused('HTTP_HEADERS_TOO_LARGE');
    const target = parseTarget(request.url as string);
    if (target === undefined || hasSeveralHosts(request.rawHeaders) || !isFramed(request))
      return refused('HTTP_REQUEST_INVALID');
    const { authority = request.headers.host, path } = target;
    const match = routes.match({ method: request.method as string, authority, path });
    if (match.kind === 'none') return refused('HTTP_ROUTE_NOT_FOUND');
    if (match.kind === 'method')
      return refused('HTTP_METHOD_NOT_ALLOWED', { headers: ['allow', match.allow.join(', ')] });
    if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytesMax) return refused('HTTP_BODY_TOO_LARGE');
    const { component, pool } = match.route.target;
    const found = pool();
    return found === undefined
      ? refused('HTTP_UNAVAILABLE', { retryAfterS: 1 })
      : { ok: true, target, pool: found, component };
  }
}

function refused(code: ErrorCode, more: Pick<Refusal, 'retryAfterS' | 'headers'> = {}): Admission {
  return { ok: false, refusal: { code, status: statusOf(code), ...more } };
}

/** Node.js takes the first of several; whoever stands before it may have taken the last. */
function hasSeveralHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

/**
 * Whether the body is in chunks if it is encoded at all: no component sees the field, and could undo another encoding.
 * Where it cannot be told where the body ends, Node.js says so only after it has handed the request over.
 */
function isFramed({ headers }: IncomingMessage): boolean {
  const encoding = headers['transfer-encoding'];
  return encoding === undefined || encoding.toLowerCase() === 'chunked';
}

function recordOf(
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
  { admission, durationMs }: { admission: Admission; durationMs: number },
): RequestRecord {
  return {
    method,
    path: url.split('?', 1)[0] as string,
    status: response.headersSent ? response.statusCode : 0,
    durationMs,
    component: admission.ok ? admission.component : undefined,
  };
}

function ignore(): void {}
