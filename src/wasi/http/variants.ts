import { asRecord, asText } from '../guest/index.ts';
import { isToken } from './field-rules.ts';
import { URI_PART_LENGTH_MAX } from './limits.ts';

/** WIT's `method`: a case without payload, or `other` with the name. */
export interface Method {
  readonly tag: string;
  readonly val?: string | undefined;
}

/** WIT's `scheme`. */
export interface Scheme {
  readonly tag: 'HTTP' | 'HTTPS' | 'other';
  readonly val?: string | undefined;
}

const METHODS: ReadonlyMap<string, Method> = new Map(
  ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'].map((name) => [
    name,
    Object.freeze({ tag: name.toLowerCase() }),
  ]),
);

const NAMES: ReadonlyMap<string, string> = new Map([...METHODS].map(([name, { tag }]) => [tag, name]));

const HTTP: Scheme = Object.freeze({ tag: 'HTTP' });
const HTTPS: Scheme = Object.freeze({ tag: 'HTTPS' });

export function toMethod(name: string): Method {
  return METHODS.get(name) ?? { tag: 'other', val: name };
}

/** The name as it is sent; nothing for one that is no token. */
export function fromMethod(value: unknown): string | undefined {
  const { tag, val } = asRecord(value);
  if (tag !== 'other') return NAMES.get(asText(tag));
  const name = asText(val);
  return isToken(name) && name.length <= METHOD_LENGTH_MAX ? name : undefined;
}

/** Characters of a method. The longest registered one has 17. */
const METHOD_LENGTH_MAX = 64;

export function toScheme(name: string): Scheme {
  if (name === 'http') return HTTP;
  return name === 'https' ? HTTPS : { tag: 'other', val: name };
}

/** RFC 3986, section 3.1. */
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]{0,63}$/;

/** In lower case; nothing for one that is malformed. */
export function fromScheme(value: unknown): string | undefined {
  const { tag, val } = asRecord(value);
  if (tag !== 'other') return asText(tag).toLowerCase();
  const name = asText(val);
  return SCHEME.test(name) ? name.toLowerCase() : undefined;
}

/** Visible ASCII without what would end the path, and without `<`, `>`, `` ` `` and `\`, which nobody sends unescaped. */
const PATH = /^(?:[/?][\x21\x22\x24-\x3b\x3d\x3f-\x5b\x5d-\x5f\x61-\x7e]*|\*)?$/;

export function isPathWithQuery(text: string): boolean {
  return text.length <= URI_PART_LENGTH_MAX && PATH.test(text);
}

/**
 * A name or an address, an IPv6 one in brackets, and perhaps a port. No user information: it has no place in a request,
 * and lets one host look like another.
 */
const AUTHORITY = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/;

const PORT_MAX = 65_535;

export function isAuthority(text: string): boolean {
  if (text.length > URI_PART_LENGTH_MAX) return false;
  const match = AUTHORITY.exec(text);
  return match !== null && Number(match[1] ?? 0) <= PORT_MAX;
}
