import type { Decision } from '../../capability/index.ts';
import type { Clock } from '../../time/index.ts';
import type { HttpErrorCode } from './error-code.ts';
import type { RawHeaders } from './exchange.ts';
import type { ResponseHead } from './incoming.ts';
import type { OutgoingBody } from './outgoing-body.ts';

/** Where a request goes. */
export interface Endpoint {
  readonly scheme: 'http' | 'https';
  /** A name in its one spelling, or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** One request to send, checked. */
export interface ClientRequest {
  readonly method: string;
  readonly endpoint: Endpoint;
  /** Begins with `/`, or is `*`. */
  readonly path: string;
  /** No `host`: the client adds the origin's. */
  readonly headers: RawHeaders;
  /** Nothing for a request without body. */
  readonly body: OutgoingBody | undefined;
  /** Milliseconds to get a connection. */
  readonly connectMs: number;
  /** Milliseconds from the end of the request to the head of the response. */
  readonly firstByteMs: number;
  /** Milliseconds between two pieces of the body. */
  readonly betweenBytesMs: number;
  readonly clock: Clock;
}

/** Who waits for a response. Hears of one outcome, and of the end. */
export interface ClientEvents {
  /** The head is here; its body is read from the source, and closing that ends the request. */
  onResponse(head: ResponseHead): void;
  /** There is no response. `denied`: where the name of the origin led to is not granted. */
  onFailure(errorCode: HttpErrorCode, denied?: Decision): void;
  /** Nothing of the request is left: its connection is free or gone. Called last, once. */
  onEnd(): void;
}

/** A request under way. */
export interface ClientCall {
  /** Lets go of it, whatever state it is in. The events stop, but for `onEnd`. */
  abort(): void;
}

/** Sends requests. One serves many guests, so that they share its connections. */
export interface HttpClient {
  /** Never throws; what goes wrong is an event. */
  send(request: ClientRequest, events: ClientEvents): ClientCall;
}
