/**
 * Supervision: what happens to an actor that fails, as pure decisions in the manner of OTP.
 *
 * Guarantees
 *   V1  `decide` depends on its arguments only, and remembers at most `intensity` moments per actor.
 *   V2  In any period, at most `intensity` restarts are decided; the next failure escalates.
 *   V3  A wait is within the backoff's bounds, and is back at its minimum after a period without a restart.
 * Limits      strategy one-for-one, each actor on its own; restarts are counted per actor, not per supervisor as in OTP.
 * Not here    carrying out what was decided (actor/).
 *
 * @module
 */
export {
  type Decision,
  type Directive,
  decide,
  type SupervisionEvent,
  type SupervisionState,
  UNHARMED,
} from './decide.ts';
export { type RestartType, type SupervisionOptions, type SupervisionPolicy, toSupervisionPolicy } from './options.ts';
