import { err, type Guest, isPromise, ok, type Result } from '../guest/index.ts';
import { IoError } from './io-error.ts';
import { pacedSource } from './pace.ts';
import type { Readiness } from './pollable.ts';
import type { ByteSource } from './ports.ts';

/** WIT's `stream-error`. */
export type StreamError =
  | { readonly tag: 'last-operation-failed'; readonly val: IoError }
  | { readonly tag: 'closed'; readonly val: undefined };

export type StreamResult<T> = Result<T, StreamError>;

export const CLOSED: Extract<Result<never, StreamError>, { tag: 'err' }> = Object.freeze(
  err<StreamError>(Object.freeze({ tag: 'closed', val: undefined })),
);

export const NO_BYTES = new Uint8Array(0);

/** Names of errors that mean that the other side has gone: the stream is closed rather than failed. */
const CLOSED_ERRNOS: ReadonlySet<string> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** What went wrong with a stream, before a guest has asked: a name of the system, or that the other side has gone. */
export interface StreamFailure {
  readonly closed: boolean;
  readonly errno: string | undefined;
  /** What was thrown. */
  readonly cause: unknown;
}

export function toStreamFailure(thrown: unknown): StreamFailure {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  const errno = typeof code === 'string' ? code : undefined;
  return { closed: errno !== undefined && CLOSED_ERRNOS.has(errno), errno, cause: thrown };
}

export function failed(guest: Guest, failure: StreamFailure): Result<never, StreamError> {
  if (failure.closed) return CLOSED;
  return err({ tag: 'last-operation-failed', val: new IoError(guest, failure) });
}

/**
 * One source with the bytes that were read and not taken yet: at most one read's worth. Several `input-stream` handles
 * may share it, as those of standard input do.
 */
export class Reader implements Readiness {
  readonly #guest: Guest;
  readonly #source: ByteSource;
  readonly #watchers = new Set<() => void>();
  #bytes: Uint8Array = NO_BYTES;
  #reading = false;
  #ended = false;
  #failure: StreamFailure | undefined;

  constructor(guest: Guest, source: ByteSource) {
    this.#guest = guest;
    this.#source = pacedSource(guest, source);
  }

  get settled(): boolean {
    return this.#bytes.length > 0 || this.#ended || this.#failure !== undefined;
  }

  /** Readiness of a pollable: begins a read, since nothing else would make it ready. */
  ready(): boolean {
    this.fill(POLL_READ_BYTES);
    return this.settled;
  }

  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }

  /** Begins a read unless there are bytes or one is under way. */
  fill(maxBytes: number): void {
    if (this.settled || this.#reading || maxBytes === 0) return;
    try {
      const result = this.#source.read(maxBytes);
      if (isPromise(result)) {
        this.#reading = true;
        result.then(
          (bytes) => this.#settle(() => this.#accept(bytes)),
          (error) => this.#settle(() => this.#fail(error)),
        );
      } else {
        this.#accept(result);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Up to `maxBytes` of what is there; none if there is none yet. A failure is reported once, then the end. */
  take(maxBytes: number): StreamResult<Uint8Array> {
    if (this.#bytes.length > 0) {
      const taken = this.#bytes.subarray(0, maxBytes);
      this.#bytes = taken.length === this.#bytes.length ? NO_BYTES : this.#bytes.subarray(taken.length);
      return ok(taken);
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#ended = true;
      return failed(this.#guest, failure);
    }
    return this.#ended ? CLOSED : ok(NO_BYTES);
  }

  /** Nothing more is read; what is there is thrown away. */
  close(): void {
    this.#bytes = NO_BYTES;
    this.#failure = undefined;
    this.#ended = true;
    this.#wake();
  }

  #settle(step: () => void): void {
    this.#reading = false;
    // Closed meanwhile: what comes now is nobody's.
    if (!this.#ended) step();
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#watchers]) wake();
  }

  #accept(bytes: Uint8Array | undefined): void {
    if (bytes === undefined || bytes.length === 0) this.#ended = true;
    else this.#bytes = bytes;
  }

  #fail(error: unknown): void {
    this.#failure = toStreamFailure(error);
  }
}

/** Bytes read because somebody polls, not knowing how many will be wanted. One page of most machines. */
const POLL_READ_BYTES = 4_096;
