/**
 * Room: how many instances of components one process has place for, and who is refused when there is no more.
 *
 * Guarantees
 *   RM1  What does not fit is refused by `NODE_LIMIT` before anything of it is made, with what is used and what the limit is.
 *   RM2  All threads of the process that share one `NodeRoom.shared` count together.
 *   RM3  A restart still fits where a new instance does not: the last part of each ceiling is kept for it. What nobody needs
 *        yet leaves a quarter of each.
 *   RM4  Mappings of memory stay below what the kernel gives a process, stacks of guests that wait included: V8 ends the
 *        process when there is none left.
 * Limits      mappings and resident memory are read from the system now and then, and counted on from there.
 * Not here    limits of one component (admission/), the number of its actors (actor/).
 *
 * @module
 */
export type { Machine } from './machine.ts';
export {
  limitNode,
  NodeRoom,
  nodeRoom,
  type RoomClaim,
  type RoomHandOver,
  type RoomLimits,
  type RoomUse,
  takeSharedRoom,
} from './room.ts';
