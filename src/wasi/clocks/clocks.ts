import type { Clock } from '../../time/index.ts';
import { asU64, defineInterfaces, type Guest } from '../guest/index.ts';
import { Pollable, type Readiness } from '../io/index.ts';

const NANOSECONDS_PER_MS = 1_000_000;

/** What the monotonic clock can tell apart: Node's `performance.now` is good to a microsecond or better. */
const MONOTONIC_RESOLUTION_NS = 1_000n;

/** WIT's `datetime`. */
export interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** `wasi:clocks/monotonic-clock` and `wasi:clocks/wall-clock`. */
export const CLOCK_INTERFACES = defineInterfaces({
  'wasi:clocks/monotonic-clock': {
    now(this: Guest) {
      return toNanoseconds(this.clock.nowMs());
    },
    resolution: () => MONOTONIC_RESOLUTION_NS,
    'subscribe-instant'(this: Guest, when) {
      return subscribe(this, instantToMs(this.clock, asU64(when)));
    },
    'subscribe-duration'(this: Guest, when) {
      return subscribe(this, this.clock.nowMs() + durationToMs(asU64(when)));
    },
  },
  'wasi:clocks/wall-clock': {
    now(this: Guest) {
      return toDatetime(this.clock.wallMs());
    },
    resolution: (): Datetime => ({ seconds: 0n, nanoseconds: NANOSECONDS_PER_MS }),
  },
});

function subscribe(guest: Guest, deadlineMs: number): Pollable {
  return new Pollable({ guest, source: new Deadline(guest.clock, deadlineMs), isTimer: true });
}

export function toDatetime(wallMs: number): Datetime {
  const ms = Math.max(0, Math.floor(wallMs));
  return { seconds: BigInt(Math.floor(ms / 1_000)), nanoseconds: (ms % 1_000) * NANOSECONDS_PER_MS };
}

function toNanoseconds(ms: number): bigint {
  return BigInt(Math.max(0, Math.floor(ms * NANOSECONDS_PER_MS)));
}

/** Up to 2⁶⁴ ns is 1.8 · 10¹³ ms, which a number holds well enough: it is 584 years away. */
function durationToMs(nanoseconds: bigint): number {
  return Number(nanoseconds) / NANOSECONDS_PER_MS;
}

function instantToMs(clock: Clock, when: bigint): number {
  const nowMs = clock.nowMs();
  const now = toNanoseconds(nowMs);
  return when <= now ? nowMs : nowMs + durationToMs(when - now);
}

/** Becomes ready at a moment of the clock. Costs a timer only while somebody waits for it. */
class Deadline implements Readiness {
  readonly #clock: Clock;
  readonly #deadlineMs: number;

  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  ready(): boolean {
    return this.#clock.nowMs() >= this.#deadlineMs;
  }

  watch(wake: () => void): () => void {
    const arm = () => {
      const leftMs = this.#deadlineMs - this.#clock.nowMs();
      return this.#clock.after(Math.max(0, leftMs), expire, true);
    };
    // Sums of fractional milliseconds are rounded: the timer may end a hair before the deadline.
    const expire = () => {
      if (this.ready()) wake();
      else timer = arm();
    };
    let timer = arm();
    return () => timer.cancel();
  }
}
