/**
 * Troupe: WebAssembly components and TypeScript as supervised actors. The public front door.
 *
 * Guarantees
 *   P1  What is exported here is the public API; everything else may change without notice.
 * Limits      Node.js 24 or later.
 * Not here    the component engine alone: `troupe/component`.
 *
 * @module
 */
export type {
  ActorInfo,
  ActorRef,
  ActorSubscription,
  ActorSystemOptions,
  ActorType,
  AskOptions,
  Batch,
  ChildInfo,
  ChildSpec,
  Condition,
  Context,
  DeadLetter,
  DeliverOptions,
  Durable,
  DurableStore,
  EventOptions,
  EventStream,
  FailureReport,
  Health,
  HealthOptions,
  HealthReason,
  Implementation,
  KeptContent,
  KeptMessages,
  KeptNames,
  KeptQueue,
  KeptState,
  KeptStates,
  PipeOutcome,
  Protocol,
  PutOptions,
  SpawnOptions,
  StandardSchema,
  StopOptions,
  StopPhase,
  StopTaskFailure,
  StopTaskOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionInfo,
  SupervisorOptions,
  SupervisorProtocol,
  TellResult,
  TerminatedEvent,
  Termination,
  Timers,
  TopicDelivery,
  TopicOverflow,
  TopicSpec,
  Type,
} from './actor/index.ts';
export { implement, keptMessages, keptStates, protocol, supervisor, type } from './actor/index.ts';
export {
  type AuditEntry,
  type AuditEvent,
  AuditLog,
  type AuditOptions,
  type AuditRecord,
  type AuditReport,
  type AuditStatus,
  readAudit,
  reportAudit,
  verifyAudit,
} from './audit/index.ts';
export type { Grants } from './capability/index.ts';
export { limitNode, type RoomLimits, type RoomUse } from './component/index.ts';
export { type ErrorCode, type ErrorKind, RuntimeError } from './errors/index.ts';
export {
  type ComponentActorType,
  type ComponentOptions,
  component,
  componentActor,
  type HttpOptions,
  type HttpStats,
  type Links,
  type LinkTarget,
  type RecycleOptions,
} from './host/index.ts';
export type { MailboxOptions, OverflowPolicy } from './mailbox/index.ts';
export {
  acquire,
  type Lease,
  type LeaseOptions,
  type PoolOptions,
  pool,
  type RouterOptions,
  type RouterStrategy,
  type RoutingOptions,
  router,
} from './router/index.ts';
export {
  type ActorAuthority,
  ActorSystem,
  type AuthorityOptions,
  actorAuthority,
  type HeldActor,
  type HttpComponent,
  type HttpComponentOptions,
  httpComponent,
  Metrics,
  type MetricsOptions,
  type SystemOptions,
  type WorkersOptions,
} from './runtime/index.ts';
export { openStore, type Store, type StoreLimits, type StoreOptions } from './store/index.ts';
export type { Directive, RestartType, Strategy, SupervisionOptions } from './supervision/index.ts';
export { type Clock, ManualClock, type Random, SeededRandom } from './time/index.ts';
export type { LogEntry } from './wasi/index.ts';
export { type WorkerActorOptions, workerActor } from './worker/index.ts';
