import {
  type Authority,
  type Decision,
  type HeaderInjection,
  parseAuthority,
  printEndpoint,
} from '../../capability/index.ts';
import { isAllowed, uphold } from '../authority/index.ts';
import { type Err, err, type Guest, ok, PartKey, type Result, reportLimit } from '../guest/index.ts';
import type { ClientCall, ClientEvents, ClientRequest, Endpoint, HttpClient } from './client.ts';
import type { HttpErrorCode } from './error-code.ts';
import type { RawHeaders } from './exchange.ts';
import { contentLengthOf } from './field-rules.ts';
import { Future } from './future.ts';
import { IncomingResponse, type ResponseHead } from './incoming.ts';
import { CONNECT_TIMEOUT_MS, RESPONSE_TIMEOUT_MS, TIMEOUT_MS_MAX } from './limits.ts';
import type { OutgoingRequest, RequestOptions, Timeout } from './outgoing.ts';
import { HTTP_USE, type UnderWay } from './use.ts';

/** A header that is added to requests as they leave, and what decides whether it goes along. */
export interface InjectedHeader extends HeaderInjection {
  readonly destinations: Authority;
}

/** How the guests of one component send requests. */
export interface HttpSettings {
  readonly client: HttpClient;
  /** Requests that one guest may have under way. */
  readonly requestsMax: number;
  /** Headers that are added to requests as they leave: no guest sees them. */
  readonly inject?: readonly InjectedHeader[];
}

/** Has to be given to every guest. */
export const HTTP_SETTINGS = new PartKey<HttpSettings>('http settings');

type Sent = Result<FutureIncomingResponse, HttpErrorCode>;

/** `outgoing-handler.handle`. */
export function send(guest: Guest, request: OutgoingRequest, options: RequestOptions | undefined): Sent {
  options?.drop();
  const sent = sendNow(guest, request, options);
  if (sent.tag === 'ok') request.consume();
  else request.drop();
  return sent;
}

function sendNow(guest: Guest, request: OutgoingRequest, options: RequestOptions | undefined): Sent {
  const target = targetOf(request);
  if (target.tag === 'err') return target;
  const wrong = bodyProblem(request);
  if (wrong !== undefined) return err(wrong);
  if (!isAllowed(guest, { kind: 'http', ...target.val.endpoint, method: request.methodName })) return DENIED;
  const { client, requestsMax, inject = [] } = guest.part(HTTP_SETTINGS);
  if (guest.part(HTTP_USE).outgoing >= requestsMax) {
    reportLimit(guest, { limit: 'http-requests', limitValue: requestsMax });
    return TOO_MANY;
  }
  const headers = withInjected(guest, {
    headers: withoutExpect(request.rawHeaders),
    endpoint: target.val.endpoint,
    inject,
  });
  if (headers === undefined) return DENIED;
  guest.charge('request');
  const future = new FutureIncomingResponse(guest);
  future.start(client, {
    ...target.val,
    method: request.methodName,
    headers,
    body: request.outgoingBody,
    connectMs: toMs(options?.connect, CONNECT_TIMEOUT_MS),
    firstByteMs: toMs(options?.firstByte, RESPONSE_TIMEOUT_MS),
    betweenBytesMs: toMs(options?.betweenBytes, RESPONSE_TIMEOUT_MS),
    clock: guest.clock,
  });
  return ok(future);
}

const DENIED: Err<HttpErrorCode> = Object.freeze(err<HttpErrorCode>({ tag: 'HTTP-request-denied' }));
const TOO_MANY: Err<HttpErrorCode> = Object.freeze(err<HttpErrorCode>({ tag: 'connection-limit-reached' }));
const URI_INVALID: Err<HttpErrorCode> = Object.freeze(err<HttpErrorCode>({ tag: 'HTTP-request-URI-invalid' }));
const PROTOCOL_ERROR: Err<HttpErrorCode> = Object.freeze(err<HttpErrorCode>({ tag: 'HTTP-protocol-error' }));
const METHOD_INVALID: Err<HttpErrorCode> = Object.freeze(err<HttpErrorCode>({ tag: 'HTTP-request-method-invalid' }));

interface Target {
  readonly endpoint: Endpoint;
  readonly path: string;
}

