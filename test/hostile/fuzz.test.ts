/**
 * Changes real components at random and runs them, in a process of its own: whatever comes out has a name, and the
 * process lives. `FUZZ_MS` (3,000) says how long, `FUZZ_SEED` (from the clock) where to begin.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const FUZZ_MS = Number(process.env.FUZZ_MS ?? 3_000);
const FUZZ_SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
/** Larger ones spend the time in V8's compiler. */
const GUESTS = ['bench', 'echo', 'stateful', 'values', 'resources'];

test('Hostile components: changed at random, they are refused, trap or answer', async (t) => {
  const files = globSync(`fixtures/components/{${GUESTS}}/*.wasm`, { cwd: ROOT }).map((file) => join(ROOT, file));
  const script = join(import.meta.dirname, 'fuzz-main.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, String(FUZZ_MS), String(FUZZ_SEED), ...files];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', (status, signal) => resolve(status ?? signal)));
  assert.equal(code, 0, `seed ${FUZZ_SEED}: the process died: ${errors.slice(-2_000)}`);
  const { findings, ...counts } = JSON.parse(output) as {
    findings: { text: string; file?: string }[];
    accepted: number;
  };
  t.diagnostic(`fuzz: seed ${FUZZ_SEED}, ${JSON.stringify(counts)}`);
  assert.deepEqual(findings, [], `seed ${FUZZ_SEED}`);
});
