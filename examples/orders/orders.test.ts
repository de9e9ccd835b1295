import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Far beyond what it takes. */
const DONE_WITHIN_MS = 60_000;

/** Runs the shop; it is killed when a line begins with `killAt`. Returns what it printed. */
async function runShop(directory: string, killAt?: string): Promise<string[]> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [MAIN, directory], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), DONE_WITHIN_MS);
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (killAt !== undefined && line.startsWith(killAt)) child.kill('SIGKILL');
    }
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
  return lines;
}

test('orders: all are shipped or refused, also when the process is killed in between, twice', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'troupe-orders-'));
  try {
    const lines = [
      ...(await runShop(directory, '10 orders')),
      ...(await runShop(directory, 'label')),
      ...(await runShop(directory)),
    ];
    assert.equal(lines.at(-1), '8 shipped, 2 refused', lines.join('\n'));
    const labels = new Set(lines.filter((line) => line.startsWith('label')));
    assert.equal(labels.size, 8, lines.join('\n'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
