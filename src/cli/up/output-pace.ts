import type { Clock } from '../../time/index.ts';
import type { OutputStream } from '../context.ts';

/** Bytes that may wait for a slow reader before the guests that write wait too: some screenfuls, and little memory. */
const PENDING_BYTES_MAX = 1_048_576;

/** How long guests may print in one turn of the event loop before everybody else has one: timers, signals, other actors. */
const TURN_MS = 10;

const OVER = ['drain', 'close', 'error'] as const;

/**
 * Keeps guests from writing faster than somebody reads: what `take` returns is what a guest that has just written waits
 * for, most of the time nothing. Memory is bounded by {@link PENDING_BYTES_MAX} and one write of each guest, and a guest that
 * prints in a loop leaves room for others.
 */
export class OutputPace {
  readonly #clock: Clock;
  readonly #streams: readonly OutputStream[];
  readonly #waits = new Map<OutputStream, Promise<void>>();
  /** When the first line of this turn of the event loop was printed. */
  #turnAtMs: number | undefined;
  #next: Promise<void> | undefined;

  constructor(clock: Clock, streams: readonly OutputStream[]) {
    this.#clock = clock;
    this.#streams = streams;
  }

  /** The promise never rejects. */
  take(): Promise<void> | undefined {
    const full = this.#streams.find((stream) => (stream.writableLength ?? 0) > PENDING_BYTES_MAX && !stream.destroyed);
    if (full !== undefined) return this.#waits.get(full) ?? this.#untilRead(full);
    if (this.#turnAtMs === undefined) this.#beginTurn();
    else if (this.#clock.nowMs() - this.#turnAtMs >= TURN_MS) return this.#next;
    return undefined;
  }

  #beginTurn(): void {
    this.#turnAtMs = this.#clock.nowMs();
    this.#next = new Promise((resolve) => {
      this.#clock.soon(() => {
        this.#turnAtMs = undefined;
        resolve();
      });
    });
  }

  /** One wait for each stream, however many guests write to it. */
  #untilRead(stream: OutputStream): Promise<void> {
    const wait = new Promise<void>((resolve) => {
      const settle = () => {
        for (const event of OVER) stream.off(event, settle);
        this.#waits.delete(stream);
        resolve();
      };
      for (const event of OVER) stream.on(event, settle);
    });
    this.#waits.set(stream, wait);
    return wait;
  }
}
