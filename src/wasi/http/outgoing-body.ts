import { type Err, err, type Guest, isPromise, OK, ok, type Result, trap } from '../guest/index.ts';
import { type ByteSink, OutputStream, Writer } from '../io/index.ts';
import { type HttpErrorCode, HttpFailure } from './error-code.ts';
import type { HttpBodySink, RawHeaders } from './exchange.ts';
import { areTrailers } from './field-rules.ts';
import { HELD_BYTES_MAX } from './limits.ts';

type FinishResult = Result<undefined, HttpErrorCode>;

/** What a body belongs to. */
export type BodyKind = 'request' | 'response';

/** Counts what a guest writes, and refuses what its message did not promise before anything of it is sent. */
class BodyWriter extends Writer {
  private readonly body: OutgoingBody;

  constructor(guest: Guest, body: OutgoingBody) {
    super(guest, body);
    this.body = body;
  }

  override write(bytes: Uint8Array): ReturnType<Writer['write']> {
    const refused = this.body.count(bytes.length);
    if (refused !== undefined) this.fail(new HttpFailure(refused));
    return super.write(bytes);
  }
}

/**
 * The `outgoing-body` resource, and the way of its bytes after the guest is done with it:
 *
 *     guest → [ writer: 64 KiB ] → [ held: 64 KiB, until it is known where to ] → sink
 *
 * A guest may write before it says where the message goes, and even finish; what it wrote so far is held.
 */
export class OutgoingBody implements ByteSink {
  private readonly guest: Guest;
  private readonly kind: BodyKind;
  /** Bytes that the head promised. */
  private promisedBytes: number | undefined;
  private writtenBytes: number;
  private writer: BodyWriter | undefined;
  private streams: number;
  private sink: HttpBodySink | undefined;
  private held: Uint8Array[] | undefined;
  private heldBytes: number;
  /** Tells those who wait for room that there is some. */
  private makeRoom: (() => void) | undefined;
  private room: Promise<void> | undefined;
  /** `open`: the guest may write; `finished`: it is done; `sent`: the sink has all; `aborted`: it never will. */
  private state: 'open' | 'finished' | 'sent' | 'aborted';
  private trailers: RawHeaders | undefined;
  private reason: HttpErrorCode | undefined;
  /** Called when the state is `sent` or `aborted`, and the sink has said so. */
  private onSettled: (() => void) | undefined;
  private isSettled: boolean;

  constructor(guest: Guest, kind: BodyKind, promisedBytes: number | undefined) {
    guest.hold();
    this.guest = guest;
    this.kind = kind;
    this.promisedBytes = promisedBytes;
    this.writtenBytes = 0;
    this.writer = undefined;
    this.streams = 0;
    this.sink = undefined;
    this.held = undefined;
    this.heldBytes = 0;
    this.makeRoom = undefined;
    this.room = undefined;
    this.state = 'open';
    this.trailers = undefined;
    this.reason = undefined;
    this.onSettled = undefined;
    this.isSettled = false;
  }

  // ── the guest's side ──

  /** The stream to write to; once. */
  stream(): Result<OutputStream, undefined> {
    if (this.writer !== undefined) return NO_STREAM;
    const { guest } = this;
    this.writer = new BodyWriter(guest, this);
    const onDrop = () => {
      this.streams -= 1;
    };
    const stream = new OutputStream({ guest, core: this.writer, onDrop });
    this.streams += 1;
    return ok(stream);
  }

  /** The body is whole. */
  finish(trailers: RawHeaders | undefined): FinishResult {
    this.guest.release();
    this.assertNoStream('finish');
    if (this.state === 'aborted') return err(this.reason as HttpErrorCode);
    if (this.promisedBytes !== undefined && this.writtenBytes !== this.promisedBytes) {
      const reason = this.sizeError();
      this.abort(reason);
      return err(reason);
    }
    if (trailers !== undefined && trailers.length > 0) {
      const refused = this.refusalOf(trailers);
      if (refused !== undefined) {
        this.abort(refused);
        return err(refused);
      }
      this.trailers = trailers;
    }
    this.state = 'finished';
    this.advance();
    return OK;
  }

  /** The guest lets go of a body that it did not finish: it is not whole. */
  drop(): void {
    this.guest.release();
    this.abort(this.incomplete());
    this.assertNoStream('drop');
  }

  /** Counts bytes that the guest writes; says why if they are too many. */
  count(bytes: number): HttpErrorCode | undefined {
    this.writtenBytes += bytes;
    if (this.promisedBytes === undefined || this.writtenBytes <= this.promisedBytes) return undefined;
    const reason = this.sizeError();
    this.abort(reason);
    return reason;
  }

  // ── the host's side ──

  /** Whether it can never be whole. */
  get aborted(): HttpErrorCode | undefined {
    return this.reason;
  }

