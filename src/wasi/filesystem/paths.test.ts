import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { FilesystemRight } from '../../capability/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { Descriptor } from './descriptor.ts';
import { toErrorCode, toFailure } from './error-code.ts';
import { ALL_RIGHTS, type GuestFiles, setUpFiles } from './guest-files.suite.ts';

const FOLLOW = { symlinkFollow: true };
const NOFOLLOW = {};
const KEEP = { tag: 'no-change', val: undefined };

/** What `stat-at` says of a path: its type or an error code. */
async function look(files: GuestFiles, file: string, flags: object = FOLLOW): Promise<string> {
  const stat = await files.get('stat-at', files.root, flags, file);
  return typeof stat === 'string' ? stat : stat.type;
}

function tree(files: GuestFiles): void {
  const at = (name: string) => path.join(files.inside, name);
  fs.mkdirSync(at('dir/sub'), { recursive: true });
  fs.writeFileSync(at('file'), 'file');
  fs.writeFileSync(at('dir/sub/leaf'), 'leaf');
}

test('paths are walked with ., .., repeated and trailing slashes', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  const expected: Record<string, string> = {
    '.': 'directory',
    './': 'directory',
    './file': 'regular-file',
    'dir//sub/./leaf': 'regular-file',
    'dir/sub/../sub/leaf': 'regular-file',
    'dir/..': 'directory',
    'dir/sub/../..': 'directory',
    'dir/': 'directory',
    'dir/.': 'directory',
    'file/': 'not-directory',
    'file/.': 'not-directory',
    'file/..': 'not-directory',
    'file/x': 'not-directory',
    'nothing/../file': 'no-entry',
    nothing: 'no-entry',
    'nothing/': 'no-entry',
    '': 'no-entry',
    '..': 'not-permitted',
    '../inside/file': 'not-permitted',
    'dir/../../inside/file': 'not-permitted',
    '/': 'not-permitted',
    '/file': 'not-permitted',
    'fi\0le': 'invalid',
    'file\0': 'invalid',
    ['n'.repeat(255)]: 'no-entry',
    ['n'.repeat(256)]: 'name-too-long',
    ['n/'.repeat(2_500)]: 'name-too-long',
    ['./'.repeat(2_000)]: 'directory',
    ['dir/../'.repeat(400)]: 'directory',
    ['dir/../'.repeat(580)]: 'name-too-long',
  };
  for (const [file, answer] of Object.entries(expected))
    assert.equal(await look(files, file), answer, file.slice(0, 40));
  assert.deepEqual(files.openDescriptors().length, 1, 'a walk leaves nothing open but the folder');
});

test('a path is relative to its directory and does not leave it for the folder above', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  const directory = await files.open('dir', 'directory');
  assert.equal((await files.get('stat-at', directory, FOLLOW, 'sub/leaf')).type, 'regular-file');
  assert.equal(await files.get('stat-at', directory, FOLLOW, '../file'), 'not-permitted');
});

test('a path is at most 128 directories deep', async (t) => {
  const files = setUpFiles(t);
  const deep = 'd/'.repeat(129);
  fs.mkdirSync(path.join(files.inside, deep), { recursive: true });
  assert.equal(await look(files, 'd/'.repeat(128)), 'directory');
  assert.equal(await look(files, 'd/'.repeat(130)), 'name-too-long');
});

test('F1: links are followed inside the folder and nowhere else', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  const link = (target: string, name: string) => fs.symlinkSync(target, path.join(files.inside, name));
  link('file', 'to-file');
  link('to-file', 'to-link');
  link('dir', 'to-dir');
  link('dir/', 'to-dir-slash');
  link('../file', 'dir/up');
  link('../../outside/secret', 'dir/out');
  link('../outside', 'escape');
  link(files.outside, 'absolute');
  link('/', 'root');
  link('nothing', 'dangling');
  link('loop', 'loop');
  link('file/', 'file-slash');
  const expected: Record<string, [followed: string, not: string]> = {
    'to-file': ['regular-file', 'symbolic-link'],
    'to-link': ['regular-file', 'symbolic-link'],
    'to-dir': ['directory', 'symbolic-link'],
    'to-dir/': ['directory', 'directory'],
    'to-dir-slash': ['directory', 'symbolic-link'],
    'to-dir/sub/leaf': ['regular-file', 'regular-file'],
    'to-dir/../file': ['regular-file', 'regular-file'],
    'dir/up': ['regular-file', 'symbolic-link'],
    'dir/out': ['not-permitted', 'symbolic-link'],
    escape: ['not-permitted', 'symbolic-link'],
    'escape/secret': ['not-permitted', 'not-permitted'],
    absolute: ['not-permitted', 'symbolic-link'],
    'absolute/secret': ['not-permitted', 'not-permitted'],
    'root/etc/passwd': ['not-permitted', 'not-permitted'],
    dangling: ['no-entry', 'symbolic-link'],
    loop: ['loop', 'symbolic-link'],
    'loop/x': ['loop', 'loop'],
    'to-file/': ['not-directory', 'not-directory'],
    'file-slash': ['not-directory', 'symbolic-link'],
  };
  for (const [file, [followed, not]] of Object.entries(expected)) {
    assert.equal(await look(files, file, FOLLOW), followed, `${file}, followed`);
    assert.equal(await look(files, file, NOFOLLOW), not, `${file}, not followed`);
  }
});

