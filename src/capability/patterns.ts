/** Tells whether the actor name `name` is one that `pattern` stands for: itself, `NAME/*` or `*`. */
export function matchesName(pattern: string, name: string): boolean {
  if (pattern === '*' || pattern === name) return true;
  return pattern.endsWith('/*') && name.length >= pattern.length && name.startsWith(pattern.slice(0, -1));
}

const [DOT, STAR, REST] = ['.', '*', '>'].map((text) => text.charCodeAt(0)) as [number, number, number];

/**
 * Tells whether `topic`, which is concrete, is one that `pattern` stands for: tokens separated by `.`, none of them empty; `*`
 * is exactly one token, `>` as the last one is one or more. Costs one pass over both; there is nothing to backtrack.
 */
export function matchesTopic(pattern: string, topic: string): boolean {
  let at = 0;
  for (let next = 0; next < pattern.length; next++) {
    const code = pattern.charCodeAt(next);
    const begins = next === 0 || pattern.charCodeAt(next - 1) === DOT;
    const ends = next + 1 === pattern.length || pattern.charCodeAt(next + 1) === DOT;
    if (begins && ends && (code === STAR || code === REST)) {
      const begin = at;
      while (at < topic.length && topic.charCodeAt(at) !== DOT) at++;
      if (at === begin) return false;
      if (code === REST) return next + 1 === pattern.length;
    } else {
      if ((begins && code === DOT) || code !== topic.charCodeAt(at)) return false;
      at++;
    }
  }
  return at === topic.length && pattern !== '' && !pattern.endsWith('.');
}

/** The name of a bucket: 1 to 128 characters that every file, log and command line can hold. */
const BUCKET_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/;

/** Tells whether there can be a bucket of this name. */
export function isBucketName(name: string): boolean {
  return BUCKET_NAME.test(name);
}

/** Tells whether `pattern` is one over buckets: a name, `PREFIX*` or `*`. */
export function isBucketPattern(pattern: string): boolean {
  return pattern === '*' || isBucketName(pattern.endsWith('*') ? pattern.slice(0, -1) : pattern);
}

/**
 * Tells whether every bucket that `inner` stands for is one that `outer` stands for. A name stands for itself, so this
 * is also how a name is matched.
 */
export function matchesBucket(outer: string, inner: string): boolean {
  if (outer === inner) return true;
  return outer.endsWith('*') && inner.startsWith(outer.slice(0, -1));
}

/**
 * Tells whether the guest path `path` is `folder` or lies below it. Both are absolute and without `.` and `..`; what
 * the guest's own walk does with links is enforced where the files are opened.
 */
export function isWithinFolder(folder: string, path: string): boolean {
  // Itself, whatever a guest calls it.
  if (folder === path) return true;
  if (folder === '/') return path.startsWith('/');
  return path.startsWith(`${folder}/`);
}
