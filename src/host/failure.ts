import { ERROR_CODES, type ErrorCode, type ErrorKind, RuntimeError } from '../errors/index.ts';

/** `failure` of `wit/actor.wit` in its JavaScript form. */
export interface GuestFailure {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
}

const ANSWERS = {
  invalid: 'ANSWER_INVALID',
  denied: 'ANSWER_DENIED',
  'not-found': 'ANSWER_NOT_FOUND',
  conflict: 'ANSWER_CONFLICT',
  overload: 'ANSWER_OVERLOAD',
  timeout: 'ANSWER_TIMEOUT',
  unavailable: 'ANSWER_UNAVAILABLE',
  cancelled: 'ANSWER_CANCELLED',
  internal: 'ANSWER_INTERNAL',
} as const satisfies Record<ErrorKind, ErrorCode>;

/** Characters of a guest's code and message that are kept; a guest chooses them, and they end up in logs. */
const CODE_LENGTH_MAX = 64;
const MESSAGE_LENGTH_MAX = 2_000;

/**
 * What a guest answered, as an error for the asker. Its own code stays apart from ours, so that no guest can pass its
 * answer off as a failure of the host.
 */
export function fromGuest(failure: GuestFailure): RuntimeError {
  const code = failure.code.slice(0, CODE_LENGTH_MAX);
  const message = failure.message.slice(0, MESSAGE_LENGTH_MAX);
  return new RuntimeError(
    ANSWERS[failure.kind],
    message === '' ? ERROR_CODES[ANSWERS[failure.kind]].summary : message,
    {
      details: { answerCode: code },
    },
  );
}

/** An error as a guest sees it. What another guest answered arrives with that guest's code. */
export function toGuest(error: RuntimeError): GuestFailure {
  const { answerCode } = error.details;
  const code = typeof answerCode === 'string' ? answerCode : error.code;
  return { kind: error.kind, code, message: error.message.slice(0, MESSAGE_LENGTH_MAX) };
}
