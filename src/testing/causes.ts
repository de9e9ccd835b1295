/** Errors behind an error that are looked at: a chain may be a circle. */
const CAUSES_MAX = 32;

/** An error and what caused it, one after the other. */
export function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < CAUSES_MAX; cause = cause.cause) causes.push(cause);
  return causes;
}

/** The assertion behind a failure, if it is one: of `node:assert`, Chai (Vitest) or Jest's `expect`. */
export function assertionIn(error: unknown): Error | undefined {
  return causesOf(error).find((cause) => cause.name === 'AssertionError' || 'matcherResult' in cause);
}
