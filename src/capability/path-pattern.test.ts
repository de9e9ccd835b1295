import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PathPattern } from './path-pattern.ts';

const names = (path: string): string[] => (path === '' ? [] : path.split('/'));
const matches = (pattern: string, path: string): boolean => new PathPattern(pattern).matches(names(path));

/** The same by a regular expression. */
function byExpression(pattern: string, path: string): boolean {
  const source = pattern
    .split('/')
    .map((name) => (name === '**' ? '(?:[^/]+/)*' : `${name.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}/`))
    .join('');
  return new RegExp(`^${source}$`, 'u').test(path === '' ? '' : `${path}/`);
}

test('PathPattern knows * within a name and ** as any number of folders', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*.csv', 'a.csv', true],
    ['*.csv', '.csv', true],
    ['*.csv', 'a.CSV', false],
    ['*.csv', 'sub/a.csv', false],
    ['*.csv', '', false],
    ['**/*.csv', 'a.csv', true],
    ['**/*.csv', 'x/y/a.csv', true],
    ['2026/**', '2026/a/b', true],
    ['2026/**', '2027/a', false],
    ['a*b*c', 'abbcabc', true],
    ['a*b*c', 'abbcab', false],
    ['b\u00fcro*', 'bu\u0308ro1', true],
  ];
  for (const [pattern, path, expected] of cases) assert.equal(matches(pattern, path), expected, `${pattern} ${path}`);
});

test('PathPattern agrees with a regular expression, and its folders with what is in them', () => {
  const name = fc.stringMatching(/^[ab.]{1,3}$/);
  const path = fc.array(name, { maxLength: 4 });
  const part = fc.oneof(fc.constantFrom('**', '*', '*a', 'a*b', '*.a'), name);
  const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(pattern, path, (text, steps) => {
      const read = new PathPattern(text);
      assert.equal(read.matches(steps), byExpression(text, steps.join('/')));
      // Whoever looks for what matches gets there.
      if (read.matches(steps)) for (let at = 0; at < steps.length; at++) assert.ok(read.mayContain(steps.slice(0, at)));
    }),
    { numRuns: 3_000 },
  );
});

test('PathPattern takes no longer for patterns that are made for it', () => {
  const read = new PathPattern(`${'*a'.repeat(100)}/**/${'**/'.repeat(50)}x`);
  assert.equal(read.matches(['a'.repeat(255), ...Array.from({ length: 120 }, () => 'y')]), false);
});
