import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { picture, withFigures } from './figures.ts';

const HELP = 'run: node scripts/generate-docs.ts';

test('README.md quotes the figures of bench/baselines/here.json, and no others', () => {
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
  assert.equal(readme, withFigures(readme), HELP);
  const changed = readme.replace(/\*\*[\d.,]+ ns\*\*/, '**1 ns**');
  assert.notEqual(changed, withFigures(changed), 'a figure that was changed by hand is noticed');
});

test('bench/figures.svg shows the same figures', () => {
  assert.equal(readFileSync(join(import.meta.dirname, 'figures.svg'), 'utf8'), picture(), HELP);
});
