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
