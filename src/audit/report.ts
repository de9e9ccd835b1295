import { readAudit } from './read.ts';
import type { AuditRecord } from './record.ts';

/** Rules, and denials, that are reported of one component; what is beyond is counted together. */
const LISTED_MAX = 1_000;

/** One thing that a component may do, and how often it did. */
export interface RuleUse {
  readonly action: string;
  /** The grant, as a line of `troupe.toml`. */
  readonly rule: string;
  count: number;
  /** RFC 3339; absent: never. */
  lastTime?: string;
}

/** What a component was denied, or would have been. */
export interface DenialCount {
  readonly action: string;
  readonly resource: string;
  /** `would-deny`: it was observed, and let through. */
  readonly outcome: 'deny' | 'would-deny';
  count: number;
  lastTime: string;
}

/** What a component was granted when it started last, and did since the log begins. */
export interface ComponentReport {
  readonly component: string;
  revision: string | undefined;
  readonly granted: RuleUse[];
  readonly denied: DenialCount[];
  /** Of limits, how often it ran into them. */
  readonly limits: Record<string, number>;
}

/** What a log says in sum. */
export interface UseReport {
  readonly records: number;
  /** Times of the first record and of the last. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  /** Events that could not be put on record. */
  readonly lost: number;
  /** Lines that are not as they were written: verify the log. */
  readonly damaged: number;
  readonly components: readonly ComponentReport[];
}

/**
 * Sums up a log: for each component what it was granted, what of it it used and what it never did, what it was denied, and which
 * limits it ran into.
 *
 * @throws {RuntimeError} (rejects) as {@link readAudit}.
 */
export async function reportAudit(
  directory: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<UseReport> {
  const sums = new Map<string, Sum>();
  let [records, damaged, lost] = [0, 0, 0];
  let first: AuditRecord | undefined;
  let last: AuditRecord | undefined;
  for await (const { record, isWhole } of readAudit(directory)) {
    signal?.throwIfAborted();
    if (record === undefined) {
      if (isWhole) damaged++;
      continue;
    }
    records++;
    first ??= record;
    last = record;
    if (record.action === 'log.lost') lost += record.count ?? 1;
    sumOf(sums, record)?.take(record);
  }
  const components = [...sums.values()].map((sum) => sum.report);
  return { records, since: first?.time, until: last?.time, lost, damaged, components };
}

function sumOf(sums: Map<string, Sum>, { component }: AuditRecord): Sum | undefined {
  if (component === undefined) return undefined;
  const known = sums.get(component) ?? new Sum(component);
  sums.set(component, known);
  return known;
}

/** What is summed up of one component. */
class Sum {
  readonly report: ComponentReport;
  /** By action and rule, over all starts. */
  readonly #uses = new Map<string, RuleUse>();
  readonly #denials = new Map<string, DenialCount>();

  constructor(component: string) {
    this.report = { component, revision: undefined, granted: [], denied: [], limits: Object.create(null) };
  }

  take(record: AuditRecord): void {
    const { kind, action, outcome, rule = '' } = record;
    if (kind === 'lifecycle' && action === 'component.up') {
      this.report.revision = record.revision;
      this.report.granted.length = 0;
    } else if (kind === 'grant') {
      if (outcome === 'done') this.#grant(action, rule);
    } else if (kind === 'capability' && outcome === 'allow') this.#use(record);
    else if (kind === 'capability') this.#deny(record);
    else if (kind === 'limit') this.report.limits[rule] = (this.report.limits[rule] ?? 0) + (record.count ?? 1);
  }

  #grant(action: string, rule: string): void {
    const use = this.#useOf(action, rule);
    if (use !== undefined && !this.report.granted.includes(use)) this.report.granted.push(use);
  }

  #use({ action, rule = '', count = 1, time }: AuditRecord): void {
    const use = this.#useOf(action, rule);
    if (use === undefined) return;
    use.count += count;
    use.lastTime = time;
  }

  #useOf(action: string, rule: string): RuleUse | undefined {
    const key = `${action}\n${rule}`;
    const known = this.#uses.get(key);
    if (known !== undefined || this.#uses.size >= LISTED_MAX) return known;
    const use = { action, rule, count: 0 };
    this.#uses.set(key, use);
    return use;
  }

  #deny({ action, resource = '', outcome: become, count = 1, time }: AuditRecord): void {
    const outcome = become === 'would-deny' ? become : 'deny';
    const isFull = this.#denials.size >= LISTED_MAX && !this.#denials.has(`${outcome}\n${action}\n${resource}`);
    const shown = isFull ? '…' : resource;
    const key = `${outcome}\n${action}\n${shown}`;
    const denial = this.#denials.get(key) ?? { action, resource: shown, outcome, count: 0, lastTime: time };
    if (!this.#denials.has(key)) {
      this.#denials.set(key, denial);
      this.report.denied.push(denial);
    }
    denial.count += count;
    denial.lastTime = time;
  }
}
