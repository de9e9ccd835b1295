import type { Payload } from './payload.ts';

/** The application that answers at a control port. */
export interface ApplicationInfo {
  readonly name: string;
  readonly pid: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly startedAtMs: number;
  /** Where HTTP requests come in; absent when nothing listens. */
  readonly ingress?: IngressInfo;
}

/** Where HTTP requests come in, and where they go. */
export interface IngressInfo {
  /** `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly routes: readonly RouteInfo[];
}

/** One route, as people write it. */
export interface RouteInfo {
  readonly route: string;
  /** Absent: every host. */
  readonly host?: string;
  /** Absent: every method. */
  readonly methods?: readonly string[];
  /** Name of the component that handles the requests. */
  readonly component: string;
}

/** Requests of an actor that handles HTTP. Counters count since its start and only grow. */
export interface HttpCounters {
  /** With an instance now, or with an answer that is still being sent. */
  readonly inFlight: number;
  /** Answered by the component. */
  readonly served: number;
  /** Not answered by it: it trapped, took too long, or gave no whole answer. */
  readonly failed: number;
  /** Sent away: too many at once, or the component takes none. */
  readonly shed: number;
  /** Given up by their clients. */
  readonly cancelled: number;
}

/**
 * How an actor came to be: a component that handles messages or has operations, one that handles HTTP requests, one that
 * runs to its end, or TypeScript.
 */
export type ActorType = 'component' | 'http' | 'task' | 'typescript';

/**
 * - `starting`: not ready for its first message.
 * - `running`: takes messages, or is a task that has not ended.
 * - `restarting`: failed; waits for its back-off or is being set up again.
 * - `quarantined`: failed too often, refuses messages, and is tried again later.
 * - `stopped`: ended on request.
 * - `completed`: a task that reached its end.
 * - `failed`: given up by its supervisor.
 */
export type ActorState = 'starting' | 'running' | 'restarting' | 'quarantined' | 'stopped' | 'completed' | 'failed';

/** One limit of an actor. */
export interface LimitInfo {
  /** Absent: there is none. */
  readonly limit?: number;
  /** Absent: it is not known. */
  readonly used?: number;
  /** How often the actor ran into it; only grows. */
  readonly breaches: number;
}

/** One actor, as `troupe ps` shows it. Counters count since the application's start and only grow. */
export interface ActorInfo {
  readonly name: string;
  readonly type: ActorType;
  /** Name of the component in `troupe.toml`; absent for TypeScript actors. */
  readonly component?: string;
  readonly revision?: number;
  /** Where it lives: `worker 1`, `process tenants`; absent: on the main thread. */
  readonly worker?: string;
  readonly state: ActorState;
  /** Messages waiting in the mailbox, and how many fit. */
  readonly queued: number;
  /** Milliseconds for which the oldest message has waited at least; absent: none waits. */
  readonly oldestMs?: number;
  /** Milliseconds for which it has waited in one message; absent: it does not. */
  readonly handlingMs?: number;
  readonly capacity: number;
  readonly handled: number;
  readonly failed: number;
  readonly restarts: number;
  readonly deadLetters: number;
  /** What it says of its health, and for how long already; absent: nothing, or that it is well. */
  readonly condition?: { readonly status: 'degraded' | 'unhealthy'; readonly text: string; readonly forMs: number };
  /** Its last failure, in milliseconds since 1970-01-01 UTC; absent: it has had none. */
  readonly lastFailure?: { readonly code: string; readonly message: string; readonly atMs: number } | undefined;
  /** Of an actor that handles HTTP; `queued` and `capacity` then are requests that wait, `handled` those that are over. */
  readonly http?: HttpCounters;
  /** Linear memory of all its core modules. */
  readonly memoryBytes?: number;
  /** By the names that they have in `[limits]`; absent for TypeScript actors. */
  readonly limits?: Readonly<Record<string, LimitInfo>>;
  readonly uptimeMs: number;
}

/** The state that is kept of one actor. */
export interface StateInfo {
  /** Of the actor. */
  readonly name: string;
  /** Of the whole record. */
  readonly bytes: number;
  /** Of the actor; absent if the record is damaged. */
  readonly type?: string;
  /** Of the state's shape, 0 for a component; absent if the record is damaged. */
  readonly version?: number;
  readonly isDamaged?: true;
}

/** The states that are kept; if there are very many, the first of them. */
export interface StateList {
  readonly states: readonly StateInfo[];
  readonly hasMore: boolean;
}

/** One state with what is in it: the bytes that a component gave, or JSON. */
export interface StateReport extends StateInfo {
  /** Absent: it is damaged, or JSON cannot say it. */
  readonly state?: Payload | undefined;
}

/** Messages that are kept for one name until they are handled. */
export interface OutboxQueue {
  /** Of the actor, whether it is there or not. */
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  /** Milliseconds since the oldest was accepted; absent: not known. */
  readonly oldestMs?: number;
  /** How often the one was delivered in vain that was so most often. */
  readonly attempts: number;
  /** Of the messages: with the actor now. */
  readonly underWay: number;
  readonly damaged: number;
}

/** For whom messages are kept, the most first; if they are very many, the first of them. */
export interface OutboxList {
  readonly queues: readonly OutboxQueue[];
  readonly hasMore: boolean;
}

/** Dead letters of one actor, operation and reason. */
export interface DeadLetterInfo {
  readonly actor: string;
  /** `stopped`, `failed`, `expired`, `overflow`, `refused`, `invalid`, `removed`. */
  readonly reason: string;
  /** Or the topic. */
  readonly operation: string;
  readonly count: number;
  /** The last one, in milliseconds since 1970-01-01 UTC. */
  readonly lastAtMs: number;
  /** Why, of the last one. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Whether everything gets on. */
export interface HealthInfo {
  /** `unhealthy`: it cannot do its work, or a part of it. `degraded`: something does not get on. */
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether the process gets on; if not, it should be started again. */
  readonly live: boolean;
  /** Whether it should be given work: not before it has started, nor while it stops or is unhealthy. */
  readonly ready: boolean;
  readonly reasons: readonly HealthTrouble[];
  /** Milliseconds that the event loop was late at the last look; absent: there was none yet. */
  readonly eventLoopDelayMs?: number;
  /** What the process uses of the machine, and its ceilings; one that is absent there is none of. */
  readonly room: Readonly<Record<string, number>>;
}

/** What does not get on, and for how long already. */
export interface HealthTrouble {
  readonly kind:
    | 'event-loop'
    | 'handler'
    | 'start'
    | 'stop'
    | 'mailbox'
    | 'restarting'
    | 'quarantined'
    | 'degraded'
    | 'unhealthy'
    /** The audit log cannot be written; records do not arrive where they are sent. */
    | 'audit'
    | 'audit-shipping'
    /** There is little room where it is written. */
    | 'audit-disk'
    /** None of a component's actors does its work; a component fails again and again; an actor is not started again. */
    | 'component'
    | 'crash-loop'
    | 'given-up'
    /** Fewer workers are there than should be. */
    | 'workers'
    /** Of something that the process has little of, nearly all is used. */
    | 'room'
    /** The application is still starting. */
    | 'starting-up';
  /** Of `component` and `crash-loop`. */
  readonly component?: string;
  /** Absent: of the process. */
  readonly actor?: string;
  readonly ms: number;
  /** What the actor says. */
  readonly text?: string;
}

/** Name of the one operation of an actor that handles messages: it stands for every operation. */
export const ANY_OPERATION = '*';

/**
 * One operation of an actor. `function`: an export with WIT types, asked with a `json` payload. `message`: the actor
 * decides itself what it understands; `name` is {@link ANY_OPERATION} and payloads are `bytes`.
 */
export interface OperationInfo {
  readonly name: string;
  readonly kind: 'function' | 'message';
  /** The WIT type: `func(name: string) -> result<u32, string>`. */
  readonly wit: string;
}

/** Body of `POST …/ask`. */
export interface AskRequest {
  readonly op: string;
  readonly payload: Payload;
  /** Milliseconds, integer, 1 to 3,600,000. */
  readonly timeoutMs: number;
}

/** Body of `POST …/tell`. */
export interface TellRequest {
  readonly op: string;
  readonly payload: Payload;
}

/** One import of a component. */
export interface ImportReport {
  /** As the binary names it: `wasi:clocks/wall-clock@0.2.3`. */
  readonly name: string;
  readonly functions: readonly FunctionReport[];
  /**
   * `free`: linked without asking; gives no authority. `grant`: linked always, works with a grant.
   * `required-grant`: cannot be linked without a grant. `link`: another actor has to answer it. `unsupported`: nothing can
   * be linked there.
   */
  readonly need: 'free' | 'grant' | 'required-grant' | 'link' | 'unsupported';
  /** The line to add under `[components.NAME.grants]`, for the two that name a grant. */
  readonly grantLine?: string;
  /** The line to add under `[components.NAME.links]`, for `link`; `ACTOR` stands for whoever exports it. */
  readonly linkLine?: string;
}

/** One function, with its WIT type. */
export interface FunctionReport {
  readonly name: string;
  readonly wit: string;
}

/** One export of a component: an interface with its functions, or a single function. */
export interface ExportReport {
  readonly name: string;
  readonly functions: readonly FunctionReport[];
}

/** What `troupe inspect` says about a component file. */
export interface ComponentReport {
  readonly file: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** `message`: handles messages. `http`: handles HTTP requests. `task`: runs to its end. `functions`: each export is an operation. `none`: exports nothing that runs. */
  readonly becomes: 'message' | 'http' | 'task' | 'functions' | 'none';
  readonly lifecycle: boolean;
  readonly imports: readonly ImportReport[];
  readonly exports: readonly ExportReport[];
  readonly operations: readonly OperationInfo[];
  readonly coreModules: readonly CoreModuleReport[];
  /** Why it would be refused, if it would: one sentence each. Empty when it can run. */
  readonly refusals: readonly string[];
  /** The world in WIT text. */
  readonly wit: string;
  /** Of a component of an application. */
  readonly authority?: AuthorityReport;
}

/** One thing that a component may do, or asks to. */
export interface RuleInfo {
  /** `http.request`. */
  readonly action: string;
  /** As it stands in its file: `http = ["https://api.example.com"]`. */
  readonly rule: string;
}

/** What a component of an application asks for, is given, and gets. */
export interface AuthorityReport {
  readonly component: string;
  /** By its `Component.toml`; absent: it says nothing, and the operator alone decides. */
  readonly asked?: readonly RuleInfo[];
  /** By `troupe.toml`. */
  readonly given: readonly RuleInfo[];
  /** `observe`: what `troupe.toml` does not give is let through, and told. */
  readonly mode: 'enforce' | 'observe';
  /** What both, and every policy, come to. */
  readonly granted: readonly RuleInfo[];
  /** What is refused whatever is granted. */
  readonly denied: readonly RuleInfo[];
  /** Files of the policies that bound it. */
  readonly policies: readonly string[];
  /** Where the sides differ: `not-granted`, `not-asked`, `not-allowed`; one sentence each, and the line to add where one helps. */
  readonly differences: readonly { readonly kind: string; readonly text: string; readonly help?: string }[];
}

/** What one revision of a component wants that another one does not. */
export interface GrantDiff {
  readonly before: RevisionInfo;
  readonly after: RevisionInfo;
  /** Interfaces, or functions of them, that its code can use and the code of the other cannot. */
  readonly imports: readonly ImportDiff[];
  /** What its `Component.toml` asks for beyond the other's, as it stands there. Empty unless both are given by their manifests. */
  readonly asks: readonly string[];
  /** It says no more what it asks for, and the other did: the operator alone bounds it. */
  readonly unbounded: boolean;
  /** Interfaces that it does not use any more. */
  readonly dropped: readonly string[];
}

/** A file that was compared. */
export interface RevisionInfo {
  readonly file: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** What of one interface is newly used. */
export interface ImportDiff {
  readonly name: string;
  readonly functions: readonly string[];
  readonly need: ImportReport['need'];
  /** The line that grants it, or links it. */
  readonly line?: string;
}

/** One core module inside a component. */
export interface CoreModuleReport {
  readonly sizeBytes: number;
  /** Memory that it defines; absent when it imports its memory or has none. */
  readonly memory?: { readonly minBytes: number; readonly maxBytes?: number };
}
