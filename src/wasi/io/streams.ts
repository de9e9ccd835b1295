import { type Eventually, type Guest, isPromise, OK, ok, trap } from '../guest/index.ts';
import { Pollable, type Readiness } from './pollable.ts';
import type { Reader, StreamResult } from './reader.ts';
import { WRITER_CAPACITY_BYTES, type Writer } from './writer.ts';

/** Bytes that one read gives at most, whatever the guest asks for. The host allocates no more than this for one. */
export const READ_BYTES_MAX = 65_536;

/** Bytes of one `blocking-write-and-flush`; the interface says 4096, more end the guest. */
const BLOCKING_WRITE_BYTES_MAX = 4_096;

const ZEROES = new Uint8Array(WRITER_CAPACITY_BYTES);

interface StreamOptions<Core> {
  readonly guest: Guest;
  readonly core: Core;
  /** Called once when the stream is dropped. */
  readonly onDrop?: () => void;
}

/** A handle of a stream and the pollables that were made from it, which must be dropped before it. */
class Stream<Core extends Readiness> {
  protected readonly guest: Guest;
  protected readonly core: Core;
  readonly #onDrop: (() => void) | undefined;
  #pollables = 0;

  constructor({ guest, core, onDrop }: StreamOptions<Core>) {
    guest.hold();
    this.guest = guest;
    this.core = core;
    this.#onDrop = onDrop;
  }

  subscribe(): Pollable {
    const onDrop = () => {
      this.#pollables -= 1;
    };
    const pollable = new Pollable({ guest: this.guest, source: this.core, onDrop });
    this.#pollables += 1;
    return pollable;
  }

  /** Gives everything back; ends the guest if a pollable of this stream still lives. */
  drop(): void {
    this.guest.release();
    this.#onDrop?.();
    if (this.#pollables > 0 && !this.guest.disposed)
      trap('Cannot drop the stream: a pollable made from it still lives');
  }

  /** Waits until `done()`, which changes only when the core wakes. */
  protected until(done: () => boolean): Promise<void> {
    return this.guest.wait((settle) => {
      const check = () => {
        if (done()) settle();
      };
      const cancel = this.core.watch(check);
      check();
      return cancel;
    });
  }
}

/** The `input-stream` resource. Lengths are already cut down to {@link READ_BYTES_MAX}. */
export class InputStream extends Stream<Reader> {
  read(length: number): Eventually<StreamResult<Uint8Array>> {
    this.core.fill(length);
    if (this.core.settled || length === 0) return this.core.take(length);
    return this.guest.notYet(() => this.core.take(length));
  }

  blockingRead(length: number): Eventually<StreamResult<Uint8Array>> {
    this.core.fill(length);
    if (this.core.settled) return this.core.take(length);
    return this.until(() => (length === 0 ? this.core.ready() : this.core.settled)).then(() => this.core.take(length));
  }

  skip(length: number): Eventually<StreamResult<bigint>> {
    return this.#skipped(this.read(length));
  }

  blockingSkip(length: number): Eventually<StreamResult<bigint>> {
    return this.#skipped(this.blockingRead(length));
  }

  #skipped(read: Eventually<StreamResult<Uint8Array>>): Eventually<StreamResult<bigint>> {
    const count = (result: StreamResult<Uint8Array>): StreamResult<bigint> => {
      if (result.tag === 'err') return result;
      this.guest.charge('byte', result.val.length);
      return ok(BigInt(result.val.length));
    };
    return isPromise(read) ? read.then(count) : count(read);
  }

  /** Waits until a read of `length` bytes would give some, or say why not. */
  readable(length: number): Eventually<void> {
    this.core.fill(length);
    return this.core.settled ? undefined : this.until(() => this.core.settled);
  }

  /** As {@link read}, without the courtesy to those who spin. */
  take(length: number): StreamResult<Uint8Array> {
    this.core.fill(length);
    return this.core.take(length);
  }
}

/** The `output-stream` resource. */
export class OutputStream extends Stream<Writer> {
  checkWrite(): Eventually<StreamResult<bigint>> {
    const answer = () => this.core.takeProblem() ?? ok(BigInt(this.core.permit));
    return this.core.ready() ? answer() : this.guest.notYet(answer);
  }

