import { Fields } from 'wasi:http/types@0.2.12';
import { decodeUtf8, encodeUtf8 } from './encoding.ts';

/** As they are written: by name, or as a list where a name may come more than once. */
export type HeadersInit = Readonly<Record<string, string>> | Iterable<readonly [name: string, value: string]> | Headers;

/** Header fields; names are lower case, and may come more than once. */
export class Headers implements Iterable<[name: string, value: string]> {
  readonly #entries: [name: string, value: string][] = [];

  constructor(init: HeadersInit = {}) {
    const entries = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of entries) this.append(name, value);
  }

  static fromWire(fields: Fields): Headers {
    return new Headers(fields.entries().map(([name, value]) => [name, decodeUtf8(value)]));
  }

  toWire(): Fields {
    return Fields.fromList(this.#entries.map(([name, value]) => [name, encodeUtf8(value)]));
  }

  /** All values of a name, joined with a comma; `null` if there is none. */
  get(name: string): string | null {
    const values = this.#entries.filter(([known]) => known === name.toLowerCase()).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }

  append(name: string, value: string): void {
    this.#entries.push([name.toLowerCase(), String(value)]);
  }

  delete(name: string): void {
    const kept = this.#entries.filter(([known]) => known !== name.toLowerCase());
    this.#entries.splice(0, this.#entries.length, ...kept);
  }

  [Symbol.iterator](): Iterator<[name: string, value: string]> {
    return this.#entries.values();
  }
}
