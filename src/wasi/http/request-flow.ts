import type { HttpErrorCode } from './error-code.ts';
import { HttpFailure } from './error-code.ts';
import type { HttpBodySink } from './exchange.ts';

const PEER_GONE: Error = Object.assign(new Error('The server reads no more'), { code: 'EPIPE' });

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

interface Wanted {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(thrown: unknown): void;
}

/**
 * The body of a request on its way to undici, one piece at a time: who writes a piece waits until undici, which has
 * waited for its socket, comes for the next.
 */
export class RequestFlow implements HttpBodySink, AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  private piece: Uint8Array | undefined = undefined;
  private wanted: Wanted | undefined = undefined;
  private taken: (() => void) | undefined = undefined;
  private state: 'open' | 'finished' | 'aborted' | 'closed' = 'open';
  private reason: HttpErrorCode | undefined = undefined;
  /** Whether a piece was given out that the socket has not taken yet. */
  isSending = false;

  // ── the guest's side ──

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.state !== 'open') throw PEER_GONE;
    if (this.wanted !== undefined) this.give(bytes);
    else this.piece = bytes;
    return new Promise((resolve) => {
      this.taken = resolve;
    });
  }

  finish(): void {
    if (this.state !== 'open') return;
    this.state = 'finished';
    this.wanted?.resolve(DONE);
    this.wanted = undefined;
  }

  abort(reason: HttpErrorCode): void {
    if (this.state !== 'open') return;
    this.state = 'aborted';
    this.reason = reason;
    this.wanted?.reject(new HttpFailure(reason));
    this.wanted = undefined;
    this.free();
  }

  // ── undici's side ──

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.isSending = false;
    const { piece } = this;
    if (piece !== undefined) {
      this.piece = undefined;
      this.isSending = true;
      return Promise.resolve({ done: false, value: piece });
    }
    this.free();
    if (this.state === 'aborted') return Promise.reject(new HttpFailure(this.reason as HttpErrorCode));
    if (this.state !== 'open') return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.wanted = { resolve, reject };
    });
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.close();
    return Promise.resolve(DONE);
  }

  /** The request is over: nothing more is taken. */
  close(): void {
    if (this.state === 'open') this.state = 'closed';
    this.piece = undefined;
    this.wanted?.reject(PEER_GONE);
    this.wanted = undefined;
    this.free();
  }

  private give(value: Uint8Array): void {
    this.isSending = true;
    this.wanted?.resolve({ done: false, value });
    this.wanted = undefined;
  }

  private free(): void {
    this.taken?.();
    this.taken = undefined;
  }
}
