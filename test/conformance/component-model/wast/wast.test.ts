/**
 * Scripts in WebAssembly's test format, from folders that the environment names: `TROUPE_WAST_DIR`, several divided by
 * colons. Those of the Component Model are in its repository under `test/`; Wasmtime and wasm-tools have more.
 */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Outcome, runScript } from './run.ts';

const FOLDERS = (process.env.TROUPE_WAST_DIR ?? '').split(':').filter((folder) => folder !== '');

/** Here wasm-tools runs with what WebAssembly has by now switched off. */
const OFF = /\/missing-features\//;

for (const folder of FOLDERS) {
  test(`Component model: the scripts in ${folder} pass`, async (t) => {
    const total: Outcome = { passed: 0, skipped: new Map(), failed: [] };
    for (const file of globSync('**/*.wast', { cwd: folder }).sort()) {
      if (OFF.test(`/${file}`)) continue;
      addTo(total, file, await runFile(join(folder, file)));
    }
    t.diagnostic(`${total.passed} directives pass, ${total.failed.length} fail`);
    for (const [reason, count] of [...total.skipped].sort(([, a], [, b]) => b - a)) {
      t.diagnostic(`${count} left out: ${reason}`);
    }
    assert.deepEqual(total.failed, []);
    assert.ok(total.passed > 0, 'there are scripts in the folder');
  });
}

async function runFile(path: string): Promise<Outcome> {
  const text = await readFile(path, 'utf8');
  // Scripts of wasm-tools are for its validator: nothing is there to be linked.
  return runScript(text, /^;; RUN: .*\bwast\b/m.test(text) ? 'validate' : 'run');
}

function addTo(total: Outcome, file: string, outcome: Outcome): void {
  total.passed += outcome.passed;
  total.failed.push(...outcome.failed.map((line) => `${file}: ${line}`));
  for (const [reason, count] of outcome.skipped) total.skipped.set(reason, (total.skipped.get(reason) ?? 0) + count);
}

const ANSWER = `(component
  (core module $M (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "trap") unreachable))
  (core instance $m (instantiate $M))
  (func (export "f") (param "x" u32) (result u32) (canon lift (core func $m "f")))
  (func (export "trap") (canon lift (core func $m "trap"))))`;

test('runScript counts what passes', async () => {
  const outcome = await runScript(
    `;; a comment (with one
     (; in (; another ;) ;)
     ${ANSWER}
     (assert_return (invoke "f" (u32.const 0x2_9)) (u32.const 42))
     (component definition $D (core module $M (func $s unreachable) (start $s)) (core instance (instantiate $M)))
     (assert_trap ${ANSWER.replace('(func (export "trap")', '(func $s unreachable) (start $s) (func (export "trap")')} "unreachable")
     (assert_trap (invoke "trap") "unreachable")
     (assert_trap (invoke "trap") "unreachable")
     (assert_invalid (component (import "a" (func)) (import "a" (func))) "twice")
     (assert_malformed (component quote "(import \\"_\\" (func))") "name")
     (component binary "\\00asm" "\\0d\\00\\01\\00")`,
    'run',
  );
  assert.deepEqual(outcome, { passed: 9, skipped: new Map(), failed: [] });
});

test('runScript says what is wrong, with the line', async () => {
  const outcome = await runScript(
    `${ANSWER}
(assert_return (invoke "f" (u32.const 1)) (u32.const 3))
(assert_trap (invoke "f" (u32.const 1)) "no")
(assert_invalid (component) "no")
(assert_return (invoke "g") (u32.const 1))
(component (core module $M (func $s unreachable) (start $s)) (core instance (instantiate $M)))`,
    'run',
  );
  const [wrong, missing, ...others] = outcome.failed.map((line) => line.split('\n')[0]);
  assert.equal(outcome.passed, 1);
  assert.match(`${wrong}`, /^line 7, assert_return/);
  assert.match(`${missing}`, /^line 8, assert_trap: did not trap/);
  assert.equal(others.length, 3);
});

test('runScript leaves out what is later than WASI 0.2, by name', async () => {
  const outcome = await runScript(
    '(component (import "f" (func async))) (assert_return (invoke "f") (u32.const 1)) (module)',
    'run',
  );
  assert.deepEqual([outcome.passed, outcome.failed], [0, []]);
  assert.deepEqual([...outcome.skipped.keys()].length, 3);
});
