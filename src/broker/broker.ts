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

type Route = readonly [inlet: TopicInlet, header: ReturnType<TopicInlet['header']>];

/**
 * Who gets what is published. The subscribers of a topic are found once, then kept as a dense list that is never changed:
 * a subscription that comes or goes makes all lists be found again, and a publication under way goes on with its own.
 */
export class Broker implements Topics {
  readonly #patterns = new PatternTrie<Entry>();
  readonly #byActor = new Map<ActorRef, Set<Entry>>();
  #routes = new Map<string, readonly Route[]>();

  /** Topics whose subscribers are kept at hand. */
  get keptTopics(): number {
    return this.#routes.size;
  }

  /** Subscriptions there are. */
  get subscriptions(): number {
    let count = 0;
    for (const entries of this.#byActor.values()) count += entries.size;
    return count;
  }

  publish(topic: string, payload: unknown, sender: ActorRef | undefined): number {
    const routes = this.#routes.get(topic) ?? this.#find(topic);
    let taken = 0;
    for (const [inlet, header] of routes) {
      if (inlet.post(payload, sender === undefined ? header : inlet.header(topic, sender))) taken++;
    }
    return taken;
  }

  subscribe(pattern: string, ref: ActorRef, op: string | undefined): Subscription {
    const entry: Entry = { segments: parsePattern(pattern), place: -1, pattern, ref, inlet: topicInlet(ref, op) };
    this.#patterns.add(entry);
    const entries = this.#byActor.get(ref) ?? new Set();
    this.#byActor.set(ref, entries.add(entry));
    this.#forgetRoutes();
    return { pattern, cancel: () => this.#cancel(entry) };
  }

  forget(ref: ActorRef): void {
    for (const entry of this.#byActor.get(ref) ?? []) this.#patterns.remove(entry);
    if (this.#byActor.delete(ref)) this.#forgetRoutes();
  }

  #cancel(entry: Entry): void {
    const entries = this.#byActor.get(entry.ref);
    if (entries?.delete(entry) !== true) return;
    if (entries.size === 0) this.#byActor.delete(entry.ref);
    this.#patterns.remove(entry);
    this.#forgetRoutes();
  }

  #forgetRoutes(): void {
    if (this.#routes.size > 0) this.#routes = new Map();
  }

  #find(topic: string): readonly Route[] {
    const inlets = new Map<string, TopicInlet>();
    for (const { inlet } of this.#patterns.match(parseTopic(topic))) inlets.set(inlet.key, inlet);
    const routes = Array.from(inlets.values(), (inlet): Route => [inlet, inlet.header(topic, undefined)]);
    if (this.#routes.size >= KEPT_TOPICS_MAX) this.#routes.delete(this.#routes.keys().next().value as string);
    this.#routes.set(topic, routes);
    return routes;
  }
}
