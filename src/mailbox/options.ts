import { RuntimeError } from '../errors/index.ts';

/**
 * What a full mailbox does with one message more. `reject`: the sender is refused. `wait`: as `reject` for a `tell`, which
 * never waits; an `ask` waits for room, within its deadline. `drop-oldest`: the oldest messages make room. `drop-newest`:
 * the new message is lost. What is dropped becomes a dead letter. A `put` waits for room, unless the policy makes it.
 */
export type OverflowPolicy = 'reject' | 'wait' | 'drop-oldest' | 'drop-newest';

/** How much a mailbox takes. */
export interface MailboxOptions {
  /** Messages. Integer, 1 to 1_048_576. Default 1_024. */
  readonly capacity?: number;
  /**
   * Bytes of payloads: of strings their characters, of buffers their bytes, of arrays and plain objects those of what is in
   * them and at least 8 for each; of anything else nothing is known. They are counted when a message comes. What an actor
   * sends to itself by timers and `pipe` is not counted. Integer, 1 to 2^40. Default: no bound.
   */
  readonly capacityBytes?: number;
  /** Default `reject`. */
  readonly overflow?: OverflowPolicy;
}

/** Messages: deep enough for a burst within one turn of the event loop, 16 KB of slots at most. */
export const MAILBOX_CAPACITY = 1_024;

/** Messages: 16 MB of slots; more queues than works off. */
export const MAILBOX_CAPACITY_MAX = 1_048_576;

/** Bytes: 1 TiB, more than any machine has. */
const CAPACITY_BYTES_MAX = 2 ** 40;

const OVERFLOW_POLICIES: readonly string[] = ['reject', 'wait', 'drop-oldest', 'drop-newest'];

/** Checked options, shared by all mailboxes that have the same. */
export interface MailboxPolicy {
  readonly capacity: number;
  /** 0: no bound. */
  readonly capacityBytes: number;
  readonly overflow: OverflowPolicy;
}

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A capacity is out of range.
 * @throws {RuntimeError} `CONFIG_INVALID` — the overflow policy is not one of ours.
 */
export function toMailboxPolicy(options: MailboxOptions = {}): MailboxPolicy {
  const { capacity = MAILBOX_CAPACITY, capacityBytes, overflow = 'reject' } = options;
  assertCapacity('capacity', capacity, MAILBOX_CAPACITY_MAX);
  if (capacityBytes !== undefined) assertCapacity('capacityBytes', capacityBytes, CAPACITY_BYTES_MAX);
  if (!OVERFLOW_POLICIES.includes(overflow)) {
    const choice = OVERFLOW_POLICIES.map((name) => `"${name}"`).join(', ');
    throw new RuntimeError(
      'CONFIG_INVALID',
      `Overflow policy ${JSON.stringify(overflow)} is unknown: use one of ${choice}`,
    );
  }
  return Object.freeze({ capacity, capacityBytes: capacityBytes ?? 0, overflow });
}

function assertCapacity(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new RangeError(`Mailbox option "${name}" must be an integer from 1 to ${max}, not ${value}`);
}
