/**
 * `wasi:sockets` without authority, so that programs link whose toolchain imports it and which never use it.
 *
 * Guarantees
 *   S1  Creating a socket and resolving a name answer `access-denied`; nothing reaches the network.
 * Limits      none is ever open.
 * Not here    sockets that work: there is no grant for them.
 *
 * @module
 */
export { SOCKET_INTERFACES } from './sockets.ts';
