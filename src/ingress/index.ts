/**
 * Ingress: HTTP requests from outside to HTTP components.
 *
 * Guarantees
 *   I1  Which route takes a request depends on host, path and method alone, and the most specific one does; two routes
 *       that no request can tell apart are refused before anything listens.
 *   I2  Escapes of a path are undone once, for routing only: the component gets the target as it was sent. A path with
 *       dot-segments, bad escapes or anything but visible ASCII is answered 400.
 *   I3  What does not reach a component is answered with a problem document that has a code and nothing of the inside.
 *   I4  Head, body, time, connections and requests at once are bounded; a slow side makes the other one wait.
 *   I5  A client that goes ends the guest that works for it. One that closes only its sending side has gone.
 *   I6  After `close` no connection is left.
 *   I7  Servers on several threads can share an address that was claimed: each connection is one's own, and ends with it
 *       alone; their bound of requests under way is one. An address at which anybody else listens is not claimed.
 * Limits      an address is shared on Linux and some BSDs; connections are bounded by each server for itself. HTTP/1.0 and 1.1; TLS is the business of who stands in front. A route has 32 segments.
 * Not here    instances and their number (host/), what a guest sees (wasi/http), configuration files (config/).
 *
 * @module
 */
export { claimAddress } from './claim-address.ts';
export { type IngressOptions, type IngressServer, type ListenAddress, serveIngress } from './ingress-server.ts';
export { INGRESS_DEFAULTS, type IngressLimits, toIngressLimits } from './options.ts';
export { type HttpTarget, RequestHandler, type RequestRecord } from './request-handler.ts';
export {
  formatHost,
  formatPath,
  type HostPattern,
  type Parsed,
  type PathPattern,
  parseHostPattern,
  parsePathPattern,
} from './route-pattern.ts';
export { findConflicts, type Route, type RouteConflict, RouteTable } from './route-table.ts';
