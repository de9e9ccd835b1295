/** Writes an audit log until it is killed, and says what was acknowledged: `node writer.ts FOLDER PREFIX`. */
import { writeSync } from 'node:fs';
import { AuditLog } from '../../../src/audit/index.ts';

/** Appends that wait at a time: groups of several sizes, and files that end in the middle of one. */
const IN_FLIGHT = 40;

const [directory = '', prefix = ''] = process.argv.slice(2);
const log = await AuditLog.open({ directory, segmentBytes: 65_536, durability: 'process' });
let next = 0;

async function write(): Promise<never> {
  for (;;) {
    const resource = `${prefix}/${next++}`;
    await log.append({
      kind: 'operator',
      action: 'test.write',
      outcome: 'done',
      resource,
      reason: 'é'.repeat(next % 700),
    });
    writeSync(1, `${resource}\n`);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, write));
