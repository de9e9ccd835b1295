/**
 * Types of the modules that a component in JavaScript or TypeScript imports from its host, as QuickJS and
 * StarlingMonkey bind them: names in camel case, `option` as `null`, the error of a `result` thrown as `error.payload`.
 * Most people want `troupe/guest` instead, which is made of these.
 */

declare module 'troupe:actor/types@0.1.0' {
  /** How a message came. */
  export type Delivery = 'tell' | 'ask' | 'topic';

  export interface Message {
    readonly delivery: Delivery;
    /** The operation (`tell`, `ask`) or the concrete topic (`topic`). */
    readonly subject: string;
    readonly payload: Uint8Array;
    /** Name of the sending actor, if an actor sent it. */
    readonly sender: string | null;
    /** Milliseconds until the sender stops waiting, on an `ask`. */
    readonly remainingMs: number | null;
  }

  export type FailureKind =
    | 'invalid'
    | 'denied'
    | 'not-found'
    | 'conflict'
    | 'overload'
    | 'timeout'
    | 'unavailable'
    | 'cancelled'
    | 'internal';

  export interface Failure {
    readonly kind: FailureKind;
    /** Stable upper-case code. */
    readonly code: string;
    /** One sentence for a human. */
    readonly message: string;
  }
}

declare module 'troupe:actor/messaging@0.1.0' {
  /** @throws `{ payload: Failure }` */
  export function tell(to: string, op: string, payload: Uint8Array): void;
  /** @throws `{ payload: Failure }` */
  // biome-ignore lint/complexity/useMaxParams: as the WIT has them
  export function ask(to: string, op: string, payload: Uint8Array, timeoutMs: number): Uint8Array;
  /** @throws `{ payload: Failure }` */
  export function publish(topic: string, payload: Uint8Array): number;
  export function self(): string;
}

/** What a component exports as `handler`, without the help of `defineActor`. */
declare module 'troupe:actor/handler@0.1.0' {
  import type { Message } from 'troupe:actor/types@0.1.0';
  /** Throw a `Failure` to refuse; anything else that is thrown is a trap. */
  export function handle(message: Message): Uint8Array | null;
}

/** What a component exports as `lifecycle`, without the help of `defineActor`. */
declare module 'troupe:actor/lifecycle@0.1.0' {
  export type HealthStatus =
    | { readonly tag: 'healthy' }
    | { readonly tag: 'degraded' | 'unhealthy'; readonly val: string };
  /** Throw a text to refuse. */
  export function start(config: Uint8Array): void;
  export function stop(): void;
  export function health(): HealthStatus;
  export function snapshot(): Uint8Array;
  /** Throw a text to refuse. */
  export function restore(state: Uint8Array): void;
}

/** Ends handles of the host; `troupe build` answers it inside the component, no host has to. */
declare module 'troupe:guest/handles@0.1.0' {
  export function dropPollable(handle: number): void;
  export function dropHttpPollable(handle: number): void;
  export function dropInputStream(handle: number): void;
  export function dropOutputStream(handle: number): void;
}

declare module 'wasi:io/poll@0.2.12' {
  export interface Pollable {
    ready(): boolean;
    block(): void;
  }
}

declare module 'wasi:io/streams@0.2.12' {
  import type { Pollable } from 'wasi:io/poll@0.2.12';
  export interface InputStream {
    /** At least one byte, unless it throws: `payload.tag` is `closed` at the end. */
    blockingRead(bytesMax: number): Uint8Array;
    subscribe(): Pollable;
  }
  export interface OutputStream {
    checkWrite(): number;
    /** At most 4,096 bytes. */
    blockingWriteAndFlush(bytes: Uint8Array): void;
    blockingFlush(): void;
    subscribe(): Pollable;
  }
}

declare module 'wasi:cli/stdin@0.2.12' {
  import type { InputStream } from 'wasi:io/streams@0.2.12';
  export function getStdin(): InputStream;
}

declare module 'wasi:cli/stdout@0.2.12' {
  import type { OutputStream } from 'wasi:io/streams@0.2.12';
  export function getStdout(): OutputStream;
}

