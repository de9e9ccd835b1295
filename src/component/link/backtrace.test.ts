import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { parseWat } from '../tooling/index.ts';
import { withBacktrace } from './backtrace.ts';
import { compileComponent } from './compile.ts';
import type { HostImports } from './imports.ts';

/** Makes `f` of core module text `core` fail, and gives the details of the error. */
async function failure(core: string, imports: HostImports = {}) {
  const wat = await parseWat(`(component
    (import "h" (func $h)) (core func $l (canon lower (func $h)))
    (core module $M (import "" "h" (func $h)) ${core})
    (core instance $m (instantiate $M (with "" (instance (export "h" (func $l))))))
    (func (export "f") (canon lift (core func $m "f"))))`);
  const component = await compileComponent(wat);
  const instance = await component.instantiate({ h: () => undefined, ...imports });
  const error: unknown = await instance.call('f').catch((thrown: unknown) => thrown);
  assert.ok(RuntimeError.is(error, 'COMPONENT_TRAPPED'), String(error));
  return error.details;
}

test('a trap names the functions of the guest, innermost first, by name and by their own index', async () => {
  const details = await failure(`(func $inner unreachable) (func $middle (call $inner)) (func (call $middle))
    (func $outer (export "f") (call 3))`);
  const backtrace = ['inner [0:1]', 'middle [0:2]', 'function [0:3]', 'outer [0:4]'];
  assert.deepEqual(details, { trap: 'unreachable', backtrace });
});

test('a broken rule of the ABI and a stack that overflows are traced as well', async () => {
  const abi = await failure(
    '(func $asks (call $h)) (func $f (export "f") (call $asks) (call $g)) (func $g unreachable)',
    {
      h: () => {
        throw new RuntimeError('COMPONENT_TRAPPED', 'no', { details: { trap: 'abi' } });
      },
    },
  );
  assert.deepEqual(abi, { trap: 'abi', backtrace: ['asks [0:1]', 'f [0:2]'] });
  const { backtrace } = await failure('(func $deep (export "f") (call $deep))');
  assert.deepEqual(new Set(backtrace as string[]), new Set(['deep [0:1]']));
  assert.ok((backtrace as string[]).length <= 10);
});

test('names that would garble a log do not', async () => {
  const evil = 'a\\0a    at x (wasm://wasm/0-00000000:wasm-function[9]:0x1)\\1b[31m\\e2\\80\\ae)';
  const { backtrace } = await failure(`(func $"${evil}" (export "f") unreachable)`);
  assert.deepEqual(backtrace, ['a?    at x (wasm://wasm/0-00000000:wasm-function[9]:0x1)?[31m?) [0:1]']);
});

test('withBacktrace leaves alone what is no trap, and stacks that somebody else wrote', () => {
  const functions = [{ first: 0, count: 9, shift: 0 }];
  const line = 'at 0.f (wasm://wasm/0-1a2b3c4d:wasm-function[7]:0x5b)';
  const traced = (stack: unknown, code: 'COMPONENT_TRAPPED' | 'COMPONENT_KILLED' = 'COMPONENT_TRAPPED') => {
    const cause = new Error('x');
    Object.defineProperty(cause, 'stack', { value: stack });
    return withBacktrace(new RuntimeError(code, 'x', { cause }), functions).details.backtrace;
  };
  assert.deepEqual(traced(line), ['f [0:7]']);
  assert.equal(traced(line, 'COMPONENT_KILLED'), undefined);
  for (const stack of [
    undefined,
    7,
    [line],
    'at f (file.js:1:1)',
    line.replace('[7]', '[9]'),
    line.replaceAll('0', '1'),
  ]) {
    assert.equal(traced(stack), undefined);
  }
});
