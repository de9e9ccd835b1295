/*
 * The port between `wasi:http` and whoever speaks HTTP to the outside. A server implements HttpExchange once per
 * request; nothing here knows of sockets.
 *
 *     server ──HttpExchange──► openExchange ──args──► incoming-handler#handle
 *        ▲                          │
 *        └── respond, fail ◄────────┘ response-outparam.set
 *
 * It lies on the path of every request, so everything is plain data, made when it is first asked for; what can be done
 * at once is done without a promise.
 */
import type { RuntimeError } from '../../errors/index.ts';
import type { ByteSink, ByteSource } from '../io/index.ts';
import type { HttpErrorCode } from './error-code.ts';

/**
 * Names and values in turn, as `IncomingMessage.rawHeaders` of `node:http` has them and `ServerResponse.writeHead` takes
 * them: order, case and repetition are kept. One character of a value is one byte (Latin-1).
 */
export type RawHeaders = readonly string[];

/** The body of a message that comes in. */
export interface HttpBodySource extends ByteSource {
  /**
   * As of every source: at least one byte, or `undefined` at the end. Throws or rejects with an {@link HttpFailure}
   * when the message is cut off or broken; another error counts as `internal-error`. Hand over at most some 64 KiB a
   * time, and read no further ahead than that.
   */
  read(maxBytes: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** What followed the body; asked for only after `read` has said that it ended. Nothing: there were none. */
  trailers(): RawHeaders | undefined;
  /** Nobody reads any more, at the end or before. Called once at most; a `read` under way settles with `undefined`. */
  close(): void;
}

/** The body of a message that goes out. */
export interface HttpBodySink extends ByteSink {
  /**
   * As of every sink: a promise while the peer is slow. Throws an error whose `code` is `'EPIPE'` once the peer is gone.
   * Is never called with more bytes than a `content-length` of the head promised. There is no `flush`: a guest's ends when
   * the bytes are here.
   */
  write(bytes: Uint8Array): void | Promise<void>;
  /** The message is whole. Settles when all of it has been handed to the system, or cannot be any more. */
  finish(trailers?: RawHeaders): void | Promise<void>;
  /** The message will never be whole: the peer must not take it for complete, so its connection is cut. */
  abort(reason: HttpErrorCode): void;
}

/**
 * One request that a server has received, and the way to answer it. Exactly one of {@link respond} and {@link fail} is
 * called, once; it may be called while `handle` runs or after. No method may throw.
 */
export interface HttpExchange {
  /** As received: `'GET'`. */
  readonly method: string;
  /** `'http'`, `'https'`, or what else the server speaks. */
  readonly scheme: string;
  /** Of the request's target or its `host` header, `'example.com:8080'`. */
  readonly authority: string | undefined;
  /** `'/quakes?since=1'`. */
  readonly pathWithQuery: string | undefined;
  /** Those that belong to the connection may be among them; the guest does not see these. */
  readonly rawHeaders: RawHeaders;
  /** The request's body; called once at most, when the guest takes it. Nothing: there is none. */
  body(): HttpBodySource | undefined;
  /**
   * Begins the answer. Head and bytes may be kept back, to leave in one piece, until the job that runs is over; no longer,
   * for a guest that is suspended may wait for what the peer does about them.
   *
   * @param status 200 to 999; checked.
   * @param headers Checked: no character that could end a line, nothing that belongs to the connection. Without a
   *   `content-length` the length is not known.
   */
  respond(status: number, headers: RawHeaders): HttpBodySink;
  /** Sends a 1xx before the answer. A server that cannot does nothing. */
  inform(status: number, headers: RawHeaders): void;
  /**
   * There is no answer: the guest said so, never set one (`reason` is `HTTP_RESPONSE_MISSING`), or failed before
   * (`reason` is why). The server answers by itself; nothing has been sent.
   */
  fail(errorCode: HttpErrorCode, reason?: RuntimeError): void;
}

/** An exchange in the hands of a guest. */
export interface OpenExchange {
  /** What `wasi:http/incoming-handler#handle` is to be called with: the request and the `response-outparam`. */
  readonly args: readonly [request: object, responseOut: object];
  /**
   * To be called once when `handle` is over. If no answer was set, the exchange fails: with `failure`, why the guest
   * ended, if it did; with `HTTP_RESPONSE_MISSING` otherwise. An answer whose body is not finished by then never will
   * be, and is aborted. The request's body is closed.
   *
   * @returns Nothing when the answer is with the server; a promise, which never rejects, while the server still takes
   *   the rest of the body. Until it settles disposing of the guest may cut the answer off; it may handle the next request.
   */
  close(failure?: RuntimeError): Promise<void> | undefined;
}
