import { RuntimeError } from '../errors/index.ts';

/** Characters of a name. */
export const ACTOR_NAME_MAX = 255;

const NAME = /^[a-z0-9_][a-z0-9_.-]*(?:\/[a-z0-9_][a-z0-9_.-]*)*$/;

/**
 * Throws `NAME_INVALID` unless `name` can name an actor: segments joined by `/`, each of `a–z 0–9 _ . -` and beginning
 * with a letter, a digit or `_`; at most 255 characters.
 */
export function assertActorName(name: string): void {
  if (name.length <= ACTOR_NAME_MAX && NAME.test(name)) return;
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
  throw new RuntimeError(
    'NAME_INVALID',
    `Cannot name an actor ${shown}: use lower-case letters, digits and "_.-", segments joined by "/", at most ${ACTOR_NAME_MAX} characters`,
  );
}

/** Throws `NAME_INVALID` if the name of a child is too long together with those of its parents. */
export function assertNameLength(name: string): void {
  if (name.length <= ACTOR_NAME_MAX) return;
  throw new RuntimeError(
    'NAME_INVALID',
    `Cannot name an actor "${name.slice(0, 60)}…": with the names above it, it has ${name.length} of at most ${ACTOR_NAME_MAX} characters`,
  );
}

/** Candidates that are compared, and characters of each: what was mistyped may come from a stranger. */
const CANDIDATES_MAX = 1_000;
const COMPARED_MAX = 48;

/** Candidates that are named. */
const SUGGESTIONS = 3;

/** The candidates that `word` may have been meant to be, nearest first: at most a third of the letters differ, or one. */
export function nearestNames(word: string, candidates: readonly string[]): string[] {
  const wanted = word.slice(0, COMPARED_MAX).toLowerCase();
  const limit = Math.max(1, Math.ceil(wanted.length / 3));
  return candidates
    .slice(0, CANDIDATES_MAX)
    .map((name) => ({ name, steps: editDistance(wanted, name.slice(0, COMPARED_MAX).toLowerCase()) }))
    .filter(({ steps }) => steps <= limit)
    .sort((left, right) => left.steps - right.steps)
    .slice(0, SUGGESTIONS)
    .map(({ name }) => name);
}

/** Levenshtein's distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let i = 0; i < left.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < right.length; j++) {
      const replaced = (row[j] as number) + (left[i] === right[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[right.length] as number;
}
