import type { IncomingMessage } from 'node:http';
import { type HttpBodySource, HttpFailure, type RawHeaders } from '../wasi/index.ts';

/** A read that waits for bytes. */
interface Waiting {
  readonly resolve: (bytes: Uint8Array | undefined) => void;
  readonly reject: (error: HttpFailure) => void;
}

/**
 * The body of a request. Nothing is read ahead of what the guest takes but what Node.js itself holds: one window of
 * 64 KiB, after which the client has to wait.
 */
export class RequestBody implements HttpBodySource {
  readonly #request: IncomingMessage;
  readonly #bytesMax: number;
  #bytes = 0;
  #waiting: Waiting | undefined;
  #closed = false;

  /** @param bytesMax What the body may have in all. */
  constructor(request: IncomingMessage, bytesMax: number) {
    this.#request = request;
    this.#bytesMax = bytesMax;
    request.on('readable', this.#advance);
    request.on('close', this.#advance);
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const result = this.#take();
    if (result instanceof HttpFailure) throw result;
    if (result !== 'later') return result;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  trailers(): RawHeaders | undefined {
    const { rawTrailers } = this.#request;
    return rawTrailers.length === 0 ? undefined : rawTrailers;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
    this.#request.off('readable', this.#advance);
    this.#request.off('close', this.#advance);
    // A client that only reads when it has sent everything would wait for ever.
    this.#request.resume();
  }

  /** The next bytes, the end, what is wrong, or that there is nothing yet. */
  #take(): Uint8Array | undefined | HttpFailure | 'later' {
    const request = this.#request;
    const bytes = request.read() as Uint8Array | null;
    if (bytes !== null) {
      this.#bytes += bytes.length;
      if (this.#bytes <= this.#bytesMax) return bytes;
      return new HttpFailure({ tag: 'HTTP-request-body-size', val: BigInt(this.#bytesMax) });
    }
    if (request.complete && request.readableLength === 0) return undefined;
    return request.destroyed ? new HttpFailure({ tag: 'connection-terminated' }) : 'later';
  }

  readonly #advance = (): void => {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const result = this.#take();
    if (result === 'later') return;
    this.#waiting = undefined;
    if (result instanceof HttpFailure) waiting.reject(result);
    else waiting.resolve(result);
  };
}