test('forty links in a row are followed and forty-one are not', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  for (let count = 0; count < 41; count += 1) {
    fs.symlinkSync(count === 0 ? 'file' : `l${count - 1}`, path.join(files.inside, `l${count}`));
  }
  assert.equal(await look(files, 'l39'), 'regular-file');
  assert.equal(await look(files, 'l40'), 'loop');
});

test('links that multiply cost a bounded number of steps', async (t) => {
  const files = setUpFiles(t);
  fs.mkdirSync(path.join(files.inside, 'd'));
  fs.symlinkSync('d/../'.repeat(700), path.join(files.inside, 'l0'));
  fs.symlinkSync('l0/'.repeat(30), path.join(files.inside, 'l1'));
  assert.equal(await look(files, 'l1/x'), 'name-too-long');
});

test('open-at treats links as its flags say', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  fs.symlinkSync('file', path.join(files.inside, 'link'));
  fs.symlinkSync('made', path.join(files.inside, 'dangling'));
  fs.symlinkSync('../outside/made', path.join(files.inside, 'escape'));
  assert.ok((await files.open('link', 'read')) instanceof Descriptor);
  assert.equal(await files.open('link', 'read', 'nofollow'), 'loop');
  assert.equal(await files.open('link', 'write', 'create', 'exclusive'), 'exist');
  assert.equal(await files.open('dangling', 'write', 'create', 'exclusive'), 'exist');
  assert.equal(await files.open('dangling', 'write', 'create', 'nofollow'), 'loop');
  assert.ok((await files.open('dangling', 'write', 'create')) instanceof Descriptor);
  assert.ok(fs.existsSync(path.join(files.inside, 'made')));
  assert.equal(await files.open('escape', 'write', 'create'), 'not-permitted');
  assert.ok(!fs.existsSync(path.join(files.outside, 'made')));
});

test('create-directory-at and remove-directory-at', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  fs.symlinkSync('dir', path.join(files.inside, 'link'));
  const make = (name: string) => files.get('create-directory-at', files.root, name);
  const remove = (name: string) => files.get('remove-directory-at', files.root, name);
  assert.deepEqual(
    [await make('new'), await make('slash/'), await make('link/made')],
    [undefined, undefined, undefined],
  );
  assert.ok(fs.existsSync(path.join(files.inside, 'dir/made')));
  const failing = {
    dir: 'exist',
    file: 'exist',
    link: 'exist',
    '.': 'exist',
    '': 'no-entry',
    'no/x': 'no-entry',
    '../x': 'not-permitted',
  };
  for (const [name, code] of Object.entries(failing)) assert.equal(await make(name), code, name);
  assert.deepEqual([await remove('new'), await remove('slash/')], [undefined, undefined]);
  const kept = {
    dir: 'not-empty',
    file: 'not-directory',
    link: 'not-directory',
    '.': 'invalid',
    'dir/.': 'invalid',
    no: 'no-entry',
  };
  for (const [name, code] of Object.entries(kept)) assert.equal(await remove(name), code, name);
});

test('unlink-file-at removes files and links, never directories', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  fs.symlinkSync('dir', path.join(files.inside, 'link'));
  const unlink = (name: string) => files.get('unlink-file-at', files.root, name);
  const kept = {
    dir: 'is-directory',
    'dir/': 'is-directory',
    '.': 'is-directory',
    'file/': 'not-directory',
    'link/': 'not-directory',
    no: 'no-entry',
  };
  for (const [name, code] of Object.entries(kept)) assert.equal(await unlink(name), code, name);
  assert.deepEqual([await unlink('file'), await unlink('link')], [undefined, undefined]);
  assert.deepEqual(fs.readdirSync(files.inside), ['dir']);
});

