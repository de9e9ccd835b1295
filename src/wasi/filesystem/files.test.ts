import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { RuntimeError } from '../../errors/index.ts';
import { SystemClock } from '../../time/index.ts';
import { Descriptor } from './descriptor.ts';
import { type GuestFiles, setUpFiles } from './guest-files.suite.ts';
import { assertFoldersSupported } from './index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (value: Uint8Array) => Buffer.from(value).toString();
const FOLLOW = { symlinkFollow: true };
const NOFOLLOW = { symlinkFollow: false };

async function readAll(files: GuestFiles, stream: unknown): Promise<string> {
  let text = '';
  for (;;) {
    const read = await files.stream('input-stream.blocking-read', stream, 1_000_000n);
    if (read.tag === 'err') return read.val.tag === 'closed' ? text : assert.fail(read.val.val.toDebugString());
    text += textOf(read.val);
  }
}

test('descriptor.write and descriptor.read work at offsets', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a.txt', 'create', 'read', 'write');
  assert.equal(await files.get('write', file, bytes('world'), 5n), 5n);
  assert.equal(await files.get('write', file, bytes('hello'), 0n), 5n);
  const [content, atEnd] = await files.get('read', file, 100n, 0n);
  assert.equal(textOf(content), 'helloworld');
  assert.equal(atEnd, false);
  const [rest, ended] = await files.get('read', file, 100n, 10n);
  assert.deepEqual([rest.length, ended], [0, true]);
  const [none, endedToo] = await files.get('read', file, 0n, 0n);
  assert.deepEqual([none.length, endedToo], [0, false]);
  assert.equal(fs.readFileSync(path.join(files.inside, 'a.txt'), 'utf8'), 'helloworld');
});

test('descriptor.read allocates no more than 1 MiB, whatever the guest claims', async (t) => {
  const files = setUpFiles(t);
  fs.writeFileSync(path.join(files.inside, 'big'), Buffer.alloc(3_000_000));
  const file = await files.open('big', 'read');
  const [content] = await files.get('read', file, 2n ** 64n - 1n, 0n);
  assert.equal(content.length, 1_048_576);
});

test('offsets and sizes that no file has are errors', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'read', 'write');
  assert.equal(await files.get('read', file, 1n, 2n ** 64n - 1n), 'invalid');
  assert.equal(await files.get('write', file, bytes('x'), 2n ** 64n - 1n), 'file-too-large');
  assert.equal(await files.get('write', file, bytes('x'), 2n ** 53n - 1n), 'file-too-large');
  assert.equal(await files.get('set-size', file, 2n ** 64n - 1n), 'file-too-large');
  const stream = await files.get('write-via-stream', file, 2n ** 64n - 1n);
  const failed = await files.stream('output-stream.blocking-write-and-flush', stream, bytes('x'));
  assert.equal(await files.errorCode(failed.val.val), 'file-too-large');
});

test('streams read and write from their own offsets', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'read', 'write');
  const out = await files.get('write-via-stream', file, 5n);
  for (const text of ['Hello, ', 'World!']) {
    assert.equal((await files.stream('output-stream.blocking-write-and-flush', out, bytes(text))).tag, 'ok');
  }
  assert.equal(await readAll(files, await files.get('read-via-stream', file, 0n)), '\0\0\0\0\0Hello, World!');
  assert.equal(await readAll(files, await files.get('read-via-stream', file, 12n)), 'World!');
  assert.equal(await readAll(files, await files.get('read-via-stream', file, 2_000n)), '');
});

test('a stream writes in order what was written without waiting', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'write');
  const out = await files.get('write-via-stream', file, 0n);
  for (let count = 0; count < 100; count += 1) {
    assert.equal((await files.stream('output-stream.write', out, bytes(`${count},`))).tag, 'ok');
  }
  assert.equal((await files.stream('output-stream.blocking-flush', out)).tag, 'ok');
  const expected = Array.from({ length: 100 }, (_, count) => `${count},`).join('');
  assert.equal(fs.readFileSync(path.join(files.inside, 'a'), 'utf8'), expected);
});

test('a stream lives longer than the descriptor that it was made from', async (t) => {
  const files = setUpFiles(t);
  fs.writeFileSync(path.join(files.inside, 'a'), 'still here');
  const file = await files.open('a', 'read');
  const stream = await files.get('read-via-stream', file, 0n);
  file.drop();
  assert.equal(await readAll(files, stream), 'still here');
  stream.drop();
});

test('append-via-stream finds the end anew for each write', async (t) => {
  const files = setUpFiles(t);
  const host = path.join(files.inside, 'log');
  fs.writeFileSync(host, 'one ');
  const file = await files.open('log', 'write');
  const stream = await files.get('append-via-stream', file);
  await files.stream('output-stream.blocking-write-and-flush', stream, bytes('two '));
  fs.appendFileSync(host, 'three ');
  await files.stream('output-stream.blocking-write-and-flush', stream, bytes('four'));
  assert.equal(fs.readFileSync(host, 'utf8'), 'one two three four');
});

