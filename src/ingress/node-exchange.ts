import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { RuntimeError } from '../errors/index.ts';
import type { HttpJob } from '../host/index.ts';
import type { Clock } from '../time/index.ts';
import type { HttpBodySink, HttpBodySource, HttpErrorCode, RawHeaders } from '../wasi/index.ts';
import { hasBody, refusalOf, refuse } from './answers.ts';
import { RequestBody } from './request-body.ts';
import type { RequestTarget } from './request-target.ts';
import { ResponseBody, type ResponseContext } from './response-body.ts';

/** What all exchanges of one server share. */
export interface ExchangeSettings {
  readonly clock: Clock;
  /** Bytes that the body of a request may have. */
  readonly bodyBytesMax: number;
}

/** One request of a `node:http` server, as `wasi:http` sees it. */
export class NodeExchange implements HttpJob, ResponseContext {
  readonly method: string;
  readonly authority: string | undefined;
  readonly pathWithQuery: string;
  readonly rawHeaders: RawHeaders;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  readonly clock: Clock;
  private readonly bodyBytesMax: number;
  private readonly target: RequestTarget;
  /** The client waits for a word before it sends its body. */
  private readonly awaitsContinue: boolean;
  failure: RuntimeError | undefined = undefined;

  constructor(
    message: { request: IncomingMessage; response: ServerResponse; awaitsContinue: boolean },
    target: RequestTarget,
    settings: ExchangeSettings,
  ) {
    const { request } = message;
    this.request = request;
    this.response = message.response;
    this.awaitsContinue = message.awaitsContinue;
    this.target = target;
    this.clock = settings.clock;
    this.bodyBytesMax = settings.bodyBytesMax;
    this.method = request.method as string;
    this.authority = target.authority ?? request.headers.host;
    this.pathWithQuery = target.pathWithQuery;
    this.rawHeaders = request.rawHeaders;
  }

  get scheme(): string {
    return this.target.scheme ?? ((this.request.socket as TLSSocket).encrypted === true ? 'https' : 'http');
  }

  body(): HttpBodySource | undefined {
    if (!hasBody(this.request)) return undefined;
    if (this.awaitsContinue && !this.response.headersSent && !this.response.destroyed) this.response.writeContinue();
    return new RequestBody(this.request, this.bodyBytesMax);
  }

  respond(status: number, headers: RawHeaders): HttpBodySink {
    const body = new ResponseBody(this.response, { status, headers }, this);
    this.clock.next(body.sendHead);
    return body;
  }

  inform(status: number, headers: RawHeaders): void {
    const { response, request } = this;
    if (response.headersSent || response.destroyed || request.httpVersion !== '1.1') return;
    // Without a socket an earlier answer of the same connection is still on its way.
    response.socket?.write(informationalHead(status, headers), 'latin1');
  }

  fail(errorCode: HttpErrorCode, reason?: RuntimeError): void {
    const refusal = refusalOf(errorCode, reason);
    const text = `The component gave an error for an answer: ${errorCode.tag}`;
    this.failure = reason ?? new RuntimeError(refusal.code, text, { details: { errorCode: errorCode.tag } });
    refuse(this.response, refusal, this.clock);
  }

  /** The answer was given up. If none of it has been sent yet there can be another. */
  onAbort(errorCode: HttpErrorCode, isUnsent: boolean): void {
    const text = `The component did not finish its answer: ${errorCode.tag}`;
    this.failure = new RuntimeError('HTTP_COMPONENT_FAILED', text, { details: { errorCode: errorCode.tag } });
    if (isUnsent) refuse(this.response, refusalOf(errorCode, this.failure), this.clock);
  }
}

function informationalHead(status: number, headers: RawHeaders): string {
  let head = `HTTP/1.1 ${status} ${INFORMATION[status] ?? 'Information'}\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return `${head}\r\n`;
}

const INFORMATION: Readonly<Record<number, string>> = { 100: 'Continue', 102: 'Processing', 103: 'Early Hints' };
