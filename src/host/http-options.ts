import { type SupervisionOptions, type SupervisionPolicy, toSupervisionPolicy } from '../supervision/index.ts';

/** How requests get instances of an HTTP component. */
export interface HttpOptions {
  /**
   * Requests that one instance handles, one after the other, before it is let go: 1 to 1,000,000,000, or `Infinity`.
   * Default 1: nothing of a request is left for the next. With more, what a guest keeps in its memory it keeps.
   */
  readonly maxInvocations?: number;
  /** Instances at once, and so requests that are handled at once. 1 to 4,096. Default 64. */
  readonly instances?: number;
  /** Requests that may wait for an instance. 0 to 65,536. Default 256. */
  readonly queue?: number;
  /** Milliseconds that a request waits at most. 1 to 3,600,000. Default 5,000. */
  readonly queueTimeoutMs?: number;
  /** What happens when the component fails again and again; see {@link HttpPool}. */
  readonly supervision?: SupervisionOptions;
}

/** Checked options. */
export interface HttpPolicy {
  readonly maxInvocations: number;
  readonly instances: number;
  readonly queue: number;
  readonly queueTimeoutMs: number;
  readonly supervision: SupervisionPolicy;
}

/**
 * 64 instances of 64 MiB, the default limit of memory, are 4 GiB at the very worst, and 64 requests that wait 100 ms for
 * something else are 640 a second. The queue holds what comes in a fraction of a second; a client that has waited five
 * has given up.
 */
export const HTTP_DEFAULTS = Object.freeze({ maxInvocations: 1, instances: 64, queue: 256, queueTimeoutMs: 5_000 });

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A number is out of range.
 */
export function toHttpPolicy(options: HttpOptions = {}): HttpPolicy {
  const { maxInvocations, instances, queue, queueTimeoutMs } = { ...HTTP_DEFAULTS, ...withoutUndefined(options) };
  if (maxInvocations !== Number.POSITIVE_INFINITY) check('maxInvocations', maxInvocations, [1, 1_000_000_000]);
  check('instances', instances, [1, 4_096]);
  check('queue', queue, [0, 65_536]);
  check('queueTimeoutMs', queueTimeoutMs, [1, 3_600_000]);
  const supervision = toSupervisionPolicy({ restart: 'permanent', ...options.supervision });
  return Object.freeze({ maxInvocations, instances, queue, queueTimeoutMs, supervision });
}

function check(name: keyof HttpOptions, value: number, [min, max]: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`HTTP option "${name}" must be an integer from ${min} to ${max}, not ${value}`);
}

function withoutUndefined(options: HttpOptions): Partial<Required<HttpOptions>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
