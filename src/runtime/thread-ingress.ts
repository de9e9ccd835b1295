import { SharedCount, sharedCounts } from '../collections/index.ts';
import { RuntimeError } from '../errors/index.ts';
import {
  claimAddress,
  type IngressLimits,
  type IngressServer,
  type ListenAddress,
  toIngressLimits,
} from '../ingress/index.ts';
import type { Clock, TimerHandle } from '../time/index.ts';
import type { FromIngress, ToIngress, WorkerRoute } from './ingress-messages.ts';

/** Milliseconds after which a worker that could not listen tries again: descriptors may be free by then. */
const RETRY_MS = 1_000;

/** Milliseconds for the components of a new worker to run; then it listens all the same. */
const LIVE_MS = 5_000;

/** Milliseconds beyond its drain for which the end of a worker's server is waited for. */
const CLOSE_GRACE_MS = 2_000;

/** Milliseconds of a timer that only keeps the process alive. */
const LONG_MS = 1_000_000_000;

/** The worker of one place, as the ingress sees it. */
export interface IngressLine {
  say(message: ToIngress): void;
  /** What it answers goes here. */
  onMessage: (message: FromIngress) => void;
  /** It is gone. */
  readonly ended: Promise<unknown>;
}

interface ThreadIngressParts {
  readonly clock: Clock;
  readonly listen: ListenAddress;
  readonly limits: Partial<IngressLimits> | undefined;
  readonly routes: readonly WorkerRoute[];
  /** Workers that serve. */
  readonly width: number;
  /** The worker of a place, once it is ready; rejects when there will be none. */
  readonly lineOf: (place: number) => Promise<IngressLine>;
  /** Resolves when the components run at a place. */
  readonly whenLive: (place: number) => Promise<void>;
}

/**
 * One address that several workers listen at: the system gives each connection to one of them, and no request crosses a thread. A
 * worker that is lost takes its connections with it; the next one at its place listens again.
 */
export class ThreadIngress implements IngressServer {
  readonly address: string;
  readonly #parts: ThreadIngressParts;
  readonly #limits: IngressLimits;
  readonly #counts: Int32Array;
  readonly #inFlight: SharedCount;
  readonly #lines = new Map<number, IngressLine>();
  readonly #alive: TimerHandle;
  #closed: Promise<void> | undefined;

  private constructor(parts: ThreadIngressParts) {
    this.#parts = parts;
    this.#limits = toIngressLimits(parts.limits);
    const { host, port } = parts.listen;
    this.address = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#counts = sharedCounts(parts.width);
    this.#inFlight = new SharedCount(this.#counts);
    this.#alive = parts.clock.after(LONG_MS, () => undefined, true);
  }

  /**
   * Resolves when every worker listens.
   *
   * @throws {RuntimeError} As `serveIngress`. `WORKER_LOST` — no worker can be had.
   */
  static async open(parts: ThreadIngressParts): Promise<ThreadIngress> {
    const ingress = new ThreadIngress(parts);
    try {
      await Promise.all(Array.from({ length: parts.width }, (_, place) => ingress.#begin(place)));
    } catch (error) {
      await ingress.close();
      throw error;
    }
    return ingress;
  }

  get inFlight(): number {
    return this.#inFlight.total;
  }

  /** Has the worker of a place serve, then whoever takes that place. */
  async #begin(place: number): Promise<void> {
    const { ended } = await this.#serve(place);
    void ended.then(() => this.#keep(place));
  }

  /** A worker that takes the place of another one listens when its components run: others serve meanwhile. */
  async #keep(place: number): Promise<void> {
    while (this.#closed === undefined) {
      this.#lines.delete(place);
      // What was under way there is over.
      new SharedCount(this.#counts, place).clear();
      try {
        await this.#parts.lineOf(place);
        await this.#within(LIVE_MS, this.#parts.whenLive(place));
        await this.#begin(place);
        return;
      } catch (error) {
        // A place that was given up has no worker any more, and its actors say so.
        if (RuntimeError.is(error) && error.code === 'WORKER_LOST') return;
        await new Promise<void>((resolve) => this.#parts.clock.after(RETRY_MS, resolve));
      }
    }
  }

  async #serve(place: number): Promise<IngressLine> {
    const { listen, routes, width, lineOf } = this.#parts;
    for (;;) {
      const line = await lineOf(place);
      if (this.#closed !== undefined) return line;
      this.#lines.set(place, line);
      const answered = this.#answerOf(line);
      // Each bounds its own: a share of the connections, rounded up.
      const limits = { ...this.#limits, connectionsMax: Math.ceil(this.#limits.connectionsMax / width) };
      line.say({ kind: 'serve', listen, limits, routes, inFlight: this.#counts, place });
      const answer = await answered;
      if (answer?.kind === 'serving') return line;
      if (answer?.kind === 'refused') throw RuntimeError.fromWire(answer.error);
    }
  }

  /** The next thing that it says; nothing if it is gone before. */
  #answerOf(line: IngressLine): Promise<FromIngress | undefined> {
    return new Promise((resolve) => {
      line.onMessage = resolve;
      void line.ended.then(() => resolve(undefined));
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = [...this.#lines.values()].map((line) => {
      const answered = this.#answerOf(line);
      line.say({ kind: 'close' });
      return answered;
    });
    await this.#within(this.#limits.drainMs + CLOSE_GRACE_MS, Promise.all(closed));
    this.#alive.cancel();
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(ms, late.resolve, true);
    await Promise.race([work, late.promise]);
    timer.cancel();
  }
}

/** An address that so many workers can share; nothing where only one server can listen at an address. */
export async function sharedAddress(listen: ListenAddress, help: string): Promise<ListenAddress | undefined> {
  const claimed = await claimAddress(listen, help);
  return claimed.shared === true ? claimed : undefined;
}
