import { type ActorRef, type Subscription, type TopicInlet, type Topics, topicInlet } from '../actor/index.ts';
import { PatternTrie, type TrieEntry } from './pattern-trie.ts';
import { parsePattern, parseTopic } from './topic.ts';

/** Topics whose subscribers are kept at hand. Topics may come from a stranger; the one found first gives way. */
const KEPT_TOPICS_MAX = 1_024;

interface Entry extends TrieEntry {
  readonly pattern: string;
  readonly ref: ActorRef;
  readonly inlet: TopicInlet;
}

/** Subscribers of a topic whose messages travel under the same header. */
interface Group {
  readonly inlets: TopicInlet[];
  /** For messages without a sender: made once. */
  readonly header: ReturnType<TopicInlet['header']>;
}

/**
 * Who gets what is published. The subscribers of a topic are found once, then kept as a dense list that is never changed:
 * a subscription that comes or goes makes all lists be found again, and a publication under way goes on with its own.
 */
export class Broker implements Topics {
  readonly #patterns = new PatternTrie<Entry>();
  readonly #byActor = new Map<ActorRef, Set<Entry>>();
  #groups = new Map<string, readonly Group[]>();

  /** Topics whose subscribers are kept at hand. */
  get keptTopics(): number {
    return this.#groups.size;
  }

  /** Subscriptions there are. */
  get subscriptions(): number {
    let count = 0;
    for (const entries of this.#byActor.values()) count += entries.size;
    return count;
  }

  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number {
    const groups = this.#groups.get(topic) ?? this.#find(topic);
    let taken = 0;
    for (const { inlets, header } of groups) {
      const [first] = inlets as [TopicInlet];
      const sent = sender === undefined ? header : first.header(topic, sender);
      for (const inlet of inlets) if (inlet.post(payload, sent)) taken++;
    }
    return taken;
  }

  subscribe(pattern: string, ref: ActorRef, op: string | undefined): Subscription {
    const entry: Entry = { segments: parsePattern(pattern), place: -1, pattern, ref, inlet: topicInlet(ref, op) };
    this.#patterns.add(entry);
    const entries = this.#byActor.get(ref) ?? new Set();
    this.#byActor.set(ref, entries.add(entry));
    this.#forgetGroups();
    return { pattern, cancel: () => this.#cancel(entry) };
  }

  forget(ref: ActorRef): void {
    for (const entry of this.#byActor.get(ref) ?? []) this.#patterns.remove(entry);
    if (this.#byActor.delete(ref)) this.#forgetGroups();
  }

  #cancel(entry: Entry): void {
    const entries = this.#byActor.get(entry.ref);
    if (entries?.delete(entry) !== true) return;
    if (entries.size === 0) this.#byActor.delete(entry.ref);
    this.#patterns.remove(entry);
    this.#forgetGroups();
  }

  #forgetGroups(): void {
    if (this.#groups.size > 0) this.#groups = new Map();
  }

  #find(topic: string): readonly Group[] {
    const inlets = new Map<string, TopicInlet>();
    for (const { inlet } of this.#patterns.match(parseTopic(topic))) inlets.set(inlet.key, inlet);
    const groups = new Map<unknown, Group>();
    for (const inlet of inlets.values()) {
      const group = groups.get(inlet.form);
      if (group !== undefined) group.inlets.push(inlet);
      else groups.set(inlet.form, { inlets: [inlet], header: inlet.header(topic, undefined) });
    }
    const found = [...groups.values()];
    if (this.#groups.size >= KEPT_TOPICS_MAX) this.#groups.delete(this.#groups.keys().next().value as string);
    this.#groups.set(topic, found);
    return found;
  }
}