/** Where a request goes; `https` unless it says otherwise. A tunnel is no request, and `*` no path that undici sends. */
function targetOf({
  methodName,
  schemeName = 'https',
  authority,
  path = '/',
}: OutgoingRequest): Result<Target, HttpErrorCode> {
  if (methodName === 'CONNECT') return METHOD_INVALID;
  if (schemeName !== 'http' && schemeName !== 'https') return PROTOCOL_ERROR;
  const endpoint = authority === undefined ? undefined : parseAuthority(schemeName, authority);
  if (endpoint === undefined || path === '*') return URI_INVALID;
  return ok({
    endpoint: { ...endpoint, scheme: schemeName },
    path: path.startsWith('/') ? path : `/${path}`,
  });
}

/** What is wrong with the body as far as it is known now. */
function bodyProblem({ rawHeaders, outgoingBody }: OutgoingRequest): HttpErrorCode | undefined {
  const promised = contentLengthOf(rawHeaders);
  if (promised === 'invalid') return { tag: 'HTTP-protocol-error' };
  if (outgoingBody !== undefined) return outgoingBody.aborted;
  return promised === undefined || promised === 0 ? undefined : { tag: 'HTTP-request-body-size', val: 0n };
}

/** The body is sent without asking first, which every server understands; undici cannot wait for the answer. */
function withoutExpect(headers: RawHeaders): RawHeaders {
  const isExpect = (at: number) => (headers[at & ~1] as string).toLowerCase() === 'expect';
  return headers.some((_, at) => isExpect(at)) ? headers.filter((_, at) => !isExpect(at)) : headers;
}

/** With the secrets that go where the request goes; nothing if one is not granted, or its use cannot be put on record. */
function withInjected(
  guest: Guest,
  sent: { readonly headers: RawHeaders; readonly endpoint: Endpoint; readonly inject: readonly InjectedHeader[] },
): RawHeaders | undefined {
  let { headers } = sent;
  for (const { secret, destinations, header, value } of sent.inject) {
    if (destinations.decide({ kind: 'http', ...sent.endpoint }).effect === 'deny') continue;
    if (!isAllowed(guest, { kind: 'secret', name: secret, to: printEndpoint(sent.endpoint) })) return undefined;
    const name = header.toLowerCase();
    headers = [...headers.filter((_, at) => (headers[at & ~1] as string).toLowerCase() !== name), name, value];
  }
  return headers;
}

const NANOSECONDS_PER_MS = 1_000_000n;

/** Whole milliseconds, 1 at least, for 0 would mean none to undici. */
function toMs(timeout: Timeout, defaultMs: number): number {
  if (timeout === undefined) return defaultMs;
  const ms = (timeout + NANOSECONDS_PER_MS - 1n) / NANOSECONDS_PER_MS;
  return ms > BigInt(TIMEOUT_MS_MAX) ? TIMEOUT_MS_MAX : Math.max(1, Number(ms));
}

type Arrival = Result<ResponseHead, HttpErrorCode>;

/** The `future-incoming-response` resource, and the request under way that it is for. */
export class FutureIncomingResponse
  extends Future<Arrival, Result<IncomingResponse, HttpErrorCode>>
  implements ClientEvents, UnderWay
{
  private call: ClientCall | undefined = undefined;
  /** Where it goes. */
  private endpoint: ClientRequest['endpoint'] | undefined = undefined;

  start(client: HttpClient, request: ClientRequest): void {
    this.endpoint = request.endpoint;
    const use = this.guest.part(HTTP_USE);
    use.outgoing += 1;
    use.underWay.add(this);
    this.call = client.send(request, this);
  }

  onResponse(head: ResponseHead): void {
    this.settle(ok(head));
  }

  onFailure(errorCode: HttpErrorCode, denied?: Decision): void {
    const endpoint = this.endpoint;
    if (denied !== undefined && endpoint !== undefined && !this.guest.disposed)
      uphold(this.guest, { kind: 'http', ...endpoint }, denied);
    this.settle(err(errorCode));
  }

  onEnd(): void {
    if (this.guest.disposed) return;
    const use = this.guest.part(HTTP_USE);
    use.outgoing -= 1;
    use.underWay.delete(this);
  }

  dispose(): void {
    this.call?.abort();
  }

  protected begin(): void {}

  protected give(arrival: Arrival): Result<IncomingResponse, HttpErrorCode> {
    return arrival.tag === 'ok' ? ok(new IncomingResponse(this.guest, arrival.val)) : arrival;
  }

  protected abandon(arrival: Arrival | undefined): void {
    if (arrival?.tag === 'ok') arrival.val.body.close();
    this.call?.abort();
  }
}
