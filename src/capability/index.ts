/**
 * Capabilities: what a component may do, decided from the operator's grants.
 *
 * Guarantees
 *   P1  What no grant covers is denied.
 *   P2  Every decision names the rule that made it; a denial also says the line of `troupe.toml` that would allow it.
 *   P3  Decisions are pure: they do no I/O and keep no state.
 * Limits      texts of a guest are shown up to 200 characters.
 * Not here    enforcing a decision (wasi/, host/); recording it (audit/); reading grants from files (config/).
 *
 * @module
 */
export { type CapabilityRequest, type Decision, decide, GRANT_LINES } from './decide.ts';
export {
  type FilesystemGrant,
  type FilesystemRight,
  type Grants,
  type MessagingGrant,
  NO_GRANTS,
  type StdioGrant,
} from './grants.ts';
export { isWithinFolder, matchesName, matchesTopic } from './patterns.ts';
