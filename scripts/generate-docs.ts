/**
 * Writes the reference pages that derive from code; with `--check` it only says which are out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorsPage } from './errors-page.ts';

const ROOT = dirname(import.meta.dirname);

const PAGES: Readonly<Record<string, () => string>> = {
  'docs/reference/errors.md': errorsPage,
};

function current(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Not written yet, which is out of date too.
  }
}

const checkOnly = process.argv.includes('--check');
for (const [page, render] of Object.entries(PAGES)) {
  const path = join(ROOT, page);
  const text = render();
  if (current(path) === text) continue;
  if (checkOnly) {
    console.error(`${page} is out of date; run: node scripts/generate-docs.ts`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`Wrote ${page}`);
  }
}
