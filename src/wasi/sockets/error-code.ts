import { type Err, err, type Result } from '../guest/index.ts';

/** WIT's `error-code`. */
export type ErrorCode =
  | 'unknown'
  | 'access-denied'
  | 'not-supported'
  | 'invalid-argument'
  | 'out-of-memory'
  | 'timeout'
  | 'concurrency-conflict'
  | 'not-in-progress'
  | 'would-block'
  | 'invalid-state'
  | 'new-socket-limit'
  | 'address-not-bindable'
  | 'address-in-use'
  | 'remote-unreachable'
  | 'connection-refused'
  | 'connection-reset'
  | 'connection-aborted'
  | 'datagram-too-large'
  | 'name-unresolvable'
  | 'temporary-resolver-failure'
  | 'permanent-resolver-failure';

export type SocketResult<T> = Result<T, ErrorCode>;

/** What the errors of the operating system and of its resolver are called in WASI. Whatever else happens is `unknown`. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  EAFNOSUPPORT: 'not-supported',
  ENOSYS: 'not-supported',
  ENOTSUP: 'not-supported',
  EOPNOTSUPP: 'not-supported',
  EPROTONOSUPPORT: 'not-supported',
  EDESTADDRREQ: 'invalid-argument',
  EFAULT: 'invalid-argument',
  EINVAL: 'invalid-argument',
  ENOBUFS: 'out-of-memory',
  ENOMEM: 'out-of-memory',
  EAI_MEMORY: 'out-of-memory',
  ETIMEDOUT: 'timeout',
  EALREADY: 'concurrency-conflict',
  EAGAIN: 'would-block',
  EISCONN: 'invalid-state',
  ENOTCONN: 'invalid-state',
  EMFILE: 'new-socket-limit',
  ENFILE: 'new-socket-limit',
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-not-bindable',
  EHOSTDOWN: 'remote-unreachable',
  EHOSTUNREACH: 'remote-unreachable',
  ENETDOWN: 'remote-unreachable',
  ENETRESET: 'remote-unreachable',
  ENETUNREACH: 'remote-unreachable',
  ENONET: 'remote-unreachable',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  ECONNABORTED: 'connection-aborted',
  EMSGSIZE: 'datagram-too-large',
  EAI_ADDRFAMILY: 'name-unresolvable',
  EAI_NODATA: 'name-unresolvable',
  EAI_NONAME: 'name-unresolvable',
  ENODATA: 'name-unresolvable',
  ENOTFOUND: 'name-unresolvable',
  EAI_AGAIN: 'temporary-resolver-failure',
  EAI_FAIL: 'permanent-resolver-failure',
};

/** @param errno Name of the operating system's error, `'ECONNRESET'` for example. */
export function errnoToErrorCode(errno: string | undefined): ErrorCode {
  return errno !== undefined && Object.hasOwn(CODES, errno) ? (CODES[errno] as ErrorCode) : 'unknown';
}

/** What went wrong with an operation of the network. */
export function toErrorCode(thrown: unknown): ErrorCode {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return errnoToErrorCode(typeof code === 'string' ? code : undefined);
}

/** The same for a connection, where an address that is not there is that of nobody: every local port is taken. */
export function toConnectErrorCode(thrown: unknown): ErrorCode {
  const code = toErrorCode(thrown);
  return code === 'address-not-bindable' ? 'address-in-use' : code;
}

export function refused(code: ErrorCode): Err<ErrorCode> {
  return err(code);
}
