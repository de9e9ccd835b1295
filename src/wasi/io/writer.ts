import { type Guest, isPromise, OK, trap } from '../guest/index.ts';
import { pacedSink } from './pace.ts';
import type { Readiness } from './pollable.ts';
import type { ByteSink } from './ports.ts';
import { CLOSED, failed, type StreamFailure, type StreamResult, toStreamFailure } from './reader.ts';

/** Bytes that one stream holds for a sink that is busy; what `check-write` permits at most. */
export const WRITER_CAPACITY_BYTES = 65_536;

/**
 * One sink with the bytes that wait for it:
 *
 *     guest → [ waiting: one buffer, filled while the sink is busy ] → [ in flight: given to the sink ] → sink
 *
 * Both together are at most {@link WRITER_CAPACITY_BYTES}. A sink that takes bytes at once costs neither a copy nor a
 * promise. Several `output-stream` handles may share a writer, as those of standard output do.
 */
export class Writer implements Readiness {
  readonly #guest: Guest;
  readonly #sink: ByteSink;
  readonly #watchers = new Set<() => void>();
  #waiting: Uint8Array | undefined;
  #waitingBytes = 0;
  #inFlightBytes = 0;
  #busy = false;
  /** A flush that was asked for begins when everything written before it is with the sink. */
  #flush: 'none' | 'wanted' | 'running' = 'none';
  #closed = false;
  #failure: StreamFailure | undefined;

  constructor(guest: Guest, sink: ByteSink) {
    this.#guest = guest;
    this.#sink = pacedSink(guest, sink);
  }

  /** Bytes that may be written now. */
  get permit(): number {
    return this.#flush !== 'none' ? 0 : WRITER_CAPACITY_BYTES - this.#waitingBytes - this.#inFlightBytes;
  }

  /** True when nothing is under way. */
  get idle(): boolean {
    return !this.#busy && this.#flush === 'none';
  }

  /** No more is taken: the stream is closed to the guest. What was written still goes out, until it is {@link idle}. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The guest is gone. Never throws. */
  end(): void {
    try {
      this.#sink.end?.();
    } catch {
      // Nobody is left to be told.
    }
  }

  ready(): boolean {
    return this.permit > 0 || this.#closed || this.#failure !== undefined;
  }

  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }

  /** What stands in the way of any operation; a failure is reported once, then the stream is closed. */
  takeProblem(): ReturnType<typeof failed> | undefined {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#closed = true;
      return failed(this.#guest, failure);
    }
    return this.#closed ? CLOSED : undefined;
  }

  write(bytes: Uint8Array): StreamResult<undefined> {
    const problem = this.takeProblem();
    if (problem !== undefined) return problem;
    if (bytes.length > this.permit) {
      trap(`Cannot write ${bytes.length} bytes: check-write permits ${this.permit}`);
    }
    if (bytes.length === 0) return OK;
    if (this.#busy) this.#keep(bytes);
    else this.#send(bytes);
    return OK;
  }

  flush(): StreamResult<undefined> {
    const problem = this.takeProblem();
    if (problem !== undefined) return problem;
    if (this.#flush !== 'none') return OK;
    this.#flush = 'wanted';
    if (!this.#busy) this.#runFlush();
    return OK;
  }

  #keep(bytes: Uint8Array): void {
    this.#waiting ??= new Uint8Array(WRITER_CAPACITY_BYTES);
    this.#waiting.set(bytes, this.#waitingBytes);
    this.#waitingBytes += bytes.length;
  }

  #send(bytes: Uint8Array): void {
    this.#inFlightBytes = bytes.length;
    this.#begin(() => this.#sink.write(bytes));
  }

  #runFlush(): void {
    this.#flush = 'running';
    this.#begin(() => this.#sink.flush?.());
    if (!this.#busy) this.#flush = 'none';
  }

  #begin(operation: () => void | Promise<void>): void {
    try {
      const result = operation();
      if (isPromise(result)) {
        this.#busy = true;
        result.then(
          () => this.#advance(),
          (error) => this.fail(error),
        );
      } else {
        this.#inFlightBytes = 0;
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** The sink is free again: it gets what waits, then the flush that was asked for. */
  #advance(): void {
    this.#busy = false;
    this.#inFlightBytes = 0;
    if (this.#flush === 'running') this.#flush = 'none';
    if (this.#waiting !== undefined) {
      const bytes = this.#waiting.subarray(0, this.#waitingBytes);
      this.#waiting = undefined;
      this.#waitingBytes = 0;
      this.#send(bytes);
    }
    if (!this.#busy && this.#flush === 'wanted') this.#runFlush();
    this.#wake();
  }

  /** The next operation reports `error`; what waited for the sink is given up. */
  fail(error: unknown): void {
    if (this.#closed) return;
    this.#busy = false;
    this.#flush = 'none';
    this.#waiting = undefined;
    this.#waitingBytes = 0;
    this.#inFlightBytes = 0;
    this.#failure = toStreamFailure(error);
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#watchers]) wake();
  }
}