  /** Whether nothing was written and nothing will be. */
  get isEmpty(): boolean {
    return this.state === 'finished' && this.writtenBytes === 0 && this.trailers === undefined;
  }

  /** Whether the guest is done with it, or it with the guest. */
  get isDone(): boolean {
    return this.state !== 'open';
  }

  /** The message needs no body, whatever its head promises: the answer to HEAD. */
  expectNothing(): void {
    this.promisedBytes = undefined;
  }

  /** Says where the bytes go; once. */
  attach(sink: HttpBodySink): void {
    this.sink = sink;
    if (this.reason !== undefined) {
      sink.abort(this.reason);
      this.settle();
      return;
    }
    this.release();
  }

  /** It will never be whole. Does nothing if it is. */
  abort(reason: HttpErrorCode): void {
    if (this.state === 'sent' || this.state === 'aborted') return;
    this.state = 'aborted';
    this.reason = reason;
    this.held = undefined;
    this.heldBytes = 0;
    this.sink?.abort(reason);
    this.writer?.fail(new HttpFailure(reason));
    this.makeRoom?.();
    this.settle();
  }

  /** Waits until the sink has all, or never will; nothing if that is so already. */
  settled(): Promise<void> | undefined {
    if (this.isSettled) return undefined;
    return new Promise((resolve) => {
      this.onSettled = resolve;
    });
  }

  incomplete(): HttpErrorCode {
    return { tag: this.kind === 'request' ? 'HTTP-protocol-error' : 'HTTP-response-incomplete' };
  }

  // ── what the writer gives its bytes to: no `flush`, for a sink sends by itself what it has ──

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.state === 'aborted') return;
    if (this.sink !== undefined && this.held === undefined) return this.send(this.sink, bytes);
    if (this.heldBytes + bytes.length > HELD_BYTES_MAX) return this.waitForRoom().then(() => this.write(bytes));
    this.held ??= [];
    this.held.push(bytes);
    this.heldBytes += bytes.length;
  }

  private send(sink: HttpBodySink, bytes: Uint8Array): void | Promise<void> {
    try {
      const sending = sink.write(bytes);
      if (isPromise(sending)) return sending.catch((thrown) => this.lose(thrown));
    } catch (thrown) {
      this.lose(thrown);
    }
  }

  /** The peer takes no more. */
  private lose(thrown: unknown): never {
    if (this.state !== 'aborted') {
      this.state = 'aborted';
      this.reason = thrown instanceof HttpFailure ? thrown.errorCode : { tag: 'connection-terminated' };
      this.settle();
    }
    throw thrown;
  }

  private waitForRoom(): Promise<void> {
    this.room ??= new Promise((resolve) => {
      this.makeRoom = resolve;
    });
    return this.room;
  }

  /** Sends what was held, as fast as the sink takes it. */
  private release(): void {
    const sink = this.sink as HttpBodySink;
    while (this.held !== undefined) {
      const bytes = this.held.shift();
      if (bytes === undefined) {
        this.held = undefined;
        this.makeRoom?.();
        break;
      }
      this.heldBytes -= bytes.length;
      try {
        const sending = this.send(sink, bytes);
        if (isPromise(sending)) {
          sending.then(
            () => this.release(),
            (thrown) => this.writer?.fail(thrown),
          );
          return;
        }
      } catch (thrown) {
        this.writer?.fail(thrown);
        return;
      }
    }
    this.advance();
  }

  /** Ends the message when the guest has finished it and the sink has got all of it. */
  private advance(): void {
    if (this.state !== 'finished' || this.sink === undefined || this.held !== undefined) return;
    if (this.writer !== undefined && !this.writer.idle) {
      const cancel = this.writer.watch(() => {
        cancel();
        this.advance();
      });
      return;
    }
    this.state = 'sent';
    const ending = this.sink.finish(this.trailers);
    if (isPromise(ending)) void ending.then(() => this.settle());
    else this.settle();
  }

  private settle(): void {
    this.isSettled = true;
    this.onSettled?.();
  }

  private refusalOf(trailers: RawHeaders): HttpErrorCode | undefined {
    if (this.kind === 'request') return { tag: 'internal-error', val: 'Trailers of requests cannot be sent' };
    return areTrailers(trailers) ? undefined : { tag: 'HTTP-protocol-error' };
  }

  private sizeError(): HttpErrorCode {
    const tag = this.kind === 'request' ? 'HTTP-request-body-size' : 'HTTP-response-body-size';
    return { tag, val: BigInt(this.writtenBytes) };
  }

  private assertNoStream(what: string): void {
    if (this.streams > 0 && !this.guest.disposed) trap(`Cannot ${what} the body: its stream still lives`);
  }
}

const NO_STREAM: Err<undefined> = Object.freeze(err(undefined));
