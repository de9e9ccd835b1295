import { hash } from 'node:crypto';

/** What a record is about. `log`: the log itself. */
export type AuditKind = 'log' | 'lifecycle' | 'grant' | 'capability' | 'limit' | 'operator' | 'rollout';

/** What became of it. `would-deny`: it was let through, and would not be if the grants were enforced. */
export type AuditOutcome = 'allow' | 'deny' | 'would-deny' | 'done' | 'failed';

/** Something that has to be on record. Texts may be a guest's: they are cut to {@link TEXT_MAX} characters. */
export interface AuditEvent {
  readonly kind: AuditKind;
  /** What was done, or tried: `filesystem.read`, `actor.restarted`, `grant.added`. */
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** Name of the actor that it is about, or that did it. */
  readonly actor?: string | undefined;
  readonly component?: string | undefined;
  readonly revision?: string | undefined;
  /** The operator, where one did it. */
  readonly principal?: string | undefined;
  /** What it was done to. */
  readonly resource?: string | undefined;
  /** The rule that decided: the line of the grants, or the limit. */
  readonly rule?: string | undefined;
  readonly reason?: string | undefined;
  readonly traceId?: string | undefined;
  /** How many alike this record stands for; default 1. */
  readonly count?: number | undefined;
  /** When the first of them was, in milliseconds since 1970. */
  readonly sinceMs?: number | undefined;
  /** What else is to be known; at most {@link DETAILS_MAX} members. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** One line of the log. */
export interface AuditRecord extends AuditEvent {
  /** 1 for the first record of the log; each has one more than the one before. */
  readonly seq: number;
  /** RFC 3339, in UTC, to the millisecond. */
  readonly time: string;
  /** The `hash` of the record before; of the first one {@link NO_HASH}. */
  readonly prev: string;
  /** SHA-256 of the line without this member, in lower-case hexadecimal. */
  readonly hash: string;
}

/** Where a chain begins. */
export const NO_HASH = '0'.repeat(64);

/** Characters of each text. Chosen: a path of the largest length that people see, and a line of 8 KB at most. */
const TEXT_MAX = 1_024;

/** Members of `details`. */
const DETAILS_MAX = 8;

/** Bytes of a line, at most: every character of every text escaped, and room for the rest. */
export const LINE_BYTES_MAX = 262_144;

/** Ends a line: `,"hash":"…"}`. */
const HASH_MEMBER = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s;

const KEYS = [
  'kind',
  'action',
  'outcome',
  'actor',
  'component',
  'revision',
  'principal',
  'resource',
  'rule',
  'reason',
  'traceId',
  'count',
  'sinceMs',
  'details',
] as const satisfies readonly (keyof AuditEvent)[];

/** Where in the chain a record stands. */
export interface Place {
  readonly seq: number;
  readonly prev: string;
}

/** The part of a record that does not depend on where it stands: a text of its own, that holds on to nothing of the event. */
export function describeEvent(event: AuditEvent, wallMs: number): string {
  const record: Record<string, unknown> = { time: new Date(wallMs).toISOString() };
  for (const key of KEYS) {
    const value = event[key];
    if (value !== undefined) record[key] = plain(value);
  }
  return JSON.stringify(record).slice(1, -1);
}

/**
 * Writes one record as a line, without line feed. The hash is of exactly the bytes that are written, so that nobody has to
 * agree on how JSON is spelt.
 */
export function sealRecord(described: string, { seq, prev }: Place): { line: string; hash: string } {
  const body = `{"seq":${seq},${described},"prev":"${prev}"`;
  const digest = hash('sha256', `${body}}`);
  return { line: `${body},"hash":"${digest}"}`, hash: digest };
}

/** Reads one line; `undefined` if it is none, or its hash is not that of its text. */
export function decodeRecord(line: string): AuditRecord | undefined {
  const [, body, digest] = HASH_MEMBER.exec(line) ?? [];
  if (body === undefined || hash('sha256', `${body}}`) !== digest) return undefined;
  try {
    const record = JSON.parse(line) as AuditRecord;
    const isWhole =
      Number.isSafeInteger(record.seq) && typeof record.time === 'string' && typeof record.prev === 'string';
    return isWhole && typeof record.kind === 'string' && typeof record.action === 'string' ? record : undefined;
  } catch {
    // The hash can be right of what is no JSON: anybody can make one.
    return undefined;
  }
}

function plain(value: string | number | NonNullable<AuditEvent['details']>): unknown {
  if (typeof value === 'string') return shorten(value);
  if (typeof value === 'number') return value;
  const members = Object.entries(value).slice(0, DETAILS_MAX);
  return Object.fromEntries(
    members.map(([key, item]) => [shorten(key), typeof item === 'string' ? shorten(item) : item]),
  );
}

/** Cut between characters, never inside of one; what is no well-formed text is made so, for whoever reads the file. */
export function shorten(text: string): string {
  const whole = text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;
  return whole.isWellFormed() ? whole : whole.toWellFormed();
}
