import type { Backoff } from '../time/index.ts';

/**
 * When an actor that ended is started again. `permanent`: always. `transient`: after a failure, not when it ended
 * itself. `temporary`: never. (OTP's `restart` of a child.)
 */
export type RestartType = 'permanent' | 'transient' | 'temporary';

/** What happens to an actor that fails. */
export interface SupervisionOptions {
  /** Default `transient`: a failure is repaired, and an actor that says it has finished is believed. */
  readonly restart?: RestartType;
  /** Restarts within `periodMs`; one more escalates. Integer, 0 to 1_000. Default 5. */
  readonly intensity?: number;
  /** Milliseconds, 1 to 86_400_000. Default 10_000. A period without a failure also resets the backoff. */
  readonly periodMs?: number;
  /** Milliseconds before the first restart, 0 to 3_600_000. Default 50; 0: all restarts at once. */
  readonly backoffMinMs?: number;
  /** Milliseconds that no wait exceeds, `backoffMinMs` to 3_600_000. Default 5_000, or `backoffMinMs` if that is more. */
  readonly backoffMaxMs?: number;
  /** Multiplies the wait from restart to restart, 1 to 100. Default 2. */
  readonly backoffFactor?: number;
  /** Share of the wait that chance may take away, 0 to 1. Default 0.2. */
  readonly backoffJitter?: number;
}

/** Checked options. */
export interface SupervisionPolicy {
  readonly restart: RestartType;
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoff: Backoff;
}

/**
 * OTP's defaults are 1 restart in 5 s (`supervisor`, `sup_flags()`) without any wait. Waits make more restarts harmless,
 * and the ones of 50 ms to 0.8 s that five take fit well into 10 s, so that a loop of crashes does escalate.
 */
const DEFAULTS = {
  restart: 'transient',
  intensity: 5,
  periodMs: 10_000,
  backoffMinMs: 50,
  backoffMaxMs: 5_000,
  backoffFactor: 2,
  backoffJitter: 0.2,
} as const satisfies Required<SupervisionOptions>;

const RESTART_TYPES: readonly string[] = ['permanent', 'transient', 'temporary'];

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A number is out of range, or the restart type is not one of ours.
 */
export function toSupervisionPolicy(options: SupervisionOptions = {}): SupervisionPolicy {
  const backoffMaxMs = Math.max(DEFAULTS.backoffMaxMs, options.backoffMinMs ?? 0);
  const all = { ...DEFAULTS, backoffMaxMs, ...withoutUndefined(options) };
  if (!RESTART_TYPES.includes(all.restart)) {
    const choice = RESTART_TYPES.map((name) => `"${name}"`).join(', ');
    throw new RangeError(`Restart type ${JSON.stringify(all.restart)} is unknown: use one of ${choice}`);
  }
  const check = (name: keyof typeof all, min: number, max: number): number => {
    const value = all[name];
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw new RangeError(`Supervision option "${name}" must be from ${min} to ${max}, not ${value}`);
  };
  if (!Number.isInteger(check('intensity', 0, 1_000))) {
    throw new RangeError(`Supervision option "intensity" must be an integer, not ${all.intensity}`);
  }
  return Object.freeze({
    restart: all.restart,
    intensity: all.intensity,
    periodMs: check('periodMs', 1, 86_400_000),
    backoff: Object.freeze({
      minMs: check('backoffMinMs', 0, 3_600_000),
      maxMs: check('backoffMaxMs', all.backoffMinMs, 3_600_000),
      factor: check('backoffFactor', 1, 100),
      jitter: check('backoffJitter', 0, 1),
    }),
  });
}

function withoutUndefined(options: SupervisionOptions): Partial<Required<SupervisionOptions>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
