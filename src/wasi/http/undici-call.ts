import type { Dispatcher } from 'undici';
import type { TimerHandle } from '../../time/index.ts';
import type { ClientCall, ClientEvents, ClientRequest } from './client.ts';
import { type HttpErrorCode, HttpFailure } from './error-code.ts';
import type { HttpBodySource, RawHeaders } from './exchange.ts';
import { AddressDenied, type Phase, toErrorCode } from './failures.ts';
import { FIELDS_MAX, RECEIVED_BYTES_MAX } from './limits.ts';
import { RequestFlow } from './request-flow.ts';

/** Below are the responses that only inform; wasi:http has no place for them. */
const FINAL_MIN = 200;

/** Counts the requests that wait for a connection to one origin. */
export interface ConnectionQueue {
  enter(): void;
  leave(): void;
}

interface Wanted {
  resolve(bytes: Uint8Array | undefined): void;
  reject(thrown: unknown): void;
}

/**
 * One request in the hands of undici, and the body of its response:
 *
 *     undici ──chunk──► [ received: 64 KiB and a chunk, then undici pauses ] ──read──► guest
 */
export class UndiciCall implements ClientCall, HttpBodySource, Dispatcher.DispatchHandler {
  private readonly request: ClientRequest;
  private readonly events: ClientEvents;
  private readonly flow: RequestFlow | undefined;
  /** While it waits for a connection. One that gets a connection at once needs none. */
  private connectTimer: TimerHandle | undefined = undefined;
  private controller: Dispatcher.DispatchController | undefined = undefined;
  private phase: Phase = 'connect';
  /** How it ended for whoever sent it; undici may come to know later. */
  private end: 'no' | 'complete' | 'failed' | 'aborted' = 'no';
  private failure: unknown = undefined;
  private readonly received: Uint8Array[] = [];
  private receivedBytes = 0;
  private behind: RawHeaders | undefined = undefined;
  private wanted: Wanted | undefined = undefined;
  private isOver = false;
  /** Those who wait for a connection to the same origin; while it is one of them. */
  private queue: ConnectionQueue | undefined;

  constructor(request: ClientRequest, queue: ConnectionQueue, events: ClientEvents) {
    this.request = request;
    this.events = events;
    this.queue = queue;
    queue.enter();
    const { body } = request;
    this.flow = body === undefined || body.isEmpty ? undefined : new RequestFlow();
    if (this.flow !== undefined) body?.attach(this.flow);
  }

  /** Hands it to undici, unless it is over by now. */
  dispatch(dispatcher: Dispatcher, origin: string): void {
    if (this.end !== 'no') {
      this.over();
      return;
    }
    const { method, path, headers, firstByteMs, betweenBytesMs } = this.request;
    try {
      dispatcher.dispatch(
        {
          method: method as Dispatcher.HttpMethod,
          origin,
          path,
          headers: headers as string[],
          // It takes an async iterable, which its types do not say.
          body: (this.flow ?? null) as null,
          headersTimeout: firstByteMs,
          bodyTimeout: betweenBytesMs,
        },
        this,
      );
    } catch (thrown) {
      this.onResponseError(undefined, thrown);
    }
    if (this.queue !== undefined) this.watchConnecting();
  }

  private watchConnecting(): void {
    const { clock, connectMs } = this.request;
    this.connectTimer = clock.after(connectMs, () => this.stop({ tag: 'connection-timeout' }));
  }

  // ── whoever sent it ──

  abort(): void {
    if (this.end !== 'no') return;
    this.end = 'aborted';
    this.letGo();
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const bytes = this.received.shift();
    if (bytes !== undefined) {
      this.receivedBytes -= bytes.length;
      if (this.receivedBytes < RECEIVED_BYTES_MAX) this.controller?.resume();
      return bytes;
    }
    if (this.end === 'failed') throw this.failure;
    if (this.end !== 'no') return undefined;
    return new Promise((resolve, reject) => {
      this.wanted = { resolve, reject };
    });
  }

  trailers(): RawHeaders | undefined {
    return this.behind;
  }

  close(): void {
    this.received.length = 0;
    this.receivedBytes = 0;
    this.wanted?.resolve(undefined);
    this.wanted = undefined;
    this.abort();
  }

  // ── undici ──

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.leaveQueue();
    // Thrown here it ends the request, and leaves the connection to the next one.
    if (this.end !== 'no') throw new HttpFailure({ tag: 'connection-terminated' });
    this.controller = controller;
    this.phase = 'head';
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < FINAL_MIN || this.end !== 'no') return;
    const headers = toRawHeaders(controller.rawHeaders);
    if (headers.length > 2 * FIELDS_MAX) {
      this.stop({ tag: 'HTTP-response-header-section-size', val: undefined });
      return;
    }
    this.phase = 'body';
    this.events.onResponse({ status, headers, body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.end !== 'no') return;
    if (this.wanted !== undefined) {
      this.wanted.resolve(chunk);
      this.wanted = undefined;
      return;
    }
    this.received.push(chunk);
    this.receivedBytes += chunk.length;
    if (this.receivedBytes >= RECEIVED_BYTES_MAX) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.end === 'no') {
      this.end = 'complete';
      const trailers = toRawHeaders(controller.rawTrailers);
      if (trailers.length > 0 && trailers.length <= 2 * FIELDS_MAX) this.behind = trailers;
      this.wanted?.resolve(undefined);
      this.wanted = undefined;
    }
    this.over();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, thrown: unknown): void {
    const sending = this.phase === 'head' && this.flow?.isSending === true;
    if (this.end === 'no') this.fail(toErrorCode(thrown, sending ? 'send' : this.phase), thrown);
    this.over();
  }

  // ── the end ──

  /** Gives it up for a reason of ours. */
  private stop(errorCode: HttpErrorCode): void {
    if (this.end !== 'no') return;
    this.fail(errorCode, undefined);
    this.letGo();
  }

  private fail(errorCode: HttpErrorCode, thrown: unknown): void {
    this.end = 'failed';
    this.failure = new HttpFailure(errorCode);
    if (this.phase !== 'body') {
      this.events.onFailure(errorCode, thrown instanceof AddressDenied ? thrown.decision : undefined);
      return;
    }
    this.wanted?.reject(this.failure);
    this.wanted = undefined;
  }

  /** Nobody waits for it any more. One that has no connection yet is ended when it would get one. */
  private letGo(): void {
    this.leaveQueue();
    this.flow?.close();
    this.controller?.abort(new HttpFailure({ tag: 'connection-terminated' }));
  }

  private leaveQueue(): void {
    this.connectTimer?.cancel();
    this.queue?.leave();
    this.queue = undefined;
  }

  /** undici has let go of it. */
  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.leaveQueue();
    this.flow?.close();
    this.events.onEnd();
  }
}

/** undici gives names and values as bytes. */
function toRawHeaders(headers: readonly (Buffer | string)[] | Record<string, unknown> | null | undefined): RawHeaders {
  if (!Array.isArray(headers)) return [];
  return headers.map((item: Buffer | string) => (typeof item === 'string' ? item : item.toString('latin1')));
}
