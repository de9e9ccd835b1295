/**
 * What the Component Model expects of an engine at the level of WASI 0.2, by groups; the last test gives the count.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CALLS } from './calls.suite.ts';
import { COMPOSITION } from './composition.suite.ts';
import { LINKING } from './linking.suite.ts';
import { MEMORY } from './memory.suite.ts';
import { PASSING } from './passing.suite.ts';
import { RESOURCES } from './resources.suite.ts';
import { STRINGS } from './strings.suite.ts';
import { VALUES } from './values.suite.ts';

const GROUPS = [...VALUES, ...STRINGS, ...MEMORY, ...RESOURCES, ...CALLS, ...LINKING, ...COMPOSITION, ...PASSING];

let passed = 0;
for (const { name, cases } of GROUPS) {
  describe(`Component model: ${name}`, () => {
    for (const item of cases) {
      test(item.name, async () => {
        await item.run();
        passed++;
      });
    }
  });
}

test('Component model: every case passes', (t) => {
  const total = GROUPS.reduce((sum, group) => sum + group.cases.length, 0);
  t.diagnostic(`component-model: ${passed} of ${total} cases pass`);
  assert.equal(passed, total);
});
