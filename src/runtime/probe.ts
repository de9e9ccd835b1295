import { type ActorRef, ActorSystem, implement, protocol, type } from '../actor/index.ts';
import { Broker } from '../broker/index.ts';
import { Registry } from '../registry/index.ts';
import { Timings } from '../telemetry/index.ts';
import type { Clock, TimerHandle } from '../time/index.ts';

/** Times that each operation is done in a round, so that a round says something of its spread. */
const TIMES = 5;

/** Operations that take less than a reading of the clock are timed together: it is a hundredth of that then. */
const TOGETHER = 128;

const NAME = 'probe';
const SUBSCRIBERS = 100;

/** Milliseconds for a round: one that takes longer says nothing that the event loop's delay does not. */
const ROUND_MS = 5_000;

const Echo = protocol('troupe:probe@1.0.0', {
  tell: { mark: type<void>() },
  ask: { echo: { in: type<number>(), out: type<number>() }, state: { in: type<Clock>(), out: type<StateTimes>() } },
});
type EchoRef = ActorRef<typeof Echo>;

/** Milliseconds for one access. */
interface StateTimes {
  readonly read: number;
  readonly write: number;
}

/** What the process times on actors of its own, again and again. */
export interface Probe {
  /** By operation. */
  readonly timings: Timings;
  stop(): Promise<void>;
}

/** Begins to time, every `everyMs`, on a system beside all others: nobody sees its actors. */
export function startProbe(clock: Clock, everyMs: number): Probe {
  const probe = new RunningProbe(clock, everyMs);
  probe.later();
  return probe;
}

class RunningProbe implements Probe {
  readonly timings = new Timings();
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #system: ActorSystem;
  readonly #ref: EchoRef;
  /** Messages that its actors have handled, of a publication under way; when all have, what it is told. */
  #toCome = 0;
  #onHandled: () => void = () => {};
  #timer: TimerHandle | undefined;
  #isStopped = false;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#system = new ActorSystem({ clock }, { names: new Registry(), topics: new Broker() });
    const marked = this.#marked();
    this.#ref = this.#system.spawn(marked, NAME, { subscribe: { one: 'mark' } });
    for (let i = 0; i < SUBSCRIBERS; i++) this.#system.spawn(marked, undefined, { subscribe: { many: 'mark' } });
  }

  later(): void {
    if (this.#isStopped) return;
    this.#timer = this.#clock.after(this.#everyMs, () => void this.#round().then(() => this.later()));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#system.stop();
  }

  #marked() {
    return implement(Echo, {
      init: () => new Float64Array(TOGETHER),
      tell: {
        mark: () => {
          if (--this.#toCome === 0) this.#onHandled();
        },
      },
      ask: {
        echo: (_, value) => value,
        state: ({ state }, clock) => timeState(state, clock),
      },
    });
  }

  /** Never rejects. */
  async #round(): Promise<void> {
    try {
      for (let i = 0; i < TIMES; i++) await this.#once();
    } catch {
      // A thread that is held for longer than a round, or the end of the system: both are told elsewhere.
    }
  }

  async #once(): Promise<void> {
    this.#lookup();
    const { read, write } = await this.#ref.ask.state(this.#clock, { timeoutMs: ROUND_MS });
    this.#note('state_read', read);
    this.#note('state_write', write);
    await this.#time('ask', () => this.#ref.ask.echo(1, { timeoutMs: ROUND_MS }));
    await this.#time('routing', () => {
      this.#system.lookup(NAME);
      return this.#published('one', 1);
    });
    await this.#time('fan_out_100', () => this.#published('many', SUBSCRIBERS));
    this.#lives();
  }

  #lookup(): void {
    const startMs = this.#clock.nowMs();
    let found = 0;
    for (let i = 0; i < TOGETHER; i++) if (this.#system.lookup(NAME) === this.#ref) found++;
    this.#note('lookup', (this.#clock.nowMs() - startMs) / found);
  }

  /** Actors that are made, and actors that are made and ended. */
  #lives(): void {
    const refs: EchoRef[] = [];
    const startMs = this.#clock.nowMs();
    for (let i = 0; i < TOGETHER; i++) refs.push(this.#system.spawn(BRIEF));
    const madeMs = this.#clock.nowMs();
    for (const ref of refs) void ref.stop();
    const endMs = this.#clock.nowMs();
    this.#note('construct', (madeMs - startMs) / TOGETHER);
    this.#note('lifecycle', (endMs - startMs) / TOGETHER);
  }

  #published(topic: string, count: number): Promise<void> {
    const handled = Promise.withResolvers<void>();
    this.#toCome = count;
    this.#onHandled = handled.resolve;
    this.#system.publish(topic, undefined);
    return handled.promise;
  }

  async #time(operation: string, run: () => Promise<unknown>): Promise<void> {
    const startMs = this.#clock.nowMs();
    await run();
    this.#note(operation, this.#clock.nowMs() - startMs);
  }

  #note(operation: string, durationMs: number): void {
    this.timings.of(operation).record(durationMs);
  }
}

/** Of actors that end before they begin. */
const BRIEF = implement(Echo, {
  init: () => undefined,
  tell: { mark: () => undefined },
  ask: { echo: (_, value) => value, state: () => ({ read: 0, write: 0 }) },
});

function timeState(state: Float64Array, clock: Clock): StateTimes {
  const startMs = clock.nowMs();
  let sum = 0;
  for (let i = 0; i < TOGETHER; i++) sum += state[i] as number;
  const readMs = clock.nowMs();
  for (let i = 0; i < TOGETHER; i++) state[i] = sum + i;
  const endMs = clock.nowMs();
  return { read: (readMs - startMs) / TOGETHER, write: (endMs - readMs) / TOGETHER };
}
