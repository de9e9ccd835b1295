/**
 * Control port: the HTTP API of a running application, on a Unix socket or a loopback port.
 *
 * Guarantees
 *   AD1  Without a token nothing is answered but 401, and after some wrong ones in a second that they are too many. Of tokens only
 *        digests are held, which are compared in constant time; a token does what its role allows: `reader`, `operator`, `admin`.
 *   AD2  Token and address are files that only this user can read, and they are gone when the port is closed.
 *   AD3  What a killed process left behind is recognised by nobody answering, and replaced; a live one is never disturbed.
 *   AD4  Every request is bounded: headers, body, time, number of connections. Every error is a problem document with
 *        our code and kind; what is not one of our errors shows its code only.
 *   AD5  What an operator does is put on record first, and refused if it cannot be, but for a stop.
 *   AD6  At the address for monitoring, if there is one, whoever reaches it sees metrics and health, and can change nothing.
 * Limits      one application per folder; 64 connections; bodies of 1 MiB; asks of at most an hour.
 * Not here    what the operations do (the port `ControlPlane`); the paths and types (api/); calling it (client/).
 *
 * @module
 */
export { type ControlAppOptions, createControlApp } from './control-app.ts';
export type { ControlAsk, ControlPlane, ControlTell, MetricsPage, OperatorAction } from './control-plane.ts';
export type { MonitoringPlane } from './monitoring-app.ts';
export type { ControlAddress } from './rendezvous.ts';
export { ROLES, type Role } from './roles.ts';
export { type ControlServer, type ServeControlOptions, serveControl } from './serve-control.ts';
export { type MonitoringServer, type ServeMonitoringOptions, serveMonitoring } from './serve-monitoring.ts';
export { createToken, digestOfToken, type TokenHolder } from './token.ts';
