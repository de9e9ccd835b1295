import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, RuntimeError } from '../../errors/index.ts';
import { parseWat, validateComponent } from '../tooling/index.ts';
import type { CaseTable } from './cases.suite.ts';
import { CANON_CASES, UNSUPPORTED_CASES } from './cases-canon.suite.ts';
import { CORE_CASES, INSTANTIATION_CASES, RESOURCE_CASES } from './cases-linking.suite.ts';
import { ANNOTATION_CASES, NAME_CASES } from './cases-names.suite.ts';
import { TYPE_CASES, VISIBILITY_CASES } from './cases-types.suite.ts';
import { decodeComponent } from './index.ts';

const TABLES: readonly CaseTable[] = [
  TYPE_CASES,
  VISIBILITY_CASES,
  NAME_CASES,
  ANNOTATION_CASES,
  RESOURCE_CASES,
  CANON_CASES,
  INSTANTIATION_CASES,
  CORE_CASES,
];

async function binaryOf(body: string): Promise<Uint8Array> {
  return parseWat(`(component ${body}\n)`);
}

function assertRefused(binary: Uint8Array, code: ErrorCode, [body, why]: readonly [body: string, why: RegExp]): void {
  assert.throws(
    () => decodeComponent(binary),
    (error) => {
      assert.ok(RuntimeError.is(error, code), body);
      assert.match(error.message, why, body);
      assert.equal(typeof error.details.offset, 'number', body);
      return true;
    },
    body,
  );
}

for (const { topic, valid, invalid, stricter = [] } of TABLES) {
  test(`decodeComponent accepts and refuses by the rules: ${topic}`, async (t) => {
    for (const body of valid) {
      const binary = await binaryOf(body);
      assert.doesNotThrow(() => decodeComponent(binary), body);
      assert.equal(await validateComponent(binary), undefined, body);
    }
    for (const entry of invalid) {
      const binary = await binaryOf(entry[0]);
      assertRefused(binary, 'COMPONENT_INVALID', entry);
      assert.notEqual(await validateComponent(binary), undefined, entry[0]);
    }
    for (const entry of stricter) assertRefused(await binaryOf(entry[0]), 'COMPONENT_INVALID', entry);
    t.diagnostic(`${valid.length} valid and ${invalid.length + stricter.length} invalid components: all as expected`);
  });
}

test('B3: decodeComponent refuses by name what comes after WASI 0.2', async (t) => {
  for (const entry of UNSUPPORTED_CASES) assertRefused(await binaryOf(entry[0]), 'COMPONENT_UNSUPPORTED', entry);
  t.diagnostic(`${UNSUPPORTED_CASES.length} features: all refused by name`);
});
