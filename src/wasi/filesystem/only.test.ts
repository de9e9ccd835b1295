/** A folder of which only what matches a pattern is there. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type GuestFiles, setUpFiles } from './guest-files.suite.ts';

const FOLLOW = { symlinkFollow: true };

function setUp(t: TestContext, ...only: string[]): GuestFiles {
  const files = setUpFiles(t, { only });
  const at = (name: string) => path.join(files.inside, name);
  fs.mkdirSync(at('sub/deep'), { recursive: true });
  for (const name of ['a.csv', 'secret.txt', 'sub/b.csv', 'sub/secret.txt', 'sub/deep/c.csv'])
    fs.writeFileSync(at(name), name);
  fs.symlinkSync('secret.txt', at('trap.csv'));
  fs.symlinkSync('a.csv', at('latest'));
  fs.symlinkSync('sub', at('link.csv'));
  return files;
}

async function outcome(files: GuestFiles, name: string, base = files.root): Promise<string> {
  const stat = await files.get('stat-at', base, FOLLOW, name);
  const opened = await files.get('open-at', base, FOLLOW, name, {}, { read: true });
  assert.equal(typeof stat === 'string' ? stat : 'there', typeof opened === 'string' ? opened : 'there', name);
  return typeof stat === 'string' ? stat : stat.type;
}

async function listed(files: GuestFiles, directory = files.root): Promise<string[]> {
  const stream = await files.get('read-directory', directory);
  const names: string[] = [];
  for (;;) {
    const entry = (await files.call('[method]directory-entry-stream.read-directory-entry', stream)).val;
    if (entry === undefined) return names.sort();
    names.push(entry.name);
  }
}

test('of a pattern, only what it matches is there, whatever it is called on the way, and each try is on record', async (t) => {
  const files = setUp(t, '*.csv');
  const expected: Record<string, string> = {
    'a.csv': 'regular-file',
    './sub/../a.csv': 'regular-file',
    latest: 'regular-file',
    'secret.txt': 'not-permitted',
    'a.csv/../secret.txt': 'not-directory',
    'sub/../secret.txt': 'not-permitted',
    'trap.csv': 'not-permitted',
    'link.csv': 'not-permitted',
    'link.csv/secret.txt': 'not-permitted',
    'sub/b.csv': 'not-permitted',
    sub: 'not-permitted',
    'nothing.csv': 'no-entry',
    'nothing.txt': 'not-permitted',
    '.': 'directory',
  };
  for (const [name, kind] of Object.entries(expected)) assert.equal(await outcome(files, name), kind, name);
  assert.deepEqual(await listed(files), ['a.csv', 'link.csv', 'trap.csv']);
  assert.equal(await files.get('readlink-at', files.root, 'latest'), 'not-permitted');
  assert.ok(files.decisions.includes('deny filesystem.read /secret.txt'));
});

test('of a pattern with **, folders that lead to what it matches are there, and count from where they really are', async (t) => {
  const files = setUp(t, '**/*.csv');
  assert.equal(await outcome(files, 'sub/deep/c.csv'), 'regular-file');
  assert.equal(await outcome(files, 'sub/secret.txt'), 'not-permitted');
  assert.deepEqual(await listed(files), ['a.csv', 'link.csv', 'sub', 'trap.csv']);
  const sub = await files.open('sub', 'directory');
  assert.deepEqual(await listed(files, sub), ['b.csv', 'deep']);
  assert.equal(await outcome(files, 'deep/c.csv', sub), 'regular-file');
  assert.equal(await outcome(files, 'secret.txt', sub), 'not-permitted');
});

test('a handle of a folder is judged by its own place: a folder whose name the pattern wants is no other', async (t) => {
  const files = setUp(t, 'sub/*.csv');
  const linked = await files.open('link.csv', 'directory');
  assert.equal(await outcome(files, 'b.csv', linked), 'regular-file');
  assert.equal(await outcome(files, 'deep', linked), 'not-permitted');
  assert.equal(await outcome(files, 'a.csv'), 'not-permitted');
});

test('of a pattern nothing can be changed, whatever rights stand beside it', async (t) => {
  const files = setUp(t, '**');
  const { root, otherRoot } = files;
  const denied = async (name: string, ...args: unknown[]) =>
    assert.equal(await files.get(name, ...args), 'not-permitted', name);
  await denied('open-at', root, FOLLOW, 'a.csv', {}, { write: true });
  await denied('open-at', root, FOLLOW, 'new.csv', { create: true }, { write: true });
  await denied('rename-at', root, 'secret.txt', root, 'b.csv');
  await denied('rename-at', root, 'secret.txt', otherRoot, 'b.csv');
  await denied('link-at', root, {}, 'secret.txt', otherRoot, 'b.csv');
  await denied('symlink-at', root, 'secret.txt', 'b.csv');
  await denied('create-directory-at', root, 'new.csv');
  await denied('unlink-file-at', root, 'a.csv');
});

test('several patterns count together', async (t) => {
  const files = setUp(t, '**/*.csv', 'sub/**');
  assert.deepEqual(
    [await outcome(files, 'sub/b.csv'), await outcome(files, 'a.csv'), await outcome(files, 'sub/secret.txt')],
    ['regular-file', 'not-permitted', 'not-permitted'],
  );
});
