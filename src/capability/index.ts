/**
 * Capabilities: what a component may do, decided from the operator's grants.
 *
 * Guarantees
 *   P1  What no grant covers is denied.
 *   P2  Every decision names the rule that made it; a denial also says the line of `troupe.toml` that would allow it.
 *   P3  A decision depends on the grants, on what is wanted, and on the time alone. Grants are copied when they are read.
 *   P4  A host is what it means, not how it is spelt: `127.1`, `0x7f.1`, `[::ffff:127.0.0.1]` and `LOCALHOST.` are decided
 *       as what they lead to.
 *   P5  A name is no licence to enter a private network: addresses that are not public are reached only by a grant that
 *       names them, or a range that holds them; those of this machine also by `localhost`.
 *   P6  A denial beats every grant, by whatever name or address the same thing is reached.
 *   P7  The value of a secret leaves `Secrets` by `reveal` alone; in texts that pass `redact` its name stands in its place.
 * Limits      texts of a guest are shown up to 200 characters.
 * Not here    enforcing a decision (wasi/, host/); putting it on record (audit/, runtime/); reading grants from files (config/).
 *
 * @module
 */
export { type Host, parseAddress, parseHost, printAddress } from './addresses.ts';
export { Authority, copyGrants } from './authority.ts';
export { patternOf, withConditions } from './conditions.ts';
export { decide } from './decide.ts';
export type { Decision } from './decision.ts';
export {
  coversEndpoint,
  type Endpoint,
  parseAuthority,
  parseEndpointPattern,
  parseHostPattern,
  printEndpoint,
} from './endpoints.ts';
export {
  type Conditional,
  type FilesystemGrant,
  type FilesystemRight,
  type Granted,
  type Grants,
  type MessagingGrant,
  type NetworkGrant,
  NO_GRANTS,
  type StdioGrant,
} from './grants.ts';
export { GRANT_LINES } from './lines.ts';
export {
  denialsOf,
  type GrantedRule,
  namesOfRequest,
  neededLine,
  type RecordDecision,
  rulesOf,
} from './on-record.ts';
export { PathPattern } from './path-pattern.ts';
export { isBucketName, isBucketPattern, isWithinFolder, matchesBucket } from './patterns.ts';
export type { CapabilityRequest, HttpRequest, ListenRequest } from './requests.ts';
export { type HeaderInjection, Secrets } from './secrets.ts';
