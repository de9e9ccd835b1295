import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { generatedFiles } from '../../scripts/generate-schemas.ts';
import { DEADLINE_MS } from '../../src/host/index.ts';
import { formatDuration } from '../../src/time/index.ts';

const ROOT = dirname(dirname(import.meta.dirname));

for (const [path, content] of generatedFiles()) {
  test(`${path} is what the code makes of it`, () => {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), content, 'run: node scripts/generate-schemas.ts');
  });
}

test('config.md names the deadline that actors have when nobody sets one', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/config.md'), 'utf8');
  assert.ok(page.includes(`Wall-clock time for one message. Default: ${formatDuration(DEADLINE_MS)};`));
});
