import {
  type ActorRef,
  type KeptTopicInlet,
  type Publication,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionInfo,
  type SubscriptionPolicy,
  type TopicDelivery,
  type TopicInlet,
  type Topics,
  topicInlet,
  toSubscriptionPolicy,
} from '../actor/index.ts';
import { PatternTrie, type TrieEntry } from './pattern-trie.ts';
import { Group, isKeeper, type Turn } from './subscriber-group.ts';
import { ANY_SEGMENT, parsePattern, parseTopic, REST } from './topic.ts';

/** Topics whose subscribers are kept at hand. Topics may come from a stranger; the one found first gives way. */
const KEPT_TOPICS_MAX = 1_024;

/** One subscription, in the trie and in its holder's hands. */
class Entry implements TrieEntry, Subscription {
  readonly segments: readonly string[];
  place = -1;
  readonly pattern: string;
  readonly actor: string;
  readonly op: string | undefined;
  readonly group: string | undefined;
  readonly policy: SubscriptionPolicy;
  /** Whether its actor is not there. */
  isAsleep = false;
  inlet: TopicInlet;
  readonly #cancel: (entry: Entry) => void;

  /** @throws {RuntimeError} `TOPIC_INVALID`. */
  constructor(pattern: string, policy: SubscriptionPolicy, holder: Holder) {
    this.segments = parsePattern(pattern);
    this.pattern = pattern;
    this.op = policy.op;
    this.group = policy.group;
    this.policy = policy;
    this.actor = holder.actor;
    this.#cancel = holder.cancel;
    this.inlet = holder.open();
  }

  /** Tells it from the others of its actor. */
  get key(): string {
    return `${this.pattern} ${this.group ?? ''} ${this.op ?? ''}`;
  }

  get delivery(): TopicDelivery {
    return this.policy.delivery;
  }

  get delivered(): number {
    return this.inlet.delivered;
  }

  get dropped(): number {
    return this.inlet.dropped;
  }

  get waiting(): number {
    return this.inlet.waiting;
  }

  cancel(): void {
    this.#cancel(this);
  }
}

/** Whom a subscription is of. */
interface Holder {
  readonly actor: string;
  cancel(entry: Entry): void;
  /** Makes the way in; called when all else is known to be good. */
  open(): TopicInlet;
}

/** Subscribers of a topic whose messages travel under the same header. */
interface Cohort {
  readonly inlets: TopicInlet[];
  /** For messages without a sender: made once. */
  readonly header: ReturnType<TopicInlet['header']>;
}

/** Who gets the messages of one topic. Never changed. */
interface Audience {
  readonly cohorts: readonly Cohort[];
  readonly groups: readonly Group[];
  /** Those for whom it is kept. */
  readonly keepers: readonly KeptTopicInlet[];
}

/**
 * Who gets what is published. The subscribers of a topic are found once, then kept as dense lists that are never changed:
 * a subscription that comes or goes makes the lists be found again that it may be in, and a publication under way goes on
 * with its own.
 *
 * Subscriptions are of names, by which living actors are told apart: those that outlive their actor wait for the next one.
 */
export class Broker implements Topics {
  readonly #patterns = new PatternTrie<Entry>();
  readonly #byActor = new Map<string, Map<string, Entry>>();
  /** Groups that have members. Whose turn it is outlives the lists. */
  readonly #groups = new Map<string, Turn>();
  #audiences = new Map<string, Audience>();

  /** Topics whose subscribers are kept at hand. */
  get keptTopics(): number {
    return this.#audiences.size;
  }

  /** Groups that have members. */
  get groups(): number {
    return this.#groups.size;
  }

  /** Whether there are no subscriptions at all, nor anything left of any. */
  get isEmpty(): boolean {
    return this.#patterns.isEmpty && this.#byActor.size === 0 && this.#groups.size === 0;
  }

