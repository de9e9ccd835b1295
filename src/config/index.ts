/**
 * Configuration: `troupe.toml` and `Component.toml` become one frozen, fully resolved value.
 *
 * Guarantees
 *   CF1  What `loadApplication` returns is complete: defaults filled in, paths absolute, units in names, deep-frozen.
 *   CF2  Unknown keys are refused, with the nearest known one; nothing is ignored silently.
 *   CF3  All mistakes of all files are reported at once, each with file, line, key, and what was expected.
 *   CF4  A component is granted what both its author asks for and the operator gives; neither side can widen the other.
 *   CF5  A policy bounds what both sides give; one that cannot be read is an error.
 *   CF6  Of two limits the smaller counts.
 *   CF7  The published JSON Schemas are made from the schemas that check.
 * Limits      a file has at most 1 MiB of UTF-8 and nests 64 levels; lists have at most 1,024 entries.
 * Not here    reading or checking the components themselves (runtime/), enforcing grants (wasi/, host/).
 *
 * @module
 */
export type {
  ApplicationConfig,
  AuditConfig,
  ComponentConfig,
  ConfigNotice,
  ControlConfig,
  GrantsConfig,
  HttpConfig,
  HttpRouteConfig,
  IngressConfig,
  LimitsConfig,
  LinkConfig,
  MailboxConfig,
  ShipConfig,
  SuperviseConfig,
  ViewConfig,
} from './application.ts';
export { type NewlyAsked, newlyAsked } from './asks-diff.ts';
export type { HealthConfig } from './health-section.ts';
export { parseListen } from './ingress-section.ts';
export type { IsolationConfig } from './isolation-section.ts';
export { type JsonSchema, publishedSchemas } from './json-schema.ts';
export { type LoadOptions, loadApplication } from './load.ts';
export { type BuildConfig, loadManifest, type ManifestConfig } from './manifest.ts';
export { nearest } from './nearest.ts';
export { NEEDS_HEADER, printNeeds } from './needs.ts';
export { ENDPOINT_EXPECTED, isConnectPattern, isHttpPattern, isListenPattern } from './patterns.ts';
export { type ConfigProblem, configError, quote } from './problems.ts';
export type { RecycleConfig } from './recycle-section.ts';
export { readSecrets, revealTo } from './secrets.ts';
export { formatSize, parseSizeBytes } from './units.ts';
