import { ANY_SEGMENT, REST } from './topic.ts';

/** One entry that a trie holds; it knows its place, so that taking it out is O(1). */
export interface TrieEntry {
  readonly segments: readonly string[];
  /** The trie's. */
  place: number;
}

class TrieNode<E> {
  readonly children = new Map<string, TrieNode<E>>();
  /** Entries whose pattern ends here. Dense, in no order. */
  readonly entries: E[] = [];

  get isEmpty(): boolean {
    return this.children.size === 0 && this.entries.length === 0;
  }
}

/**
 * Patterns by segment. A topic's segment leads to the child of that name and to `*`; `>` takes all that is left.
 *
 * ```
 *   root ─ lines ─┬─ * ─── (lines.*)
 *                 └─ a ─── (lines.a)
 *        └ > ───────────── (>)
 * ```
 */
export class PatternTrie<E extends TrieEntry> {
  readonly #root = new TrieNode<E>();

  get isEmpty(): boolean {
    return this.#root.isEmpty;
  }

  add(entry: E): void {
    let node = this.#root;
    for (const segment of entry.segments) {
      let child = node.children.get(segment);
      if (child === undefined) {
        child = new TrieNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    entry.place = node.entries.length;
    node.entries.push(entry);
  }

  /** Takes out an entry that is in it. */
  remove(entry: E): void {
    const path = [this.#root];
    for (const segment of entry.segments) path.push((path.at(-1) as TrieNode<E>).children.get(segment) as TrieNode<E>);
    const { entries } = path.at(-1) as TrieNode<E>;
    const last = entries.pop() as E;
    if (last !== entry) {
      entries[entry.place] = last;
      last.place = entry.place;
    }
    // Branches that lead nowhere are cut, so that patterns that come and go leave nothing behind.
    for (let depth = path.length - 1; depth > 0 && (path[depth] as TrieNode<E>).isEmpty; depth--) {
      (path[depth - 1] as TrieNode<E>).children.delete(entry.segments[depth - 1] as string);
    }
  }

  /** Every entry whose pattern matches. Looks at no more nodes than the trie has. */
  match(topic: readonly string[]): E[] {
    const found: E[] = [];
    collect(this.#root, { topic, found }, 0);
    return found;
  }
}

/** What is collected, along which topic. */
interface Search<E> {
  readonly topic: readonly string[];
  readonly found: E[];
}

function collect<E>(node: TrieNode<E>, search: Search<E>, depth: number): void {
  const { topic, found } = search;
  const segment = topic[depth];
  if (segment === undefined) {
    for (const entry of node.entries) found.push(entry);
    return;
  }
  for (const entry of node.children.get(REST)?.entries ?? []) found.push(entry);
  for (const name of [segment, ANY_SEGMENT]) {
    const child = node.children.get(name);
    if (child !== undefined) collect(child, search, depth + 1);
  }
}
