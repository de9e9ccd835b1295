/**
 * `wasi:http`: requests that come in through a server, and requests that go out, with bodies as streams.
 *
 * Guarantees
 *   H1  What a guest sends is well-formed: no field ends its line, frames the message or speaks for the connection.
 *   H2  An answer is set once. Its body has the length that it promised, or is cut off so that nobody takes it for whole.
 *   H3  A slow guest or a slow peer makes the other one wait; the host holds at most 64 KiB of each body, or twice that
 *       while it is not known where the body goes.
 *   H4  A request goes out only where a grant says so, by name and by address; every wait of it has an end, and nothing
 *       is left of it when its guest is gone.
 *   H5  A header that the host adds to a request goes where its patterns say and nowhere else; no guest sees it, or sets another.
 *   H6  What can be done at once costs no promise; fields and bodies are made when somebody looks at them.
 * Limits      2,048 fields and 128 KiB in one list, 1 MiB of a guest's own; heads of responses 64 KiB, and all that
 *             informs before an answer as much; timeouts an hour, kept to about a second. HTTP/1.1 goes out, without trailers behind requests, tunnels, proxies, or waiting
 *             for `100-continue`. Fields that a message gave out may outlive it, as in Wasmtime; streams of a body may not.
 * Not here    listening and routing (ingress/); which host may be called (capability/).
 *
 * @module
 */
export { type FieldSize, type HttpErrorCode, HttpFailure } from './error-code.ts';
export type { HttpBodySink, HttpBodySource, HttpExchange, OpenExchange, RawHeaders } from './exchange.ts';
export { HTTP_INTERFACES } from './interfaces.ts';
export { openExchange } from './open-exchange.ts';
export { HTTP_SETTINGS } from './outgoing-handler.ts';
export { UndiciClient } from './undici-client.ts';
export { HTTP_USE } from './use.ts';
