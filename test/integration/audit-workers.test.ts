/** What component actors on workers put on record, and that they are refused what cannot be. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AuditFiles, AuditLog, type AuditRecord, DISK, readAudit } from '../../src/audit/index.ts';
import { component } from '../../src/host/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { until } from '../kit/process.ts';

const ECHO = join(import.meta.dirname, '..', '..', 'fixtures', 'components', 'echo', 'echo.wasm');
const TEXT = new TextEncoder();

for (const isolation of ['thread', { process: 'others' }] as const) {
  const where = isolation === 'thread' ? 'on a thread' : 'in a process';
  test(`S93: what an actor ${where} wants is on record, and S92: it is denied while nothing can be`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'audit-'));
    const disk = { isFull: false };
    const files: AuditFiles = {
      async open(path, isNew) {
        const file = await DISK.open(path, isNew);
        const append = (bytes: Uint8Array): Promise<void> =>
          disk.isFull ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })) : file.append(bytes);
        const truncate = (size: number): Promise<void> => file.truncate(size);
        return { append, truncate, sync: () => file.sync(), close: () => file.close() };
      },
    };
    try {
      const log = await AuditLog.open({ directory, files });
      {
        await using system = await ActorSystem.create({ workers: 1, audit: log });
        const grants = { messaging: { tell: ['echo'] } };
        const echo = system.spawn(await component(ECHO, { grants, isolation, audit: log }), 'echo');
        const tell = (to: string): Promise<unknown> => echo.askOp('tell', TEXT.encode(`${to} echo\nhello`));
        for (let round = 0; round < 3; round++) await tell('echo');
        await assert.rejects(tell('stranger'), { code: 'ANSWER_DENIED' });
        // What is not on disk yet when that is full is counted, and has no record of its own.
        await log.flush();
        disk.isFull = true;
        await assert.rejects(log.append({ kind: 'operator', action: 'test', outcome: 'done' }), {
          code: 'AUDIT_UNAVAILABLE',
        });
        const isDenied = () =>
          tell('echo').then(
            () => false,
            () => true,
          );
        await until(isDenied, () => 'a denial');
        disk.isFull = false;
        await until(
          async () => !(await isDenied()),
          () => 'that it goes on',
        );
      }
      await log.close();
      const records: AuditRecord[] = [];
      for await (const { record } of readAudit(directory)) if (record?.kind === 'capability') records.push(record);
      const [first, denied] = records;
      assert.partialDeepStrictEqual(first, { outcome: 'allow', actor: 'echo', component: 'echo', resource: 'echo' });
      assert.match(first?.revision ?? '', /^[0-9a-f]{64}$/);
      assert.partialDeepStrictEqual(denied, { outcome: 'deny', resource: 'stranger', rule: 'default' });
      assert.ok(
        records.some(({ outcome, count = 1 }) => outcome === 'allow' && count >= 2),
        'what was counted is there',
      );
      assert.ok(
        records.some(({ rule }) => rule === 'audit'),
        'so is what was refused for want of a record',
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}
