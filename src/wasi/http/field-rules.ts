/** A token of RFC 9110, section 5.6.2. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What a field value may hold: no control character but the tab, so none that ends a line. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Names that belong to the connection or to the target of the message: the host writes these, and a guest neither sets
 * nor sees them. The same as Wasmtime's.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Lengths of the forbidden names: most names are known to be allowed by theirs. */
const FORBIDDEN_LENGTHS: ReadonlySet<number> = new Set([...FORBIDDEN].map((name) => name.length));

/** Names that say how the message is framed or to be read: they come too late after the body. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'trailer',
]);

/** A method, a field name. */
export function isToken(text: string): boolean {
  return NAME.test(text);
}

/** @param value One character a byte. */
export function isFieldValue(value: string): boolean {
  return VALUE.test(value);
}

export function isForbidden(name: string): boolean {
  return FORBIDDEN_LENGTHS.has(name.length) && FORBIDDEN.has(name.toLowerCase());
}

/** The list itself when nothing of it is forbidden, else a copy without. */
export function withoutForbidden(fields: readonly string[]): readonly string[] {
  for (let at = 0; at < fields.length; at += 2) {
    if (isForbidden(fields[at] as string))
      return fields.filter((_, index) => !isForbidden(fields[index & ~1] as string));
  }
  return fields;
}

/** Tells whether the fields may stand behind a body. */
export function areTrailers(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (NOT_IN_TRAILERS.has((fields[at] as string).toLowerCase())) return false;
  }
  return true;
}

const CONTENT_LENGTH = 'content-length';

/** What fits a JavaScript number exactly: nine petabytes, and no body is longer. */
const DIGITS = /^\d{1,15}$/;

/**
 * The length that the fields promise for the body: `undefined` if none, `'invalid'` if it is no number or they promise
 * more than one thing. A peer that believes the other one would take the rest of the body for another message.
 */
export function contentLengthOf(fields: readonly string[]): number | undefined | 'invalid' {
  let length: number | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (name.length !== CONTENT_LENGTH.length || name.toLowerCase() !== CONTENT_LENGTH) continue;
    const value = fields[at + 1] as string;
    if (length !== undefined || !DIGITS.test(value)) return 'invalid';
    length = Number(value);
  }
  return length;
}
