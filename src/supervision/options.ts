import type { Backoff } from '../time/index.ts';

/**
 * When an actor that ended is started again. `permanent`: always. `transient`: after a failure, not when it ended
 * itself. `temporary`: never. (OTP's `restart` of a child.)
 */
export type RestartType = 'permanent' | 'transient' | 'temporary';

/**
 * Which children a supervisor starts again when one has failed. `one-for-one`: that one. `one-for-all`: all, since each
 * needs the others. `rest-for-one`: that one and those started after it, since they need those before. (OTP's strategies.)
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one';

/** How often, and after which waits, something is started again. */
export interface RestartOptions {
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

/** What happens to an actor that fails. */
export interface SupervisionOptions extends RestartOptions {
  /** Default `transient`: a failure is repaired, and an actor that says it has finished is believed. */
  readonly restart?: RestartType;
  /**
   * Milliseconds for which an actor that failed too often is held instead of ended, up to 86_400_000. It refuses with
   * `ACTOR_QUARANTINED`, keeps its mailbox, and is then tried again as if nothing had happened. Default 0: it is ended. Has
   * no effect on children of a `supervisor`, which decides over all of them together.
   */
  readonly quarantineMs?: number;
  /**
   * Milliseconds, up to 3_600_000, that a handler may wait in one message; then its actor has failed with `ACTOR_STUCK`.
   * Default 0: for ever. A handler that computes without waiting cannot be interrupted.
   */
  readonly stuckAfterMs?: number;
}

/** What happens to the children of a supervisor when one fails. Restarts are counted over all of them together. */
export interface GroupOptions extends RestartOptions {
  /** Default `one-for-one`. */
  readonly strategy?: Strategy;
}

/** Checked {@link RestartOptions}. */
export interface RestartPolicy {
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoff: Backoff;
}

/** Checked {@link SupervisionOptions}. */
export interface SupervisionPolicy extends RestartPolicy {
  readonly restart: RestartType;
  /** 0: it is ended. */
  readonly quarantineMs: number;
  /** 0: for ever. */
  readonly stuckAfterMs: number;
}

/** Checked {@link GroupOptions}. */
export interface GroupPolicy extends RestartPolicy {
  readonly strategy: Strategy;
}

/**
 * OTP's defaults are 1 restart in 5 s (`supervisor`, `sup_flags()`) without any wait. Waits make more restarts harmless,
 * and the ones of 50 ms to 0.8 s that five take fit well into 10 s, so that a loop of crashes does escalate.
 */
const DEFAULTS = {
  intensity: 5,
  periodMs: 10_000,
  backoffMinMs: 50,
  backoffMaxMs: 5_000,
  backoffFactor: 2,
  backoffJitter: 0.2,
} as const satisfies Required<RestartOptions>;

const RESTART_TYPES: readonly RestartType[] = ['permanent', 'transient', 'temporary'];
const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one'];

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A number is out of range, or the restart type is not one of ours.
 */
export function toSupervisionPolicy(options: SupervisionOptions = {}): SupervisionPolicy {
  const { quarantineMs, stuckAfterMs, ...others } = options;
  return Object.freeze({
    restart: toRestartType(options.restart),
    quarantineMs: checkMs('quarantineMs', quarantineMs, 86_400_000),
    stuckAfterMs: checkMs('stuckAfterMs', stuckAfterMs, 3_600_000),
    ...toRestartPolicy(others),
  });
}

function checkMs(name: keyof SupervisionOptions, value = 0, max: number): number {
  if (typeof value === 'number' && value >= 0 && value <= max) return value;
  throw new RangeError(`Supervision option "${name}" must be from 0 to ${max}, not ${value}`);
}

/**
 * Fills in the defaults of a supervisor.
 *
 * @throws {RangeError} A number is out of range, or the strategy is not one of ours.
 */
export function toGroupPolicy(options: GroupOptions = {}): GroupPolicy {
  const strategy = choose('Strategy', STRATEGIES, options.strategy ?? 'one-for-one');
  return Object.freeze({ strategy, ...toRestartPolicy(options) });
}

/** @throws {RangeError} It is not one of ours. */
export function toRestartType(restart: RestartType | undefined): RestartType {
  return choose('Restart type', RESTART_TYPES, restart ?? 'transient');
}

function choose<T extends string>(what: string, choices: readonly T[], value: T): T {
  if (choices.includes(value)) return value;
  const choice = choices.map((name) => `"${name}"`).join(', ');
  throw new RangeError(`${what} ${JSON.stringify(value)} is unknown: use one of ${choice}`);
}

function toRestartPolicy(options: RestartOptions): RestartPolicy {
  const backoffMaxMs = Math.max(DEFAULTS.backoffMaxMs, options.backoffMinMs ?? 0);
  const all: Required<RestartOptions> = { ...DEFAULTS, backoffMaxMs, ...withoutUndefined(options) };
  const check = (name: keyof RestartOptions, min: number, max: number): number => {
    const value = all[name];
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw new RangeError(`Supervision option "${name}" must be from ${min} to ${max}, not ${value}`);
  };
  if (!Number.isInteger(check('intensity', 0, 1_000))) {
    throw new RangeError(`Supervision option "intensity" must be an integer, not ${all.intensity}`);
  }
  return {
    intensity: all.intensity,
    periodMs: check('periodMs', 1, 86_400_000),
    backoff: Object.freeze({
      minMs: check('backoffMinMs', 0, 3_600_000),
      maxMs: check('backoffMaxMs', all.backoffMinMs, 3_600_000),
      factor: check('backoffFactor', 1, 100),
      jitter: check('backoffJitter', 0, 1),
    }),
  };
}

function withoutUndefined(options: RestartOptions): Partial<Required<RestartOptions>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
