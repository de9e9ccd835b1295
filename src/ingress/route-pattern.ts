import { canonicalPath } from './request-target.ts';

/** A route's path, as written and understood. */
export interface PathPattern {
  /** `exact`: this path alone. `prefix`: this path, and everything below it. */
  readonly kind: 'exact' | 'prefix';
  /** Canonical; of a prefix without its final slash, so that of `/*` it is empty. */
  readonly path: string;
}

/** A route's host. */
export interface HostPattern {
  /** `suffix`: every name below this one. */
  readonly kind: 'any' | 'exact' | 'suffix';
  /** In lower case; of `*.example` it is `example`. */
  readonly host: string;
}

/** What came of reading a pattern: itself, or what is wrong with it and how it may have been meant. */
export type Parsed<T> =
  | { readonly ok: true; readonly pattern: T }
  | { readonly ok: false; readonly message: string; readonly help?: string };

const ANY_HOST: HostPattern = Object.freeze({ kind: 'any', host: '' });

/** Segments of a route; each costs a look-up per request. */
const SEGMENTS_MAX = 32;

const HOST_NAME = /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
const HOST_LITERAL = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;

/**
 * Reads a route's path: `/quakes` is that path alone, `/quakes/*` that path and everything below it, `/*` everything.
 * Letters beyond ASCII stand for their escapes.
 */
export function parsePathPattern(text: string): Parsed<PathPattern> {
  if (!text.startsWith('/')) return wrong('must begin with "/"', suggest(`/${text}`));
  const spin = /^(.*)\/\.\.\.$/.exec(text);
  if (spin !== null) return wrong('ends with "..."', suggest(`${spin[1]}/*`));
  const other = foreignSyntax(text);
  if (other !== undefined) return other;
  const isPrefix = text.endsWith('/*');
  const written = isPrefix ? text.slice(0, -2) : text;
  if (written.includes('*')) {
    return wrong(
      'has a "*" that is not its last segment',
      `"*" stands at the end: did you mean "${upToStar(written)}/*"?`,
    );
  }
  if (written.includes('//') || (isPrefix && written.endsWith('/')))
    return wrong('has an empty segment', suggest(text.replace(/\/{2,}/g, '/')));
  const path = written === '' ? '' : canonicalPath(escapeLetters(written));
  if (path === undefined)
    return wrong(
      'can match no request',
      'a path has no "." or ".." segments, no spaces and no control characters, and "%" begins an escape',
    );
  if (path.split('/').length - 1 > SEGMENTS_MAX)
    return wrong(`has more than ${SEGMENTS_MAX} segments`, 'name the first ones and end with "/*"');
  return { ok: true, pattern: { kind: isPrefix ? 'prefix' : 'exact', path } };
}

/** What other products write, and what a path cannot hold. */
function foreignSyntax(text: string): Parsed<never> | undefined {
  const part = /[?#]/.exec(text);
  if (part !== null) return wrong(`can match no request: "${part[0]}" ends a path`, suggest(text.slice(0, part.index)));
  const parameter = /\/(?::\w+|\{[^/]*\})/.exec(text);
  if (parameter === null) return undefined;
  const help = `did you mean "${text.slice(0, parameter.index)}/*"? The component reads the rest of the path itself`;
  return wrong(`has a parameter, "${parameter[0].slice(1)}"`, help);
}

function upToStar(path: string): string {
  return path.slice(0, path.lastIndexOf('/', path.indexOf('*')));
}

function escapeLetters(path: string): string {
  return path.replace(/[\u0080-\uffff]+/g, (letters) => {
    try {
      return encodeURIComponent(letters);
    } catch {
      return letters; // half of a surrogate pair; `canonicalPath` refuses it
    }
  });
}

/** Reads a route's host: `quakes.example`, `*.example` (every name below `example`), or `*`. */
export function parseHostPattern(text: string): Parsed<HostPattern> {
  const host = text.toLowerCase().replace(/\.$/, '');
  if (host === '*') return { ok: true, pattern: ANY_HOST };
  const scheme = /^https?:\/\/([^/]*)/.exec(host);
  if (scheme !== null) return wrong('is an address', suggest(scheme[1] ?? ''));
  const port = /^(.*[^:]):\d*$/.exec(host);
  if (port !== null && !host.endsWith(']')) return wrong('names a port: a route is for a host', suggest(port[1] ?? ''));
  const isSuffix = host.startsWith('*.');
  const name = isSuffix ? host.slice(2) : host;
  const fits = HOST_NAME.test(name) || (!isSuffix && HOST_LITERAL.test(name));
  if (!fits || host.length > 253) return wrong('is no host', 'write "quakes.example" or "*.example"');
  return { ok: true, pattern: { kind: isSuffix ? 'suffix' : 'exact', host: name } };
}

function wrong(message: string, help: string): Parsed<never> {
  return { ok: false, message, help };
}

function suggest(text: string): string {
  return `did you mean "${text}"?`;
}

/** The pattern as people write it. */
export function formatPath({ kind, path }: PathPattern): string {
  return kind === 'prefix' ? `${path}/*` : path;
}

/** The pattern as people write it; `*` for every host. */
export function formatHost({ kind, host }: HostPattern): string {
  if (kind === 'any') return '*';
  return kind === 'suffix' ? `*.${host}` : host;
}
