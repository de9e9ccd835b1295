import { RuntimeError } from '../errors/index.ts';
import { open, seal } from './record.ts';

/** By version: makes a state of that version into one of the next. */
export type Migrations = Readonly<Record<number, (saved: never) => unknown>>;

/** Whose state it is, and what it is like. */
export interface StateOwner {
  /** Name of the actor, for messages. */
  readonly actor: string;
  /** Name of its protocol or type, with or without `@version`. */
  readonly type: string;
  /** Version of the state's shape. */
  readonly version: number;
}

/** What is kept. */
export interface StateRecord {
  readonly type: string;
  readonly version: number;
  readonly state: unknown;
}

/**
 * Makes a record of a state.
 *
 * @throws {RuntimeError} `STATE_INVALID` — it cannot be made into bytes, or into too many.
 */
export function packState(owner: StateOwner, state: unknown, maxBytes: number): Uint8Array {
  const { actor, version } = owner;
  let record: Uint8Array;
  try {
    assertData(state);
    record = seal({ type: withoutVersion(owner.type), version, state } satisfies StateRecord);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `Cannot keep the state of "${actor}": ${why}; keep plain data, by "durable.snapshot"`;
    throw new RuntimeError('STATE_INVALID', text, { details: { actor }, cause });
  }
  if (record.length <= maxBytes) return record;
  const text = `Cannot keep the state of "${actor}": it has ${record.length} bytes, at most ${maxBytes} are kept`;
  throw new RuntimeError('STATE_INVALID', text, { details: { actor, bytes: record.length, maxBytes } });
}

/** What would come back as something else than it was. Looks at the state itself, not at what is in it. */
function assertData(state: unknown): void {
  if (typeof state !== 'object' || state === null || Array.isArray(state)) return;
  const prototype = Object.getPrototypeOf(state);
  if (prototype === null || prototype === Object.prototype) return;
  const { name } = prototype.constructor ?? {};
  if (isNative(state)) return;
  throw new TypeError(`it is an instance of "${name}", whose methods would not come back`);
}

function isNative(state: object): boolean {
  const kinds = [Map, Set, Date, RegExp, ArrayBuffer, Error, Boolean, Number, String, BigInt];
  return ArrayBuffer.isView(state) || kinds.some((kind) => state instanceof kind);
}

/**
 * The state of a record, brought to the version of its owner.
 *
 * @throws {RuntimeError} `STATE_CORRUPT` — the record is damaged.
 * @throws {RuntimeError} `STATE_VERSION_UNKNOWN` — it is of a later version, of one that no migration leads from, or of
 *   another type of actor.
 * @throws What a migration throws.
 */
export function unpackState(owner: StateOwner, bytes: Uint8Array, migrations: Migrations = {}): unknown {
  const { actor, version } = owner;
  const record = openState(bytes);
  if (record === undefined) {
    const text = `Cannot restore "${actor}": its kept state is damaged; put back a copy of the store, or forget the state`;
    throw new RuntimeError('STATE_CORRUPT', text, { details: { actor } });
  }
  const type = withoutVersion(owner.type);
  if (record.type !== type) throw unknown(owner, record, `it is of an actor of type "${record.type}", not "${type}"`);
  if (record.version > version)
    throw unknown(owner, record, `it is of version ${record.version}, later than ${version}`);
  let { state } = record;
  for (let from = record.version; from < version; from++) {
    const migrate = migrations[from];
    if (migrate === undefined) throw unknown(owner, record, `there is no migration from version ${from}`);
    state = migrate(state as never);
    if (state instanceof Promise)
      throw new TypeError(`The migration from version ${from} returned a promise: it must not wait`);
  }
  return state;
}

/** What a record of a state says, whoever owns it; `undefined` if it is damaged. */
export function openState(bytes: Uint8Array): StateRecord | undefined {
  const record = open(bytes)?.value;
  return isStateRecord(record) ? record : undefined;
}

function unknown({ actor, version }: StateOwner, record: StateRecord, why: string): RuntimeError {
  return new RuntimeError('STATE_VERSION_UNKNOWN', `Cannot restore "${actor}" from its kept state: ${why}`, {
    details: { actor, kept: record.version, known: version },
  });
}

function isStateRecord(value: unknown): value is StateRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { type, version } = value as Partial<StateRecord>;
  return typeof type === 'string' && Number.isInteger(version);
}

/** What stays the same from one version of a protocol to the next. */
function withoutVersion(type: string): string {
  const at = type.lastIndexOf('@');
  return at <= 0 ? type : type.slice(0, at);
}
