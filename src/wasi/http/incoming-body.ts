import { type Err, err, type Guest, isPromise, ok, type Result, trap } from '../guest/index.ts';
import { type ByteSource, InputStream, Reader } from '../io/index.ts';
import { type HttpErrorCode, HttpFailure } from './error-code.ts';
import type { HttpBodySource, RawHeaders } from './exchange.ts';
import { withoutForbidden } from './field-rules.ts';
import { Fields } from './fields.ts';
import { Future } from './future.ts';
import { RECEIVED_BYTES_MAX } from './limits.ts';

/** What failed with something that has no code of its own. */
function toErrorCode(thrown: unknown): HttpErrorCode {
  return thrown instanceof HttpFailure ? thrown.errorCode : { tag: 'internal-error', val: undefined };
}

/** Trailers, if there were any, or why the body is not whole. */
type Outcome = Result<RawHeaders | undefined, HttpErrorCode>;

const TERMINATED: Outcome = Object.freeze(err<HttpErrorCode>({ tag: 'connection-terminated' }));

/** Where one body comes from, and how it ended; `undefined` stands for a message without body. */
class Inflow implements ByteSource {
  private source: HttpBodySource | undefined;
  /** How it ended, once it has. */
  outcome: Outcome | undefined;
  /** Called when it ends. */
  onEnd: ((outcome: Outcome) => void) | undefined;

  constructor(source: HttpBodySource | undefined) {
    this.source = source;
    this.outcome = source === undefined ? ok(undefined) : undefined;
    this.onEnd = undefined;
  }

  read(maxBytes: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.source === undefined) return undefined;
    try {
      const bytes = this.source.read(maxBytes);
      if (!isPromise(bytes)) return this.received(bytes);
      return bytes.then(
        (later) => this.received(later),
        (thrown) => this.failed(thrown),
      );
    } catch (thrown) {
      return this.failed(thrown);
    }
  }

  /** Nobody reads any more. */
  close(): void {
    if (this.source !== undefined) this.end(TERMINATED);
  }

  private received(bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (this.source === undefined) return undefined;
    if (bytes !== undefined && bytes.length > 0) return bytes;
    this.end(ok(this.source.trailers()));
    return undefined;
  }

  private failed(thrown: unknown): never {
    this.end(err(toErrorCode(thrown)));
    throw thrown;
  }

  private end(outcome: Outcome): void {
    const { source } = this;
    if (source === undefined) return;
    this.source = undefined;
    this.outcome = outcome;
    source.close();
    this.onEnd?.(outcome);
  }
}

/** The `incoming-body` resource. */
export class IncomingBody {
  private readonly guest: Guest;
  private readonly flow: Inflow;
  private reader: Reader | undefined;
  private state: 'new' | 'read' | 'dropped-stream';

  constructor(guest: Guest, source: HttpBodySource | undefined) {
    guest.hold();
    this.guest = guest;
    this.flow = new Inflow(source);
    this.reader = undefined;
    this.state = 'new';
  }

  /** The contents; once. */
  stream(): Result<InputStream, undefined> {
    if (this.state !== 'new') return NO_STREAM;
    const { guest } = this;
    this.reader = new Reader(guest, this.flow);
    const onDrop = () => {
      this.state = 'dropped-stream';
    };
    const stream = new InputStream({ guest, core: this.reader, onDrop });
    this.state = 'read';
    return ok(stream);
  }

  /** Gives up what was not read, and tells what came behind it. */
  finish(): FutureTrailers {
    this.assertNoStream('finish');
    this.guest.release();
    return new FutureTrailers(this.guest, this.flow);
  }

  drop(): void {
    this.guest.release();
    this.close();
    this.assertNoStream('drop');
  }

  /** The message is over: the guest reads nothing more of it. */
  close(): void {
    this.flow.close();
    this.reader?.close();
  }

  private assertNoStream(what: string): void {
    if (this.state === 'read' && !this.guest.disposed) trap(`Cannot ${what} the body: its stream still lives`);
  }
}

const NO_STREAM: Err<undefined> = Object.freeze(err(undefined));

type Trailers = Result<Fields | undefined, HttpErrorCode>;

/**
 * The `future-trailers` resource. When it is asked for, what is left of the body is read and thrown away, for the
 * trailers stand behind it.
 */
export class FutureTrailers extends Future<Outcome, Trailers> {
  private readonly flow: Inflow;
  private begun: boolean;

  constructor(guest: Guest, flow: Inflow) {
    super(guest);
    this.flow = flow;
    this.begun = false;
  }

  protected begin(): void {
    if (this.begun) return;
    this.begun = true;
    if (this.flow.outcome !== undefined) {
      this.settle(this.flow.outcome);
      return;
    }
    this.flow.onEnd = (outcome) => this.settle(outcome);
    this.drain();
  }

  protected give(outcome: Outcome): Trailers {
    if (outcome.tag === 'err') return outcome;
    const trailers = withoutForbidden(outcome.val ?? []);
    return ok(trailers.length === 0 ? undefined : new Fields(this.guest, trailers));
  }

  protected abandon(): void {
    this.flow.close();
  }

  /** Ends with the body, or when the flow is closed. */
  private drain(): void {
    try {
      while (this.flow.outcome === undefined) {
        const bytes = this.flow.read(RECEIVED_BYTES_MAX);
        if (!isPromise(bytes)) continue;
        bytes.then(
          () => this.drain(),
          () => undefined,
        );
        return;
      }
    } catch {
      // The outcome tells.
    }
  }
}
