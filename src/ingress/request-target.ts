/** The target of a request, taken apart. */
export interface RequestTarget {
  /** The path in the one form in which routes are compared; see {@link canonicalPath}. */
  readonly path: string;
  /** Path and query as they were sent. */
  readonly pathWithQuery: string;
  /** Of a target that names it itself (`GET http://example.com/a`); it counts more than the `host` header. */
  readonly authority: string | undefined;
  readonly scheme: 'http' | 'https' | undefined;
}

/** A path that is its own canonical form, unless it holds a dot-segment: what nearly every request has. */
const PLAIN_PATH = /^\/[\w\-.~!$&'()*+,;=:@/]*$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
/** The same where a guest that unescapes the path would find one. */
const HIDDEN_DOT_SEGMENT = /(?:\/|%2F|%5C)\.{1,2}(?:\/|%2F|%5C|$)/;

/** What may stand in a target at all: visible ASCII, no fragment. */
const TARGET = /^[!-"$-~]+$/;

/** A target with scheme and authority, as a client sends it to a proxy. */
const ABSOLUTE = /^(https?):\/\/([^/?#@]+)([/?].*)?$/i;

const ESCAPE = /%[0-9a-f]{2}/gi;
/** What stands in a path without an escape: unreserved characters, sub-delimiters, ":" and "@" (RFC 3986, `pchar`). */
const PCHAR = /^[\w\-.~!$&'()*+,;=:@]$/;
/** Visible ASCII that a path holds only escaped, and clients send all the same. */
const UNESCAPED = /["<>[\\\]^`{|}]/g;

/**
 * Takes the target of a request apart.
 *
 * @returns `undefined` if it is none that an HTTP component can be asked for: see {@link canonicalPath}, and `*`.
 */
export function parseTarget(target: string): RequestTarget | undefined {
  if (target.charCodeAt(0) === 47) return parseOrigin(target);
  const match = ABSOLUTE.exec(target);
  if (match === null) return undefined;
  const [, scheme = '', authority, rest = ''] = match;
  const origin = parseOrigin(rest.startsWith('/') ? rest : `/${rest}`);
  return origin && { ...origin, authority, scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http' };
}

function parseOrigin(pathWithQuery: string): RequestTarget | undefined {
  const query = pathWithQuery.indexOf('?');
  const raw = query < 0 ? pathWithQuery : pathWithQuery.slice(0, query);
  if (query >= 0 && !TARGET.test(pathWithQuery)) return undefined;
  const path = canonicalPath(raw);
  return path === undefined ? undefined : { path, pathWithQuery, authority: undefined, scheme: undefined };
}

/**
 * The form of a path in which routes are compared, so that two ways to write one path cannot lead to two components.
 * Each escape is undone once, where the character may stand by itself; an escaped slash stays escaped and separates
 * nothing. Letters keep their case, and empty segments stay.
 *
 * @returns `undefined` for a path with a dot-segment (escaped or not: clients resolve them before they send), with a
 *   malformed escape, with escapes that are no UTF-8 or hide a control character, or with anything but visible ASCII.
 */
export function canonicalPath(path: string): string | undefined {
  if (PLAIN_PATH.test(path)) return path.includes('/.') && DOT_SEGMENT.test(path) ? undefined : path;
  if (!path.startsWith('/') || !TARGET.test(path) || !isText(path)) return undefined;
  const canonical = path.replace(ESCAPE, undo).replace(UNESCAPED, toEscape);
  return HIDDEN_DOT_SEGMENT.test(canonical) ? undefined : canonical;
}

function isText(path: string): boolean {
  try {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not hide in a path
    return !/[\u0000-\u001f\u007f]/.test(decodeURIComponent(path));
  } catch {
    return false; // a malformed escape, or no UTF-8
  }
}

/** The character of an escape, where it may stand by itself. */
function undo(escaped: string): string {
  const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
  return PCHAR.test(character) ? character : escaped.toUpperCase();
}

function toEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Characters of a host name, and more than one of its parts can have. */
const HOST_LENGTH_MAX = 255;

/** The host of an authority (`Example.com:8080` is `example.com`); empty if there is none. */
export function hostOf(authority: string | undefined): string {
  if (authority === undefined || authority.length > HOST_LENGTH_MAX) return '';
  const end = authority.startsWith('[') ? authority.indexOf(']') + 1 : authority.indexOf(':');
  const host = end > 0 ? authority.slice(0, end) : authority;
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}
