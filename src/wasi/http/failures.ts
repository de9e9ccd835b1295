import type { Decision } from '../../capability/index.ts';
import { type HttpErrorCode, HttpFailure } from './error-code.ts';

/** What a connection ends with that a grant does not allow once its address is known. */
export class AddressDenied extends Error {
  readonly decision: Decision;

  constructor(decision: Decision) {
    super('The address is not granted');
    this.name = 'AddressDenied';
    this.decision = decision;
  }
}

/** When a request failed: what the same error means differs. */
export type Phase = 'connect' | 'send' | 'head' | 'body';

const PLAIN: Readonly<Record<string, HttpErrorCode>> = Object.freeze({
  EACCES: { tag: 'destination-IP-prohibited' },
  EADDRNOTAVAIL: { tag: 'destination-unavailable' },
  EAI_AGAIN: { tag: 'DNS-timeout' },
  ECONNREFUSED: { tag: 'connection-refused' },
  EHOSTDOWN: { tag: 'destination-unavailable' },
  EHOSTUNREACH: { tag: 'destination-IP-unroutable' },
  EMFILE: { tag: 'connection-limit-reached' },
  ENETDOWN: { tag: 'destination-unavailable' },
  ENETUNREACH: { tag: 'destination-IP-unroutable' },
  ENFILE: { tag: 'connection-limit-reached' },
  ENODATA: { tag: 'DNS-error', val: { rcode: 'NOERROR', infoCode: undefined } },
  ENOTFOUND: { tag: 'DNS-error', val: { rcode: 'NXDOMAIN', infoCode: undefined } },
  EPERM: { tag: 'destination-IP-prohibited' },
  EPROTO: { tag: 'TLS-protocol-error' },
  ETIMEOUT: { tag: 'DNS-timeout' },
  HPE_HEADER_OVERFLOW: { tag: 'HTTP-response-header-section-size', val: undefined },
  HPE_INVALID_EOF_STATE: { tag: 'HTTP-response-incomplete' },
  HPE_INVALID_TRANSFER_ENCODING: { tag: 'HTTP-response-transfer-coding', val: undefined },
  UND_ERR_BODY_TIMEOUT: { tag: 'connection-read-timeout' },
  UND_ERR_CONNECT_TIMEOUT: { tag: 'connection-timeout' },
  UND_ERR_HEADERS_OVERFLOW: { tag: 'HTTP-response-header-section-size', val: undefined },
  UND_ERR_INVALID_ARG: { tag: 'HTTP-protocol-error' },
  UND_ERR_MAX_ORIGINS_REACHED: { tag: 'connection-limit-reached' },
  UND_ERR_NOT_SUPPORTED: { tag: 'HTTP-protocol-error' },
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: { tag: 'HTTP-request-body-size', val: undefined },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { tag: 'HTTP-response-incomplete' },
});

/** Errors that say only that the connection is gone. */
const GONE: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNRESET',
  'ENOTCONN',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_ABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INFO',
  'UND_ERR_SOCKET',
]);

/** What OpenSSL and Node.js say of a certificate. */
const CERTIFICATE = /CERT|UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED/;

/** An alert that the peer sent, with its name: `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
const ALERT = /^ERR_SSL_\w*?ALERT_(\w+)$/;

/**
 * The `error-code` of what undici, Node.js or OpenSSL says. Texts of errors are not passed on: they may hold paths and
 * addresses of the host.
 */
export function toErrorCode(thrown: unknown, phase: Phase): HttpErrorCode {
  if (thrown instanceof HttpFailure) return thrown.errorCode;
  if (thrown instanceof AddressDenied) return { tag: 'destination-IP-prohibited' };
  const code = codeOf(thrown);
  if (code === 'ETIMEDOUT') return { tag: phase === 'connect' ? 'connection-timeout' : 'connection-read-timeout' };
  // The peer did not take the request; the same timer counts.
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return { tag: phase === 'send' ? 'connection-write-timeout' : 'connection-read-timeout' };
  if (GONE.has(code)) return { tag: phase === 'body' ? 'HTTP-response-incomplete' : 'connection-terminated' };
  return PLAIN[code] ?? tlsCode(code) ?? otherCode(thrown, code);
}

function tlsCode(code: string): HttpErrorCode | undefined {
  const alert = ALERT.exec(code)?.[1];
  if (alert !== undefined) {
    const alertMessage = alert.toLowerCase().replaceAll('_', ' ');
    return { tag: 'TLS-alert-received', val: { alertId: undefined, alertMessage } };
  }
  if (CERTIFICATE.test(code)) return { tag: 'TLS-certificate-error' };
  return /^ERR_(?:SSL|TLS)_/.test(code) ? { tag: 'TLS-protocol-error' } : undefined;
}

/** The parser's errors come with its code or without. */
function otherCode(thrown: unknown, code: string): HttpErrorCode {
  const isParserError = thrown instanceof Error && thrown.name === 'HTTPParserError';
  if (isParserError || code.startsWith('HPE_')) return { tag: 'HTTP-protocol-error' };
  return { tag: 'internal-error', val: code === '' ? undefined : code };
}

/** Of several addresses that were tried, the first tells. */
function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return '';
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return thrown instanceof AggregateError ? codeOf(thrown.errors[0]) : '';
}
