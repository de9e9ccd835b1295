/** Attempts to reach files that are not granted. Each has a form that succeeds where it is granted. */
import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { FilesystemGrant, FilesystemRight } from '../../src/capability/index.ts';
import { runGuest } from './kit.ts';

const SECRET = 'the-secret-of-the-host';
let base: string;

before(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-adversarial-')));
  mkdirSync(join(base, 'work/deep'), { recursive: true });
  mkdirSync(join(base, 'outside'));
  writeFileSync(join(base, 'outside/secret'), SECRET);
  writeFileSync(join(base, 'work/file'), 'ours');
  writeFileSync(join(base, 'work/deep/file'), 'ours');
  symlinkSync('../outside/secret', join(base, 'work/link'));
  symlinkSync(join(base, 'outside/secret'), join(base, 'work/absolute'));
  symlinkSync('../outside', join(base, 'work/folder'));
  symlinkSync('deep/../../outside/secret', join(base, 'work/winding'));
  symlinkSync('link', join(base, 'work/chain'));
  symlinkSync('loop', join(base, 'work/loop'));
  symlinkSync('/proc/self/environ', join(base, 'work/environ'));
  symlinkSync('file', join(base, 'work/inner'));
});

after(() => rmSync(base, { recursive: true, force: true }));

const folder = (
  hostPath: string,
  guestPath: string,
  rights: readonly FilesystemRight[] = ['read', 'list'],
): FilesystemGrant => ({
  hostPath: join(base, hostPath),
  guestPath,
  rights,
});

interface Attempt {
  readonly what: string;
  /** With the grant of `/work`. */
  readonly args: readonly string[];
  /** What has to be on record, or why nothing has. */
  readonly record: RegExp | string;
  /** The form that succeeds, with what is granted for it, and what it prints. */
  readonly control: {
    readonly grants: () => readonly FilesystemGrant[];
    readonly args: readonly string[];
    readonly says: RegExp;
  };
}

/** All of the host's side below one folder: then the same path leads there. */
const wholly = () => [folder('.', '/')];
const readable = (path: string): Attempt['control'] => ({
  grants: wholly,
  args: ['read', path],
  says: new RegExp(SECRET),
});
const ours = (args: readonly string[], says = /ours/): Attempt['control'] => ({
  grants: () => [folder('work', '/work')],
  args,
  says,
});

const DENIED = /^!filesystem\./;
const NOT_ASKED = 'the C library finds no folder for it: the host is not asked';
const NO_SUCH = 'it is the name of no file';

const ATTEMPTS: readonly Attempt[] = [
  {
    what: 'a parent',
    args: ['read', '/work/../outside/secret'],
    record: DENIED,
    control: readable('/work/../outside/secret'),
  },
  {
    what: 'parents from below',
    args: ['read', '/work/deep/../../outside/secret'],
    record: DENIED,
    control: readable('/work/deep/../../outside/secret'),
  },
  {
    what: 'many parents',
    args: ['read', `/work/${'../'.repeat(64)}etc/passwd`],
    record: DENIED,
    control: readable('/work/../outside/secret'),
  },
  {
    what: 'parents behind dots',
    args: ['read', '/work/./.././outside/secret'],
    record: DENIED,
    control: readable('/work/./.././outside/secret'),
  },
  {
    what: 'doubled slashes',
    args: ['read', '/work//..//outside//secret'],
    record: DENIED,
    control: readable('/work//..//outside//secret'),
  },
  { what: 'an absolute path', args: ['read', '/etc/passwd'], record: NOT_ASKED, control: readable('/outside/secret') },
  { what: 'the path of the host', args: ['read', 'HOST'], record: NOT_ASKED, control: readable('/outside/secret') },
  {
    what: 'percent signs',
    args: ['read', '/work/%2e%2e/outside/secret'],
    record: NO_SUCH,
    control: ours(['read', '/work/file']),
  },
  {
    what: 'percent signs twice',
    args: ['read', '/work/%252e%252e/outside/secret'],
    record: NO_SUCH,
    control: ours(['read', '/work/file']),
  },
  {
    what: 'backslashes',
    args: ['read', '/work\\..\\outside\\secret'],
    record: NOT_ASKED,
    control: ours(['read', '/work/file']),
  },
  {
    what: 'dots of another script',
    args: ['read', '/work/\u2025/outside/secret'],
    record: NO_SUCH,
    control: ours(['read', '/work/file']),
  },
  {
    what: 'full-width dots',
    args: ['read', '/work/\uff0e\uff0e/outside/secret'],
    record: NO_SUCH,
    control: ours(['read', '/work/file']),
  },
  {
    what: 'an over-long name',
    args: ['read', `/work/${'a'.repeat(5_000)}`],
    record: NO_SUCH,
    control: ours(['read', '/work/file']),
  },
  { what: 'a link out', args: ['read', '/work/link'], record: DENIED, control: readable('/work/link') },
  {
    what: 'an absolute link',
    args: ['read', '/work/absolute'],
    record: DENIED,
    control: ours(['read', '/work/inner']),
  },
  {
    what: 'a folder behind a link',
    args: ['read', '/work/folder/secret'],
    record: DENIED,
    control: readable('/work/folder/secret'),
  },
  {
    what: 'a list behind a link',
    args: ['list', '/work/folder'],
    record: DENIED,
    control: { grants: wholly, args: ['list', '/work/folder'], says: /secret/ },
  },
  { what: 'a winding link', args: ['read', '/work/winding'], record: DENIED, control: readable('/work/winding') },
  { what: 'a chain of links', args: ['read', '/work/chain'], record: DENIED, control: readable('/work/chain') },
  { what: 'a loop of links', args: ['read', '/work/loop'], record: NO_SUCH, control: ours(['read', '/work/inner']) },
  {
    what: 'a link into /proc',
    args: ['read', '/work/environ'],
    record: DENIED,
    control: ours(['read', '/work/inner']),
  },
  {
    what: 'a write without the right',
    args: ['write', '/work/file', 'x'],
    record: DENIED,
    control: {
      grants: () => [folder('work', '/work', ['read', 'write'])],
      args: ['append', '/work/log', 'x', '--', 'read', '/work/log'],
      says: /x/,
    },
  },
  {
    what: 'a removal without the right',
    args: ['unlink', '/work/file'],
    record: DENIED,
    control: {
      grants: () => [folder('work', '/work', ['read', 'write', 'delete'])],
      args: ['write', '/work/gone', 'x', '--', 'unlink', '/work/gone', '--', 'read', '/work/file'],
      says: /ours/,
    },
  },
  {
    what: 'a list without the right',
    args: ['list', '/narrow'],
    record: DENIED,
    control: ours(['list', '/work'], /file/),
  },
  {
    what: 'a link that is made out',
    args: ['symlink', '../outside/secret', '/wide/made', '--', 'read', '/wide/made'],
    record: DENIED,
    control: {
      grants: () => [folder('work', '/wide', ['read', 'write', 'list', 'delete'])],
      args: ['symlink', 'file', '/wide/good', '--', 'read', '/wide/good', '--', 'unlink', '/wide/good'],
      says: /ours/,
    },
  },
  {
    what: 'a rename out',
    args: ['rename', '/wide/file', '/wide/../outside/file'],
    record: DENIED,
    control: {
      grants: () => [folder('work', '/wide', ['read', 'write', 'list', 'delete'])],
      args: [
        'write',
        '/wide/a',
        'x',
        '--',
        'rename',
        '/wide/a',
        '/wide/b',
        '--',
        'read',
        '/wide/b',
        '--',
        'unlink',
        '/wide/b',
      ],
      says: /x/,
    },
  },
  {
    what: 'a hard link from out',
    args: ['hardlink', '/wide/link', '/wide/stolen', '--', 'read', '/wide/stolen'],
    record: DENIED,
    control: {
      grants: () => [folder('work', '/wide', ['read', 'write', 'list', 'delete'])],
      args: ['hardlink', '/wide/file', '/wide/same', '--', 'read', '/wide/same', '--', 'unlink', '/wide/same'],
      says: /ours/,
    },
  },
];

