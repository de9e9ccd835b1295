import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { HostFiles } from './host-files.ts';

/** Operations of files that Node.js has under way. */
function underWay(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('FSReq')).length;
}

test('F4: HostFiles has at most two operations of one guest under way, off the calling thread, and forgets none', async () => {
  const fd = fs.openSync('/', fs.constants.O_RDONLY);
  try {
    const [mine, others] = [new HostFiles(), new HostFiles()];
    const before = underWay();
    const stats = Array.from({ length: 6 }, () => mine.stat(fd));
    assert.equal(underWay() - before, 2);
    const other = others.stat(fd);
    assert.equal(underWay() - before, 3);
    for (const found of await Promise.all([...stats, other])) assert.ok(found.isDirectory());
    await assert.rejects(mine.open('/nowhere/at/all', fs.constants.O_RDONLY), { code: 'ENOENT' });
    await mine.stat(fd);
  } finally {
    fs.closeSync(fd);
  }
});
