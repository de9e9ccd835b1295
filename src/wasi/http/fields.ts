import { RuntimeError } from '../../errors/index.ts';
import { type Err, err, type Guest, OK, type Ok } from '../guest/index.ts';
import type { RawHeaders } from './exchange.ts';
import { isFieldValue, isForbidden, isToken } from './field-rules.ts';
import { FIELD_OVERHEAD_BYTES, FIELDS_BYTES_MAX, FIELDS_MAX } from './limits.ts';
import { HTTP_USE } from './use.ts';

/** WIT's `header-error`. */
export type HeaderError = { readonly tag: 'invalid-syntax' | 'forbidden' | 'immutable'; readonly val?: undefined };

export type HeaderResult = Ok<undefined> | Err<HeaderError>;

const refusal = (tag: HeaderError['tag']): Err<HeaderError> => Object.freeze(err(Object.freeze({ tag })));

export const INVALID_SYNTAX = refusal('invalid-syntax');
const FORBIDDEN = refusal('forbidden');
const IMMUTABLE = refusal('immutable');

/** A name and a value, as `fields.entries` gives them and `fields.from-list` takes them. */
export type FieldEntry = readonly [name: string, value: Uint8Array];

/**
 * The `fields` resource: headers or trailers. Kept as the flat list that servers and clients use, so that fields that
 * only pass through are never taken apart. Those that came from outside are immutable and share the list; a list of the
 * guest's own is counted.
 */
export class Fields {
  readonly guest: Guest;
  private list: string[];
  private mutable: boolean;
  /** What of the guest's allowance this list takes. */
  private countedBytes: number;

  /** @param list Of immutable fields, shared from then on. Without it: none yet, mutable. */
  constructor(guest: Guest, list?: RawHeaders) {
    guest.hold();
    this.guest = guest;
    // An immutable list is never written to.
    this.list = (list ?? []) as string[];
    this.mutable = list === undefined;
    this.countedBytes = 0;
  }

  get(name: string): Uint8Array[] {
    const values: Uint8Array[] = [];
    this.chargeLook();
    const wanted = name.toLowerCase();
    for (let at = 0; at < this.list.length; at += 2) if (this.isNamed(at, wanted)) values.push(this.valueAt(at));
    return values;
  }

  has(name: string): boolean {
    this.chargeLook();
    const wanted = name.toLowerCase();
    for (let at = 0; at < this.list.length; at += 2) if (this.isNamed(at, wanted)) return true;
    return false;
  }

  /** Replaces all values of `name`: by none, if there are none. */
  set(name: string, values: readonly Uint8Array[]): HeaderResult {
    const refused = this.refusalOf(name);
    if (refused !== undefined) return refused;
    const texts = values.map(toText);
    if (!texts.every(isFieldValue)) return INVALID_SYNTAX;
    this.remove(name);
    for (const text of texts) this.add(name, text);
    return OK;
  }

  delete(name: string): HeaderResult {
    const refused = this.refusalOf(name);
    if (refused !== undefined) return refused;
    this.remove(name);
    return OK;
  }

  append(name: string, value: Uint8Array): HeaderResult {
    const refused = this.refusalOf(name);
    if (refused !== undefined) return refused;
    const text = toText(value);
    if (!isFieldValue(text)) return INVALID_SYNTAX;
    this.add(name, text);
    return OK;
  }

  entries(): FieldEntry[] {
    const entries: FieldEntry[] = [];
    for (let at = 0; at < this.list.length; at += 2) entries.push([this.list[at] as string, this.valueAt(at)]);
    return entries;
  }

  /** A copy that is mutable. */
  clone(): Fields {
    const copy = new Fields(this.guest);
    this.chargeLook();
    for (let at = 0; at < this.list.length; at += 2) copy.add(this.list[at] as string, this.list[at + 1] as string);
    return copy;
  }

  /**
   * Gives the list to a message that the guest makes: the resource is gone, and its list never changes again. It counts
   * until the message calls {@link forget}.
   */
  consume(): RawHeaders {
    this.guest.release();
    this.mutable = false;
    return this.list;
  }

  forget(): void {
    this.count(-this.countedBytes);
  }

  /** Gives the list to somebody who needs it at once. */
  take(): RawHeaders {
    this.forget();
    return this.consume();
  }

  drop(): void {
    this.guest.release();
    this.forget();
  }

  private refusalOf(name: string): Err<HeaderError> | undefined {
    if (!this.mutable) return IMMUTABLE;
    if (!isToken(name)) return INVALID_SYNTAX;
    return isForbidden(name) ? FORBIDDEN : undefined;
  }

  /** Every field is looked at. */
  private chargeLook(): void {
    this.guest.charge('field', this.list.length / 2);
  }

  private isNamed(at: number, lowerName: string): boolean {
    const name = this.list[at] as string;
    return name.length === lowerName.length && (name === lowerName || name.toLowerCase() === lowerName);
  }

  private valueAt(at: number): Uint8Array {
    return Buffer.from(this.list[at + 1] as string, 'latin1');
  }

  private add(name: string, value: string): void {
    const bytes = costOf(name, value);
    if (this.list.length >= 2 * FIELDS_MAX || this.countedBytes + bytes > FIELDS_BYTES_MAX) throw tooLarge();
    this.count(bytes);
    this.list.push(name, value);
  }

  private remove(name: string): void {
    if (!this.has(name)) return;
    const wanted = name.toLowerCase();
    const kept: string[] = [];
    for (let at = 0; at < this.list.length; at += 2) {
      const value = this.list[at + 1] as string;
      if (this.isNamed(at, wanted)) this.count(-costOf(name, value));
      else kept.push(this.list[at] as string, value);
    }
    this.list = kept;
  }

  private count(bytes: number): void {
    if (bytes === 0 || this.guest.disposed) return;
    this.guest.part(HTTP_USE).addFieldsBytes(bytes);
    this.countedBytes += bytes;
  }
}

function costOf(name: string, value: string): number {
  return name.length + value.length + FIELD_OVERHEAD_BYTES;
}

function toText(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
}

function tooLarge(): RuntimeError {
  return new RuntimeError(
    'COMPONENT_LIMIT',
    `Cannot add a header field: one list may have ${FIELDS_MAX} fields and ${FIELDS_BYTES_MAX} bytes`,
    { details: { limit: 'fields', fieldsMax: FIELDS_MAX, bytesMax: FIELDS_BYTES_MAX } },
  );
}
