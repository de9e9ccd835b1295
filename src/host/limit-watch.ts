import { SharedCount } from '../collections/index.ts';
import type { GrowRefusal } from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import { type Breach, type Guest, reportLimit } from '../wasi/index.ts';
import type { PlacedShare } from './component-share.ts';
import { LIMIT_NAMES, LIMITS, type LimitKey, type LimitName } from './limits.ts';

/** Milliseconds between two reports of one limit of one actor: who runs into it in a loop is told of once a second. */
const REPORT_EVERY_MS = 1_000;

/** A limit that an actor has run into, once or more often. */
export interface LimitBreach extends Breach {
  /** How often since the last report. */
  readonly times: number;
}

/** What is known of one limit of one actor. */
interface Count {
  total: number;
  /** Not reported yet. */
  pending: number;
  last: Breach;
  /** Since the last report less than {@link REPORT_EVERY_MS} have passed. */
  isQuiet: boolean;
}

/** Counts how often one actor runs into its limits, over all of its incarnations, and reports it at a bounded rate. */
export class LimitWatch {
  readonly #clock: Clock;
  readonly #report: (breach: LimitBreach) => void;
  /** By limit: as many as there are kinds. */
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock, report: (breach: LimitBreach) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /** How often the actor has run into `limit`. */
  total(limit: string): number {
    return this.#counts.get(limit)?.total ?? 0;
  }

  note(breach: Breach): void {
    let count = this.#counts.get(breach.limit);
    if (count === undefined) {
      count = { total: 0, pending: 0, last: breach, isQuiet: false };
      this.#counts.set(breach.limit, count);
    }
    count.total++;
    count.pending++;
    count.last = breach;
    if (!count.isQuiet) this.#tell(count);
  }

  #tell(count: Count): void {
    const times = count.pending;
    count.pending = 0;
    count.isQuiet = true;
    this.#clock.after(REPORT_EVERY_MS, () => {
      count.isQuiet = false;
      if (count.pending > 0) this.#tell(count);
    });
    this.#report({ ...count.last, times });
  }
}

/** Reports that a guest may have no more memory. */
export function reportRefusal({ hasBytes, moreBytes, limitBytes }: GrowRefusal, guest: unknown): void {
  reportLimit(guest as Guest, { limit: 'memory', limitValue: limitBytes, used: hasBytes + moreBytes });
}

/** The limit that a guest has ended by; undefined if it was something else. */
export function breachOf({ code, details }: RuntimeError): Breach | undefined {
  if (code === 'COMPONENT_DEADLINE') return { limit: 'deadline', ...numbers(details, 'deadlineMs') };
  if (code !== 'COMPONENT_FUEL' && code !== 'COMPONENT_LIMIT' && code !== 'COMPONENT_TRAPPED') return undefined;
  const { limit } = details;
  // That was told when it was refused.
  if (limit === 'memory') return undefined;
  return typeof limit === 'string' ? { limit, ...numbers(details, 'limitValue') } : undefined;
}

function numbers(details: Readonly<Record<string, unknown>>, name: string): Omit<Breach, 'limit'> {
  const limitValue = details[name];
  const { used } = details;
  const value = typeof limitValue === 'number' ? limitValue : 0;
  return { limitValue: value, used: typeof used === 'number' ? used : value };
}

/** One limit of one actor. */
export interface LimitUse {
  /** As it is called in `[limits]`. */
  readonly limit: LimitKey;
  /** `Infinity`: none. */
  readonly limitValue: number;
  /** How much of it is used now; of fuel, by the last message. Absent: it is not known. */
  readonly used?: number;
  /** How often the actor ran into it. */
  readonly breaches: number;
}

/** What an actor uses now, where that is known. */
export type UsedNow = Readonly<Partial<Record<LimitKey, number | undefined>>>;

/** Every limit of one actor, in the order of the table. */
export function limitUses(
  ...[bounds, used, watch]: [Readonly<Record<LimitName, number>>, UsedNow, LimitWatch | undefined]
): readonly LimitUse[] {
  return LIMIT_NAMES.map((name) => {
    const limit = LIMITS[name].key;
    const now = used[limit];
    const limitValue = name === 'deadlineMs' && bounds[name] === 0 ? Number.POSITIVE_INFINITY : bounds[name];
    return { limit, limitValue, ...(now !== undefined && { used: now }), breaches: watch?.total(limit) ?? 0 };
  });
}

/** The incarnations that a component may have at once. */
export class InstanceRoom {
  readonly #max: number;
  readonly #count: SharedCount;

  /** @param share With those on other threads, if there are any. */
  constructor(max: number, share?: PlacedShare) {
    this.#max = max;
    this.#count = share === undefined ? new SharedCount() : new SharedCount(share.instances, share.place);
  }

  /** Of all threads. */
  get taken(): number {
    return this.#count.total;
  }

  /** Of this one. */
  get own(): number {
    return this.#count.own;
  }

  enter(): void {
    this.#count.add(1);
    const used = this.taken - 1;
    if (used < this.#max) return;
    this.#count.add(-1);
    const text = `Cannot make another instance: the component has ${used}; raise "instances" in [limits] if it should`;
    throw new RuntimeError('COMPONENT_LIMIT', text, { details: { limit: 'instances', limitValue: this.#max, used } });
  }

  leave(): void {
    this.#count.add(-1);
  }
}
