import { ERROR_CODES, ERROR_KINDS, type ErrorDetails, type ErrorKind, RuntimeError } from '../errors/index.ts';

/** An error over HTTP: `application/problem+json` (RFC 9457) with our code and kind as extensions. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly kind: ErrorKind;
  readonly details?: ErrorDetails;
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/**
 * Statuses where HTTP has a more exact one than the kind's. `CONTROL_UNAUTHORIZED` is 401 because a client may try
 * again with another token.
 */
const STATUS_BY_CODE: Readonly<Record<string, number>> = { CONTROL_UNAUTHORIZED: 401 };

/** Makes the HTTP form of `error`. `cause` and `stack` stay in this process. */
export function toProblem(error: RuntimeError): Problem {
  const details = Object.keys(error.details).length > 0 ? { details: error.details } : {};
  return {
    type: `/errors#${error.code}`,
    title: ERROR_CODES[error.code].summary,
    status: STATUS_BY_CODE[error.code] ?? ERROR_KINDS[error.kind].httpStatus,
    detail: error.message,
    code: error.code,
    kind: error.kind,
    ...details,
  };
}

/** Rebuilds the error of a problem document; anything else becomes `INTERNAL_REMOTE` with the status. */
export function fromProblem(body: unknown, status: number): RuntimeError {
  if (typeof body === 'object' && body !== null && 'code' in body && 'detail' in body) {
    const { code, detail } = body;
    if (typeof code === 'string' && typeof detail === 'string') {
      const details = 'details' in body && isPlainDetails(body.details) ? { details: body.details } : {};
      return RuntimeError.fromWire({ code, message: detail, ...details });
    }
  }
  return new RuntimeError(
    'INTERNAL_REMOTE',
    `The control port answered with status ${status} and no problem document`,
    {
      details: { status },
    },
  );
}

function isPlainDetails(value: unknown): value is ErrorDetails {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
