import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SystemClock } from '../../time/index.ts';
import { Descriptor } from './descriptor.ts';
import { type GuestFiles, setUpFiles } from './guest-files.suite.ts';

/** How long each attack lasts. A check-then-open walk loses within a few milliseconds. */
const ATTACK_MS = 500;

/** Attempts that each attack has to get through in that time, so that it is one. */
const TRIES_MIN = 100;

/**
 * Runs in a thread of its own: `swap`, on the way to the file, is a directory and a link out of the folder by turns,
 * and `file` is a file and such a link. Stops when told through the shared word.
 */
const ATTACKER = `
const { workerData } = require('node:worker_threads');
const fs = require('node:fs');
const at = (name) => workerData.inside + '/' + name;
const stop = new Int32Array(workerData.stop);
fs.symlinkSync('../outside', at('link-dir'));
let flips = 0;
while (Atomics.load(stop, 0) === 0) {
  fs.renameSync(at('swap'), at('kept'));
  fs.renameSync(at('link-dir'), at('swap'));
  fs.renameSync(at('swap'), at('link-dir'));
  fs.renameSync(at('kept'), at('swap'));
  fs.symlinkSync('../outside/secret', at('link-file'));
  fs.renameSync(at('link-file'), at('file'));
  fs.writeFileSync(at('new-file'), 'inside');
  fs.renameSync(at('new-file'), at('file'));
  flips += 1;
}
Atomics.store(stop, 1, flips);
`;

/** Repeats `attempt` under attack. */
async function underAttack(t: TestContext, files: GuestFiles, attempt: () => Promise<void>): Promise<void> {
  fs.mkdirSync(path.join(files.inside, 'swap'));
  fs.writeFileSync(path.join(files.inside, 'swap', 'secret'), 'inside');
  fs.writeFileSync(path.join(files.inside, 'file'), 'inside');
  const words = new SharedArrayBuffer(8);
  const stop = new Int32Array(words);
  const attacker = new Worker(ATTACKER, { eval: true, workerData: { inside: files.inside, stop: words } });
  const ended = new Promise((resolve, reject) => attacker.once('exit', resolve).once('error', reject));
  await new Promise((resolve) => attacker.once('online', resolve));
  let tries = 0;
  const clock = new SystemClock();
  const endMs = clock.nowMs() + ATTACK_MS;
  try {
    while (clock.nowMs() < endMs || tries < TRIES_MIN) {
      await attempt();
      tries += 1;
    }
  } finally {
    Atomics.store(stop, 0, 1);
    await ended;
  }
  t.diagnostic(`${tries} tries against ${Atomics.load(stop, 1)} flips`);
}

test('F1: no open, stat or listing leads out of the folder while somebody swaps links into its path', async (t) => {
  const files = setUpFiles(t);
  fs.writeFileSync(path.join(files.outside, 'secret'), 'a longer secret');
  let reached = 0;
  const readThrough = async (file: string) => {
    const opened = await files.open(file, 'read');
    if (!(opened instanceof Descriptor)) return;
    const [content] = await files.get('read', opened, 100n, 0n);
    opened.drop();
    assert.equal(Buffer.from(content).toString(), 'inside');
    reached += 1;
  };
  await underAttack(t, files, async () => {
    await readThrough('swap/secret');
    await readThrough('file');
    const stat = await files.get('stat-at', files.root, { symlinkFollow: true }, 'swap/secret');
    if (typeof stat === 'object') assert.equal(stat.size, 6n);
  });
  assert.ok(reached > 0, 'the guest has to reach its own file sometimes');
  await files.guest.dispose();
  assert.deepEqual(files.openDescriptors(), [], 'an attack leaves nothing open');
});

test('F1: no change falls outside the folder while somebody swaps links into its path', async (t) => {
  const files = setUpFiles(t);
  const { root } = files;
  const before = fs.statSync(path.join(files.outside, 'secret'));
  await underAttack(t, files, async () => {
    const made = await files.open('swap/made', 'create', 'write', 'truncate');
    if (made instanceof Descriptor) made.drop();
    const opened = await files.open('file', 'truncate', 'write');
    if (opened instanceof Descriptor) opened.drop();
    await files.get('create-directory-at', root, 'swap/dir');
    await files.get('symlink-at', root, 'x', 'swap/link');
    await files.get('rename-at', root, 'swap/made', root, 'swap/renamed');
    await files.get('link-at', root, {}, 'swap/renamed', root, 'swap/linked');
    await files.get('set-times-at', root, { symlinkFollow: true }, 'swap/secret', { tag: 'now' }, { tag: 'now' });
    for (const name of ['renamed', 'linked', 'link']) await files.get('unlink-file-at', root, `swap/${name}`);
    await files.get('remove-directory-at', root, 'swap/dir');
  });
  assert.deepEqual(fs.readdirSync(files.outside), ['secret']);
  const after = fs.statSync(path.join(files.outside, 'secret'));
  assert.deepEqual([after.size, after.mtimeMs, after.nlink], [before.size, before.mtimeMs, before.nlink]);
});
