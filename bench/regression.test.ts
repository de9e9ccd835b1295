import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { saveBaseline } from './baseline.ts';

const ROW = 'tell by round-robin to 8';

/** Runs a small suite against a baseline in which one row took `ns`. */
function runAgainst(ns: number) {
  const name = `test-${process.pid}`;
  const file = saveBaseline(name, { machine: {}, suites: { routing: { [ROW]: { median: ns, unit: 'ns' } } } });
  try {
    const args = [join(import.meta.dirname, 'main.ts'), 'routing', '--baseline', name];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  } finally {
    rmSync(file);
  }
}

test('npm run bench --baseline exits with 1 and names the row when one is more than twice as bad, else with 0', () => {
  const worse = runAgainst(0.001);
  assert.equal(worse.status, 1);
  assert.match(worse.stderr, /WORSE by more than 2×: routing: tell by round-robin to 8/);
  const better = runAgainst(1e9);
  assert.equal(better.status, 0, better.stderr);
});