  /** Subscriptions of actors that are there. */
  get subscriptions(): number {
    let count = 0;
    for (const entries of this.#byActor.values()) for (const { isAsleep } of entries.values()) if (!isAsleep) count++;
    return count;
  }

  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number {
    const audience = this.#audiences.get(topic) ?? this.#find(topic);
    let taken = handOut(audience.cohorts, topic, payload, sender);
    for (const inlet of audience.keepers) if (inlet.post(payload, inlet.header(topic, sender))) taken++;
    for (const group of audience.groups) if (group.post(payload, sender)) taken++;
    return taken;
  }

  async publishDurably(publication: Publication, sender: ActorRef | undefined): Promise<number> {
    const { topic, payload } = publication;
    const { cohorts, groups, keepers } = this.#audiences.get(topic) ?? this.#find(topic);
    const others: Group[] = [];
    const chosen = [...keepers];
    for (const group of groups) {
      const keeper = group.nextKeeper();
      if (keeper === undefined) others.push(group);
      else chosen.push(keeper);
    }
    const [first, ...rest] = chosen;
    // Nobody has it before it is kept: a publisher that is told that it could not be publishes it again.
    if (first !== undefined) await first.keep(publication, rest);
    let taken = chosen.length + handOut(cohorts, topic, payload, sender);
    for (const group of others) if (group.post(payload, sender)) taken++;
    return taken;
  }

  subscribe(pattern: string, ref: ActorRef, options: SubscribeOptions): Subscription {
    const policy = toSubscriptionPolicy(options);
    const open = (): TopicInlet => topicInlet(ref, pattern, policy);
    return this.#add(new Entry(pattern, policy, { actor: ref.name, cancel: this.#cancel, open }));
  }

  resume(pattern: string, actor: string, { policy, inlet }: Parameters<Topics['resume']>[2]): void {
    const entry = new Entry(pattern, policy, { actor, cancel: this.#cancel, open: () => inlet });
    entry.isAsleep = true;
    this.#add(entry);
  }

  subscribers(): Iterable<string> {
    return [...this.#byActor.keys()];
  }

  of(actor: string): readonly SubscriptionInfo[] {
    return Array.from(this.#byActor.get(actor)?.values() ?? [], (entry) => {
      const { pattern, op, group, delivery, delivered, dropped, waiting } = entry;
      return { pattern, op, group, delivery, delivered, dropped, waiting };
    });
  }

  unsubscribe(actor: string, { pattern, op }: Parameters<Topics['unsubscribe']>[1]): number {
    const chosen = [...(this.#byActor.get(actor)?.values() ?? [])].filter(
      (entry) => (pattern ?? entry.pattern) === entry.pattern && (op ?? entry.op) === entry.op,
    );
    for (const entry of chosen) entry.cancel();
    return chosen.length;
  }

  forget(actor: string): void {
    for (const entry of this.#byActor.get(actor)?.values() ?? []) {
      if (entry.inlet.outlives) entry.isAsleep = true;
      else this.#remove(entry);
    }
  }

  #add(entry: Entry): Entry {
    const entries = this.#byActor.get(entry.actor) ?? new Map<string, Entry>();
    const before = entries.get(entry.key);
    if (before !== undefined) {
      this.#remove(before);
      // What it has brought and what waits is the same subscription's.
      if (isSame(before.policy, entry.policy)) entry.inlet = before.inlet;
    }
    this.#patterns.add(entry);
    this.#byActor.set(entry.actor, entries.set(entry.key, entry));
    if (entry.group !== undefined) {
      const turn = this.#groups.get(entry.group) ?? { subscriptions: 0, next: 0 };
      turn.subscriptions++;
      this.#groups.set(entry.group, turn);
    }
    this.#forgetAudiences(entry);
    return entry;
  }

  readonly #cancel = (entry: Entry): void => {
    if (this.#remove(entry)) entry.inlet.ended();
  };

  /** Returns whether it was there. */
  #remove(entry: Entry): boolean {
    const { actor, group } = entry;
    const entries = this.#byActor.get(actor);
    if (entries?.get(entry.key) !== entry) return false;
    entries.delete(entry.key);
    if (entries.size === 0) this.#byActor.delete(actor);
    this.#patterns.remove(entry);
    this.#forgetAudiences(entry);
    const turn = group === undefined ? undefined : this.#groups.get(group);
    if (turn !== undefined && --turn.subscriptions === 0) this.#groups.delete(group as string);
    return true;
  }

  /** Those that `entry` may be in: the topic that its pattern is, or any. */
  #forgetAudiences({ pattern, segments }: Entry): void {
    if (this.#audiences.size === 0) return;
    if (segments.includes(ANY_SEGMENT) || segments.at(-1) === REST) this.#audiences = new Map();
    else this.#audiences.delete(pattern);
  }

  #find(topic: string): Audience {
    const alone = new Map<string, Entry>();
    const members = new Map<string, Map<string, TopicInlet>>();
    for (const entry of this.#patterns.match(parseTopic(topic))) {
      const { inlet, group } = entry;
      if (group === undefined) {
        // Of an actor and operation, the subscription with the stronger promise counts.
        if (alone.get(inlet.key)?.delivery !== 'at-least-once') alone.set(inlet.key, entry);
        continue;
      }
      const inlets = members.get(group) ?? new Map<string, TopicInlet>();
      if (!isKeeper(inlets.get(inlet.key))) inlets.set(inlet.key, inlet);
      members.set(group, inlets);
    }
    const cohorts = new Map<unknown, Cohort>();
    const keepers: KeptTopicInlet[] = [];
    for (const { inlet } of alone.values()) {
      const cohort = cohorts.get(inlet.form);
      if (isKeeper(inlet)) keepers.push(inlet);
      else if (cohort !== undefined) cohort.inlets.push(inlet);
      else cohorts.set(inlet.form, { inlets: [inlet], header: inlet.header(topic, undefined) });
    }
    const groups = Array.from(
      members,
      ([name, inlets]) => new Group(topic, [...inlets.values()], this.#groups.get(name) as Turn),
    );
    const found: Audience = { cohorts: [...cohorts.values()], groups, keepers };
    if (this.#audiences.size >= KEPT_TOPICS_MAX) {
      this.#audiences.delete(this.#audiences.keys().next().value as string);
    }
    this.#audiences.set(topic, found);
    return found;
  }
}

/** Returns how many took it. */
function handOut(cohorts: readonly Cohort[], ...[topic, payload, sender]: Parameters<Topics['publish']>): number {
  let taken = 0;
  for (const { inlets, header } of cohorts) {
    const [first] = inlets as [TopicInlet];
    const sent = sender === undefined ? header : first.header(topic, sender);
    for (const inlet of inlets) if (inlet.post(payload, sent)) taken++;
  }
  return taken;
}

function isSame(one: SubscriptionPolicy, other: SubscriptionPolicy): boolean {
  return one.overflow === other.overflow && one.capacity === other.capacity && one.delivery === other.delivery;
}
