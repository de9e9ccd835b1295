import { RuntimeError } from '../../errors/index.ts';
import { asRecord, asResource, type Err, err, type Guest, OK, type Result, trap } from '../guest/index.ts';
import { asErrorCode, type HttpErrorCode } from './error-code.ts';
import type { HttpExchange, OpenExchange, RawHeaders } from './exchange.ts';
import { contentLengthOf } from './field-rules.ts';
import type { Fields } from './fields.ts';
import { IncomingRequest } from './incoming.ts';
import { FIELD_OVERHEAD_BYTES, INFORMATION_BYTES_MAX, INFORMATION_OVERHEAD_BYTES } from './limits.ts';
import { OutgoingResponse } from './outgoing.ts';
import type { OutgoingBody } from './outgoing-body.ts';
import { HTTP_USE, type UnderWay } from './use.ts';

const INFORMATIONAL_MIN = 100;
const FINAL_MIN = 200;

/** 101 is the answer of a connection that becomes something else; no guest can have it. */
const SWITCHING_PROTOCOLS = 101;

/** Statuses whose answers have no body, whatever their heads say. */
const NOT_MODIFIED = 304;
const NO_CONTENT = 204;

const PROTOCOL_ERROR: HttpErrorCode = Object.freeze({ tag: 'HTTP-protocol-error' });

/**
 * Lends a request to a guest.
 *
 * @param guest Whose `incoming-handler#handle` will be called.
 * @throws {RuntimeError} `COMPONENT_LIMIT` — the guest holds so much of earlier requests that it can have no more; end it.
 */
export function openExchange(guest: Guest, exchange: HttpExchange): OpenExchange {
  return new Exchange(guest, exchange);
}

/** One exchange, until its answer is with the server. */
class Exchange implements OpenExchange, UnderWay {
  readonly args: readonly [IncomingRequest, ResponseOutparam];
  private readonly guest: Guest;
  private readonly request: IncomingRequest;
  private server: HttpExchange | undefined;
  private body: OutgoingBody | undefined;
  /** Bytes of what informed. */
  private informedBytes: number;

  constructor(guest: Guest, server: HttpExchange) {
    this.guest = guest;
    this.server = server;
    this.body = undefined;
    this.informedBytes = 0;
    this.request = new IncomingRequest(guest, server);
    this.args = [this.request, new ResponseOutparam(guest, this)];
    guest.part(HTTP_USE).underWay.add(this);
  }

  /** Whether it waits for its answer. */
  get isOpen(): boolean {
    return this.server !== undefined;
  }

  close(failure?: RuntimeError): Promise<void> | undefined {
    this.request.close();
    if (this.server !== undefined) this.fail(INTERNAL, failure ?? missing());
    if (this.body?.isDone === false) this.body.abort(this.body.incomplete());
    const settling = this.body?.settled();
    if (settling === undefined) {
      this.forget();
      return undefined;
    }
    return settling.then(() => this.forget());
  }

  dispose(): void {
    if (this.server !== undefined) this.fail(INTERNAL, killed());
    this.request.close();
    this.body?.abort(this.body.incomplete());
  }

  /** The guest's answer. */
  respond(response: OutgoingResponse): void {
    const { status, rawHeaders, outgoingBody: body } = response;
    response.consume();
    const server = this.server as HttpExchange;
    const promised = contentLengthOf(rawHeaders);
    const bodiless = server.method === 'HEAD' || status === NOT_MODIFIED || status === NO_CONTENT;
    const refused = refusalOf({ status, promised, bodiless, body });
    if (refused !== undefined) {
      body?.abort(refused);
      this.fail(refused);
      return;
    }
    this.server = undefined;
    const sink = server.respond(status, rawHeaders);
    if (body === undefined) {
      void sink.finish();
      return;
    }
    this.body = body;
    if (bodiless) body.expectNothing();
    body.attach(sink);
  }

  fail(errorCode: HttpErrorCode, reason?: RuntimeError): void {
    const server = this.server as HttpExchange;
    this.server = undefined;
    server.fail(errorCode, reason);
  }

  inform(status: number, headers: RawHeaders): Result<undefined, HttpErrorCode> {
    if (status < INFORMATIONAL_MIN || status >= FINAL_MIN || status === SWITCHING_PROTOCOLS) return NOT_INFORMATIONAL;
    // It has no body; a peer that believes it has one would take the answer for that.
    if (contentLengthOf(headers) !== undefined) return NOT_INFORMATIONAL;
    const bytes = headers.reduce((sum, text) => sum + text.length, (headers.length / 2) * FIELD_OVERHEAD_BYTES);
    if (this.informedBytes + bytes + INFORMATION_OVERHEAD_BYTES > INFORMATION_BYTES_MAX) return INFORMED_ENOUGH;
    this.informedBytes += bytes + INFORMATION_OVERHEAD_BYTES;
    this.server?.inform(status, headers);
    return OK;
  }

  private forget(): void {
    if (!this.guest.disposed) this.guest.part(HTTP_USE).underWay.delete(this);
  }
}

const INTERNAL: HttpErrorCode = Object.freeze({ tag: 'internal-error', val: undefined });

const NOT_INFORMATIONAL: Err<HttpErrorCode> = Object.freeze(err(PROTOCOL_ERROR));

const INFORMED_ENOUGH: Err<HttpErrorCode> = Object.freeze(
  err<HttpErrorCode>({ tag: 'HTTP-response-header-section-size', val: undefined }),
);

interface Answer {
  readonly status: number;
  readonly promised: ReturnType<typeof contentLengthOf>;
  readonly bodiless: boolean;
  readonly body: OutgoingBody | undefined;
}

/** Why an answer cannot be sent. */
function refusalOf({ status, promised, bodiless, body }: Answer): HttpErrorCode | undefined {
  if (status < FINAL_MIN || promised === 'invalid') return PROTOCOL_ERROR;
  if (body !== undefined) return body.aborted;
  if (promised === undefined || promised === 0 || bodiless) return undefined;
  return { tag: 'HTTP-response-body-size', val: 0n };
}

/** The `response-outparam` resource. That its one handle is used once, the engine sees to. */
export class ResponseOutparam {
  private readonly guest: Guest;
  private readonly exchange: Exchange;

  constructor(guest: Guest, exchange: Exchange) {
    guest.hold();
    this.guest = guest;
    this.exchange = exchange;
  }

  /** @param answer WIT's `result<outgoing-response, error-code>`. */
  set(answer: unknown): void {
    this.guest.release();
    if (!this.exchange.isOpen) trap('Cannot set the response: the handling of its request is over');
    const { tag, val } = asRecord(answer);
    if (tag === 'ok') this.exchange.respond(asResource(val, OutgoingResponse));
    else this.exchange.fail(asErrorCode(val));
  }

  sendInformational(status: number, headers: Fields): Result<undefined, HttpErrorCode> {
    return this.exchange.inform(status, headers.take());
  }

  drop(): void {
    this.guest.release();
  }
}

function missing(): RuntimeError {
  return new RuntimeError(
    'HTTP_RESPONSE_MISSING',
    'Cannot answer the request: the component returned from its handler without setting a response',
  );
}

function killed(): RuntimeError {
  return new RuntimeError('COMPONENT_KILLED', 'Cannot answer the request: the component instance is gone');
}
