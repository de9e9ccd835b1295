/** When the state of an actor is kept, and how large it may be. */
export interface KeepOptions {
  /** Messages between two snapshots. Integer, 1 to 1_000_000. Default 64. */
  readonly everyMessages?: number | undefined;
  /** Milliseconds from the first message after a snapshot to the next one, 1 to 86_400_000. Default 1_000. */
  readonly everyMs?: number | undefined;
  /** Bytes of a snapshot. Integer, 1 to 7 MiB. Default 1 MiB. */
  readonly maxBytes?: number | undefined;
}

/** Checked {@link KeepOptions}. */
export type KeepPolicy = { readonly [K in keyof KeepOptions]-?: number };

/** What an entry of the store takes (8 MiB), less what comes with it. */
export const RECORD_BYTES_MAX = 7 * 1_024 ** 2;

/** A second or a turn of messages is what is lost when a process is; both are many times what a snapshot costs. */
const DEFAULTS: KeepPolicy = { everyMessages: 64, everyMs: 1_000, maxBytes: 1_024 ** 2 };

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A number is out of range.
 */
export function toKeepPolicy({ everyMessages, everyMs, maxBytes }: KeepOptions = {}): KeepPolicy {
  return Object.freeze({
    everyMessages: check('everyMessages', everyMessages, 1_000_000),
    everyMs: check('everyMs', everyMs, 86_400_000),
    maxBytes: check('maxBytes', maxBytes, RECORD_BYTES_MAX),
  });
}

function check(name: keyof KeepPolicy, value: number | undefined, max: number): number {
  const given = value ?? DEFAULTS[name];
  if (Number.isInteger(given) && given >= 1 && given <= max) return given;
  throw new RangeError(`Option "${name}" of a durable state must be an integer from 1 to ${max}, not ${value}`);
}
