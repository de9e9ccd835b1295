/**
 * The audit log: what was decided and done, on disk, in an order that nobody can change without a trace.
 *
 * Guarantees
 *   AU1  What was acknowledged is on disk: it survives `kill -9` and, as far as the disk keeps its word, a loss of power.
 *   AU2  Records are a chain of SHA-256 hashes: one that was changed, taken out, put in or moved is found, and so is a
 *        beginning or an end that was cut off, up to the last second before a process was killed.
 *   AU3  What was being written when the process was killed is put aside, and the next process says so in a record.
 *   AU4  When the disk takes nothing more, nothing is acknowledged: whoever waits is told at once, what nobody waits for is
 *        counted, and a record says how much it was as soon as one can be written.
 *   AU5  What waits is bounded, and so is what a flood of events that are alike leaves behind.
 *   AU6  One process writes a log at a time; any number may read it meanwhile.
 * Limits      a text of a record has 1,024 characters, a line 256 KiB; 65,536 records wait. Whoever may write the folder can
 *             make a whole chain anew: note a hash elsewhere against that.
 * Not here    what is put on record (host/, runtime/); sending it elsewhere.
 *
 * @module
 */
export { AuditLog, type AuditStatus } from './log.ts';
export { AUDIT_DEFAULTS, type AuditOptions } from './options.ts';
export { type AuditEntry, type AuditPosition, readAudit } from './read.ts';
export type { AuditEvent, AuditKind, AuditOutcome, AuditRecord } from './record.ts';
export { type ComponentReport, type DenialCount, type RuleUse, reportAudit, type UseReport } from './report.ts';
export { type AuditFiles, DISK, replaceFile, type SegmentWriter } from './segments.ts';
export { type AuditFilter, isSelected, lastEntries } from './select.ts';
export type { AuditSink } from './sink.ts';
export { AuditTally } from './tally.ts';
export { type AuditProblem, type AuditReport, type VerifyOptions, verifyAudit } from './verify.ts';
