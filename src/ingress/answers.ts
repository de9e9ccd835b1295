import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_CODES, ERROR_KINDS, type ErrorCode, type RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { HttpErrorCode } from '../wasi/index.ts';

/** What a client is told instead of an answer of the component. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly status: number;
  /** Seconds after which another try may be worth it. */
  readonly retryAfterS?: number;
  readonly headers?: readonly string[];
}

/** Statuses where HTTP has a more exact one than the kind's. */
const STATUS_BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  HTTP_BODY_TOO_LARGE: 413,
  HTTP_COMPONENT_FAILED: 500,
  HTTP_HEADERS_TOO_LARGE: 431,
  HTTP_METHOD_NOT_ALLOWED: 405,
  HTTP_REQUEST_TIMEOUT: 408,
  HTTP_RESPONSE_MISSING: 500,
};

/** Codes whose failure is the client's business. What else ended a guest is told as `HTTP_COMPONENT_FAILED`. */
const PUBLIC_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'COMPONENT_DEADLINE',
  'HTTP_BODY_TOO_LARGE',
  'HTTP_OVERLOADED',
  'HTTP_RESPONSE_MISSING',
  'HTTP_UNAVAILABLE',
]);

/** What a guest may say instead of an answer, as a gateway would: 413, 403, 504 or 502 where that is what it means. */
const GUEST_CODES: Readonly<Record<string, ErrorCode>> = {
  'HTTP-request-body-size': 'HTTP_BODY_TOO_LARGE',
  'HTTP-request-denied': 'ANSWER_DENIED',
  'HTTP-request-length-required': 'ANSWER_INVALID',
  'HTTP-request-method-invalid': 'ANSWER_INVALID',
  'HTTP-request-URI-invalid': 'ANSWER_INVALID',
  'HTTP-request-URI-too-long': 'ANSWER_INVALID',
  'DNS-timeout': 'ANSWER_TIMEOUT',
  'connection-timeout': 'ANSWER_TIMEOUT',
  'connection-read-timeout': 'ANSWER_TIMEOUT',
  'connection-write-timeout': 'ANSWER_TIMEOUT',
  'HTTP-response-timeout': 'ANSWER_TIMEOUT',
  'DNS-error': 'ANSWER_UNAVAILABLE',
  'destination-not-found': 'ANSWER_UNAVAILABLE',
  'destination-unavailable': 'ANSWER_UNAVAILABLE',
  'connection-refused': 'ANSWER_UNAVAILABLE',
  'connection-terminated': 'ANSWER_UNAVAILABLE',
  'connection-limit-reached': 'ANSWER_OVERLOAD',
};

export function statusOf(code: ErrorCode): number {
  return STATUS_BY_CODE[code] ?? ERROR_KINDS[ERROR_CODES[code].kind].httpStatus;
}

/** What a client is told when no answer was set. */
export function refusalOf(errorCode: HttpErrorCode, reason: RuntimeError | undefined): Refusal {
  const code = reason === undefined ? guestCode(errorCode) : publicCode(reason);
  const retryAfterMs = reason?.details.retryAfterMs;
  if (typeof retryAfterMs !== 'number') return { code, status: statusOf(code) };
  return { code, status: statusOf(code), retryAfterS: Math.max(1, Math.ceil(retryAfterMs / 1_000)) };
}

function guestCode({ tag }: HttpErrorCode): ErrorCode {
  return GUEST_CODES[tag] ?? 'ANSWER_INTERNAL';
}

function publicCode({ code }: RuntimeError): ErrorCode {
  return PUBLIC_CODES.has(code) ? code : 'HTTP_COMPONENT_FAILED';
}

/**
 * What a client gets to read its answer and stop sending, when its body is not wanted. Closed at once, the connection
 * would be reset under the answer.
 */
const LINGER_MS = 2_000;

/** Answers with a problem document (RFC 9457) that says what happened and nothing of how it looks inside. */
export function refuse(response: ServerResponse, refusal: Refusal, clock: Clock): void {
  if (response.destroyed || response.headersSent) return;
  const { code, status, retryAfterS, headers = [] } = refusal;
  const body = problemBody(code, status);
  const all = ['content-type', 'application/problem+json', 'content-length', String(body.length), ...headers];
  if (retryAfterS !== undefined) all.push('retry-after', String(retryAfterS));
  response.writeHead(status, all);
  response.end(body);
  const { req: request } = response;
  if (request.complete || !hasBody(request)) return;
  const { socket } = request;
  clock.after(LINGER_MS, () => request.complete || socket.destroy());
}

/** Whether a body follows the head of a request (RFC 9112, 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  const length = headers['content-length'];
  return length !== undefined && length !== '0';
}

const BODIES = new Map<string, Buffer>();

/** One for each code and status, of which there are few. */
export function problemBody(code: ErrorCode, status: number): Buffer {
  const key = `${status} ${code}`;
  let body = BODIES.get(key);
  if (body === undefined) {
    const problem = { type: `/errors#${code}`, title: ERROR_CODES[code].summary, status, code };
    body = Buffer.from(`${JSON.stringify(problem)}\n`);
    BODIES.set(key, body);
  }
  return body;
}
