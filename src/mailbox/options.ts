import { RuntimeError } from '../errors/index.ts';

/**
 * What a full mailbox does with one message more. `reject`: the sender is refused. `drop-oldest`: the oldest message
 * makes room. `drop-newest`: the new message is lost. What is dropped becomes a dead letter.
 */
export type OverflowPolicy = 'reject' | 'drop-oldest' | 'drop-newest';

/** How much a mailbox takes. */
export interface MailboxOptions {
  /** Messages. Integer, 1 to 1_048_576. Default 1_024. */
  readonly capacity?: number;
  /** Default `reject`. */
  readonly overflow?: OverflowPolicy;
}

/** Messages: deep enough for a burst within one turn of the event loop, 16 KB of slots at most. */
export const MAILBOX_CAPACITY = 1_024;

/** Messages: 16 MB of slots; more queues than works off. */
export const MAILBOX_CAPACITY_MAX = 1_048_576;

const OVERFLOW_POLICIES: readonly string[] = ['reject', 'drop-oldest', 'drop-newest'];

/** Checked options, shared by all mailboxes that have the same. */
export interface MailboxPolicy {
  readonly capacity: number;
  readonly overflow: OverflowPolicy;
}

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} The capacity is out of range.
 * @throws {RuntimeError} `CONFIG_INVALID` — the overflow policy is not one of ours, or is `wait`, which needs a sender
 *   that can wait, and `tell` never waits.
 */
export function toMailboxPolicy(options: MailboxOptions = {}): MailboxPolicy {
  const capacity = options.capacity ?? MAILBOX_CAPACITY;
  const overflow = options.overflow ?? 'reject';
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAILBOX_CAPACITY_MAX) {
    throw new RangeError(`Mailbox capacity must be an integer from 1 to ${MAILBOX_CAPACITY_MAX}, not ${capacity}`);
  }
  if (!OVERFLOW_POLICIES.includes(overflow)) {
    const why = (overflow as string) === 'wait' ? 'is not supported yet, because "tell" never waits' : 'is unknown';
    const choice = OVERFLOW_POLICIES.map((name) => `"${name}"`).join(', ');
    throw new RuntimeError(
      'CONFIG_INVALID',
      `Overflow policy ${JSON.stringify(overflow)} ${why}: use one of ${choice}`,
    );
  }
  return Object.freeze({ capacity, overflow });
}