test('descriptors know their kind and flags and refuse what they were not opened for', async (t) => {
  const files = setUpFiles(t);
  fs.writeFileSync(path.join(files.inside, 'a'), 'x');
  const [readOnly, writeOnly, directory] = [
    await files.open('a', 'read'),
    await files.open('a', 'write'),
    await files.open('.', 'directory'),
  ];
  assert.deepEqual(
    [await files.get('get-type', readOnly), await files.get('get-type', directory)],
    ['regular-file', 'directory'],
  );
  const none = { fileIntegritySync: false, dataIntegritySync: false, requestedWriteSync: false };
  assert.deepEqual(await files.get('get-flags', readOnly), {
    read: true,
    write: false,
    ...none,
    mutateDirectory: false,
  });
  assert.deepEqual(await files.get('get-flags', directory), {
    read: true,
    write: false,
    ...none,
    mutateDirectory: true,
  });
  assert.equal(await files.get('write', readOnly, bytes('y'), 0n), 'bad-descriptor');
  assert.equal(await files.get('set-size', readOnly, 0n), 'bad-descriptor');
  assert.equal(await files.get('write-via-stream', readOnly, 0n), 'bad-descriptor');
  assert.equal(await files.get('append-via-stream', readOnly), 'bad-descriptor');
  assert.equal(await files.get('read', writeOnly, 1n, 0n), 'bad-descriptor');
  assert.equal(await files.get('read-via-stream', writeOnly, 0n), 'bad-descriptor');
  assert.equal(await files.get('read-via-stream', directory, 0n), 'is-directory');
  assert.equal(await files.get('read', directory, 1n, 0n), 'bad-descriptor');
  assert.equal(await files.get('advise', directory, 0n, 0n, 'normal'), 'bad-descriptor');
  assert.equal(await files.get('advise', readOnly, 2n ** 64n - 1n, 2n ** 64n - 1n, 'no-reuse'), undefined);
  assert.equal(await files.get('stat-at', readOnly, FOLLOW, 'x'), 'not-directory');
  assert.equal(await files.get('read-directory', readOnly), 'not-directory');
});

test('synchronous writing can be asked for and is told back', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'write', 'fileIntegritySync');
  assert.equal((await files.get('get-flags', file)).fileIntegritySync, true);
  assert.equal(await files.get('write', file, bytes('x'), 0n), 1n);
});

test('open-at creates, truncates and insists on novelty as asked', async (t) => {
  const files = setUpFiles(t);
  assert.equal(await files.open('a', 'read'), 'no-entry');
  const file = await files.open('a', 'create', 'exclusive', 'write');
  await files.get('write', file, bytes('content'), 0n);
  assert.equal(await files.open('a', 'create', 'exclusive', 'write'), 'exist');
  assert.ok((await files.open('a', 'create', 'write')) instanceof Descriptor);
  assert.equal((await files.get('stat', file)).size, 7n);
  assert.ok((await files.open('a', 'truncate', 'write')) instanceof Descriptor);
  assert.equal((await files.get('stat', file)).size, 0n);
  assert.equal(await files.open('a', 'directory', 'create'), 'invalid');
  assert.equal(await files.open('a', 'directory'), 'not-directory');
  assert.equal(await files.open('.', 'write'), 'is-directory');
  assert.equal(await files.open('.', 'truncate'), 'is-directory');
  assert.equal(await files.open('new/', 'create', 'write'), 'is-directory');
});

test('F2: open-at opens neither FIFOs nor sockets nor devices, and does not hang on them', async (t) => {
  const files = setUpFiles(t);
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [path.join(files.inside, 'fifo')]);
  for (const flags of [['read'], ['write'], ['read', 'write'], ['create', 'write']]) {
    assert.equal(await files.open('fifo', ...flags), 'not-permitted');
  }
  assert.equal((await files.get('stat-at', files.root, FOLLOW, 'fifo')).type, 'fifo');
});

test('set-size shortens and lengthens with zeroes', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'read', 'write');
  await files.get('write', file, bytes('abc'), 0n);
  assert.equal(await files.get('set-size', file, 1n), undefined);
  await files.get('set-size', file, 3n);
  assert.equal(textOf((await files.get('read', file, 9n, 0n))[0]), 'a\0\0');
});

