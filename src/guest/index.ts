/**
 * Guest: what a component in JavaScript or TypeScript is made of. Runs inside the component, in QuickJS; `troupe build`
 * bundles what is used of it.
 *
 * Guarantees
 *   G1  Whatever a handler throws is an answer that says what and where; the instance goes on.
 *   G2  `async` works: a call of the host ends when the promise that the handler gave is settled. One that cannot settle
 *       is an error, not a wait.
 *   G3  Randomness is the host's; what an engine started at build time would give is never used.
 *   G4  Handles of streams and of what is waited for are given back when they are done with.
 * Limits      calls of the host look blocking; only this actor waits. Timers run while a message is being handled. No
 *             `URL`, no `fetch` with streams of the Web, no modules of Node.js. 64-bit numbers are exact to 2⁵³.
 * Not here    the build (project/), the host's side of all of it (wasi/, host/).
 *
 * @module
 */
/// <reference path="../../wit/guest.d.ts" preserve="true" />
export {
  type ActorDefinition,
  type ActorExports,
  type Answer,
  defineActor,
  type Handler,
  type Health,
  type Message,
} from './actor.ts';
export type { Body, BodyInit } from './body.ts';
export { type HttpResult, RequestError, type RequestInit, request } from './client.ts';
export { Failure } from './failure.ts';
export { Headers, type HeadersInit } from './headers.ts';
export { type ActorHandle, type AskOptions, actor, publish, type Reply, self } from './messaging.ts';
export type { Payload } from './payload.ts';
export {
  type HttpAnswer,
  type HttpExports,
  type HttpHandler,
  type HttpResponse,
  type IncomingHttpRequest,
  serve,
} from './server.ts';
