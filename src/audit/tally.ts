import type { Clock, TimerHandle } from '../time/index.ts';
import type { AuditEvent } from './record.ts';

/** Milliseconds in which events that are alike become one record, after the first. */
const WINDOW_MS = 10_000;
/** Different events that are counted at a time; beyond, they are counted without what they were done to. */
const KINDS_MAX = 4_096;

/** Where events go. */
export interface AuditSink {
  note(event: AuditEvent): void;
}

interface Count {
  readonly event: AuditEvent;
  count: number;
  sinceMs: number;
}

/**
 * Puts the first of many events that are alike on record at once, and the rest as a number every ten seconds: a guest that is
 * denied a million times fills no disk.
 *
 * Alike are events of the same kind, action, outcome, component, actor, resource and rule.
 */
export class AuditTally {
  readonly #sink: AuditSink;
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();
  #timer: TimerHandle | undefined;

  constructor(sink: AuditSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  note(event: AuditEvent): void {
    const known = this.#counts.get(keyOf(event));
    if (known !== undefined) this.#add(known);
    else if (this.#counts.size < KINDS_MAX) this.#begin(event);
    else this.#overflow(event);
  }

  /** Puts on record what was only counted so far. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    for (const { event, count, sinceMs } of counts) if (count > 0) this.#sink.note({ ...event, count, sinceMs });
  }

  #begin(event: AuditEvent): void {
    this.#sink.note(event);
    this.#count(keyOf(event), event);
  }

  /** Too many different ones: as if one actor of the component did it all to the same. There are few components and actions. */
  #overflow({ kind, action, outcome, component }: AuditEvent): void {
    const event = { kind, action, outcome, component, resource: '…' };
    this.#add(this.#counts.get(keyOf(event)) ?? this.#count(keyOf(event), event));
  }

  #count(key: string, event: AuditEvent): Count {
    const count = { event, count: 0, sinceMs: 0 };
    this.#counts.set(key, count);
    this.#timer ??= this.#clock.after(WINDOW_MS, () => this.flush());
    return count;
  }

  #add(known: Count): void {
    if (known.count === 0) known.sinceMs = this.#clock.wallMs();
    known.count++;
  }
}

function keyOf({ kind, action, outcome, component, actor, resource, rule }: AuditEvent): string {
  return [kind, action, outcome, component, actor, resource, rule].join('\n');
}
