/**
 * `wasi:cli`: arguments, environment, exit, standard streams, terminals; and ports for the streams.
 *
 * Guarantees
 *   L1  A guest sees the variables that it is given and no other.
 *   L2  `exit` ends the guest with `COMPONENT_EXITED` and nothing else.
 *   L3  Several handles of one standard stream share its bytes and its back-pressure.
 *   L4  What a guest printed reaches its sink also when the guest ends in the middle of a line.
 * Limits      per stream 64 KiB of unwritten bytes; a line handed over is at most 64 KiB by default.
 * Not here    `wasi:cli/run`, which components export (host/).
 *
 * @module
 */
export { CLI_INTERFACES, CLI_SETTINGS, type CliSettings, STDIO, type Stdio } from './cli.ts';
export {
  type BufferSink,
  bufferSink,
  bufferSource,
  type LineSink,
  lineSink,
  type ReadableSource,
  readableSource,
  type WritableSink,
  writableSink,
} from './stdio.ts';
