/** Records that are on disk for certain, by many who wait for theirs; what a decision costs that is on record already. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, reportAudit, verifyAudit } from '../src/audit/index.ts';
import { type CapabilityRequest, decide, type Grants } from '../src/capability/index.ts';
import { ComponentAudit } from '../src/host/component-audit.ts';
import type { Report, Suite } from './suite.ts';

const SAMPLES = 9;
const RECORDS = 20_000;
/** Who wait at a time: the group that is written while the disk is at work. */
const WAITING = 2_000;
const DECISIONS = 200_000;
/** Bytes of one record, as they come out. */
const RECORD_BYTES = 480;

const GRANTS: Grants = { messaging: { tell: ['report'] } };
const ALLOWED: CapabilityRequest = { kind: 'messaging', action: 'tell', target: 'report' };
const EVENT = {
  kind: 'capability',
  action: 'filesystem.read',
  outcome: 'deny',
  actor: 'parse/1',
  component: 'parse',
  revision: 'a'.repeat(64),
  resource: '/data/2026/quakes.csv',
  rule: 'default',
} as const;

/** Records a second, each awaited until it is on disk. */
async function durable(log: AuditLog): Promise<number> {
  const startMs = performance.now();
  let left = RECORDS;
  const write = async (): Promise<void> => {
    while (left-- > 0) await log.append(EVENT);
  };
  await Promise.all(Array.from({ length: WAITING }, write));
  return (RECORDS * 1_000) / (performance.now() - startMs);
}

/** What the same bytes and as many syncs as there are groups cost without anything else. */
function bareDisk(directory: string): number {
  const file = openSync(join(directory, 'bare'), 'w');
  const bytes = Buffer.alloc(RECORD_BYTES * WAITING, 0x61);
  const startMs = performance.now();
  for (let written = 0; written < RECORDS; written += WAITING) {
    writeSync(file, bytes);
    fdatasyncSync(file);
  }
  const perSecond = (RECORDS * 1_000) / (performance.now() - startMs);
  closeSync(file);
  return perSecond;
}

/** Nanoseconds of one decision. */
function decisionNs(decideOnce: () => unknown): number {
  const startMs = performance.now();
  for (let at = 0; at < DECISIONS; at++) decideOnce();
  return ((performance.now() - startMs) * 1e6) / DECISIONS;
}

async function run(report: Report): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-audit-'));
  const log = await AuditLog.open({ directory: join(directory, 'log') });
  const audit = new ComponentAudit(log, { component: 'parse', revision: 'a'.repeat(64) });
  try {
    await durable(log);
    const samples = { bare: [] as number[], durable: [] as number[], plain: [] as number[], recorded: [] as number[] };
    for (let sample = 0; sample < SAMPLES; sample++) {
      samples.bare.push(bareDisk(directory));
      samples.durable.push(await durable(log));
      samples.plain.push(decisionNs(() => decide(GRANTS, ALLOWED)));
      samples.recorded.push(decisionNs(() => audit.decide('parse/1', ALLOWED, decide(GRANTS, ALLOWED))));
    }
    report.row({ name: 'write and sync, nothing else', unit: 'per second', samples: samples.bare });
    report.row({ name: 'durable records', unit: 'per second', samples: samples.durable, target: { atLeast: 50_000 } });
    report.row({ name: 'decision', unit: 'ns', samples: samples.plain });
    report.row({ name: 'decision, on record', unit: 'ns', samples: samples.recorded });
    await log.flush();
    const { records } = await verifyAudit(join(directory, 'log'));
    const verified = await perSecondOf(records, () => verifyAudit(join(directory, 'log')));
    report.row({ name: 'verify', unit: 'per second', samples: [verified] });
    const summed = await perSecondOf(records, () => reportAudit(join(directory, 'log')));
    report.row({ name: 'report', unit: 'per second', samples: [summed] });
    report.notMeasured('a disk that keeps its word: a virtual one may acknowledge a sync from memory');
  } finally {
    await log.close();
    rmSync(directory, { recursive: true });
  }
}

async function perSecondOf(records: number, work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (records * 1_000) / (performance.now() - startMs);
}

export const suite: Suite = { name: 'audit', run };
