import { quote } from './decision.ts';
import type { Conditional, Granted } from './grants.ts';

/** What conditions are checked against. What is not known of a request is not checked. */
export interface Circumstances {
  readonly method?: string | undefined;
  readonly sizeBytes?: number | undefined;
}

/** The pattern of a grant, whatever its conditions. */
export function patternOf(granted: Granted): string {
  return typeof granted === 'string' ? granted : granted.pattern;
}

/** Prints a grant as it stands in a list of `troupe.toml`. */
export function printGranted(granted: Granted): string {
  if (typeof granted === 'string') return quote(granted);
  const { pattern, methods, sizeBytes, untilMs } = granted;
  const members = [`pattern = ${quote(pattern)}`];
  if (methods !== undefined) members.push(`methods = [${methods.map(quote).join(', ')}]`);
  if (sizeBytes !== undefined) members.push(`size = "${sizeBytes}B"`);
  if (untilMs !== undefined) members.push(`until = ${new Date(untilMs).toISOString()}`);
  return `{ ${members.join(', ')} }`;
}

/** Whether the conditions of a grant hold, but for its end. */
export function holds({ methods, sizeBytes }: Conditional, { method, sizeBytes: size }: Circumstances): boolean {
  if (methods !== undefined && method !== undefined && !methods.includes(method)) return false;
  return sizeBytes === undefined || size === undefined || size <= sizeBytes;
}

/**
 * Puts the conditions of both grants on `pattern`, which both cover.
 *
 * @returns `undefined` if nothing is left, as of two lists of methods that have none in common.
 */
export function withConditions(pattern: string, one: Granted, other: Granted): Granted | undefined {
  const sides = [one, other].filter((side) => typeof side !== 'string');
  if (sides.length === 0) return pattern;
  const lists = sides.flatMap(({ methods }) => (methods === undefined ? [] : [methods]));
  const methods = lists[0]?.filter((method) => lists.every((list) => list.includes(method)));
  if (methods?.length === 0) return undefined;
  const sizeBytes = leastOf(sides.map((side) => side.sizeBytes));
  const untilMs = leastOf(sides.map((side) => side.untilMs));
  return {
    pattern,
    ...(methods && { methods }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(untilMs !== undefined && { untilMs }),
  };
}

function leastOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
