/**
 * Supervision: what happens to an actor that fails, as pure decisions in the manner of OTP.
 *
 * Guarantees
 *   V1  Decisions depend on their arguments only, and remember at most `intensity` moments per actor or supervisor.
 *   V2  In any period, at most `intensity` restarts are decided; the next failure escalates.
 *   V3  A wait is within the backoff's bounds, and is back at its minimum after a period without a restart.
 * Limits      an actor without a supervisor of its own counts its restarts alone; a supervisor those of all its children.
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
export {
  affectedBy,
  decideInGroup,
  type GroupDecision,
  type GroupState,
  type MemberEvent,
  type MemberState,
  UNHARMED_GROUP,
  UNHARMED_MEMBER,
} from './group.ts';
export {
  type GroupOptions,
  type GroupPolicy,
  type RestartType,
  type Strategy,
  type SupervisionOptions,
  type SupervisionPolicy,
  toGroupPolicy,
  toRestartType,
  toSupervisionPolicy,
} from './options.ts';