test('symlink-at and readlink-at', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  const make = (target: string, name: string) => files.get('symlink-at', files.root, target, name);
  const read = (name: string) => files.get('readlink-at', files.root, name);
  assert.equal(await make('dir/../file', 'link'), undefined);
  assert.equal(await read('link'), 'dir/../file');
  assert.equal(await make('../..', 'outward'), undefined);
  assert.equal(await look(files, 'outward'), 'not-permitted');
  const failing: [string, string, string][] = [
    ['/etc/passwd', 'x', 'not-permitted'],
    ['a\0b', 'x', 'invalid'],
    ['', 'x', 'no-entry'],
    ['a'.repeat(4_096), 'x', 'name-too-long'],
    ['file', 'link', 'exist'],
    ['file', 'x/', 'no-entry'],
    ['file', '.', 'exist'],
  ];
  for (const [target, name, code] of failing)
    assert.equal(await make(target, name), code, `${target.slice(0, 9)} ${name}`);
  fs.symlinkSync('/etc/passwd', path.join(files.inside, 'absolute'));
  fs.symlinkSync(Buffer.from([0xff]), path.join(files.inside, 'bytes'));
  const unreadable = {
    absolute: 'not-permitted',
    bytes: 'illegal-byte-sequence',
    file: 'invalid',
    '.': 'invalid',
    no: 'no-entry',
  };
  for (const [name, code] of Object.entries(unreadable)) assert.equal(await read(name), code, name);
  assert.equal(await look(files, 'bytes'), 'illegal-byte-sequence');
});

test('link-at makes another name of a file', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  fs.symlinkSync('file', path.join(files.inside, 'symlink'));
  const link = (from: string, to: string, flags: object = NOFOLLOW) =>
    files.get('link-at', files.root, flags, from, files.otherRoot, to);
  assert.equal(await link('file', 'name'), undefined);
  assert.equal(fs.readFileSync(path.join(files.other, 'name'), 'utf8'), 'file');
  assert.equal(await link('symlink', 'symlink'), undefined);
  assert.ok(fs.lstatSync(path.join(files.other, 'symlink')).isSymbolicLink());
  const failing: [string, string, string][] = [
    ['no', 'x', 'no-entry'],
    ['file', 'name', 'exist'],
    ['dir', 'x', 'not-permitted'],
    ['.', 'x', 'not-permitted'],
    ['file', '.', 'exist'],
    ['file', 'x/', 'not-directory'],
    ['file', '../inside/x', 'not-permitted'],
  ];
  for (const [from, to, code] of failing) assert.equal(await link(from, to), code, `${from} ${to}`);
  assert.equal(await link('file', 'x', FOLLOW), 'invalid');
});

test('rename-at moves files and directories, also between folders', async (t) => {
  const files = setUpFiles(t);
  tree(files);
  const rename = (from: string, to: string) => files.get('rename-at', files.root, from, files.otherRoot, to);
  assert.equal(await rename('file', 'moved'), undefined);
  assert.equal(await rename('dir/', 'dir/'), undefined);
  assert.deepEqual(fs.readdirSync(files.other).sort(), ['dir', 'moved']);
  fs.writeFileSync(path.join(files.inside, 'again'), 'again');
  fs.mkdirSync(path.join(files.inside, 'empty'));
  const failing: [string, string, string][] = [
    ['no', 'x', 'no-entry'],
    ['again/', 'x', 'not-directory'],
    ['again', 'x/', 'not-directory'],
    ['again', 'dir', 'is-directory'],
    ['empty', 'dir', 'not-empty'],
    ['.', 'x', 'busy'],
    ['empty/.', 'x', 'busy'],
    ['again', '.', 'busy'],
    ['again', '../outside/x', 'not-permitted'],
  ];
  for (const [from, to, code] of failing) assert.equal(await rename(from, to), code, `${from} ${to}`);
  assert.equal(await rename('again', 'moved'), undefined);
  assert.equal(fs.readFileSync(path.join(files.other, 'moved'), 'utf8'), 'again');
});

test('F3: a read-only folder answers not-permitted to every change', async (t) => {
  const files = setUpFiles(t, { rights: ['read', 'list'] });
  tree(files);
  const before = fs.readdirSync(files.inside, { recursive: true });
  const { root, otherRoot } = files;
  const file = await files.open('file', 'read');
  const directory = await files.open('dir', 'directory');
  const changes: [string, ...unknown[]][] = [
    ['create-directory-at', root, 'x'],
    ['remove-directory-at', root, 'dir'],
    ['unlink-file-at', root, 'file'],
    ['unlink-file-at', directory, 'sub/leaf'],
    ['symlink-at', root, 'file', 'x'],
    ['link-at', root, NOFOLLOW, 'file', root, 'x'],
    ['link-at', root, NOFOLLOW, 'file', otherRoot, 'x'],
    ['link-at', otherRoot, NOFOLLOW, 'file', root, 'x'],
    ['rename-at', root, 'file', root, 'x'],
    ['rename-at', root, 'file', otherRoot, 'x'],
    ['rename-at', otherRoot, 'file', root, 'x'],
    ['set-times-at', root, FOLLOW, 'file', KEEP, KEEP],
    ['set-times', file, KEEP, KEEP],
    ['set-size', file, 0n],
    ['write', file, new Uint8Array(1), 0n],
    ['write-via-stream', file, 0n],
    ['append-via-stream', file],
    ['open-at', root, FOLLOW, 'file', { truncate: true }, { read: true }],
    ['open-at', root, FOLLOW, 'x', { create: true }, { read: true }],
    ['open-at', root, FOLLOW, 'file', {}, { write: true }],
    ['open-at', root, FOLLOW, 'dir', {}, { mutateDirectory: true }],
  ];
  for (const [name, ...args] of changes) assert.equal(await files.get(name, ...args), 'not-permitted', name);
  assert.deepEqual(fs.readdirSync(files.inside, { recursive: true }), before);
  assert.equal(fs.readFileSync(path.join(files.inside, 'file'), 'utf8'), 'file');
});

