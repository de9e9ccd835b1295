/**
 * Time and chance as ports, their system and manual versions, and what is computed from time.
 *
 * Guarantees
 *   T1  `nowMs` never goes back. A callback of `after` never runs early.
 *   T2  With a `ManualClock` and a `SeededRandom`, the same calls give the same order of callbacks and the same numbers.
 *   T3  A timer of the wheel fires once, never early, at most one tick (4 ms) after the clock's own timer could.
 *   T4  Adding to and cancelling from the wheel are O(1) and allocate nothing when the node is the caller's own.
 *   T5  What the wheel is to take soon does not cost a look at the clock until its wait begins.
 *   T6  Code that an `Ambient` runs finds that clock and that chance behind the globals; nobody else does.
 *   T7  Of a bucket no more is taken, in any stretch of time, than a second's units and those of the stretch, but for what
 *       was used before it was counted: that is a debt, which is paid before anybody goes on.
 * Limits      a delay is 0 to 2⁵³ milliseconds; the wheel holds any number of timers.
 * Not here    when a restart is due (supervision/); deadlines of messages (actor/).
 *
 * @module
 */
export { Ambient } from './ambient.ts';
export { type Backoff, backoffDelayMs } from './backoff.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { ManualClock } from './manual-clock.ts';
export type { Clock, Random, TimerHandle } from './ports.ts';
export { SeededRandom, SystemRandom } from './random.ts';
export { machineOffsetMs, SystemClock, systemClock } from './system-clock.ts';
export { TICK_MS, TimerNode, TimerWheel } from './timer-wheel.ts';
export { Rate, TokenBucket } from './token-bucket.ts';
