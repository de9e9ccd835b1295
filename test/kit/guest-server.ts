/** Serves components that handle HTTP by a plain `node:http` server: a second reader of the port that `ingress/` uses. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CompiledComponent, type ComponentInstance, compileComponent } from '../../src/component/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { systemClock } from '../../src/time/index.ts';
import {
  defineWasi,
  type HttpBodySink,
  type HttpBodySource,
  type HttpErrorCode,
  type HttpExchange,
  HttpFailure,
  openExchange,
  type RawHeaders,
  type Wasi,
  type WasiOptions,
} from '../../src/wasi/index.ts';

/** Compiles one of the components of `fixtures/components/http`. */
export async function compileHttpGuest(name: 'hello' | 'tour'): Promise<CompiledComponent> {
  const file = new URL(`../../fixtures/components/http/${name}.wasm`, import.meta.url);
  return compileComponent(await readFile(file));
}

interface Life {
  readonly instance: ComponentInstance;
  readonly guest: ReturnType<Wasi['guest']>;
}

export interface ServeOptions extends WasiOptions {
  /** One instance for all requests, as long as it lives. Default: one for each. */
  readonly reuse?: boolean;
}

/** What a server tells of one request. */
export interface Outcome {
  /** How `handle` ended: `'returned'`, or the code of the error. */
  readonly ended: string;
  /** Why there was no answer, as the guest said it. */
  readonly failure: HttpErrorCode | undefined;
  readonly reason: string | undefined;
}

export class GuestServer {
  readonly outcomes: Outcome[] = [];
  readonly denied: string[] = [];
  /** Requests whose guest has not let go of everything. */
  underWay = 0;
  /** Most bytes that the sources and sinks of one request held at once. */
  mostHeldBytes = 0;
  readonly #component: CompiledComponent;
  readonly #wasi: Wasi;
  readonly #reuse: boolean;
  readonly #server: Server;
  readonly #handleName: string;
  #kept: Life | undefined;

  private constructor(component: CompiledComponent, { reuse = false, ...options }: ServeOptions) {
    this.#component = component;
    this.#wasi = defineWasi(options);
    this.#reuse = reuse;
    this.#handleName = component.exports.find(({ name }) => name.startsWith('wasi:http/incoming-handler@'))
      ?.name as string;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(component: CompiledComponent, options: ServeOptions = {}): Promise<GuestServer> {
    const server = new GuestServer(component, options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get authority(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  url(path: string): string {
    return `http://${this.authority}${path}`;
  }

  async close(): Promise<void> {
    this.#kept?.instance.kill();
    await this.#kept?.guest.dispose();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.underWay += 1;
    try {
      await this.#serve(request, response);
    } finally {
      this.underWay -= 1;
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const life = await this.#life();
    const exchange = new PlainExchange(request, response, (bytes) => {
      this.mostHeldBytes = Math.max(this.mostHeldBytes, bytes);
    });
    const open = openExchange(life.guest, exchange);
    response.on('close', () => {
      // A response that was given up here is nobody's departure.
      if (!response.writableFinished && response.errored === null)
        life.instance.kill(new RuntimeError('HTTP_CLIENT_GONE', 'The client is gone'));
    });
    let failure: RuntimeError | undefined;
    try {
      await life.instance.call(this.#handleName, open.args);
    } catch (error) {
      failure = RuntimeError.from(error, 'INTERNAL');
    }
    await open.close(failure);
    this.outcomes.push({ ended: failure?.code ?? 'returned', failure: exchange.failure, reason: exchange.reason });
    if (this.#reuse && life.instance.failure === undefined) return;
    if (life === this.#kept) this.#kept = undefined;
    life.instance.kill();
    await life.guest.dispose();
  }

  async #life(): Promise<Life> {
    if (this.#kept !== undefined) return this.#kept;
    const onDenied = (decision: { readonly reason: string }) => void this.denied.push(decision.reason);
    const guest = this.#wasi.guest({ clock: systemClock, onDenied });
    const instance = await this.#component.instantiate(this.#wasi.interfaces, { context: guest });
    const life = { instance, guest };
    if (this.#reuse) this.#kept = life;
    return life;
  }
}

class PlainExchange implements HttpExchange {
  readonly scheme = 'http';
  failure: HttpErrorCode | undefined;
  reason: string | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #note: (heldBytes: number) => void;

  constructor(request: IncomingMessage, response: ServerResponse, note: (heldBytes: number) => void) {
    this.#request = request;
    this.#response = response;
    this.#note = note;
  }

  get method(): string {
    return this.#request.method as string;
  }

  get authority(): string | undefined {
    return this.#request.headers.host;
  }

  get pathWithQuery(): string | undefined {
    return this.#request.url;
  }

  get rawHeaders(): RawHeaders {
    return this.#request.rawHeaders;
  }

  body(): HttpBodySource {
    return new PlainSource(this.#request, this.#note);
  }

  respond(status: number, headers: RawHeaders): HttpBodySink {
    this.#response.writeHead(status, headers as string[]);
    return new PlainSink(this.#response, this.#note);
  }

  inform(_status: number, headers: RawHeaders): void {
    this.#response.writeEarlyHints({ link: headers[1] as string });
  }

  fail(errorCode: HttpErrorCode, reason?: RuntimeError): void {
    this.failure = errorCode;
    this.reason = reason?.code;
    this.#response.writeHead(500);
    this.#response.end(reason?.code ?? errorCode.tag);
  }
}

class PlainSource implements HttpBodySource {
  readonly #request: IncomingMessage;
  readonly #note: (bytes: number) => void;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(request: IncomingMessage, note: (bytes: number) => void) {
    this.#request = request;
    this.#note = note;
    request.pause();
    const wake = () => this.#wake?.();
    for (const event of ['readable', 'end', 'close', 'error']) request.on(event, wake);
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      this.#note(this.#request.readableLength);
      const chunk: Uint8Array | null = this.#request.read();
      if (chunk !== null) return chunk;
      if (this.#request.complete && this.#request.readableLength === 0) return undefined;
      if (this.#request.destroyed) throw new HttpFailure({ tag: 'connection-terminated' });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  trailers(): RawHeaders | undefined {
    return this.#request.rawTrailers;
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
    this.#request.resume();
  }
}

class PlainSink implements HttpBodySink {
  readonly #response: ServerResponse;
  readonly #note: (bytes: number) => void;

  constructor(response: ServerResponse, note: (bytes: number) => void) {
    this.#response = response;
    this.#note = note;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#response.destroyed) throw Object.assign(new Error('The client is gone'), { code: 'EPIPE' });
    const goesOn = this.#response.write(bytes);
    this.#note(this.#response.writableLength);
    if (goesOn) return;
    return new Promise((resolve) => {
      const settle = () => {
        this.#response.off('drain', settle);
        this.#response.off('close', settle);
        resolve();
      };
      this.#response.on('drain', settle);
      this.#response.on('close', settle);
    });
  }

  finish(trailers: RawHeaders = []): Promise<void> {
    for (let at = 0; at < trailers.length; at += 2) {
      this.#response.addTrailers([[trailers[at] as string, trailers[at + 1] as string]]);
    }
    return new Promise((resolve) => {
      this.#response.on('close', resolve);
      this.#response.end(resolve);
    });
  }

  abort(): void {
    this.#response.destroy(new Error('The response will not be whole'));
  }
}
