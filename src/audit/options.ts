import type { RuntimeError } from '../errors/index.ts';
import type { Clock } from '../time/index.ts';
import type { AuditFiles } from './segments.ts';

/** How an audit log is kept. */
export interface AuditOptions {
  /** The folder; it is made. One process writes it at a time. */
  readonly directory: string;
  /** Bytes of one file, after which the next one is begun. 65,536 to 1 GiB. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Milliseconds that records are kept, 1 hour to 100 years; a file goes when its newest record is older. Default 90 days. */
  readonly retentionMs?: number;
  /**
   * What acknowledged means. `disk`: it survives a loss of power, as far as the disk keeps its word. `process`: it
   * survives the end of the process. Default `disk`.
   */
  readonly durability?: 'disk' | 'process';
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Told when records cannot be written, once each time it begins. */
  readonly onFailure?: (error: RuntimeError) => void;
  /** Default: the files of this machine. */
  readonly files?: AuditFiles;
}

const MIB = 1_024 ** 2;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const AUDIT_DEFAULTS = Object.freeze({
  /** A few minutes to read, and a quarter of a million records. */
  segmentBytes: 64 * MIB,
  /** What most rules of retention ask for at least. */
  retentionMs: 90 * DAY_MS,
  durability: 'disk',
});

/** @throws {RangeError} A number is out of range. */
export function checkOptions({ segmentBytes, retentionMs }: Pick<AuditOptions, 'segmentBytes' | 'retentionMs'>): void {
  checkRange('segmentBytes', segmentBytes, { min: 65_536, max: 1_024 * MIB });
  checkRange('retentionMs', retentionMs, { min: HOUR_MS, max: 36_500 * DAY_MS });
}

function checkRange(name: string, value: number | undefined, { min, max }: { min: number; max: number }): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw new RangeError(`Cannot open an audit log: ${name} is ${value}; use an integer from ${min} to ${max}`);
}
