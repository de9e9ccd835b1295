import { distance } from 'fastest-levenshtein';

/** Candidates that are looked at; a hostile list of names costs no more than this many comparisons. */
const CANDIDATES_MAX = 1_000;

/** Characters of a word that are compared. */
const LENGTH_MAX = 64;

/**
 * Returns the candidate that `word` was most likely meant to be, or `undefined` when none is near: at most a third of
 * the letters may differ, and at least one may.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.slice(0, LENGTH_MAX).toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.ceil(wanted.length / 3)) + 1;
  let looked = 0;
  for (const candidate of candidates) {
    if (++looked > CANDIDATES_MAX) break;
    const steps = distance(wanted, candidate.slice(0, LENGTH_MAX).toLowerCase());
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
}
