import { ERROR_CODES, RuntimeError } from '../../errors/index.ts';
import { type Err, err, type Ok, ok, type Result } from '../guest/index.ts';

/** WIT's `error` of `wasi:keyvalue/store`. */
export type KeyValueError =
  | { readonly tag: 'no-such-store' }
  | { readonly tag: 'access-denied' }
  | { readonly tag: 'other'; readonly val: string };

export type Answer<T> = Promise<Result<T, KeyValueError>>;

export const NO_SUCH_STORE: Err<KeyValueError> = Object.freeze(err({ tag: 'no-such-store' } as const));
export const ACCESS_DENIED: Err<KeyValueError> = Object.freeze(err({ tag: 'access-denied' } as const));

/** What the store answers, as the guest gets it: whatever the store refuses is the guest's `other`. */
export function answer<T, U>(asked: Promise<T>, read: (value: T) => U): Answer<U> {
  return asked.then(
    (value): Ok<U> => ok(read(value)),
    (error: unknown) => err(toError(error)),
  );
}

export function toError(thrown: unknown): KeyValueError {
  const error = RuntimeError.from(thrown);
  // Where the store lies on this machine is none of the guest's business.
  const text = error.details.file === undefined ? error.message : ERROR_CODES[error.code].summary;
  return { tag: 'other', val: `${error.code}: ${text}` };
}

export function other(text: string): Err<KeyValueError> {
  return err({ tag: 'other', val: text });
}
