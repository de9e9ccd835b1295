import { RuntimeError } from '../errors/index.ts';

/**
 * Who gets a message. `round-robin`: the next. `random`: any. `least-loaded`: who has the fewest messages waiting; of
 * several, the next. `consistent-hash`: always the same for the same key. `broadcast`: all; an ask is answered by the first
 * that replies.
 */
export type RouterStrategy = 'round-robin' | 'random' | 'least-loaded' | 'consistent-hash' | 'broadcast';

/** How messages are shared out. */
export interface RoutingOptions {
  /** Default `round-robin`. */
  readonly strategy?: RouterStrategy;
  /**
   * For `consistent-hash`, the key of a message: equal keys go to the same routee. It should be quick. A message for which
   * it throws has the key `''`.
   */
  readonly hash?: (op: string, payload: unknown) => string;
}

/** Routees of one router; more belong behind several. */
export const ROUTEES_MAX = 1_024;

const STRATEGIES: readonly string[] = ['round-robin', 'random', 'least-loaded', 'consistent-hash', 'broadcast'];

/** @throws {RuntimeError} `CONFIG_INVALID` — the strategy is not one of ours, or has no hash, or one too many. */
export function assertRouting({ strategy = 'round-robin', hash }: RoutingOptions): void {
  if (!STRATEGIES.includes(strategy)) {
    const choice = STRATEGIES.map((name) => `"${name}"`).join(', ');
    throw new RuntimeError(
      'CONFIG_INVALID',
      `Routing strategy ${JSON.stringify(strategy)} is unknown: use one of ${choice}`,
    );
  }
  if ((strategy === 'consistent-hash') === (typeof hash === 'function')) return;
  const text =
    strategy === 'consistent-hash'
      ? 'Cannot route by "consistent-hash": say by "hash" which key a message has'
      : `Cannot route by "${strategy}" with a "hash": only "consistent-hash" has one`;
  throw new RuntimeError('CONFIG_INVALID', text);
}

/** @throws {RangeError} It is not an integer in the range. */
export function assertInteger(name: string, value: number, { min, max }: { min: number; max: number }): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`Option "${name}" must be an integer from ${min} to ${max}, not ${value}`);
}
