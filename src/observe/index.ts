/**
 * Adapters to other systems of observation: records of the audit log to where logs are gathered, metrics as Prometheus reads them.
 *
 * Guarantees
 *   OB1  Every record that is acknowledged in the log is sent at least once, in order, whoever is down meanwhile and however
 *        often this process is killed, as long as it is kept there. What went for its age before it was sent is counted.
 *   OB2  What waits is in the log, not in memory: a receiver that is slow or down holds nobody up.
 *   OB3  A receiver that fails is tried again after ever longer waits, up to half a minute; health says for how long it fails.
 *   OB4  Metrics are valid in both forms of text, whatever the names of components are, and are written in pieces of 64 KiB,
 *        between which others have their turn.
 *   OB5  Every alert has a runbook, and rules that a test has seen fire and not fire; every query of a dashboard is one that a real
 *        Prometheus has answered for a node at work.
 * Limits      batches of 500 records or 1 MiB. Syslog has no acknowledgements: what the system had taken when a receiver died is
 *             lost there; `troupe audit` has it. A receiver may cut long messages.
 * Not here    the log (audit/); what is measured (telemetry/); where it is sent (config/).
 *
 * @module
 */

export type { Alert } from './alert.ts';
export { ALERTS, runbookPage } from './alert-files.ts';
export { DASHBOARDS, type Dashboard } from './dashboards.ts';
export { elasticsearchDestination } from './elasticsearch.ts';
export { EXPOSITION_TYPES, type ExpositionFormat, exposition, formatFor } from './exposition.ts';
export { monitoringFiles } from './monitoring-files.ts';
export { AuditShipper, type Destination, type ShipperOptions, type ShipperStatus } from './shipper.ts';
export { type SyslogOptions, syslogDestination, toSyslogFrame } from './syslog.ts';
