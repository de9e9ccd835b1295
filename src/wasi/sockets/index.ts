/**
 * `wasi:sockets`: TCP, UDP and name lookup for distrusted guests, on `node:net`, `node:dgram` and `node:dns`.
 *
 * Guarantees
 *   S1  Nothing reaches the network but what `network` of the grants covers; a denial is `access-denied`, and is reported.
 *       Each datagram's destination is decided for itself; whoever may listen may answer those it has heard.
 *   S2  A connection to an address is covered by a grant of the address, or of a name that led this guest there in one of
 *       its own lookups; where a name may lead is `capability/`'s to say.
 *   S3  A socket that was bound without a grant to listen, as a client's is, hears only those to whom the guest may send.
 *   S4  Sockets go through the states of the interface, and no others; what is called in a wrong one answers
 *       `invalid-state`, `concurrency-conflict` or `not-in-progress` and changes nothing.
 *   S5  A guest that does not read makes its peer wait; one that writes more than the peer takes has to wait.
 *   S6  What was written goes out after a shutdown or a drop, for a bounded time. When the guest is gone, every descriptor
 *       is closed.
 * Limits      64 sockets and connections by default, those that wait to be accepted included. Per connection 64 KiB to be
 *             written, 128 KiB that were read. Per UDP socket 256 datagrams and 256 KiB that were not taken; more are dropped
 *             and counted; 1,024 peers that may be answered. A datagram has at most 65,507 bytes. 30 s to connect, 10 s to look a name up, 8 lookups under
 *             way, 1,024 addresses remembered.
 *             Needs a Node.js that has `net.BoundSocket`, as 24.21 and 26.4 do; elsewhere sockets are `not-supported`.
 *             Node.js cannot set the hop limit and the buffers of TCP: the one is `not-supported`, the others are remembered
 *             and read back. It accepts connections before the guest asks: those beyond the backlog, or beyond the limit,
 *             are closed at once. Flow labels are ignored. TCP is sent without delay (`TCP_NODELAY`).
 * Not here    what is granted (capability/), HTTP (http/).
 *
 * @module
 */
export { SOCKET_INTERFACES } from './interfaces.ts';
export { SOCKET_SETTINGS, SOCKETS, type SocketSettings } from './socket-table.ts';
