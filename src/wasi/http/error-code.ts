import { asRecord, trap } from '../guest/index.ts';

/** Payload of the cases that name one field. */
export interface FieldSize {
  readonly fieldName: string | undefined;
  readonly fieldSize: number | undefined;
}

interface Payloads {
  readonly 'DNS-error': { readonly rcode: string | undefined; readonly infoCode: number | undefined };
  readonly 'TLS-alert-received': { readonly alertId: number | undefined; readonly alertMessage: string | undefined };
  readonly 'HTTP-request-body-size': bigint | undefined;
  readonly 'HTTP-request-header-section-size': number | undefined;
  readonly 'HTTP-request-header-size': FieldSize | undefined;
  readonly 'HTTP-request-trailer-section-size': number | undefined;
  readonly 'HTTP-request-trailer-size': FieldSize;
  readonly 'HTTP-response-header-section-size': number | undefined;
  readonly 'HTTP-response-header-size': FieldSize;
  readonly 'HTTP-response-body-size': bigint | undefined;
  readonly 'HTTP-response-trailer-section-size': number | undefined;
  readonly 'HTTP-response-trailer-size': FieldSize;
  readonly 'HTTP-response-transfer-coding': string | undefined;
  readonly 'HTTP-response-content-coding': string | undefined;
  readonly 'internal-error': string | undefined;
}

const PLAIN_CODES = [
  'DNS-timeout',
  'destination-not-found',
  'destination-unavailable',
  'destination-IP-prohibited',
  'destination-IP-unroutable',
  'connection-refused',
  'connection-terminated',
  'connection-timeout',
  'connection-read-timeout',
  'connection-write-timeout',
  'connection-limit-reached',
  'TLS-protocol-error',
  'TLS-certificate-error',
  'HTTP-request-denied',
  'HTTP-request-length-required',
  'HTTP-request-method-invalid',
  'HTTP-request-URI-invalid',
  'HTTP-request-URI-too-long',
  'HTTP-response-incomplete',
  'HTTP-response-timeout',
  'HTTP-upgrade-failed',
  'HTTP-protocol-error',
  'loop-detected',
  'configuration-error',
] as const;

const CODES_WITH_PAYLOAD: readonly (keyof Payloads)[] = [
  'DNS-error',
  'TLS-alert-received',
  'HTTP-request-body-size',
  'HTTP-request-header-section-size',
  'HTTP-request-header-size',
  'HTTP-request-trailer-section-size',
  'HTTP-request-trailer-size',
  'HTTP-response-header-section-size',
  'HTTP-response-header-size',
  'HTTP-response-body-size',
  'HTTP-response-trailer-section-size',
  'HTTP-response-trailer-size',
  'HTTP-response-transfer-coding',
  'HTTP-response-content-coding',
  'internal-error',
];

const CODES: ReadonlySet<unknown> = new Set([...PLAIN_CODES, ...CODES_WITH_PAYLOAD]);

type PlainCode = (typeof PLAIN_CODES)[number];

/** WIT's `error-code` of `wasi:http/types`: why a request or a response came to nothing. */
export type HttpErrorCode =
  | { readonly [Tag in keyof Payloads]: { readonly tag: Tag; readonly val: Payloads[Tag] } }[keyof Payloads]
  | { readonly [Tag in PlainCode]: { readonly tag: Tag; readonly val?: undefined } }[PlainCode];

/** A failure of a message whose `error-code` is known: what a body source or sink throws. */
export class HttpFailure extends Error {
  readonly errorCode: HttpErrorCode;

  constructor(errorCode: HttpErrorCode) {
    super(errorCode.tag);
    this.name = 'HttpFailure';
    this.errorCode = errorCode;
  }
}

/** A code that a guest gives: one of those that there are. */
export function asErrorCode(value: unknown): HttpErrorCode {
  const code = asRecord(value);
  return CODES.has(code.tag) ? (code as HttpErrorCode) : trap('Cannot take the error code: wasi:http has no such case');
}
