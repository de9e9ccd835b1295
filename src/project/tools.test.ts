import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('loadPackage loads the part of a package that the project has, though Troupe is elsewhere', async (context) => {
  const project = mkdtempSync(join(tmpdir(), 'troupe-tools-'));
  context.after(() => rmSync(project, { recursive: true, force: true }));
  const folder = join(project, 'node_modules', 'only-here');
  mkdirSync(folder, { recursive: true });
  const exports = { '.': './main.js', './part': { types: './part.d.ts', default: './part.js' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'only-here', type: 'module', exports }));
  writeFileSync(join(folder, 'main.js'), "export const what = 'whole';");
  writeFileSync(join(folder, 'part.js'), "export const what = 'part';");
  assert.equal((await loadPackage<{ what: string }>(project, 'only-here')).what, 'whole');
  assert.equal((await loadPackage<{ what: string }>(project, 'only-here', './part')).what, 'part');
});

test('packageFolder finds a package beside the project, or beside Troupe', () => {
  assert.match(packageFolder(import.meta.dirname, 'esbuild'), /node_modules\/esbuild$/);
  assert.match(packageFolder('/', 'assemblyscript'), /node_modules\/assemblyscript$/);
});

test('findProgram looks along the path, in order', async () => {
  assert.equal(await findProgram(['no-such-program'], '/usr/bin:/bin'), undefined);
  assert.match((await findProgram(['no-such-program', 'sh'], '/nowhere:/bin')) ?? '', /\/sh$/);
});