test('F3: each right stands for itself', async (t) => {
  const tryWith = async (rights: readonly FilesystemRight[]) => {
    const files = setUpFiles(t, { rights });
    tree(files);
    const allowed = (value: unknown) => value !== 'not-permitted';
    return {
      read: allowed(await files.open('file', 'read')),
      write: allowed(await files.open('file', 'write')),
      list: allowed(await files.get('read-directory', files.root)),
      delete: allowed(await files.get('unlink-file-at', files.root, 'file')),
      stat: allowed(await look(files, 'dir')),
    };
  };
  const none = { read: false, write: false, list: false, delete: false, stat: true };
  assert.deepEqual(await tryWith([]), none);
  for (const right of ALL_RIGHTS) assert.deepEqual(await tryWith([right]), { ...none, [right]: true });
});

test('a file gains no rights by getting a name in another folder', async (t) => {
  const files = setUpFiles(t, { rights: ['write', 'delete'], otherRights: ALL_RIGHTS });
  tree(files);
  const names = ['file', files.otherRoot, 'x'];
  assert.equal(await files.get('rename-at', files.root, ...names), 'not-permitted');
  assert.equal(await files.get('link-at', files.root, NOFOLLOW, ...names), 'not-permitted');
});

test('F6: toErrorCode has a word for every error of the operating system that WASI names', () => {
  assert.equal(toErrorCode('ENOSPC'), 'insufficient-space');
  assert.equal(toErrorCode('EOPNOTSUPP'), 'unsupported');
  assert.equal(toErrorCode('EMFILE'), 'insufficient-memory');
  assert.equal(toErrorCode('EUCLEAN'), 'io');
  assert.equal(toErrorCode('toString'), 'io');
});

test('toFailure passes on what is not an error of a file', () => {
  const ours = new RuntimeError('COMPONENT_KILLED', 'gone');
  assert.throws(() => toFailure(ours), ours);
  assert.throws(() => toFailure(new TypeError('bug')), TypeError);
});

test('arguments of other types than WASI declares end the guest', async (t) => {
  const files = setUpFiles(t);
  const { root } = files;
  const wrong: [string, ...unknown[]][] = [
    ['open-at', root, FOLLOW, Buffer.from('x'), {}, {}],
    ['open-at', root, FOLLOW, new URL('file:///etc/passwd'), {}, {}],
    ['open-at', root, undefined, 'x', {}, {}],
    ['open-at', {}, FOLLOW, 'x', {}, {}],
    ['stat-at', root, FOLLOW, 5],
    ['read', root, 1, 0n],
    ['rename-at', root, 'a', {}, 'b'],
    ['write', root, 'text', 0n],
  ];
  for (const [name, ...args] of wrong) {
    await assert.rejects(files.call(name, ...args), (error) => RuntimeError.is(error, 'COMPONENT_TRAPPED'), name);
  }
});

test('S93: what is opened, changed, refused and tried outside is on record, with the path as the guest gave it', async (t) => {
  const files = setUpFiles(t, { rights: ['read', 'list'] });
  tree(files);
  await files.open('file', 'read');
  await files.open('dir/../file', 'write');
  await files.get('unlink-file-at', files.root, 'file');
  await files.get('read-directory', files.root);
  await files.get('rename-at', files.otherRoot, 'a', files.root, 'b');
  await files.open('../outside/secret', 'read');
  await files.open('/etc/passwd', 'read');
  fs.symlinkSync('../outside/secret', path.join(files.inside, 'link'));
  await files.open('link', 'read');
  assert.deepEqual(files.decisions, [
    'allow filesystem.read /file',
    'deny filesystem.write /dir/../file',
    'deny filesystem.delete /file',
    'allow filesystem.list /',
    'allow filesystem.write /other/a',
    'allow filesystem.delete /other/a',
    'deny filesystem.write /b',
    'deny filesystem.read /../outside/secret',
    'deny filesystem.read //etc/passwd',
    'deny filesystem.read /link',
  ]);
});
