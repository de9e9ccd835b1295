import { hash, randomBytes } from 'node:crypto';
import type { BigIntStats, Dirent } from 'node:fs';
import type { Datetime } from '../clocks/index.ts';
import { asRecord, asU32, asU64, trap } from '../guest/index.ts';
import { refuse } from './error-code.ts';

const NANOSECONDS = 1_000_000_000n;

/** Latest second that a time may be set to: the end of the year 9999. Beyond, file systems differ. */
const SECONDS_MAX = 253_402_300_799n;

/** Mixed into metadata hashes, so that they tell nothing of inode numbers. Of this process; no one else needs it. */
const HASH_KEY = randomBytes(16).toString('hex');

/** WIT's `descriptor-type`. */
export type FileType =
  | 'unknown'
  | 'block-device'
  | 'character-device'
  | 'directory'
  | 'fifo'
  | 'symbolic-link'
  | 'regular-file'
  | 'socket';

/** WIT's `descriptor-stat`. */
export interface DescriptorStat {
  readonly type: FileType;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime | undefined;
  readonly dataModificationTimestamp: Datetime | undefined;
  readonly statusChangeTimestamp: Datetime | undefined;
}

export function toDescriptorStat(stats: BigIntStats): DescriptorStat {
  return {
    type: direntType(stats),
    linkCount: stats.nlink,
    size: stats.size,
    dataAccessTimestamp: toTimestamp(stats.atimeNs),
    dataModificationTimestamp: toTimestamp(stats.mtimeNs),
    statusChangeTimestamp: toTimestamp(stats.ctimeNs),
  };
}

type TypeQuestions = Pick<
  Dirent | BigIntStats,
  'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'
>;

export function direntType(entry: TypeQuestions): FileType {
  if (entry.isFile()) return 'regular-file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'symbolic-link';
  if (entry.isFIFO()) return 'fifo';
  if (entry.isSocket()) return 'socket';
  if (entry.isBlockDevice()) return 'block-device';
  return entry.isCharacterDevice() ? 'character-device' : 'unknown';
}

/** A time before 1970 cannot be said in WASI. */
function toTimestamp(nanoseconds: bigint): Datetime | undefined {
  if (nanoseconds < 0n) return undefined;
  return { seconds: nanoseconds / NANOSECONDS, nanoseconds: Number(nanoseconds % NANOSECONDS) };
}

/**
 * WIT's `metadata-hash-value`. `lower` stands for the file's identity alone, since C libraries make their inode number
 * of it, which has to stay the same while the file is written; `upper` changes with its size and modification time.
 */
export function toMetadataHash(stats: BigIntStats): { readonly lower: bigint; readonly upper: bigint } {
  const identity = `${HASH_KEY}:${stats.dev}:${stats.ino}`;
  return { lower: hash64(identity), upper: hash64(`${identity}:${stats.size}:${stats.mtimeNs}`) };
}

function hash64(text: string): bigint {
  return BigInt(`0x${hash('sha256', text, 'hex').slice(0, 16)}`);
}

export function isSameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** What `new-timestamp` comes to, in seconds since 1970. */
export function toSeconds(wanted: unknown, now: { readonly wallMs: number; readonly currentNs: bigint }): number {
  const { tag, val } = asRecord(wanted);
  switch (tag) {
    case 'no-change':
      return Number(now.currentNs) / 1e9;
    case 'now':
      return now.wallMs / 1_000;
    case 'timestamp':
      return timestampSeconds(asRecord(val));
    default:
      return trap('Cannot set the time: it is none of the cases that the interface declares');
  }
}

function timestampSeconds(datetime: Readonly<Record<string, unknown>>): number {
  const seconds = asU64(datetime.seconds);
  const nanoseconds = asU32(datetime.nanoseconds);
  if (nanoseconds >= Number(NANOSECONDS)) refuse('invalid');
  if (seconds > SECONDS_MAX) refuse('overflow');
  return Number(seconds) + nanoseconds / 1e9;
}
