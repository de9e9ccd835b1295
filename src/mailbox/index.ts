/**
 * Mailboxes: the bounded queue in front of every actor.
 *
 * Guarantees
 *   M1  System messages are taken before user messages; within a lane the order of arrival is kept.
 *   M2  `size` never exceeds `capacity`. What happens instead is the overflow policy's: one message is refused or lost,
 *       and the caller learns which.
 *   M3  `offer` never throws and never waits, and allocates only when the ring grows.
 *   M4  A mailbox that was never used has no slots; an empty one gives a ring of more than 64 messages back.
 * Limits      capacity 1 to 1,048,576 messages; memory is the messages' own plus two array slots each. The system lane
 *             is bounded by who fills it: the runtime, once per actor watched and per child.
 * Not here    when an actor runs (dispatch/); what becomes of a lost message (actor/).
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
