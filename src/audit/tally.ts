import type { Clock, TimerHandle } from '../time/index.ts';
import { type AuditEvent, shorten } from './record.ts';
import type { AuditSink } from './sink.ts';

/** Milliseconds in which events that are alike become one record, after those that are put down singly. */
const WINDOW_MS = 30_000;
/** Different events that are counted at a time; beyond, they are counted without who did it to what. */
const ENTRIES_MAX = 256;

interface Entry {
  readonly event: AuditEvent;
  /** How many more are put on record singly in this window. */
  single: number;
  count: number;
  sinceMs: number;
}

/**
 * Puts the first of many events that are alike on record at once, and the rest as a number every half a minute: a component
 * that does the same a million times, or is denied it, fills no disk. Make one for each component, so that none hides
 * another's.
 *
 * Alike are events of the same kind, action, outcome, actor, resource and rule.
 */
export class AuditTally {
  readonly #sink: AuditSink;
  readonly #clock: Clock;
  /** At most {@link ENTRIES_MAX}, and those that stand for the rest: one for each action, outcome and rule. */
  readonly #entries = new Map<string, Entry>();
  #timer: TimerHandle | undefined;

  constructor(sink: AuditSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  /** @param singly How many of a kind are put on record one by one in a window. */
  note(event: AuditEvent, singly = 1): void {
    const key = keyOf(event);
    const entry = this.#entries.get(key) ?? this.#begin(key, event, singly);
    if (entry.single > 0) {
      entry.single--;
      this.#sink.note(event);
      return;
    }
    this.#add(entry, event.count ?? 1);
  }

  /**
   * As {@link note}, for what happens a million times: the event is made for the first of them alone.
   *
   * @param key The same for all that are alike, and for nothing else.
   */
  count(key: string, make: () => AuditEvent): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#add(entry, 1);
      return;
    }
    const event = make();
    const begun = this.#begin(key, event, 0);
    if (this.#entries.get(key) === begun) this.#sink.note(event);
    else this.#add(begun, 1);
  }

  /** Puts on record what was only counted so far. */
  flush(): void {
    for (const { event, count, sinceMs } of this.#entries.values())
      if (count > 0) this.#sink.note({ ...event, count, sinceMs });
    this.#entries.clear();
    this.#sink.counting.delete(this);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #begin(key: string, event: AuditEvent, single: number): Entry {
    if (this.#entries.size < ENTRIES_MAX) return this.#enter(key, event, single);
    // Of these there are few, for none of it is a guest's.
    const { kind, action, outcome, component, revision, rule } = event;
    const rest = { kind, action, outcome, component, revision, rule, resource: '…' };
    const restKey = keyOf(rest);
    return this.#entries.get(restKey) ?? this.#enter(restKey, rest, 0);
  }

  #add(entry: Entry, count: number): void {
    if (entry.count === 0) entry.sinceMs = this.#clock.wallMs();
    entry.count += count;
  }

  #enter(key: string, event: AuditEvent, single: number): Entry {
    const resource = event.resource === undefined ? undefined : shorten(event.resource);
    const entry = { event: { ...event, resource, count: undefined }, single, count: 0, sinceMs: 0 };
    this.#entries.set(key, entry);
    this.#sink.counting.add(this);
    this.#timer ??= this.#clock.after(WINDOW_MS, () => this.#turn());
    return entry;
  }

  /** Ends a window. What was counted goes on being counted; what was not begins anew, when it comes again. */
  #turn(): void {
    this.#timer = undefined;
    for (const [key, entry] of this.#entries) {
      if (entry.count === 0) {
        this.#entries.delete(key);
        continue;
      }
      this.#sink.note({ ...entry.event, count: entry.count, sinceMs: entry.sinceMs });
      entry.count = 0;
    }
    if (this.#entries.size === 0) this.#sink.counting.delete(this);
    else this.#timer = this.#clock.after(WINDOW_MS, () => this.#turn());
  }
}

/** A guest's text may be long: as far as it is on record, it counts. */
function keyOf({ kind, action, outcome, actor, resource, rule }: AuditEvent): string {
  const what = resource === undefined ? '' : shorten(resource);
  return `${kind}\n${action}\n${outcome}\n${actor ?? ''}\n${rule ?? ''}\n${what}`;
}
