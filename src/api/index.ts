/**
 * What the control port and its clients say to each other: types, routes, bounds and the form of errors.
 *
 * Guarantees
 *   AP1  Runs in a browser: no Node API, no dependency.
 *   AP2  Server, client and command line use this one table of routes; none writes a path of its own.
 *   AP3  A request is checked field by field, with bounds, before anything acts on it; unknown fields are refused.
 * Limits      a request body is at most 1 MiB; JSON payloads nest at most 128 levels.
 * Not here    serving (admin/), calling (client/), what operations mean (host/).
 *
 * @module
 */
export {
  type ActorInfo,
  type ActorState,
  type ActorType,
  ANY_OPERATION,
  type ApplicationInfo,
  type AskRequest,
  type AuthorityReport,
  type ComponentReport,
  type CoreModuleReport,
  type DeadLetterInfo,
  type ExportReport,
  type FunctionReport,
  type GrantDiff,
  type HealthInfo,
  type HealthTrouble,
  type HttpCounters,
  type ImportDiff,
  type ImportReport,
  type IngressInfo,
  type LimitInfo,
  type OperationInfo,
  type OutboxList,
  type OutboxQueue,
  type RouteInfo,
  type RuleInfo,
  type StateInfo,
  type StateList,
  type StateReport,
  type TellRequest,
} from './model.ts';
export { bytesPayload, type JsonValue, jsonDepth, PAYLOAD_DEPTH_MAX, type Payload, payloadBytes } from './payload.ts';
export { fromProblem, PROBLEM_CONTENT_TYPE, type Problem, toProblem } from './problem.ts';
export {
  ASK_TIMEOUT_RANGE_MS,
  parseAskRequest,
  parsePayload,
  parseTellRequest,
  REQUEST_BODY_BYTES_MAX,
} from './requests.ts';
export { MONITORING_PATHS, ROUTES, type RouteName, routePath } from './routes.ts';
