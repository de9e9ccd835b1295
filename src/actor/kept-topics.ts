/** Subscriptions whose messages are delivered at least once: what is published is kept for their actors, by name. */
import { createHash } from 'node:crypto';
import { open, seal } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { ActorRef } from './actor-ref.ts';
import { openOperation } from './actor-type.ts';
import type { Cell, Deliveries, Services } from './cell.ts';
import { Header } from './header.ts';
import { LocalRef } from './local-ref.ts';
import type { DurableStore, KeptMessage, KeptTopic, KeptTopicInlet, KeptTopics, Publication } from './ports.ts';
import type { SubscriptionPolicy } from './subscription.ts';

/** Bucket of the subscriptions of actors, by their names. */
export const SUBSCRIPTIONS_BUCKET = 'actors/subscriptions';

/** Such subscriptions of one actor: they are written together. */
const SUBSCRIPTIONS_MAX = 1_024;
/** Milliseconds before a write that failed is tried again; as for states. */
const RETRY_MS = 1_000;

/**
 * Subscriptions that outlast their actors and the process: they take messages for a name, whether an actor has it or not,
 * until they are cancelled. Each actor's are one entry of the store, which is written again when they change.
 */
export class KeptSubscriptions implements KeptTopics {
  readonly #services: Services;
  readonly #store: DurableStore;
  readonly #byActor = new Map<string, Map<string, KeptTopic>>();
  /** Actors whose subscriptions have changed since they were written last. */
  readonly #changed = new Set<string>();
  #isWriting = false;

  constructor(services: Services, store: DurableStore) {
    this.#services = services;
    this.#store = store;
  }

  /** Takes over what an earlier process left of one actor. Returns whether it could be read. */
  restore(actor: string, record: Uint8Array): boolean {
    const kept = open(record)?.value;
    if (!Array.isArray(kept)) return false;
    const known = this.#byActor.get(actor) ?? new Map<string, KeptTopic>();
    this.#byActor.set(actor, known);
    for (const one of kept as KeptTopic[]) {
      const { pattern, op, group } = one;
      // An actor that has been spawned already has said so itself.
      if (known.has(keyOf(one))) continue;
      known.set(keyOf(one), { pattern, op, group });
      const policy = { op, group, overflow: 'reject', capacity: 1, delivery: 'at-least-once' } as const;
      const inlet = new KeptInlet(this.#services, { actor, pattern, policy });
      this.#services.topics.resume(pattern, actor, { policy, inlet });
    }
    return true;
  }

  /** Whether the subscription is kept. */
  has(actor: string, subscription: KeptTopic): boolean {
    return this.#byActor.get(actor)?.has(keyOf(subscription)) === true;
  }

  /** @throws {RangeError} The actor would have too many. */
  assertRoom(actor: string): void {
    if ((this.#byActor.get(actor)?.size ?? 0) < SUBSCRIPTIONS_MAX) return;
    throw new RangeError(`"${actor}" has ${SUBSCRIPTIONS_MAX} subscriptions that are kept, the most there may be`);
  }

  add(actor: string, { pattern, op, group }: KeptTopic): void {
    const kept = { pattern, op, group };
    if (this.has(actor, kept)) return;
    const known = this.#byActor.get(actor) ?? new Map<string, KeptTopic>();
    this.#byActor.set(actor, known.set(keyOf(kept), kept));
    this.#write(actor);
  }

  remove(actor: string, subscription: KeptTopic): void {
    const known = this.#byActor.get(actor);
    if (known?.delete(keyOf(subscription)) !== true) return;
    if (known.size === 0) this.#byActor.delete(actor);
    this.#write(actor);
  }

  /** Writes what has changed, until it is written. */
  #write(actor: string): void {
    this.#changed.add(actor);
    if (!this.#isWriting) void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    for (const actor of this.#changed) {
      this.#changed.delete(actor);
      const kept = [...(this.#byActor.get(actor)?.values() ?? [])];
      try {
        const value = kept.length === 0 ? {} : { value: seal(kept) };
        await this.#store.write([{ bucket: SUBSCRIPTIONS_BUCKET, key: actor, ...value }]);
      } catch {
        // It is known in this process, and is tried again.
        this.#changed.add(actor);
        this.#services.wheel.after(RETRY_MS, () => void this.#writeAll());
        return;
      }
    }
    this.#isWriting = false;
  }
}

function keyOf({ pattern, op = '', group = '' }: KeptTopic): string {
  return `${pattern} ${group} ${op}`;
}

/** Whom a subscription is of, and how it was made. */
interface Subscriber {
  readonly actor: string;
  readonly pattern: string;
  readonly policy: SubscriptionPolicy;
}

/** The way in for what is kept until it was handled. It is of a name, and needs no actor. */
export class KeptInlet implements KeptTopicInlet {
  readonly key: string;
  readonly form = this;
  readonly isOpen = true;
  delivered = 0;
  dropped = 0;
  readonly #services: Services;
  readonly #actor: string;
  readonly #kept: KeptTopic;

  constructor(services: Services, { actor, pattern, policy: { op, group } }: Subscriber) {
    this.#services = services;
    this.#actor = actor;
    this.#kept = { pattern, op, group };
    this.key = `${actor} ${op ?? ''}`;
  }

  get isReady(): boolean {
    return this.#cell?.isReady === true;
  }

  get outlives(): boolean {
    return this.#outbox.topics.has(this.#actor, this.#kept);
  }

  get waiting(): number {
    return this.#outbox.countOf(this.#actor);
  }

  header(topic: string, sender: ActorRef | undefined): Header {
    return new Header(openOperation('topic', this.#kept.op ?? topic), sender, topic);
  }

  offer(payload: unknown, header: Header): boolean {
    return this.post(payload, header);
  }

  /** Begins to keep the message: whether it could be kept shows later. */
  post(payload: unknown, header: Header): boolean {
    const message = this.#message({ topic: header.topic as string, payload, id: undefined });
    this.#outbox.accept([message]).then(
      () => {
        this.delivered++;
      },
      (error: unknown) => {
        this.dropped++;
        const lost = { message: payload, header };
        const why = RuntimeError.from(error);
        if (this.#cell === undefined)
          this.#services.deadLetters.buryFor(this.#actor, lost, { reason: 'overflow', error: why });
        else this.#cell.bury('overflow', lost, why);
      },
    );
    return true;
  }

  lose(): void {
    // It is lost only when it could not be kept.
  }

  ended(): void {
    this.#outbox.topics.remove(this.#actor, this.#kept);
  }

  async keep(publication: Publication, others: readonly KeptTopicInlet[]): Promise<void> {
    const inlets = [this, ...(others as readonly KeptInlet[])];
    await this.#outbox.accept(inlets.map((inlet) => inlet.#message(publication)));
    for (const inlet of inlets) inlet.delivered++;
  }

  /** The message to be kept that a publication is for this subscription. */
  #message({ topic, payload, id }: Publication): KeptMessage {
    const { op = topic } = this.#kept;
    return { to: this.#actor, op, payload, topic, id: id === undefined ? undefined : idOf(topic, op, id) };
  }

  get #outbox(): Deliveries {
    return this.#services.outbox as Deliveries;
  }

  get #cell(): Cell | undefined {
    const ref = this.#services.names.lookup(this.#actor);
    return ref === undefined ? undefined : LocalRef.cellOf(ref);
  }
}

/** An id for one actor, of what has an id among those of its topic: no other operation's, and no direct message's. */
function idOf(topic: string, op: string, id: string): string {
  return `topic:${createHash('sha256')
    .update(JSON.stringify([topic, op, id]))
    .digest('base64url')}`;
}
