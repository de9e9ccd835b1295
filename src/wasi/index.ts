/**
 * WASI 0.2 for components: the host side of `wasi:io`, `cli`, `clocks`, `random`, `filesystem`, `sockets`, `http`, `keyvalue`,
 * `config` and `logging`, from grants.
 *
 * Guarantees
 *   W1  A guest can do nothing to the host that it was not granted, whatever it calls in whatever order.
 *   W2  A guest that waits is suspended; the event loop is never blocked for it.
 *   W3  Memory, descriptors and operations under way are bounded per instance.
 *   W4  After a guest's `dispose` no descriptor and no timer of the instance is left, and no wait is pending.
 *   W5  Any 0.2.x patch version of an interface is served by the same functions; a draft by its exact name alone.
 * Limits      stable 0.2 and, of what is not stable, the drafts that toolchains use; limits per interface stand in its folder's header.
 * Not here    what is linked to what (host/); parsing grants (config/).
 *
 * @module
 */

export { decideFor } from './authority/index.ts';
export {
  type BufferSink,
  bufferSink,
  bufferSource,
  type LineSink,
  lineSink,
  type ReadableSource,
  readableSource,
  type Stdio,
  type WritableSink,
  writableSink,
} from './cli/index.ts';
export { type Breach, defineInterfaces, type Guest, PartKey, reportLimit } from './guest/index.ts';
export {
  type FieldSize,
  type HttpBodySink,
  type HttpBodySource,
  type HttpErrorCode,
  type HttpExchange,
  HttpFailure,
  type OpenExchange,
  openExchange,
  type RawHeaders,
} from './http/index.ts';
export type { ByteSink, ByteSource } from './io/index.ts';
export type { LogEntry, LogLevel, LogSink } from './logging/index.ts';
export { type InterfaceNeed, neededGrants, WASI_INTERFACES } from './needed-grants.ts';
export { WASI_DEFAULTS, type WasiLimits, type WasiOptions } from './options.ts';
export type { RandomBytes } from './random/index.ts';
export { type GuestUse, guestUse } from './use.ts';
export { defineWasi, type Wasi } from './wasi.ts';
