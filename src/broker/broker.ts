import {
  type ActorRef,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionInfo,
  type TopicInlet,
  type Topics,
  topicInlet,
  toSubscriptionPolicy,
} from '../actor/index.ts';
import { PatternTrie, type TrieEntry } from './pattern-trie.ts';
import { Group, type Turn } from './subscriber-group.ts';
import { parsePattern, parseTopic } from './topic.ts';

/** Topics whose subscribers are kept at hand. Topics may come from a stranger; the one found first gives way. */
const KEPT_TOPICS_MAX = 1_024;

/** One subscription, in the trie and in its holder's hands. */
class Entry implements TrieEntry, Subscription {
  readonly segments: readonly string[];
  place = -1;
  readonly pattern: string;
  readonly ref: ActorRef;
  readonly op: string | undefined;
  readonly group: string | undefined;
  readonly inlet: TopicInlet;
  readonly #cancel: (entry: Entry) => void;

  /** @throws {RuntimeError} `TOPIC_INVALID`, `OPERATION_UNKNOWN`, `NAME_INVALID`, `CONFIG_INVALID`. */
  constructor(pattern: string, ref: ActorRef, how: { options: SubscribeOptions; cancel: (entry: Entry) => void }) {
    const policy = toSubscriptionPolicy(how.options);
    this.segments = parsePattern(pattern);
    this.pattern = pattern;
    this.ref = ref;
    this.op = policy.op;
    this.group = policy.group;
    this.inlet = topicInlet(ref, policy);
    this.#cancel = how.cancel;
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
}

/**
 * Who gets what is published. The subscribers of a topic are found once, then kept as dense lists that are never changed:
 * a subscription that comes or goes makes all lists be found again, and a publication under way goes on with its own.
 */
export class Broker implements Topics {
  readonly #patterns = new PatternTrie<Entry>();
  readonly #byActor = new Map<ActorRef, Set<Entry>>();
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

  /** Subscriptions there are. */
  get subscriptions(): number {
    let count = 0;
    for (const entries of this.#byActor.values()) count += entries.size;
    return count;
  }

  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number {
    const { cohorts, groups } = this.#audiences.get(topic) ?? this.#find(topic);
    let taken = 0;
    for (const { inlets, header } of cohorts) {
      const [first] = inlets as [TopicInlet];
      const sent = sender === undefined ? header : first.header(topic, sender);
      for (const inlet of inlets) if (inlet.post(payload, sent)) taken++;
    }
    for (const group of groups) if (group.post(payload, sender)) taken++;
    return taken;
  }

  subscribe(pattern: string, ref: ActorRef, options: SubscribeOptions): Subscription {
    const entry = new Entry(pattern, ref, { options, cancel: this.#cancel });
    this.#patterns.add(entry);
    const entries = this.#byActor.get(ref) ?? new Set();
    this.#byActor.set(ref, entries.add(entry));
    if (entry.group !== undefined) {
      const turn = this.#groups.get(entry.group) ?? { subscriptions: 0, next: 0 };
      turn.subscriptions++;
      this.#groups.set(entry.group, turn);
    }
    this.#forgetAudiences();
    return entry;
  }

  of(ref: ActorRef): readonly SubscriptionInfo[] {
    return Array.from(this.#byActor.get(ref) ?? [], ({ pattern, op, group, delivered, dropped, waiting }) => ({
      pattern,
      op,
      group,
      delivered,
      dropped,
      waiting,
    }));
  }

  forget(ref: ActorRef): void {
    for (const entry of this.#byActor.get(ref) ?? []) this.#remove(entry);
    if (this.#byActor.delete(ref)) this.#forgetAudiences();
  }

  readonly #cancel = (entry: Entry): void => {
    const entries = this.#byActor.get(entry.ref);
    if (entries?.delete(entry) !== true) return;
    if (entries.size === 0) this.#byActor.delete(entry.ref);
    this.#remove(entry);
    this.#forgetAudiences();
  };

  #remove(entry: Entry): void {
    this.#patterns.remove(entry);
    if (entry.group === undefined) return;
    const turn = this.#groups.get(entry.group);
    if (turn !== undefined && --turn.subscriptions === 0) this.#groups.delete(entry.group);
  }

  #forgetAudiences(): void {
    if (this.#audiences.size > 0) this.#audiences = new Map();
  }

  #find(topic: string): Audience {
    const alone = new Map<string, TopicInlet>();
    const members = new Map<string, Map<string, TopicInlet>>();
    for (const { inlet, group } of this.#patterns.match(parseTopic(topic))) {
      if (group === undefined) {
        alone.set(inlet.key, inlet);
        continue;
      }
      const inlets = members.get(group) ?? new Map<string, TopicInlet>();
      members.set(group, inlets.set(inlet.key, inlet));
    }
    const cohorts = new Map<unknown, Cohort>();
    for (const inlet of alone.values()) {
      const cohort = cohorts.get(inlet.form);
      if (cohort !== undefined) cohort.inlets.push(inlet);
      else cohorts.set(inlet.form, { inlets: [inlet], header: inlet.header(topic, undefined) });
    }
    const groups = Array.from(
      members,
      ([name, inlets]) => new Group(topic, [...inlets.values()], this.#groups.get(name) as Turn),
    );
    const found: Audience = { cohorts: [...cohorts.values()], groups };
    if (this.#audiences.size >= KEPT_TOPICS_MAX) {
      this.#audiences.delete(this.#audiences.keys().next().value as string);
    }
    this.#audiences.set(topic, found);
    return found;
  }
}
