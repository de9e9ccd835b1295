import { inspect } from 'node:util';

/** What is shown in the place of a value. */
const shown = (name: string): string => `[secret ${name}]`;

/**
 * Values that nobody is shown, by name. However it is printed, copied into a text or made JSON of, only the names are seen; a value
 * leaves by {@link Secrets.reveal} alone.
 */
export class Secrets {
  /** Characters below which a piece of a value is too common to be told from other text. */
  static readonly lengthMin = 6;
  readonly #values: ReadonlyMap<string, string>;
  /** Every form of every value that is found in texts, the longest first. */
  readonly #forms: readonly (readonly [string, string])[];

  constructor(values: ReadonlyMap<string, string> = new Map()) {
    this.#values = new Map(values);
    this.#forms = [...values]
      .flatMap(([name, value]) => formsOf(value).map((form) => [form, shown(name)] as const))
      .sort(([one], [other]) => other.length - one.length);
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** The value; undefined: there is no secret of that name. */
  reveal(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** `text` without values. */
  redact(text: string): string {
    let redacted = text;
    for (const [form, name] of this.#forms) if (redacted.includes(form)) redacted = redacted.replaceAll(form, name);
    return redacted;
  }

  /** The same for every text in plain data, as deep as it goes; what holds no value is returned as it is. */
  redactAll<T>(data: T): T {
    return (this.#forms.length === 0 ? data : this.#deep(data)) as T;
  }

  #deep(data: unknown): unknown {
    if (typeof data === 'string') return this.redact(data);
    if (Array.isArray(data)) return data.map((item) => this.#deep(item));
    if (typeof data !== 'object' || data === null || Object.getPrototypeOf(data) !== Object.prototype) return data;
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [this.redact(key), this.#deep(value)]));
  }

  toJSON(): readonly string[] {
    return this.names;
  }

  toString(): string {
    return this.names.map(shown).join(', ');
  }

  [inspect.custom](): string {
    return `Secrets { ${this.names.join(', ')} }`;
  }
}

/** A value as it stands in texts: as it is, in JSON, in an address, in base64; each line of one that has several. */
function formsOf(value: string): string[] {
  const pieces = [value, ...value.split(/\r?\n/)].filter((piece) => piece.length >= Secrets.lengthMin);
  const forms = pieces.flatMap((piece) => [
    piece,
    JSON.stringify(piece).slice(1, -1),
    encodeURIComponent(piece.toWellFormed()),
    Buffer.from(piece).toString('base64').replace(/=+$/, ''),
    Buffer.from(piece).toString('base64url'),
  ]);
  return [...new Set(forms)];
}

/** A header that the host adds to requests of a guest, which never sees it. */
export interface HeaderInjection {
  /** Name of the secret, for the record. */
  readonly secret: string;
  /** Where requests go that get it: patterns as of an `http` grant. */
  readonly to: readonly string[];
  /** Name of the header, in lower case. What the guest sets under it is replaced. */
  readonly header: string;
  /** Its value, with the secret's in it. */
  readonly value: string;
}