  write(bytes: Uint8Array): StreamResult<undefined> {
    return this.core.write(bytes);
  }

  writeZeroes(length: bigint): StreamResult<undefined> {
    const problem = this.core.takeProblem();
    if (problem !== undefined) return problem;
    if (length > BigInt(this.core.permit))
      trap(`Cannot write ${length} zeroes: check-write permits ${this.core.permit}`);
    this.guest.charge('byte', Number(length));
    return this.core.write(ZEROES.subarray(0, Number(length)));
  }

  flush(): StreamResult<undefined> {
    return this.core.flush();
  }

  blockingFlush(): Eventually<StreamResult<undefined>> {
    const begun = this.core.flush();
    if (begun.tag === 'err') return begun;
    if (this.core.idle) return this.core.takeProblem() ?? OK;
    return this.until(() => this.core.idle).then(() => this.core.takeProblem() ?? OK);
  }

  blockingWriteAndFlush(bytes: Uint8Array): Eventually<StreamResult<undefined>> {
    if (bytes.length > BLOCKING_WRITE_BYTES_MAX) {
      trap(`Cannot write ${bytes.length} bytes and flush: at most ${BLOCKING_WRITE_BYTES_MAX} are allowed`);
    }
    if (bytes.length > this.core.permit) return this.#writeSlowly(bytes);
    const written = this.core.write(bytes);
    return written.tag === 'err' ? written : this.#flushAfterWrite();
  }

  blockingWriteZeroesAndFlush(length: bigint): Eventually<StreamResult<undefined>> {
    if (length > BigInt(BLOCKING_WRITE_BYTES_MAX)) {
      trap(`Cannot write ${length} zeroes and flush: at most ${BLOCKING_WRITE_BYTES_MAX} are allowed`);
    }
    this.guest.charge('byte', Number(length));
    return this.blockingWriteAndFlush(ZEROES.subarray(0, Number(length)));
  }

  splice(source: InputStream, length: number): Eventually<StreamResult<bigint>> {
    const spliced = this.#spliceNow(source, length);
    if (length === 0 || spliced.tag === 'err' || spliced.val > 0n) return spliced;
    return this.guest.notYet(() => this.#spliceNow(source, length));
  }

  blockingSplice(source: InputStream, length: number): Eventually<StreamResult<bigint>> {
    if (!this.core.ready())
      return this.until(() => this.core.ready()).then(() => this.#spliceWhenReadable(source, length));
    return this.#spliceWhenReadable(source, length);
  }

  #spliceWhenReadable(source: InputStream, length: number): Eventually<StreamResult<bigint>> {
    const waiting = length > 0 ? source.readable(length) : undefined;
    return isPromise(waiting) ? waiting.then(() => this.#spliceNow(source, length)) : this.#spliceNow(source, length);
  }

  #spliceNow(source: InputStream, length: number): StreamResult<bigint> {
    const problem = this.core.takeProblem();
    if (problem !== undefined) return problem;
    const room = Math.min(length, this.core.permit);
    if (room === 0) return ok(0n);
    const read = source.take(room);
    if (read.tag === 'err') return read;
    this.guest.charge('byte', read.val.length);
    const written = this.core.write(read.val);
    return written.tag === 'err' ? written : ok(BigInt(read.val.length));
  }

  async #writeSlowly(bytes: Uint8Array): Promise<StreamResult<undefined>> {
    let rest = bytes;
    while (rest.length > 0) {
      await this.until(() => this.core.ready());
      const chunk = rest.subarray(0, this.core.permit);
      const written = this.core.write(chunk);
      if (written.tag === 'err') return written;
      rest = rest.subarray(chunk.length);
    }
    return this.#flushAfterWrite();
  }

  /** That the stream becomes closed by writing everything is no failure of the write. */
  #flushAfterWrite(): Eventually<StreamResult<undefined>> {
    const flushed = this.blockingFlush();
    return isPromise(flushed) ? flushed.then(closedIsFine) : closedIsFine(flushed);
  }
}

function closedIsFine(result: StreamResult<undefined>): StreamResult<undefined> {
  return result.tag === 'err' && result.val.tag === 'closed' ? OK : result;
}