test('stat tells type, links, size and times', async (t) => {
  const files = setUpFiles(t);
  const host = path.join(files.inside, 'a');
  fs.writeFileSync(host, 'four');
  fs.linkSync(host, path.join(files.inside, 'b'));
  fs.symlinkSync('a', path.join(files.inside, 'link'));
  fs.utimesSync(host, 1_000, 2_000.5);
  const stat = await files.get('stat-at', files.root, FOLLOW, 'link');
  assert.equal(stat.type, 'regular-file');
  assert.deepEqual([stat.linkCount, stat.size], [2n, 4n]);
  assert.deepEqual(stat.dataAccessTimestamp, { seconds: 1_000n, nanoseconds: 0 });
  assert.deepEqual(stat.dataModificationTimestamp, { seconds: 2_000n, nanoseconds: 500_000_000 });
  assert.equal(typeof stat.statusChangeTimestamp.seconds, 'bigint');
  const link = await files.get('stat-at', files.root, NOFOLLOW, 'link');
  assert.deepEqual([link.type, link.size], ['symbolic-link', 1n]);
  assert.equal((await files.get('stat', files.root)).type, 'directory');
  assert.deepEqual(await files.get('stat', await files.open('a', 'read')), stat);
});

test('set-times and set-times-at set, keep and update', async (t) => {
  const files = setUpFiles(t);
  const host = path.join(files.inside, 'a');
  fs.writeFileSync(host, '');
  fs.symlinkSync('a', path.join(files.inside, 'link'));
  fs.utimesSync(host, 10, 20);
  const at = (seconds: bigint, nanoseconds = 0) => ({ tag: 'timestamp', val: { seconds, nanoseconds } });
  const keep = { tag: 'no-change', val: undefined };
  const file = await files.open('a', 'read');
  assert.equal(await files.get('set-times', file, at(100n, 250_000_000), keep), undefined);
  assert.deepEqual([fs.statSync(host).atimeMs, fs.statSync(host).mtimeMs], [100_250, 20_000]);
  assert.equal(await files.get('set-times-at', files.root, FOLLOW, 'link', keep, at(300n)), undefined);
  assert.equal(fs.statSync(host).mtimeMs, 300_000);
  assert.equal(await files.get('set-times-at', files.root, NOFOLLOW, 'link', at(1n), at(2n)), undefined);
  assert.deepEqual(
    [fs.lstatSync(path.join(files.inside, 'link')).mtimeMs, fs.statSync(host).mtimeMs],
    [2_000, 300_000],
  );
  await files.get('set-times', files.root, keep, { tag: 'now', val: undefined });
  assert.ok(Math.abs(fs.statSync(files.inside).mtimeMs - new SystemClock().wallMs()) < 60_000);
  assert.equal(await files.get('set-times', file, at(2n ** 64n - 1n), keep), 'overflow');
  assert.equal(await files.get('set-times', file, at(1n, 1_000_000_000), keep), 'invalid');
  await assert.rejects(files.call('set-times', file, { tag: 'later' }, keep), (error) => RuntimeError.is(error));
});

test('sync and sync-data work on files and directories', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'read');
  for (const name of ['sync', 'sync-data']) {
    assert.equal(await files.get(name, file), undefined);
    assert.equal(await files.get(name, files.root), undefined);
  }
});

test('is-same-object and metadata-hash tell files apart, whatever their names', async (t) => {
  const files = setUpFiles(t);
  fs.writeFileSync(path.join(files.inside, 'a'), 'x');
  fs.linkSync(path.join(files.inside, 'a'), path.join(files.inside, 'b'));
  fs.writeFileSync(path.join(files.inside, 'c'), 'x');
  const [a, b, c] = [await files.open('a', 'write'), await files.open('b', 'read'), await files.open('c', 'read')];
  assert.equal(await files.call('is-same-object', a, b), true);
  assert.equal(await files.call('is-same-object', a, c), false);
  const before = await files.get('metadata-hash', a);
  assert.deepEqual(await files.get('metadata-hash-at', files.root, FOLLOW, 'b'), before);
  assert.notDeepEqual(await files.get('metadata-hash', c), before);
  await files.get('write', a, bytes('longer'), 0n);
  const after = await files.get('metadata-hash', a);
  assert.equal(after.lower, before.lower, 'C libraries use it as the inode number');
  assert.notEqual(after.upper, before.upper);
});

test('read-directory lists everything but . and .., in pages, with types', async (t) => {
  const files = setUpFiles(t);
  const names = Array.from({ length: 150 }, (_, count) => `file-${count}`);
  for (const name of names) fs.writeFileSync(path.join(files.inside, name), '');
  fs.mkdirSync(path.join(files.inside, 'dir'));
  fs.symlinkSync('x', path.join(files.inside, 'link'));
  const seen = await list(files);
  assert.deepEqual([...seen.keys()].sort(), [...names, 'dir', 'link'].sort());
  assert.deepEqual(
    ['file-0', 'dir', 'link'].map((name) => seen.get(name)),
    ['regular-file', 'directory', 'symbolic-link'],
  );
});

