/** What the tests of `wasi:http` share: a guest, a server's side of an exchange in memory, and a client's. */
import { Authority } from '../../capability/index.ts';
import { ManualClock, systemClock } from '../../time/index.ts';
import { AUTHORITY, ON_DENIED } from '../authority/index.ts';
import { Guest, Parts } from '../guest/index.ts';
import type { ClientCall, ClientEvents, ClientRequest, HttpClient } from './client.ts';
import type { HttpErrorCode } from './error-code.ts';
import type { HttpBodySink, HttpBodySource, HttpExchange, RawHeaders } from './exchange.ts';
import { HTTP_SETTINGS } from './outgoing-handler.ts';

export const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Lets what is promised be settled. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A source of these pieces; a piece that is an error is thrown. It waits at the end until `finish` if `isOpen`. */
export class MemorySource implements HttpBodySource {
  isClosed = false;
  readonly #pieces: (string | Error)[];
  readonly #behind: RawHeaders | undefined;
  #isOpen: boolean;
  #wake: ((piece: undefined) => void) | undefined;

  constructor(
    pieces: (string | Error)[],
    { trailers, isOpen = false }: { trailers?: RawHeaders; isOpen?: boolean } = {},
  ) {
    this.#pieces = pieces;
    this.#behind = trailers;
    this.#isOpen = isOpen;
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift();
    if (piece instanceof Error) throw piece;
    if (piece !== undefined) return bytes(piece);
    if (!this.#isOpen) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  trailers(): RawHeaders | undefined {
    return this.#behind;
  }

  finish(): void {
    this.#isOpen = false;
    this.#wake?.(undefined);
  }

  close(): void {
    this.isClosed = true;
    this.finish();
  }
}

/** Keeps what it is given; `stop` makes it busy, `go` ends that. */
export class MemorySink implements HttpBodySink {
  text = '';
  writes = 0;
  outcome: 'open' | 'finished' | HttpErrorCode = 'open';
  trailers: RawHeaders | undefined;
  isGone = false;
  #go: (() => void) | undefined;
  #busy: Promise<void> | undefined;

  stop(): void {
    this.#busy = new Promise((resolve) => {
      this.#go = resolve;
    });
  }

  go(): void {
    this.#busy = undefined;
    this.#go?.();
  }

  write(piece: Uint8Array): void | Promise<void> {
    if (this.isGone) throw Object.assign(new Error('gone'), { code: 'EPIPE' });
    this.writes += 1;
    this.text += Buffer.from(piece).toString('latin1');
    return this.#busy;
  }

  finish(trailers?: RawHeaders): void | Promise<void> {
    this.outcome = 'finished';
    this.trailers = trailers;
    return this.#busy;
  }

  abort(reason: HttpErrorCode): void {
    this.outcome = reason;
  }
}

/** A request in memory, and what came of it. */
export class MemoryExchange implements HttpExchange {
  readonly method: string;
  readonly scheme = 'http';
  readonly authority = 'example.com';
  readonly pathWithQuery = '/path?query';
  readonly rawHeaders: RawHeaders = ['Host', 'example.com', 'X-Name', 'value'];
  readonly sink = new MemorySink();
  readonly source: MemorySource | undefined;
  status: number | undefined;
  headers: RawHeaders | undefined;
  readonly informed: number[] = [];
  failure: HttpErrorCode | undefined;
  reason: string | undefined;

  constructor({ method = 'GET', source }: { method?: string; source?: MemorySource } = {}) {
    this.method = method;
    this.source = source;
  }

  body(): HttpBodySource | undefined {
    return this.source;
  }

  respond(status: number, headers: RawHeaders): HttpBodySink {
    this.status = status;
    this.headers = headers;
    return this.sink;
  }

  inform(status: number): void {
    this.informed.push(status);
  }

  fail(errorCode: HttpErrorCode, reason?: { readonly code: string }): void {
    this.failure = errorCode;
    this.reason = reason?.code;
  }
}

/** A client that sends nothing, and has the test be the peer. */
export class MemoryClient implements HttpClient {
  readonly sent: (ClientRequest & { readonly events: ClientEvents; isAborted: boolean })[] = [];

  send(request: ClientRequest, events: ClientEvents): ClientCall {
    const sent = { ...request, events, isAborted: false };
    this.sent.push(sent);
    return {
      abort: () => {
        sent.isAborted = true;
      },
    };
  }
}

export interface TestGuest {
  readonly guest: Guest;
  readonly client: MemoryClient;
  readonly denied: string[];
}

/** A guest that may send requests to `http`. */
export function testGuest({
  http = [],
  resourcesMax = 100,
}: {
  http?: readonly string[];
  resourcesMax?: number;
} = {}): TestGuest {
  const client = new MemoryClient();
  const denied: string[] = [];
  const shared = new Parts()
    .set(AUTHORITY, new Authority({ http }, systemClock))
    .set(HTTP_SETTINGS, { client, requestsMax: 3 });
  const guest = new Guest({ clock: new ManualClock(), resourcesMax, shared });
  guest.provide(ON_DENIED, ({ reason }) => void denied.push(reason));
  return { guest, client, denied };
}
