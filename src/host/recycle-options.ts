import type { KeepOptions } from '../durable/index.ts';
import type { ComponentShape } from './shape.ts';

/**
 * When an actor of a component goes on with an instance that is as new, so that what its code leaks does not add up. Whatever
 * it had in memory is gone: only for components that have nothing to lose between two messages.
 */
export interface RecycleOptions {
  /** Messages that it handled. Integer, 1 to 1_000_000_000. Default `Infinity`. */
  readonly messages?: number | undefined;
  /** Bytes by which its memory has grown. Integer, 65_536 to 4_294_967_296. Default `Infinity`. */
  readonly growthBytes?: number | undefined;
}

/** Checked {@link RecycleOptions}. */
export interface RecyclePolicy {
  readonly messages: number;
  readonly growthBytes: number;
}

const RANGES = {
  messages: { min: 1, max: 1_000_000_000 },
  growthBytes: { min: 65_536, max: 4_294_967_296 },
} as const;

/** Instances last as long as their actors. */
export const NEVER: RecyclePolicy = { messages: Number.POSITIVE_INFINITY, growthBytes: Number.POSITIVE_INFINITY };

/**
 * Fills in what is not said.
 *
 * @throws {RangeError} A number is out of range.
 * @throws {TypeError} Neither is said; or the component cannot be recycled: what it is has a state that is kept, or no messages.
 */
export function toRecyclePolicy(
  options: RecycleOptions | undefined,
  { kind }: Pick<ComponentShape, 'kind'>,
  keep: KeepOptions | undefined,
): RecyclePolicy {
  if (options === undefined) return NEVER;
  if (kind === 'http') throw unfit('it handles HTTP, whose instances "http" is about');
  if (kind === 'task') throw unfit('it is a task, which is one message');
  if (keep !== undefined) throw unfit('its state is kept, which recycling would lose');
  if (options.messages === undefined && options.growthBytes === undefined)
    throw new TypeError('Cannot recycle instances of the component: say after how many messages, or how much growth');
  const policy = {
    messages: options.messages ?? NEVER.messages,
    growthBytes: options.growthBytes ?? NEVER.growthBytes,
  };
  for (const name of ['messages', 'growthBytes'] as const) {
    const value = policy[name];
    const { min, max } = RANGES[name];
    if (value === NEVER[name] || (Number.isInteger(value) && value >= min && value <= max)) continue;
    throw new RangeError(`Recycle option "${name}" must be an integer from ${min} to ${max}, not ${value}`);
  }
  return Object.freeze(policy);
}

function unfit(why: string): TypeError {
  return new TypeError(`Cannot recycle instances of the component: ${why}; take "recycle" out`);
}
