/** What becomes of an audit log whose process is killed, whose disk is full, or that two processes want. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AuditLog, readAudit, verifyAudit } from '../../src/audit/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';
import { SeededRandom } from '../../src/time/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { troupe, until } from '../kit/process.ts';

const WRITER = join(import.meta.dirname, 'audit', 'writer.ts');

/** Writes until it is killed, that many milliseconds after its first acknowledgement; gives what was acknowledged. */
async function writeAndKill(directory: string, prefix: string, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, directory, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    if (text === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
    text += part;
  });
  await new Promise<void>((resolve) => void child.once('close', () => resolve()));
  // The last line may be torn: then it was not said.
  return text.split('\n').slice(0, -1);
}

async function withFolder(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'audit-'));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('S90: what was acknowledged is on record after kill -9 at any moment, and what was torn is said', async () => {
  const random = new SeededRandom(7);
  await withFolder(async (directory) => {
    const acknowledged: string[] = [];
    let torn = 0;
    for (let round = 0; round < 8; round++) {
      acknowledged.push(...(await writeAndKill(directory, `r${round}`, Math.floor(random.next() * 60))));
      const report = await verifyAudit(directory);
      assert.deepEqual([report.ok, report.problems], [true, []], `round ${round}`);
    }
    const there = new Set<string | undefined>();
    for await (const { record, isWhole } of readAudit(directory)) {
      there.add(record?.resource);
      if (record?.action === 'log.resumed' && record.details?.tornBytes !== undefined) torn++;
      assert.ok(record !== undefined || !isWhole);
    }
    const missing = acknowledged.filter((resource) => !there.has(resource));
    assert.deepEqual(
      [acknowledged.length > 100, missing],
      [true, []],
      `${acknowledged.length} acknowledged, ${torn} torn`,
    );
    await using log = await AuditLog.open({ directory });
    await log.append({ kind: 'operator', action: 'test.end', outcome: 'done' });
  });
});

test('S95: a second process is refused while the first writes, and not when it was killed', async () => {
  await withFolder(async (directory) => {
    const child = spawn(process.execPath, [WRITER, directory, 'x'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve) => void child.stdout.once('data', () => resolve()));
    await assert.rejects(AuditLog.open({ directory }), (error) => RuntimeError.is(error, 'AUDIT_LOCKED'));
    child.kill('SIGKILL');
    await new Promise<void>((resolve) => void child.once('close', () => resolve()));
    const log = await AuditLog.open({ directory });
    await log.close();
  });
});

/** A file system of its own, of 512 KiB; `undefined` where this user may not make one. */
function mountSmall(directory: string): (() => void) | undefined {
  mkdirSync(directory, { recursive: true });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', directory]);
  return status === 0 ? () => void spawnSync('umount', ['-l', directory]) : undefined;
}

/** Leaves nothing free. */
function fill(directory: string): void {
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    for (let isRoom = true; isRoom; ) {
      try {
        writeFileSync(join(directory, 'filler'), Buffer.alloc(size), { flag: 'a' });
      } catch {
        isRoom = false;
      }
    }
  }
}

test('S92: with a full disk an application refuses what must be on record, says so in health, and goes on when there is room', async (t) => {
  await withApplicationFolder(
    {
      fixtures: ['echo'],
      toml: '[audit]\ndirectory = "records"\n[components.echo]\nsource = "echo.wasm"\n[components.echo.grants]\nmessaging = { tell = ["echo"] }\n',
    },
    async ({ folder, up, call }) => {
      const directory = join(folder, 'records');
      const unmount = mountSmall(directory);
      if (unmount === undefined) return t.skip('this user may not mount a file system to fill it');
      try {
        const running = await up();
        await call('ask', 'echo', 'echo', 'x');
        fill(directory);
        assert.equal(statfsSync(directory).bavail, 0);
        // A page of the last file may have room left.
        await until(
          async () => (await troupe(['ask', 'echo', 'echo', 'x', '--app', folder])).code !== 0,
          () => 'a refusal',
        );
        const refused = await troupe(['ask', 'echo', 'echo', 'x', '--app', folder]);
        assert.deepEqual([refused.code, /AUDIT_UNAVAILABLE.*the disk is full/s.test(refused.stderr)], [69, true]);
        const health = await troupe(['health', '--app', folder]);
        assert.deepEqual(
          [health.code, /nothing can be put on record.*the disk is full/.test(health.stdout)],
          [1, true],
        );
        rmSync(join(directory, 'filler'));
        await until(
          async () => (await troupe(['health', '--app', folder])).code === 0,
          () => 'health',
        );
        await call('ask', 'echo', 'echo', 'x');
        const lost = await call('audit', 'query', '--action', 'log.lost', '--output', 'json');
        assert.match(lost, /the disk is full/);
        running.child.kill('SIGTERM');
        await running.ended;
        assert.match(await call('audit', 'verify'), /^Whole/);
      } finally {
        unmount();
      }
    },
  );
});
