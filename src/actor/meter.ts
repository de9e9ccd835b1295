import { Histogram, Sampler, Timings, type TimingsData } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

/** A cell, as far as it is measured. */
interface Measured {
  readonly handled: number;
  readonly profile: { readonly typeName: string; readonly runner: { readonly isElsewhere?: boolean } };
}

/** What is timed of actors, as plain data. */
export interface ActorMeterData {
  readonly handling: TimingsData;
  readonly asks: TimingsData;
  readonly starts: TimingsData;
}

/** How long what a system does takes, of few operations that stand for all. */
export class ActorMeter {
  /** Thread time of a message, by type. */
  readonly handling = new Timings();
  /** From an ask to its reply or error, by the type of who was asked. */
  readonly asks = new Timings();
  /** From the begin of a start until messages are taken, by type. */
  readonly starts = new Timings();
  readonly spawns = new Histogram();
  private readonly clock: Clock;
  private readonly turnSampler = new Sampler();
  private readonly askSampler = new Sampler();
  private readonly startSampler = new Sampler();
  private readonly spawnSampler = new Sampler();

  /** Whether there are, or were, actors of a type with that label here. */
  readonly isKnown: (type: string) => boolean;

  constructor(clock: Clock, isKnown: (type: string) => boolean) {
    this.clock = clock;
    this.isKnown = isKnown;
  }

  /** What was timed since this was called last, but for `spawn`. */
  take(): ActorMeterData {
    return { handling: this.handling.take(), asks: this.asks.take(), starts: this.starts.take() };
  }

  /** Adds what was timed elsewhere. Starts are timed here, with all that they take. */
  add({ handling, asks }: ActorMeterData): void {
    this.handling.add(handling, this.isKnown);
    this.asks.add(asks, this.isKnown);
  }

  /** Times turns. What they do elsewhere is timed there. */
  over<T extends Measured>(activate: (cell: T, quota: number) => number): (cell: T, quota: number) => number {
    const { clock, turnSampler, handling } = this;
    return (cell, quota) => {
      if (!turnSampler.isDue()) return activate(cell, quota);
      const { typeName, runner } = cell.profile;
      const before = cell.handled;
      const startMs = clock.nowMs();
      const done = activate(cell, quota);
      const endMs = clock.nowMs();
      const weight = turnSampler.weigh(endMs);
      const handled = cell.handled - before;
      if (handled > 0 && runner.isElsewhere !== true)
        handling.of(typeName).record((endMs - startMs) / handled, handled * weight);
      return done;
    };
  }

  /** Times `spawn`, if it is the turn of this one. */
  spawn<T>(make: () => T): T {
    if (!this.spawnSampler.isDue()) return make();
    const startMs = this.clock.nowMs();
    const made = make();
    const endMs = this.clock.nowMs();
    this.spawns.record(endMs - startMs, this.spawnSampler.weigh(endMs));
    return made;
  }

  /** Called when a start begins. Returns what to call when it has succeeded; `undefined`: it is not timed. */
  startOf(cell: Measured): (() => void) | undefined {
    return this.startSampler.isDue() ? this.timeStart(cell) : undefined;
  }

  // Apart from what asks whether it is due: closures cost whoever calls a function that makes some, also where it makes none.
  private timeStart({ profile: { typeName } }: Measured): () => void {
    const startMs = this.clock.nowMs();
    const weight = this.startSampler.weigh(startMs);
    return () => this.starts.of(typeName).record(this.clock.nowMs() - startMs, weight);
  }

  /** Times an ask, if it is the turn of this one. */
  ask(cell: Measured, reply: Promise<unknown>): void {
    if (this.askSampler.isDue()) this.timeAsk(cell, reply);
  }

  private timeAsk({ profile: { typeName } }: Measured, reply: Promise<unknown>): void {
    const startMs = this.clock.nowMs();
    const weight = this.askSampler.weigh(startMs);
    const over = (): void => this.asks.of(typeName).record(this.clock.nowMs() - startMs, weight);
    reply.then(over, over);
  }
}
