/**
 * Workers: threads and child processes where actors live, and the links between them and the main thread.
 *
 * Guarantees
 *   W1  What was committed or posted on a link arrives once, whole and in order, unless the link is lost; its end says so, once,
 *       with the reason.
 *   W2  What is under way on a link is bounded: a writer without room is refused at once, and told when there is some.
 *   W3  Nobody polls: an end that has nothing to read sleeps, and no wake-up is lost.
 *   W4  What the other side writes is checked before it is used: garbage ends the link, and nothing else.
 *   W5  A worker that ends, in whatever way, or whose event loop stands still for longer than its watchdog allows, is lost with a
 *       named reason; what it had sent before is delivered first.
 *   W6  Whoever waits for a worker waits for a bounded time: for its start, for its end, for its replacement.
 *   W7  Lost workers are replaced, after pauses that grow; one that is lost again and again is given up.
 * Limits      a frame has 16 MiB; the ring of a thread 1 MiB per direction.
 * Not here    which actors are placed on workers (runtime/).
 *
 * @module
 */

export {
  ComponentBridge,
  clearPlace,
  orderForProcess,
  placedComponent,
  usageElsewhere,
  usagesElsewhere,
} from './component-bridge.ts';
export { ComponentKitchen } from './component-kitchen.ts';
export type { ComponentOrder, HttpUsage } from './component-messages.ts';
export type { Aside, Recipe } from './control.ts';
export { type Joined, joinMain } from './join-main.ts';
export { CREDITS_MAX, type Credits, FRAME_BYTES_MAX, type Frame, type Link, type LinkReceiver } from './link.ts';
export { type LinkPair, linkPair } from './link-pair.ts';
export { MainSide } from './main-side.ts';
export { type ModuleActorType, moduleKitchen, moduleOf, type WorkerActorOptions, workerActor } from './module-actor.ts';
export type { Peer } from './peer.ts';
export { PlacedActor, type Workplaces } from './placed-actor.ts';
export { SpreadActor, type SpreadPlace } from './spread-actor.ts';
export type { LifeTimes, LossReason, Worker } from './worker-life.ts';
export { WorkerPool, type WorkerPoolParts } from './worker-pool.ts';
export { startProcess } from './worker-process.ts';
export { createWorkerSide } from './worker-side.ts';
export { startThread, type WorkerStart } from './worker-thread.ts';
