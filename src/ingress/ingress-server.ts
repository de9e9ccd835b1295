import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SharedCount } from '../collections/index.ts';
import { type ErrorCode, RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { problemBody, statusOf } from './answers.ts';
import { type IngressLimits, toIngressLimits } from './options.ts';
import { type HttpTarget, RequestHandler, type RequestRecord } from './request-handler.ts';
import { type Route, RouteTable } from './route-table.ts';

/** Where a server listens. */
export interface ListenAddress {
  /** A name or an address; without brackets. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /**
   * Whether other servers of this process listen there too, each on a thread of its own: the system gives each connection to one
   * of them, for good. Whoever shares it has claimed it: {@link claimAddress}. Default false.
   */
  readonly shared?: boolean;
}

export interface IngressOptions {
  readonly listen: ListenAddress;
  readonly routes: readonly Route<HttpTarget>[];
  readonly limits?: Partial<IngressLimits>;
  readonly clock: Clock;
  /** Hears of every request that is over. It should be quick. */
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
  /** Requests under way at all servers that share the address, which `limits.inFlightMax` bounds. Default: those of this one. */
  readonly inFlight?: SharedCount;
  /** What to do about an address that cannot be had, for the error. */
  readonly help?: string;
}

/** A server that passes requests to HTTP components. */
export interface IngressServer extends AsyncDisposable {
  /** `http://127.0.0.1:8080`, with the port that it got. */
  readonly address: string;
  /** Requests under way. */
  readonly inFlight: number;
  /**
   * Takes no more connections and no more requests; those under way get `drainMs`, then their connections are cut.
   * Resolves when no connection is left. Idempotent.
   */
  close(): Promise<void>;
}

/**
 * Listens for requests and passes them to components.
 *
 * @throws {RuntimeError} `PORT_IN_USE` — somebody else listens there. `CONFIG_INVALID` — the system lets nobody listen
 *   there.
 * @throws {RangeError} (rejects) A limit is out of range.
 */
export async function serveIngress(options: IngressOptions): Promise<IngressServer> {
  const limits = toIngressLimits(options.limits);
  const { clock, onRequest, inFlight } = options;
  const handler = new RequestHandler({ routes: new RouteTable(options.routes), limits, clock, onRequest, inFlight });
  const server = createHttpServer(handler, limits);
  await listen(server, options);
  return new ListeningIngress({ server, handler, limits, clock });
}

function createHttpServer(handler: RequestHandler, limits: IngressLimits): Server {
  const { headersTimeoutMs, requestTimeoutMs } = limits;
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // How late a client that is too slow may be noticed: an eighth of its time.
    connectionsCheckingInterval: Math.min(headersTimeoutMs, requestTimeoutMs, 8_000) / 8,
    optimizeEmptyRequests: true,
  } as Parameters<typeof createServer>[0] & object);
  server.maxConnections = limits.connectionsMax;
  // Beyond its own bound Node.js drops fields in silence; here they are refused.
  server.maxHeadersCount = 0;
  const answering = new WeakMap<object, ServerResponse | 'several'>();
  const handle = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void => {
    answering.set(request.socket, response.socket === null ? 'several' : response);
    handler.handle(request, response, awaitsContinue);
  };
  server.on('request', (request, response) => handle(request, response, false));
  server.on('checkContinue', (request, response) => handle(request, response, true));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    answerClientError(error, socket, answering.get(socket)),
  );
  return server;
}

const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HTTP_HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'HTTP_REQUEST_TIMEOUT',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'HTTP_BODY_TOO_LARGE',
};

/** Says what is wrong with something that is no request, unless an answer is on its way; then closes the connection. */
function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  response: ServerResponse | 'several' | undefined,
): void {
  const isAnswering = response === 'several' || (response?.headersSent === true && !response.writableFinished);
  if (!socket.writable || isAnswering || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = CLIENT_ERRORS[error.code ?? ''] ?? 'HTTP_REQUEST_INVALID';
  const status = statusOf(code);
  const body = problemBody(code, status);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Bad Request'}`,
    'connection: close',
    'content-type: application/problem+json',
    `content-length: ${body.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
};

function listen(server: Server, { listen: { host, port, shared }, help }: IngressOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, describe(host, port), help)));
  server.listen({ host, port, reusePort: shared === true }, () => {
    server.removeAllListeners('error');
    // A connection that cannot be accepted, for want of descriptors, is the client's to try again.
    server.on('error', () => undefined);
    resolve();
  });
  return promise;
}

export function listenError(error: NodeJS.ErrnoException, place: string, help: string | undefined): RuntimeError {
  const details = help === undefined ? {} : { help: [help] };
  if (error.code === 'EADDRINUSE') {
    return new RuntimeError('PORT_IN_USE', `Cannot listen at ${place}: another process listens there`, {
      cause: error,
      details,
    });
  }
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'this user may not listen there',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'no address has that name',
  };
  const reason = reasons[error.code ?? ''] ?? `the system says ${error.code}`;
  return new RuntimeError('CONFIG_INVALID', `Cannot listen at ${place}: ${reason}`, { cause: error, details });
}

export function describe(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface Parts {
  readonly server: Server;
  readonly handler: RequestHandler;
  readonly limits: IngressLimits;
  readonly clock: Clock;
}

class ListeningIngress implements IngressServer {
  readonly address: string;
  readonly #parts: Parts;
  #closed: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { address, port } = parts.server.address() as AddressInfo;
    this.address = describe(address, port);
  }

  get inFlight(): number {
    return this.#parts.handler.inFlight;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { server, handler, limits, clock } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    // A connection whose answer is out would be kept for the next request.
    handler.whenOver(() => clock.soon(() => server.closeIdleConnections()));
    server.closeIdleConnections();
    const timer = clock.after(limits.drainMs, () => server.closeAllConnections(), true);
    await promise;
    timer.cancel();
  }
}