declare module 'wasi:cli/stderr@0.2.12' {
  import type { OutputStream } from 'wasi:io/streams@0.2.12';
  export function getStderr(): OutputStream;
}

declare module 'wasi:cli/environment@0.2.12' {
  export function getEnvironment(): [name: string, value: string][];
  export function getArguments(): string[];
}

declare module 'wasi:random/random@0.2.12' {
  export function getRandomBytes(length: number): Uint8Array;
}

declare module 'wasi:clocks/monotonic-clock@0.2.12' {
  import type { Pollable } from 'wasi:io/poll@0.2.12';
  /** Nanoseconds from some moment on; exact for a hundred days. */
  export function now(): number;
  export function subscribeDuration(nanoseconds: number): Pollable;
}

declare module 'wasi:http/types@0.2.12' {
  import type { Pollable } from 'wasi:io/poll@0.2.12';
  import type { InputStream, OutputStream } from 'wasi:io/streams@0.2.12';

  export type Method =
    | { readonly tag: 'get' | 'head' | 'post' | 'put' | 'delete' | 'connect' | 'options' | 'trace' | 'patch' }
    | { readonly tag: 'other'; readonly val: string };
  export type Scheme = { readonly tag: 'HTTP' | 'HTTPS' } | { readonly tag: 'other'; readonly val: string };
  /** `tag` names the case: `connection-refused`, `HTTP-request-denied`. */
  export interface ErrorCode {
    readonly tag: string;
    readonly val?: unknown;
  }
  export type NestedResult<T> =
    | { readonly tag: 'ok'; readonly val: T }
    | { readonly tag: 'err'; readonly val: ErrorCode };

  export class Fields {
    static fromList(entries: [name: string, value: Uint8Array][]): Fields;
    entries(): [name: string, value: Uint8Array][];
  }
  export class IncomingRequest {
    private constructor();
    method(): Method;
    pathWithQuery(): string | null;
    scheme(): Scheme | null;
    authority(): string | null;
    headers(): Fields;
    consume(): IncomingBody;
  }
  export class IncomingBody {
    private constructor();
    stream(): InputStream;
  }
  export class ResponseOutparam {
    private constructor();
    static set(param: ResponseOutparam, response: NestedResult<OutgoingResponse>): void;
  }
  export class OutgoingResponse {
    constructor(headers: Fields);
    setStatusCode(status: number): void;
    body(): OutgoingBody;
  }
  export class OutgoingBody {
    private constructor();
    write(): OutputStream;
    static finish(body: OutgoingBody, trailers: Fields | null): void;
  }
  export class OutgoingRequest {
    constructor(headers: Fields);
    setMethod(method: Method): void;
    setPathWithQuery(path: string | null): void;
    setScheme(scheme: Scheme | null): void;
    setAuthority(authority: string | null): void;
    body(): OutgoingBody;
  }
  export class RequestOptions {
    constructor();
    setConnectTimeout(nanoseconds: number | null): void;
    setFirstByteTimeout(nanoseconds: number | null): void;
    setBetweenBytesTimeout(nanoseconds: number | null): void;
  }
  export class FutureIncomingResponse {
    private constructor();
    subscribe(): Pollable;
    get(): NestedResult<NestedResult<IncomingResponse>> | null;
  }
  export class IncomingResponse {
    private constructor();
    status(): number;
    headers(): Fields;
    consume(): IncomingBody;
  }
}

declare module 'wasi:http/outgoing-handler@0.2.12' {
  import type { FutureIncomingResponse, OutgoingRequest, RequestOptions } from 'wasi:http/types@0.2.12';
  export function handle(request: OutgoingRequest, options: RequestOptions | null): FutureIncomingResponse;
}

/** What a component exports as `incomingHandler`, without the help of `serve`. */
declare module 'wasi:http/incoming-handler@0.2.12' {
  import type { IncomingRequest, ResponseOutparam } from 'wasi:http/types@0.2.12';
  export function handle(request: IncomingRequest, response: ResponseOutparam): void;
}