test('read-directory goes on after a name that is not UTF-8', async (t) => {
  const files = setUpFiles(t);
  fs.writeFileSync(Buffer.concat([Buffer.from(`${files.inside}/`), Buffer.from([0xff, 0xfe])]), '');
  fs.writeFileSync(path.join(files.inside, 'good'), '');
  const stream = await files.get('read-directory', files.root);
  const results = [];
  for (let count = 0; count < 3; count += 1) {
    results.push(await files.call('[method]directory-entry-stream.read-directory-entry', stream));
  }
  assert.equal(results.filter((result) => result.val === 'illegal-byte-sequence').length, 1);
  assert.equal(results.filter((result) => result.val?.name === 'good').length, 1);
  assert.deepEqual(results[2], { tag: 'ok', val: undefined });
});

test('a guest has at most openFilesMax files open, and its place back when it drops one', async (t) => {
  const files = setUpFiles(t, { limits: { openFilesMax: 3 } });
  const first = await files.open('a', 'create', 'write');
  const second = await files.open('a', 'write');
  assert.equal(await files.open('a', 'write'), 'insufficient-memory');
  assert.equal(await files.get('append-via-stream', second), 'insufficient-memory');
  assert.equal(await files.get('read-directory', files.root), 'insufficient-memory');
  first.drop();
  await until(async () => (await files.open('a', 'write')) instanceof Descriptor);
});

test('a guest has at most 256 file streams', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'read');
  const streams = [];
  for (let count = 0; count < 256; count += 1) streams.push(await files.get('read-via-stream', file, 0n));
  assert.equal(await files.get('read-via-stream', file, 0n), 'insufficient-memory');
  streams[0].drop();
  assert.equal(typeof (await files.get('read-via-stream', file, 0n)), 'object');
});

test('F5: dispose closes every descriptor, whatever the guest still holds', async (t) => {
  const files = setUpFiles(t);
  const file = await files.open('a', 'create', 'read', 'write');
  const held = [
    file,
    await files.open('.', 'directory'),
    await files.get('append-via-stream', file),
    await files.get('write-via-stream', file, 0n),
    await files.get('read-via-stream', file, 0n),
    await files.get('read-directory', files.root),
  ];
  assert.ok(files.openDescriptors().length >= 5);
  await files.guest.dispose();
  assert.deepEqual(files.openDescriptors(), []);
  for (const resource of [...held, files.root]) resource.drop();
});

test('F5: operations that are under way when the guest goes leave nothing open, though nobody takes their results', async (t) => {
  const files = setUpFiles(t);
  fs.mkdirSync(path.join(files.inside, 'a/b/c'), { recursive: true });
  const file = await files.open('a/f', 'create', 'read', 'write');
  const stream = await files.get('write-via-stream', file, 0n);
  await files.stream('output-stream.write', stream, new Uint8Array(65_536));
  const pending = Array.from({ length: 10 }, () => [
    files.open('a/b/c/d', 'create', 'write'),
    files.get('read-directory', files.root),
    files.get('append-via-stream', file),
  ]).flat();
  await files.guest.dispose();
  assert.deepEqual(files.openDescriptors(), []);
  await Promise.all(pending);
  assert.equal(await files.open('a', 'read'), 'bad-descriptor');
  assert.equal(await files.get('stat', file), 'bad-descriptor');
  for (const resource of [stream, file, files.root]) resource.drop();
  assert.deepEqual(files.openDescriptors(), []);
});

test('a granted folder that is not there is the guest’s no-entry until it is', async (t) => {
  const files = setUpFiles(t);
  fs.rmdirSync(files.other);
  assert.equal(await files.get('stat', files.otherRoot), 'no-entry');
  fs.mkdirSync(files.other);
  assert.equal((await files.get('stat', files.otherRoot)).type, 'directory');
});

test('assertFoldersSupported refuses grants, and only grants, where there is no /proc', () => {
  const grant = { hostPath: '/srv', guestPath: '/', rights: ['read'] } as const;
  assert.throws(
    () => assertFoldersSupported([grant], 'darwin'),
    (error) => RuntimeError.is(error, 'RUNTIME_UNSUPPORTED'),
  );
  assertFoldersSupported([], 'darwin');
  assertFoldersSupported([grant], 'linux');
});

async function list(files: GuestFiles): Promise<Map<string, string>> {
  const stream = await files.get('read-directory', files.root);
  const seen = new Map<string, string>();
  for (;;) {
    const entry = await files.get('[method]directory-entry-stream.read-directory-entry', stream);
    if (entry === undefined) return seen;
    seen.set(entry.name, entry.type);
  }
}

/** Tries until `condition` holds: closing happens in the background. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if (await condition()) return;
    await fs.promises.stat('/');
  }
  assert.fail('the condition did not come to hold');
}
