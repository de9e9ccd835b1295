import { coversEndpoint, parseEndpointPattern, parseHostPattern } from '../capability/index.ts';
import { NAME_PATTERN } from './fields.ts';

/** Characters of a topic or of a pattern over topics. */
const TOPIC_LENGTH_MAX = 255;

/** One part of a topic: anything visible but the separators and wildcards. */
const TOPIC_TOKEN = /^[A-Za-z0-9_-]+$/;

/**
 * Tells whether `pattern` is one over topics: tokens separated by `.`; `*` stands for one token, `>` as the last one
 * for one or more.
 */
export function isTopicPattern(pattern: string): boolean {
  if (pattern.length > TOPIC_LENGTH_MAX) return false;
  const tokens = pattern.split('.');
  return tokens.every(
    (token, at) => token === '*' || (token === '>' && at === tokens.length - 1) || TOPIC_TOKEN.test(token),
  );
}

/** Tells whether every topic that `inner` matches is matched by `outer` too. */
export function coversTopic(outer: string, inner: string): boolean {
  const outside = outer.split('.');
  const inside = inner.split('.');
  for (const [at, token] of outside.entries()) {
    const other = inside[at];
    if (other === undefined) return false;
    if (token === '>') return true;
    if (other === '>' || (token !== '*' && token !== other)) return false;
  }
  return outside.length === inside.length;
}

/** Tells whether `pattern` is one over actors' names: `NAME`, `NAME/1`, `NAME/*` or `*`. */
export function isNamePattern(pattern: string): boolean {
  if (pattern === '*') return true;
  const [base = '', instance, ...rest] = pattern.split('/');
  if (rest.length > 0 || !NAME_PATTERN.test(base)) return false;
  return instance === undefined || instance === '*' || /^[1-9]\d{0,5}$/.test(instance);
}

/** Tells whether every name that `inner` matches is matched by `outer` too. */
export function coversName(outer: string, inner: string): boolean {
  if (outer === '*' || outer === inner) return true;
  return outer.endsWith('/*') && inner.startsWith(outer.slice(0, -1));
}

/** What an endpoint pattern of each kind of grant looks like, for messages. */
export const ENDPOINT_EXPECTED = Object.freeze({
  http: 'scheme://host[:port], such as "https://api.example.com", "http://*.example.com:8080" or "http://10.0.0.0/8"',
  connect: 'scheme://host:port, such as "tcp://db.example.com:5432", "udp://*.example.com:53" or "tcp://10.0.0.0/8:*"',
  listen: 'scheme://address:port, such as "tcp://127.0.0.1:8080", "tcp://localhost:*" or "udp://*:5353"',
});

/** Tells whether `pattern` is one over the endpoints of HTTP requests. */
export function isHttpPattern(pattern: string): boolean {
  return isEndpointPattern(pattern, ['http', 'https']) && parseEndpointPattern(pattern)?.port !== 0;
}

/** Tells whether `pattern` is one over what may be connected to. Nothing answers at port 0. */
export function isConnectPattern(pattern: string): boolean {
  return isEndpointPattern(pattern, ['tcp', 'udp']) && parseEndpointPattern(pattern)?.port !== 0;
}

/** Tells whether `pattern` is one over what may be listened at: an address of this machine, by number or as `localhost`. */
export function isListenPattern(pattern: string): boolean {
  const host = parseEndpointPattern(pattern)?.host;
  if (host === undefined || host.kind === 'suffix') return false;
  return isEndpointPattern(pattern, ['tcp', 'udp']) && (host.kind !== 'name' || host.name === 'localhost');
}

/** Tells whether `pattern` is one over names to look up; an address needs no lookup. */
export function isResolvePattern(pattern: string): boolean {
  const host = parseHostPattern(pattern);
  return host !== undefined && host.kind !== 'range';
}

/** Tells whether every endpoint to go to that `inner` stands for is one that `outer` stands for. */
export function coversTarget(outer: string, inner: string): boolean {
  const [outside, inside] = [parseEndpointPattern(outer), parseEndpointPattern(inner)];
  return outside !== undefined && inside !== undefined && coversEndpoint(outside, inside);
}

/** The same for what is listened at, where `*` is every address of this machine. */
export function coversListen(outer: string, inner: string): boolean {
  const [outside, inside] = [parseEndpointPattern(outer), parseEndpointPattern(inner)];
  if (outside === undefined || inside === undefined) return false;
  return coversEndpoint(outside, outside.host.kind === 'any' ? { ...inside, host: outside.host } : inside);
}

/** The same for names to look up, where `*` is every name. */
export function coversResolve(outer: string, inner: string): boolean {
  const [outside, inside] = [parseHostPattern(outer), parseHostPattern(inner)];
  if (outside === undefined || inside === undefined) return false;
  const anywhere = { scheme: 'tcp', port: '*' } as const;
  return outside.kind === 'any' || coversEndpoint({ ...anywhere, host: outside }, { ...anywhere, host: inside });
}

function isEndpointPattern(pattern: string, schemes: readonly string[]): boolean {
  const read = parseEndpointPattern(pattern);
  return read !== undefined && schemes.includes(read.scheme);
}
