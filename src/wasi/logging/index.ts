/**
 * `wasi:logging`: lines that a guest logs, handed to whoever listens.
 *
 * Guarantees
 *   LO1  What a guest logs is bounded in size and in number; what was left out is counted, and the count is told.
 *   LO2  A guest that logs never waits, and cannot make anybody else wait.
 * Limits      a message has 4,096 characters, a context 128; 200 lines at once, then 50 a second, of all guests that
 *             share a listener.
 * Not here    where the lines go (runtime/, cli/), which also makes control characters harmless; standard error (cli/).
 *
 * @module
 */
export { LOG_SINK, LOGGING_INTERFACES, type LogEntry, type LogLevel, type LogSink } from './logging.ts';
