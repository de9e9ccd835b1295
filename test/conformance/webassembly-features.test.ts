/** The page on features of WebAssembly says what compiling does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CODE_LIMITS } from '../../src/component/admission/index.ts';
import { compileComponent } from '../../src/component/index.ts';
import { parseWat } from '../../src/component/tooling/index.ts';
import { RuntimeError } from '../../src/errors/index.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/reference/webassembly.md'), 'utf8');
/** Feature, and the name by which it is refused, if it is. */
const ROWS = [...PAGE.matchAll(/^\| ([^|]+) \| (?:supported|refused as "([^"]+)") \|/gm)].map(
  ([, feature, name]) => [feature as string, name] as const,
);

/** Modules by the features that they use. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  'Multiple values': ['(func (result i32 i64) (i32.const 1) (i64.const 2))'],
  'Conversions that saturate': ['(func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))'],
  'Sign extension': ['(func (param i32) (result i32) (i32.extend8_s (local.get 0)))'],
  'Mutable globals': ['(global (export "g") (mut i32) (i32.const 1))'],
  'Bulk memory and table operations': [
    '(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))',
    '(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1)))',
  ],
  'Reference types': ['(table 1 externref) (func (param externref) (table.set (i32.const 0) (local.get 0)))'],
  'Typed function references': ['(type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0)))'],
  SIMD: ['(func (result v128) (i32x4.splat (i32.const 1)))'],
  'Relaxed SIMD': ['(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))'],
  'Tail calls': ['(func $f (return_call $f))'],
  'Extended constant expressions': ['(global i32 (i32.add (i32.const 1) (i32.const 2)))'],
  Exceptions: ['(tag $e) (func (try_table (throw $e)))', '(tag $e) (func try throw $e catch $e end)'],
  '64-bit memory': ['(memory i64 1) (func (drop (i64.load (i64.const 0))))'],
  '64-bit tables': ['(table i64 1 funcref)'],
  'Multiple memories': ['(memory 1) (memory 1)'],
  'Branch hints': ['(func (@metadata.code.branch_hint "\\00") (if (i32.const 0) (then)))'],
  'References in exceptions': ['(tag (param exnref))', '(tag (param externref))'],
  'Garbage collection': [
    '(type (struct (field i32)))',
    '(type (array i32))',
    '(rec (type (func)) (type (func)))',
    '(type (sub (func)))',
    '(func (drop (ref.i31 (i32.const 1))))',
    '(func (param eqref) (drop (ref.eq (local.get 0) (local.get 0))))',
    '(func (param anyref) (drop (ref.test i31ref (local.get 0))))',
  ],
  'Shared memory': ['(memory 1 1 shared)'],
  Atomics: ['(memory 1) (func (drop (i32.atomic.load (i32.const 0))))', '(func (atomic.fence))'],
  'Shared globals and types': ['(global (shared mut i32) (i32.const 0))'],
  'Custom page sizes': ['(memory 1 (pagesize 1))'],
  'Memory control': ['(memory 1) (func (memory.discard (i32.const 0) (i32.const 65536)))'],
  'Stack switching': ['(func (suspend 0))'],
  'Wide arithmetic': [
    '(func (result i64 i64) (i64.mul_wide_s (i64.const 1) (i64.const 2)))',
    '(func (result i64 i64) (i64.add128 (i64.const 1) (i64.const 2) (i64.const 1) (i64.const 2)))',
  ],
  'Custom descriptors': ['(rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))'],
  'Compact imports': ['(import "a" (item "b" (func)) (item "c" (func)))'],
};

test('docs/reference/webassembly.md names every feature that there is a module of', () => {
  assert.deepEqual(ROWS.map(([feature]) => feature).sort(), Object.keys(MODULES).sort());
});

for (const [feature, name] of ROWS) {
  test(`compileComponent ${name === undefined ? 'supports' : 'refuses by name'}: ${feature}`, async () => {
    for (const module of MODULES[feature] ?? []) {
      const bytes = await parseWat(`(component (core module $m ${module}) (core instance (instantiate $m)))`);
      for (const metered of [true, false]) {
        const compiled = compileComponent(bytes, { metered });
        if (name === undefined) await (await compiled).instantiate();
        else {
          await assert.rejects(
            compiled,
            (error) => RuntimeError.is(error, 'COMPONENT_UNSUPPORTED') && error.message.includes(name),
            module,
          );
        }
      }
    }
  });
}

test('docs/reference/webassembly.md says the bounds of code', () => {
  const bounds = [...PAGE.matchAll(/^\| `(\w+)`.* \| ([\d,]+) \|$/gm)].map(([, name, bound]) => [
    name,
    Number(bound?.replaceAll(',', '')),
  ]);
  assert.deepEqual(Object.fromEntries(bounds), CODE_LIMITS);
});
