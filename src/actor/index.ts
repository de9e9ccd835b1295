/**
 * Actors: protocols, references, cells, their life and death, and the system that they live in.
 *
 * Guarantees (in full, with their tests: docs/explanation/semantics.md)
 *   A1  An actor handles one message at a time, also across `await`; messages of one sender arrive in order.
 *   A2  `tell` never throws and never waits. An accepted message is handled, or becomes a dead letter that is counted.
 *   A3  Every ask settles: by a reply, a typed error, or its deadline.
 *   A4  A failure restarts the actor with new state, keeps its mailbox, and is seen by nobody else than its supervisor,
 *       the sender who asked, and its own children.
 *   A5  What an incarnation that is over still sends is refused.
 * Limits      one thread; a TypeScript handler that does not return holds it. Names of 255 characters, mailboxes of
 *             1,048,576 messages, asks of an hour.
 * Not here    who has which name (registry/); who gets what is published (broker/); components (host/).
 *
 * @module
 */

export type { ActorInfo, ActorState } from './actor-info.ts';
export type {
  ActorRef,
  AskOptions,
  DeliverOptions,
  EventOptions,
  EventStream,
  PutOptions,
  StopOptions,
  TellResult,
  Termination,
} from './actor-ref.ts';
export { ActorSystem } from './actor-system.ts';
export type { ActorType } from './actor-type.ts';
export { type Arrival, arrivals, type Host, type Hosting, hosted, type ReplyRoute } from './arrival.ts';
export type { Behavior, BehaviorContext, Closing, Incoming, Turn } from './behavior.ts';
export { contractOf, defineActorType } from './behavior-runner.ts';
export type { Condition } from './condition.ts';
export type { Context, PipeOutcome, TerminatedEvent, Timers } from './context.ts';
export type { DeadLetter } from './dead-letters.ts';
export type { Durable } from './durable-state.ts';
export type { AskTarget, Header } from './header.ts';
export type { Health, HealthReason } from './health.ts';
export { type Batch, type Implementation, implement } from './implement.ts';
export { crash, type Intervention, type Passage, type Runnable, stateOf, type Work, workOf } from './intervention.ts';
export { type KeptMessages, type KeptQueue, keptMessages } from './kept-messages.ts';
export { type KeptContent, type KeptNames, type KeptState, type KeptStates, keptStates } from './kept-states.ts';
export type { TypeTotals } from './measures.ts';
export type { ActorMeter, ActorMeterData } from './meter.ts';
export { nearestNames } from './name.ts';
export {
  type ActorSystemOptions,
  ASK_TIMEOUT_MS,
  type FailureReport,
  type HealthOptions,
  type SpawnOptions,
  type StopPhase,
  type StopTaskFailure,
} from './options.ts';
export type {
  ActorSubscription,
  DurableStore,
  DurableWrite,
  KeptTopicInlet,
  Names,
  Publication,
  Subscription,
  SubscriptionInfo,
  TopicInlet,
  Topics,
} from './ports.ts';
export { type NoProtocol, type Protocol, protocol } from './protocol.ts';
export {
  defineRemoteType,
  type Far,
  identityOf,
  type RemoteActor,
  type RemoteDefinition,
  type RemoteProfile,
} from './remote.ts';
export {
  areAlike,
  atSenderEnd,
  defineRouterType,
  type Patience,
  type Routee,
  type Router,
  type RouterDefinition,
  routerSoon,
  type Team,
} from './routing.ts';
export { type StandardSchema, type Type, type } from './schema.ts';
export type { StopTaskOptions } from './shutdown.ts';
export { StreamSession } from './streams.ts';
export {
  type SubscribeOptions,
  type SubscriptionPolicy,
  type TopicDelivery,
  type TopicOverflow,
  type TopicSpec,
  toSubscriptionPolicy,
} from './subscription.ts';
export {
  type ChildInfo,
  type ChildSpec,
  type SupervisorOptions,
  type SupervisorProtocol,
  supervisor,
} from './supervisor.ts';
export { topicInlet } from './topic-inlet.ts';
