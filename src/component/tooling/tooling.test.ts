import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { componentEmbed, componentNew, componentWit, parseWat, printWasm, validateComponent } from './index.ts';

const WIT = 'package a:b; world w { import log: func(text: string); export add: func(a: u32, b: u32) -> u32; }';

test('parseWat and printWasm are inverse up to layout', async () => {
  const bytes = await parseWat('(component (import "a" (func)))');
  assert.match(await printWasm(bytes), /\(import "a" \(func/);
});

test('T2: parseWat refuses text with a syntax error and shows the place', async () => {
  await assert.rejects(parseWat('(component (nonsense))'), (error) => {
    assert.ok(RuntimeError.is(error, 'COMPONENT_INVALID'));
    assert.match(error.message, /nonsense/);
    return true;
  });
});

test('componentEmbed makes up a module that componentNew wraps', async () => {
  const component = await componentNew(await componentEmbed({ wit: WIT, world: 'w' }));
  assert.equal(await validateComponent(component), undefined);
  assert.match(await componentWit(component), /export add: func\(a: u32, b: u32\) -> u32/);
});

test('validateComponent says what is wrong and where', async () => {
  const bytes = await parseWat('(component (export "x" (func 5)))');
  assert.match((await validateComponent(bytes)) ?? '', /function index out of bounds \(at byte 11\)/);
});

test('validateComponent accepts a valid component that WIT cannot describe', async () => {
  assert.equal(await validateComponent(await parseWat('(component (import "a" (core module)))')), undefined);
});
