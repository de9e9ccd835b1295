/**
 * What a caller, an operator and a machine may conclude from a failure. Everything that derives from
 * it (HTTP status, exit code, retry advice, log level) stands in {@link ERROR_KINDS}.
 */
export const ERROR_KINDS = {
  invalid: { httpStatus: 400, exitCode: 64, logLevel: 'info' },
  denied: { httpStatus: 403, exitCode: 77, logLevel: 'warn' },
  'not-found': { httpStatus: 404, exitCode: 66, logLevel: 'info' },
  conflict: { httpStatus: 409, exitCode: 73, logLevel: 'info' },
  overload: { httpStatus: 503, exitCode: 75, logLevel: 'warn' },
  timeout: { httpStatus: 504, exitCode: 75, logLevel: 'warn' },
  unavailable: { httpStatus: 503, exitCode: 69, logLevel: 'warn' },
  cancelled: { httpStatus: 499, exitCode: 130, logLevel: 'debug' },
  internal: { httpStatus: 500, exitCode: 70, logLevel: 'error' },
} as const satisfies Record<string, KindSpec>;

interface KindSpec {
  /** Status of an HTTP answer that reports it. */
  readonly httpStatus: number;
  /** Exit code of a command that ends with it (sysexits.h where it has one). */
  readonly exitCode: number;
  /** Level at which it is logged when nobody handles it. */
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** One of the nine kinds of failure. */
export type ErrorKind = keyof typeof ERROR_KINDS;

interface CodeSpec {
  readonly kind: ErrorKind;
  /** Whether trying again can help; `if-idempotent`: the first try may have had its effect. */
  readonly retryable: boolean | 'if-idempotent';
  /** One public sentence, without values. */
  readonly summary: string;
}

/**
 * Every code there is. A code is forever: never renamed, never reused. Sorted by area, then by name.
 * To add one: CONTRIBUTING, "Add an error code".
 */
export const ERROR_CODES = {
  // actors
  ACTOR_FAILED: { kind: 'unavailable', retryable: 'if-idempotent', summary: 'The actor failed while it handled the message' },
  ACTOR_NOT_FOUND: { kind: 'not-found', retryable: false, summary: 'No actor has that name' },
  ACTOR_QUARANTINED: { kind: 'unavailable', retryable: true, summary: 'The actor failed too often and is held for a while' },
  ACTOR_START_FAILED: { kind: 'unavailable', retryable: false, summary: 'The actor could not start' },
  ACTOR_STOPPED: { kind: 'not-found', retryable: false, summary: 'The actor has stopped' },
  ASK_CANCELLED: { kind: 'cancelled', retryable: true, summary: 'The caller gave up the ask' },
  ASK_DEADLOCK: { kind: 'conflict', retryable: false, summary: 'The asks wait for one another in a circle' },
  ASK_TIMEOUT: { kind: 'timeout', retryable: 'if-idempotent', summary: 'No reply came in time' },
  ACTOR_STUCK: { kind: 'timeout', retryable: 'if-idempotent', summary: 'The actor waited too long in one message' },
  DELIVERY_UNAVAILABLE: { kind: 'invalid', retryable: false, summary: 'A message cannot be kept until it is handled here' },
  MAILBOX_FULL: { kind: 'overload', retryable: true, summary: 'The mailbox is at capacity' },
  MESSAGE_INVALID: { kind: 'invalid', retryable: false, summary: 'The message does not fit the protocol' },
  MESSAGE_REFUSED: { kind: 'conflict', retryable: false, summary: 'The actor refused the message' },
  MESSAGE_UNDELIVERABLE: { kind: 'unavailable', retryable: false, summary: 'The message was delivered as often as allowed, in vain' },
  MESSAGE_UNSERIALIZABLE: { kind: 'invalid', retryable: false, summary: 'The message cannot be kept as bytes' },
  MESSAGES_NOT_FOUND: { kind: 'not-found', retryable: false, summary: 'No messages are kept for that name' },
  NAME_INVALID: { kind: 'invalid', retryable: false, summary: 'The name is not well-formed' },
  NAME_TAKEN: { kind: 'conflict', retryable: false, summary: 'The name belongs to another actor' },
  OPERATION_UNKNOWN: { kind: 'not-found', retryable: false, summary: 'The actor has no such operation' },
  OUTBOX_CORRUPT: { kind: 'internal', retryable: false, summary: 'Messages that were kept are damaged' },
  OUTBOX_FULL: { kind: 'overload', retryable: true, summary: 'As many messages are kept as there may be' },
  POOL_EXHAUSTED: { kind: 'overload', retryable: true, summary: 'No routee of the pool was free in time' },
  PROTOCOL_INVALID: { kind: 'invalid', retryable: false, summary: 'The protocol or its implementation is not well-formed' },
  STATE_CORRUPT: { kind: 'internal', retryable: false, summary: 'The kept state of the actor is damaged' },
  STATE_IN_USE: { kind: 'conflict', retryable: false, summary: 'An actor lives whose state is to be forgotten' },
  STATE_INVALID: { kind: 'invalid', retryable: false, summary: 'The state of the actor cannot be kept' },
  STATE_NOT_FOUND: { kind: 'not-found', retryable: false, summary: 'No state of that actor is kept' },
  STATE_VERSION_UNKNOWN: { kind: 'conflict', retryable: false, summary: 'The kept state is of a version that the actor does not know' },
  STREAMS_EXHAUSTED: { kind: 'overload', retryable: true, summary: 'The actor has as many open streams as it may' },
  SYSTEM_STOPPED: { kind: 'unavailable', retryable: false, summary: 'The actor system has stopped' },
  TOPIC_INVALID: { kind: 'invalid', retryable: false, summary: 'The topic or pattern is not well-formed' },

  // answers: a component's handler returned a failure of its own; one code per kind
  ANSWER_CANCELLED: { kind: 'cancelled', retryable: false, summary: 'The actor answered that the work was cancelled' },
  ANSWER_CONFLICT: { kind: 'conflict', retryable: false, summary: 'The actor answered that its state does not allow it' },
  ANSWER_DENIED: { kind: 'denied', retryable: false, summary: 'The actor answered that this is not allowed' },
  ANSWER_INTERNAL: { kind: 'internal', retryable: false, summary: 'The actor answered that it has a fault' },
  ANSWER_INVALID: { kind: 'invalid', retryable: false, summary: 'The actor answered that the message is wrong' },
  ANSWER_NOT_FOUND: { kind: 'not-found', retryable: false, summary: 'The actor answered that there is no such thing' },
  ANSWER_OVERLOAD: { kind: 'overload', retryable: true, summary: 'The actor answered that it has too much to do' },
  ANSWER_TIMEOUT: { kind: 'timeout', retryable: 'if-idempotent', summary: 'The actor answered that it ran out of time' },
  ANSWER_UNAVAILABLE: { kind: 'unavailable', retryable: true, summary: 'The actor answered that what it needs is not there' },

  // nodes
  NODE_LIMIT: { kind: 'overload', retryable: true, summary: 'The process has no room for another component instance' },

  // components
  COMPONENT_BUSY: { kind: 'conflict', retryable: true, summary: 'The component instance is in another call' },
  COMPONENT_DEAD: { kind: 'unavailable', retryable: false, summary: 'The component instance has trapped or was killed' },
  COMPONENT_DEADLINE: {
    kind: 'timeout',
    retryable: 'if-idempotent',
    summary: 'The component took longer for one message than its limit allows',
  },
  COMPONENT_EXITED: { kind: 'unavailable', retryable: false, summary: 'The component ended itself' },
  COMPONENT_FUEL: {
    kind: 'overload',
    retryable: false,
    summary: 'The component used more fuel for one message than its limit allows',
  },
  COMPONENT_IMPORT_MISSING: { kind: 'denied', retryable: false, summary: 'The component imports what was not granted or linked' },
  COMPONENT_INVALID: { kind: 'invalid', retryable: false, summary: 'The bytes are not a valid component' },
  COMPONENT_KILLED: { kind: 'unavailable', retryable: false, summary: 'The component instance was killed' },
  COMPONENT_LIMIT: { kind: 'overload', retryable: false, summary: 'The component asks for more than its limits allow' },
  COMPONENT_LINK_FAILED: {
    kind: 'unavailable',
    retryable: 'if-idempotent',
    summary: 'A linked actor did not answer a call of the component',
  },
  COMPONENT_LINK_INVALID: { kind: 'invalid', retryable: false, summary: 'A link does not fit the component or its target' },
  COMPONENT_TRAPPED: { kind: 'unavailable', retryable: 'if-idempotent', summary: 'The component trapped' },
  COMPONENT_UNHEALTHY: {
    kind: 'unavailable',
    retryable: 'if-idempotent',
    summary: 'The component said too often in a row that it does not work',
  },
  COMPONENT_UNSUPPORTED: { kind: 'invalid', retryable: false, summary: 'The component uses a feature that is not supported' },
  HTTP_BODY_TOO_LARGE: { kind: 'invalid', retryable: false, summary: 'The body of the request is larger than the server takes' },
  HTTP_CLIENT_GONE: { kind: 'cancelled', retryable: false, summary: 'The client went before it was answered' },
  HTTP_COMPONENT_FAILED: {
    kind: 'unavailable',
    retryable: 'if-idempotent',
    summary: 'The component failed while it handled the request',
  },
  HTTP_HEADERS_TOO_LARGE: { kind: 'invalid', retryable: false, summary: 'The headers of the request are larger than the server takes' },
  HTTP_METHOD_NOT_ALLOWED: { kind: 'invalid', retryable: false, summary: 'The route does not take this method' },
  HTTP_OVERLOADED: { kind: 'overload', retryable: true, summary: 'Too many requests are under way' },
  HTTP_REQUEST_INVALID: { kind: 'invalid', retryable: false, summary: 'The request is not well-formed' },
  HTTP_REQUEST_TIMEOUT: { kind: 'timeout', retryable: true, summary: 'The request did not arrive in time' },
  HTTP_RESPONSE_MISSING: { kind: 'unavailable', retryable: false, summary: 'The component handled the request and set no response' },
  HTTP_ROUTE_NOT_FOUND: { kind: 'not-found', retryable: false, summary: 'No route leads to a component' },
  HTTP_UNAVAILABLE: { kind: 'unavailable', retryable: true, summary: 'The component takes no requests at the moment' },
  NOT_A_COMPONENT: { kind: 'invalid', retryable: false, summary: 'The bytes are not a WebAssembly component' },
  VALUE_INVALID: { kind: 'invalid', retryable: false, summary: 'The value does not have the type that the component declares' },

  // capabilities
  CAPABILITY_DENIED: { kind: 'denied', retryable: false, summary: 'No grant covers the operation' },

  // building
  BUILD_FAILED: { kind: 'invalid', retryable: false, summary: 'The component cannot be built from its source' },
  FILE_EXISTS: { kind: 'conflict', retryable: false, summary: 'The file is there already' },
  TOOL_MISSING: { kind: 'not-found', retryable: false, summary: 'An optional tool is not installed' },

  // configuration and command line
  CONFIG_INVALID: { kind: 'invalid', retryable: false, summary: 'The configuration is wrong' },
  FILE_NOT_FOUND: { kind: 'not-found', retryable: false, summary: 'The file is not there' },
  FILE_UNREADABLE: { kind: 'invalid', retryable: false, summary: 'The file cannot be read' },
  OUTPUT_FAILED: { kind: 'unavailable', retryable: true, summary: 'Standard output or standard error cannot be written' },
  USAGE_INVALID: { kind: 'invalid', retryable: false, summary: 'The command line is wrong' },

  // control port
  CONTROL_FORBIDDEN: { kind: 'denied', retryable: false, summary: 'The token does not allow that' },
  CONTROL_THROTTLED: { kind: 'overload', retryable: true, summary: 'Too many wrong tokens came lately' },
  CONTROL_UNAUTHORIZED: { kind: 'denied', retryable: false, summary: 'The control port refused the token' },
  APPLICATION_RUNNING: { kind: 'conflict', retryable: false, summary: 'The application is running already' },
  DRAIN_INCOMPLETE: { kind: 'timeout', retryable: false, summary: 'The application ended before it had finished what it had accepted' },
  CONTROL_UNREACHABLE: { kind: 'unavailable', retryable: true, summary: 'No running application answers at the control port' },
  PORT_IN_USE: { kind: 'conflict', retryable: false, summary: 'Another process listens there' },

  // audit log
  AUDIT_CORRUPT: { kind: 'conflict', retryable: false, summary: 'The audit log was changed or cut off' },
  AUDIT_LOCKED: { kind: 'conflict', retryable: true, summary: 'Another process writes the audit log' },
  AUDIT_UNSENT: { kind: 'unavailable', retryable: true, summary: 'Records of the audit log did not arrive where they are sent' },
  AUDIT_UNAVAILABLE: { kind: 'unavailable', retryable: true, summary: 'The audit log cannot be written' },
  // store
  STORE_BUSY: { kind: 'overload', retryable: true, summary: 'Too much is waiting for the store' },
  ARTIFACT_CORRUPT: { kind: 'conflict', retryable: false, summary: 'An artifact is not what its digest says' },
  ARTIFACT_NOT_FOUND: { kind: 'not-found', retryable: false, summary: 'The store has no such artifact' },
  ARTIFACT_UNUSABLE: { kind: 'unavailable', retryable: false, summary: 'An artifact cannot be kept or read' },
  SECRET_UNAVAILABLE: { kind: 'invalid', retryable: false, summary: 'A secret is not there, or cannot be used' },
  STORE_CLOSED: { kind: 'unavailable', retryable: false, summary: 'The store is closed' },
  STORE_LIMIT: { kind: 'overload', retryable: false, summary: 'The store would hold more than it may' },
  STORE_LOCKED: { kind: 'conflict', retryable: true, summary: 'Another process uses the store' },
  STORE_LOST: { kind: 'unavailable', retryable: 'if-idempotent', summary: 'The storage thread ended before it answered' },
  STORE_NUMBER_INVALID: {
    kind: 'conflict',
    retryable: false,
    summary: 'The entry holds no number to which that can be added',
  },
  STORE_TIMEOUT: { kind: 'timeout', retryable: 'if-idempotent', summary: 'The store did not answer in time' },
  STORE_UNUSABLE: { kind: 'unavailable', retryable: false, summary: 'The file of the store cannot be used' },

  // workers
  MODULE_EXPORT_INVALID: { kind: 'invalid', retryable: false, summary: 'The module does not export such an actor type' },
  MODULE_LOAD_FAILED: { kind: 'invalid', retryable: false, summary: 'The module of an actor type could not be loaded' },
  WORKER_LOST: { kind: 'unavailable', retryable: 'if-idempotent', summary: 'The worker was lost before it answered' },

  // runtime
  INTERNAL: { kind: 'internal', retryable: false, summary: 'A bug or a broken invariant' },
  INTERNAL_REMOTE: { kind: 'internal', retryable: false, summary: 'The other side reported a code that is not known here' },
  RUNTIME_UNSUPPORTED: { kind: 'invalid', retryable: false, summary: 'This Node.js cannot run Troupe' },
} as const satisfies Record<string, CodeSpec>;

/** Every code, as a type. */
export type ErrorCode = keyof typeof ERROR_CODES;
