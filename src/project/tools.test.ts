import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../errors/index.ts';
import { findProgram, loadPackage, packageFolder } from './tools.ts';

test('loadPackage names a package that is nowhere, and how to install it', async () => {
  await assert.rejects(loadPackage(import.meta.dirname, '@nobody/nothing'), (error) => {
    assert.ok(RuntimeError.is(error, 'TOOL_MISSING'));
    assert.match(error.message, /@nobody\/nothing is not installed/);
    assert.deepEqual(error.details.help, ['to install it: npm install --save-dev @nobody/nothing']);
    return true;
  });
});

test('packageFolder finds a package beside the project, or beside Troupe', () => {
  assert.match(packageFolder(import.meta.dirname, 'esbuild'), /node_modules\/esbuild$/);
  assert.match(packageFolder('/', 'assemblyscript'), /node_modules\/assemblyscript$/);
});

test('findProgram looks along the path, in order', async () => {
  assert.equal(await findProgram(['no-such-program'], '/usr/bin:/bin'), undefined);
  assert.match((await findProgram(['no-such-program', 'sh'], '/nowhere:/bin')) ?? '', /\/sh$/);
});
