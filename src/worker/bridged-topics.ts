import type {
  ActorRef,
  Publication,
  SubscribeOptions,
  Subscription,
  SubscriptionInfo,
  Topics,
} from '../actor/index.ts';
import { Broker } from '../broker/index.ts';
import { assert, RuntimeError } from '../errors/index.ts';
import type { Control } from './control.ts';

/** What the topics of a worker need of its link. */
export interface TopicGate {
  say(control: Control): void;
  exportOf(ref: ActorRef): number;
  publish(topic: string, payload: unknown, sender: ActorRef | undefined): void;
}

/**
 * The topics of a worker: what is published goes to the main thread's broker, where its actors' subscriptions are too. Here
 * stands which they are, so that a wrong one is refused at once.
 */
export class BridgedTopics implements Topics {
  /** What the main thread's broker was told. */
  readonly #told = new Broker();
  /** Looks at topics; nobody subscribes to it. */
  readonly #checker = new Broker();
  readonly #ids = new Map<string, number>();
  /** Set before an actor is spawned. */
  gate!: TopicGate;

  /** @returns 0: how many take it is known at the main thread. */
  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number {
    this.#checker.publish(topic, undefined, undefined);
    this.gate.publish(topic, payload, sender);
    return 0;
  }

  async publishDurably({ topic }: Publication): Promise<number> {
    const text = `Cannot publish to "${topic}" durably: a worker has no store; let an actor of the main thread do it`;
    throw new RuntimeError('DELIVERY_UNAVAILABLE', text);
  }

  subscribe(pattern: string, ref: ActorRef, options: SubscribeOptions): Subscription {
    const made = this.#told.subscribe(pattern, ref, options);
    const ownId = this.gate.exportOf(ref);
    this.#ids.set(ref.name, ownId);
    this.gate.say({ kind: 'subscribe', ownId, pattern, options });
    return made;
  }

  resume(): void {
    assert(false, 'a worker has no subscriptions of an earlier process');
  }

  subscribers(): Iterable<string> {
    return this.#told.subscribers();
  }

  of(actor: string): readonly SubscriptionInfo[] {
    return this.#told.of(actor);
  }

  unsubscribe(actor: string, chosen: Parameters<Topics['unsubscribe']>[1]): number {
    const ownId = this.#ids.get(actor);
    if (ownId !== undefined) this.gate.say({ kind: 'unsubscribe', ownId, ...chosen });
    return this.#told.unsubscribe(actor, chosen);
  }

  forget(actor: string): void {
    this.unsubscribe(actor, {});
    this.#told.forget(actor);
    this.#ids.delete(actor);
  }
}
