/**
 * Writes what derives from code and from measurements; with `--check` it only says which are out of date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { picture, withFigures } from '../bench/figures.ts';
import { errorsPage } from './errors-page.ts';
import { metricsPage } from './metrics-page.ts';
import { runbookPages } from './runbook-pages.ts';

const ROOT = dirname(import.meta.dirname);

/** From what a page is to what it should be. */
const PAGES: Readonly<Record<string, (current: string) => string>> = {
  'docs/reference/errors.md': errorsPage,
  'docs/reference/metrics.md': metricsPage,
  ...Object.fromEntries(Object.entries(runbookPages()).map(([path, text]) => [path, () => text])),
  'README.md': withFigures,
  'bench/figures.svg': picture,
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
  const before = current(path);
  const text = render(before);
  if (before === text) continue;
  if (checkOnly) {
    console.error(`${page} is out of date; run: node scripts/generate-docs.ts`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`Wrote ${page}`);
  }
}
