import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { failsWith } from '../../test/kit/fails-with.ts';
import { ArtifactStore } from './artifact-store.ts';
import { artifactPath, digestOfArtifact } from './digest.ts';

const root = mkdtempSync(join(tmpdir(), 'troupe-artifacts-'));
after(() => rmSync(root, { recursive: true, force: true }));
let stores = 0;
const freshFolder = () => join(root, String(++stores));
const BYTES = new TextEncoder().encode('a component');

test('ArtifactStore gives out what was put, under its digest, as often as it is put', async () => {
  const store = new ArtifactStore(freshFolder());
  assert.deepEqual(await store.list(), []);
  const digest = await store.put(BYTES);
  assert.equal(digest, digestOfArtifact(BYTES));
  assert.equal(await store.put(BYTES), digest);
  assert.deepEqual(await store.get(digest), Buffer.from(BYTES));
  assert.deepEqual(
    (await store.list()).map(({ digest: known, bytes }) => [known, bytes]),
    [[digest, BYTES.length]],
  );
  await store.remove(digest);
  await assert.rejects(store.get(digest), failsWith('ARTIFACT_NOT_FOUND', /troupe artifact add/));
  await assert.rejects(store.remove(digest), failsWith('ARTIFACT_NOT_FOUND', /is not in the store/));
});

test('ArtifactStore refuses what was changed, names both digests, and leaves nothing half-written', async () => {
  const folder = freshFolder();
  const store = new ArtifactStore(folder);
  const digest = await store.put(BYTES);
  const path = artifactPath(folder, digest);
  chmodSync(path, 0o600);
  writeFileSync(path, 'another component');
  const actual = digestOfArtifact(new TextEncoder().encode('another component'));
  await assert.rejects(store.get(digest), failsWith('ARTIFACT_CORRUPT', new RegExp(`${digest}.*${actual}`)));
  assert.deepEqual(
    (await store.verify()).map(({ digest: known, error }) => [known, error.code]),
    [[digest, 'ARTIFACT_CORRUPT']],
  );
  // Putting it again heals a file of another size.
  await store.put(BYTES);
  assert.deepEqual(await store.verify(), []);
  assert.ok(readdirSync(join(folder, 'sha256', digest.slice(0, 2))).every((name) => !name.endsWith('.part')));
});

test('ArtifactStore follows no link, and takes no digest for a path', async () => {
  const folder = freshFolder();
  const store = new ArtifactStore(folder);
  const digest = await store.put(BYTES);
  const secret = join(root, 'secret');
  writeFileSync(secret, 'a component');
  await store.remove(digest);
  symlinkSync(secret, artifactPath(folder, digest));
  await assert.rejects(store.get(digest), failsWith('ARTIFACT_UNUSABLE', /ELOOP/));
  for (const name of ['../../secret', digest.toUpperCase(), '', `${digest}/..`, '__proto__'])
    await assert.rejects(store.get(name), failsWith('ARTIFACT_NOT_FOUND', /./));
});

test('ArtifactStore gives nothing out that its check refuses', async () => {
  const folder = freshFolder();
  const digest = await new ArtifactStore(folder).put(BYTES);
  const refused = new Error('nobody signed it');
  const seen: string[] = [];
  const store = new ArtifactStore(folder, async (known) => {
    seen.push(known);
    throw refused;
  });
  await assert.rejects(store.get(digest), refused);
  assert.deepEqual(seen, [digest]);
});

test('ArtifactStore keeps one artifact whole when many put it at once', async () => {
  const folder = freshFolder();
  const stores = Array.from({ length: 8 }, () => new ArtifactStore(folder));
  const large = new Uint8Array(1_000_000).fill(7);
  const digests = await Promise.all(stores.map((store) => store.put(large)));
  assert.equal(new Set(digests).size, 1);
  assert.deepEqual(await stores[0]?.verify(), []);
});
