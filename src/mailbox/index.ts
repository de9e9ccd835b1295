/**
 * Mailboxes: the bounded queue in front of every actor.
 *
 * Guarantees
 *   M1  What the runtime says is taken first, then urgent messages, then the others; within a lane the order of arrival
 *       is kept. What was stashed comes back before the others, in its order.
 *   M2  A lane never holds more than `capacity` messages, stashed ones included, and all together no more than
 *       `capacityBytes`. What happens instead is the overflow policy's: one message is refused, or some are lost, and the
 *       caller learns which.
 *   M3  `offer` never throws and never waits, and allocates only when the ring grows, or to count bytes.
 *   M4  A mailbox that was never used has no slots; an empty one gives a ring of more than 64 messages back.
 * Limits      capacity 1 to 1,048,576 messages; memory is the messages' own plus two array slots each. Bytes are counted of
 *             text, buffers, arrays and plain objects, once, when they come. What an actor sends to itself, and the runtime
 *             to it, is bounded by who sends.
 * Not here    when an actor runs (dispatch/); what becomes of a lost message, and who waits for room (actor/).
 *
 * @module
 */
export { type Lost, Mailbox } from './mailbox.ts';
export {
  MAILBOX_CAPACITY,
  MAILBOX_CAPACITY_MAX,
  type MailboxOptions,
  type MailboxPolicy,
  type OverflowPolicy,
  toMailboxPolicy,
} from './options.ts';
