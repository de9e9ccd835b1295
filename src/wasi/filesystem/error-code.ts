import { RuntimeError } from '../../errors/index.ts';
import { type Err, err, type Result } from '../guest/index.ts';

/** WIT's `error-code`. */
export type ErrorCode = (typeof CODES)[keyof typeof CODES] | 'insufficient-memory' | 'not-permitted';

/** What the operating system's errors are called in WASI. Whatever else happens is `io`. */
const CODES = {
  EACCES: 'access',
  EAGAIN: 'would-block',
  EWOULDBLOCK: 'would-block',
  EALREADY: 'already',
  EBADF: 'bad-descriptor',
  EBUSY: 'busy',
  EDEADLK: 'deadlock',
  EDQUOT: 'quota',
  EEXIST: 'exist',
  EFBIG: 'file-too-large',
  EILSEQ: 'illegal-byte-sequence',
  EINPROGRESS: 'in-progress',
  EINTR: 'interrupted',
  EINVAL: 'invalid',
  EIO: 'io',
  EISDIR: 'is-directory',
  ELOOP: 'loop',
  EMLINK: 'too-many-links',
  EMSGSIZE: 'message-size',
  ENAMETOOLONG: 'name-too-long',
  ENODEV: 'no-device',
  ENOENT: 'no-entry',
  ENOLCK: 'no-lock',
  ENOMEM: 'insufficient-memory',
  ENOSPC: 'insufficient-space',
  ENOTDIR: 'not-directory',
  ENOTEMPTY: 'not-empty',
  ENOTRECOVERABLE: 'not-recoverable',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENOSYS: 'unsupported',
  ENOTTY: 'no-tty',
  ENXIO: 'no-such-device',
  EOVERFLOW: 'overflow',
  EPERM: 'not-permitted',
  EPIPE: 'pipe',
  EROFS: 'read-only',
  ESPIPE: 'invalid-seek',
  ETXTBSY: 'text-file-busy',
  EXDEV: 'cross-device',
  // This process, not the guest, is out of descriptors; the interface has no word for it.
  EMFILE: 'insufficient-memory',
  ENFILE: 'insufficient-memory',
  ERR_INVALID_ARG_VALUE: 'invalid',
  ERR_OUT_OF_RANGE: 'invalid',
} as const;

/** A failure of a file operation that the guest gets as its own result. Never leaves this folder as an exception. */
export class FileError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(code);
    this.name = 'FileError';
    this.code = code;
  }
}

/** The failure of a path that would lead out of the folder that the guest has: an attempt, which is put on record. */
export class EscapeError extends FileError {
  constructor() {
    super('not-permitted');
  }
}

/** Ends the operation under way with `code`. */
export function refuse(code: ErrorCode): never {
  throw new FileError(code);
}

/** @param errno Name of the operating system's error, `'ENOENT'` for example. */
export function toErrorCode(errno: string): ErrorCode {
  return Object.hasOwn(CODES, errno) ? CODES[errno as keyof typeof CODES] : 'io';
}

/** The name of the operating system's error that `thrown` is, if it is one. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Makes a guest's result of what an operation threw. What is neither a {@link FileError} nor an error of the operating
 * system is not the file system's: it is thrown again.
 */
export function toFailure(thrown: unknown): Err<ErrorCode> {
  if (thrown instanceof FileError) return err(thrown.code);
  const errno = errnoOf(thrown);
  if (RuntimeError.is(thrown) || errno === undefined) throw thrown;
  return err(toErrorCode(errno));
}

export type FileResult<T> = Result<T, ErrorCode>;
