import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { generatedFiles } from '../../scripts/generate-schemas.ts';

const ROOT = dirname(dirname(import.meta.dirname));

for (const [path, content] of generatedFiles()) {
  test(`${path} is what the code makes of it`, () => {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), content, 'run: node scripts/generate-schemas.ts');
  });
}