describe('files that are not granted', () => {
  for (const { what, args, record, control } of ATTEMPTS) {
    test(`nobody gets out by ${what}; it works where it is granted`, async () => {
      const grants = {
        filesystem: [
          folder('work', '/work'),
          folder('work', '/narrow', ['read']),
          folder('work', '/wide', ['read', 'write', 'list', 'delete']),
        ],
      };
      const path = join(base, 'outside/secret');
      const { said, decisions } = await runGuest('wasi-tour', {
        grants,
        args: args.map((arg) => (arg === 'HOST' ? path : arg)),
      });
      assert.match(said, /^[a-z]+: /, `it fails with a reason: ${said}`);
      assert.doesNotMatch(said, new RegExp(`${SECRET}|root:|PATH=`));
      if (typeof record !== 'string')
        assert.ok(
          decisions.some((line) => record.test(line)),
          decisions.join('\n'),
        );
      const allowed = await runGuest('wasi-tour', { grants: { filesystem: control.grants() }, args: control.args });
      assert.match(allowed.said, control.says);
      assert.ok(
        allowed.decisions.some((line) => line.startsWith('filesystem.')),
        'and is on record, too',
      );
    });
  }

  test('nobody gets out while another thread swaps a folder for a link, and what is inside is read all the time', async () => {
    const inside = join(base, 'work/swapped');
    mkdirSync(inside);
    writeFileSync(join(inside, 'secret'), 'ours');
    const swapper = new Worker(
      `const { renameSync, symlinkSync, rmSync } = require('node:fs');
       const { workerData: { inside, outside } } = require('node:worker_threads');
       for (;;) {
         try {
           renameSync(inside, inside + '.real');
           symlinkSync(outside, inside);
           rmSync(inside);
           renameSync(inside + '.real', inside);
         } catch {}
       }`,
      { eval: true, workerData: { inside, outside: join(base, 'outside') } },
    );
    let ours = 0;
    try {
      const commands = Array.from({ length: 60 }, () => ['read', '/work/swapped/secret']);
      for (let tries = 0; tries < 400 && (ours < 20 || tries < 40); tries++) {
        const args = commands[tries % commands.length] as string[];
        const { said } = await runGuest('wasi-tour', { grants: { filesystem: [folder('work', '/work')] }, args });
        assert.doesNotMatch(said, new RegExp(SECRET));
        if (said.includes('ours')) ours++;
      }
    } finally {
      await swapper.terminate();
    }
    assert.ok(ours > 0, 'what is inside could be read');
  });

  test('a hard link that the host made into the folder is the operator’s: the right to it is that of the folder', async () => {
    linkSync(join(base, 'outside/secret'), join(base, 'work/given'));
    const { said } = await runGuest('wasi-tour', {
      grants: { filesystem: [folder('work', '/work')] },
      args: ['read', '/work/given'],
    });
    assert.match(said, new RegExp(SECRET));
    rmSync(join(base, 'work/given'));
  });
});
