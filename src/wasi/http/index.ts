/**
 * `wasi:http`: requests that come in through a server, and requests that go out, with bodies as streams.
 *
 * Guarantees
 *   H1  What a guest sends is well-formed: no field can end its line, frame the message, or speak for the connection.
 *   H2  A response is set once, complete or cut off; a body has the length that was promised or fails.
 *   H3  A slow guest or a slow peer makes the other one wait; the host keeps at most one window for each body.
 *   H4  A request goes out only where a grant says so, and every wait of it has an end.
 * Limits      see `limits.ts`.
 * Not here    listening and routing (ingress/); which host may be called (capability/).
 *
 * @module
 */
export type { ClientCall, ClientEvents, ClientRequest, HttpClient } from './client.ts';
export { type FieldSize, type HttpErrorCode, HttpFailure } from './error-code.ts';
export type { HttpBodySink, HttpBodySource, HttpExchange, OpenExchange, RawHeaders } from './exchange.ts';
export { HTTP_INTERFACES } from './interfaces.ts';
export { openExchange } from './open-exchange.ts';
export { HTTP_SETTINGS, type HttpSettings } from './outgoing-handler.ts';
export { UndiciClient } from './undici-client.ts';
