/**
 * The test kit, `troupe/testing`: a system whose time and chance are in the test's hands, and simulation.
 *
 * Guarantees
 *   K1  Nothing happens in a `TestSystem` until the test lets it, and then all that can happen without time passing does.
 *   K2  The same seed and the same calls give the same run: turns, their lengths, times, random numbers; also those that
 *       actors take from the globals of JavaScript.
 *   K3  Faults of actors (`crash`, `pause`, `slow`, `fill`) suspend no promise of the runtime. Those of messages (`drop`,
 *       `delay`, `duplicate`, `reorder`) suspend S1, S2 and S12, only for the messages that they befall. What actors send to
 *       themselves by timers and `pipe`, what the runtime tells them, and the steps of streams are never befallen.
 *   K4  `close` leaves nothing behind, and names what would have been left.
 *   K5  `simulate` gives the same run for the same seed, or says that it is not deterministic. What it throws can be
 *       replayed, and fails in the same way.
 * Limits      one thread, virtual time only: code that waits for I/O or Node.js's timers does not settle, and is reported.
 *             Shrinking takes at most 1,500 runs.
 * Not here    the promises themselves (docs/explanation/semantics.md); faults of whole processes and networks (test/).
 *
 * @module
 */
export type { Draw } from './draw.ts';
export type { DeadLetterMatch, FailureMatch } from './expect.ts';
export type { Fault } from './faults.ts';
export type { MessageMatch, TestMessage } from './message.ts';
export type { Ended, Patience, Probe, Received } from './probe.ts';
export { replay, SimulationFailure, type SimulationOptions, type SimulationReport, simulate } from './simulate.ts';
export { TestSystem, type TestSystemOptions, type Times } from './test-system.ts';
export type { SimulationFaults, Trace, TraceStep, Which, Whom, World } from './world.ts';
