/**
 * Client of the control port: what `ps`, `ask` and `tell` use, and a program may.
 *
 * Guarantees
 *   CL1  Every call has a deadline, and rejects with a `RuntimeError`: the application's own, or one of the control port.
 *   CL2  A token is sent to the application that wrote it, nowhere else, and is never part of an error.
 *   CL3  With `url` it runs in a browser; Node.js is loaded only for `dir` and `socketPath`.
 * Limits      an answer has at most 64 MiB.
 * Not here    the types and routes (api/); the server (admin/).
 *
 * @module
 */
export { type ConnectOptions, connectControl } from './connect.ts';
export { ASK_TIMEOUT_MS, ControlClient, type ControlTransport } from './control-client.ts';
