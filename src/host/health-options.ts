/** How an actor that exports `health` of troupe:actor/lifecycle is asked for it. */
export interface HealthCheckOptions {
  /** Milliseconds between two questions, 1 to 3_600_000. Default 10,000. */
  readonly everyMs?: number;
  /** Wall-clock milliseconds for one answer, 1 to 3_600_000; never more than its `deadlineMs`. Default 5,000. Then it has failed. */
  readonly timeoutMs?: number;
  /** Answers `unhealthy` in a row that are a failure of the actor. Integer, 0 to 1_000; 0: none is. Default 3. */
  readonly restartAfter?: number;
}

/** Checked {@link HealthCheckOptions}. */
export type HealthCheckPolicy = Readonly<Required<HealthCheckOptions>>;

/** Kubernetes asks every 10 s and believes the third answer; its second for an answer is short on a busy machine. */
const DEFAULTS: HealthCheckPolicy = { everyMs: 10_000, timeoutMs: 5_000, restartAfter: 3 };

/** Milliseconds: an hour, as every wait. */
const WAIT_MAX_MS = 3_600_000;

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A number is out of range.
 */
export function toHealthCheckPolicy(options: HealthCheckOptions = {}): HealthCheckPolicy {
  const policy = { ...DEFAULTS, ...options };
  check('everyMs', policy.everyMs, { min: 1, max: WAIT_MAX_MS });
  check('timeoutMs', policy.timeoutMs, { min: 1, max: WAIT_MAX_MS });
  check('restartAfter', policy.restartAfter, { min: 0, max: 1_000 });
  if (!Number.isInteger(policy.restartAfter)) {
    throw new RangeError(`Health option "restartAfter" must be an integer, not ${policy.restartAfter}`);
  }
  return Object.freeze(policy);
}

function check(name: keyof HealthCheckPolicy, value: number, { min, max }: { min: number; max: number }): void {
  if (value >= min && value <= max) return;
  throw new RangeError(`Health option "${name}" must be from ${min} to ${max}, not ${value}`);
}
