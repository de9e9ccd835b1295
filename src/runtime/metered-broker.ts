import type { ActorRef } from '../actor/index.ts';
import { Broker } from '../broker/index.ts';
import { Sampler, Timings } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

/** A broker that times how long it takes to hand out what is published, of few messages that stand for all. */
export class MeteredBroker extends Broker {
  /** By how many took it at most. */
  readonly timings = new Timings();
  readonly #clock: Clock;
  readonly #sampler = new Sampler();

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override publish(topic: string, payload: unknown, sender: ActorRef | undefined): number {
    if (!this.#sampler.isDue()) return super.publish(topic, payload, sender);
    const startMs = this.#clock.nowMs();
    const taken = super.publish(topic, payload, sender);
    const endMs = this.#clock.nowMs();
    this.timings.of(sizeOf(taken)).record(endMs - startMs, this.#sampler.weigh(endMs));
    return taken;
  }
}

function sizeOf(taken: number): string {
  for (const most of [1, 10, 100, 1_000]) if (taken <= most) return `${most}`;
  return 'more';
}
