/**
 * `wasi:clocks`: the monotonic clock, its pollables and the wall clock, over the `Clock` port.
 *
 * Guarantees
 *   CL1  The monotonic clock never goes back.
 *   CL2  A wait of any length, up to 2⁶⁴ − 1 ns, is taken; it ends with the instance at the latest.
 *   CL3  A sleeping guest costs one timer and blocks nobody.
 * Limits      the wall clock is good to a millisecond; waits end up to a millisecond late.
 * Not here    time zones: `wasi:clocks/timezone` is not part of stable 0.2.
 *
 * @module
 */
export { CLOCK_INTERFACES, type Datetime, toDatetime } from './clocks.ts';
