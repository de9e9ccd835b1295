/**
 * Dispatch: which actor runs next, for how many messages, and when I/O gets its turn.
 *
 * Guarantees
 *   D1  Actors take turns in the order in which they became ready; a turn is at most `throughput` messages. What an actor
 *       makes in its turn comes first, in its order, before those that wait; after 64 such first turns in a row each of
 *       those that wait has its turn, with the new one that has waited longest. A dispatcher that is given a queue has its
 *       order instead.
 *   D2  After the time budget, I/O comes first, whatever the actors do: also when they wake one another in microtasks.
 *       The overrun is what one handler takes, plus a quarter of the budget, once it is known how long that kind of work
 *       takes; until then, and when quick work turns slow, it is one turn.
 *   D3  What became ready is activated: nothing is forgotten, and an idle dispatcher plans nothing.
 * Limits      a handler that does not return holds its thread: JavaScript cannot be interrupted from within.
 * Not here    the queue of one actor (mailbox/); what a turn does (actor/).
 *
 * @module
 */
export {
  BUDGET_MS,
  Dispatcher,
  type DispatchOptions,
  Pace,
  type Paced,
  type RunQueue,
  THROUGHPUT,
} from './dispatcher.ts';
