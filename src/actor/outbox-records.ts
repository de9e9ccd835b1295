/** Messages as the store keeps them. */
import { open, seal } from '../durable/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { assertMessageId } from './deliveries.ts';
import type { KeptMessage } from './ports.ts';

/** Buckets of messages that are kept, and of the ids of those that were handled; keys are `<actor>/<id>`. */
export const OUTBOX_BUCKET = 'actors/outbox';
export const HANDLED_BUCKET = 'actors/handled';

/** Bytes of one message. Larger things are files. */
const MESSAGE_BYTES_MAX = 1_024 ** 2;
/** Entries of one request to the store: with the largest messages, what a request takes. */
export const PAGE = 15;
/** Messages of one write, and their bytes: what a request takes, less what it costs besides. */
export const WRITE_MAX = 1_024;
const WRITE_BYTES_MAX = 15 * 1_024 ** 2;
/** Begins the ids that are made here: none that is given has it. */
export const OWN = '~';

export interface MessageRecord {
  readonly op: string;
  readonly payload: unknown;
  /** The concrete topic, if it was published. */
  readonly topic?: string | undefined;
  readonly deliveries: number;
  /** When it was accepted, in milliseconds since 1970-01-01 UTC; absent: by an earlier version. */
  readonly atMs?: number;
}

/** A message as bytes, and for whom. */
export interface Sealed extends Pick<KeptMessage, 'to' | 'op' | 'id'> {
  readonly record: Uint8Array;
}

/** @throws {RangeError} An id is not well-formed. @throws {RuntimeError} `MESSAGE_UNSERIALIZABLE`. */
export function sealAll(messages: readonly KeptMessage[], atMs: number): Sealed[] {
  let last: { readonly message: KeptMessage; readonly record: Uint8Array } | undefined;
  return messages.map((message) => {
    const { to, op, id, payload, topic } = message;
    assertMessageId(id);
    // What is published to many is made into bytes once.
    const isSame = last?.message.op === op && last.message.payload === payload && last.message.topic === topic;
    const record = isSame && last !== undefined ? last.record : sealMessage(message, atMs);
    last = { message, record };
    return { to, op, id, record };
  });
}

function sealMessage({ to, op, payload, topic }: KeptMessage, atMs: number): Uint8Array {
  const details = { actor: to, op };
  let record: Uint8Array;
  try {
    record = seal({ op, payload, ...(topic !== undefined && { topic }), deliveries: 0, atMs } satisfies MessageRecord);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `Cannot keep "${op}" for "${to}": ${why}; send plain data`;
    throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { details, cause });
  }
  if (record.length <= MESSAGE_BYTES_MAX) return record;
  const text = `Cannot keep "${op}" for "${to}": it has ${record.length} bytes, at most ${MESSAGE_BYTES_MAX} are kept`;
  throw new RuntimeError('MESSAGE_UNSERIALIZABLE', text, { details });
}

/** Messages in parts, each of which one request of the store takes. */
export function inRequests<T extends { readonly bytes: number }>(deliveries: readonly T[]): T[][] {
  const parts: T[][] = [];
  let bytes = 0;
  for (const delivery of deliveries) {
    const part = parts.at(-1);
    bytes += delivery.bytes;
    if (part !== undefined && part.length < WRITE_MAX && bytes <= WRITE_BYTES_MAX) {
      part.push(delivery);
      continue;
    }
    parts.push([delivery]);
    bytes = delivery.bytes;
  }
  return parts;
}

/** What is in a record; `undefined`: it is damaged. */
export function messageOf(record: Uint8Array): MessageRecord | undefined {
  const message = open(record)?.value as Partial<MessageRecord> | null | undefined;
  if (typeof message?.op !== 'string' || !Number.isInteger(message.deliveries)) return undefined;
  return message as MessageRecord;
}

/** Names may have slashes, ids have none. */
export function actorOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

export function idOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

export function givenId(key: string): string | undefined {
  const id = idOf(key);
  return id.startsWith(OWN) ? undefined : id;
}

export function corrupt(keys: readonly string[]): RuntimeError {
  const shown = keys
    .slice(0, 3)
    .map((key) => `"${key}"`)
    .join(', ');
  const more = keys.length > 3 ? ` and ${keys.length - 3} more` : '';
  const text = `Cannot read the outbox: ${shown}${more} ${keys.length === 1 ? 'is' : 'are'} damaged; put back a copy of the store`;
  return new RuntimeError('OUTBOX_CORRUPT', text, { details: { damaged: keys.length } });
}
