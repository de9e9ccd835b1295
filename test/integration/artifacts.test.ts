/** Components by their digests, on the command line. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { artifactPath } from '../../src/artifact/index.ts';
import { withApplicationFolder } from '../kit/application.ts';
import { troupe } from '../kit/process.ts';

test('a component is named by its digest, is that one and no other, and is refused when it was changed', async () => {
  await withApplicationFolder({ fixtures: ['echo'], toml: '' }, async ({ folder, up, call }) => {
    const line = (await call('artifact', 'add', join(folder, 'echo.wasm'))).trim();
    const digest = /^source = "sha256:([0-9a-f]{64})" {2}# .*echo\.wasm$/.exec(line)?.[1];
    assert.ok(digest, line);
    const toml = `[application]\nname = "demo"\n[components.echo]\n${line}\ngrants.messaging = { tell = ["*"] }\n`;
    writeFileSync(join(folder, 'troupe.toml'), toml);
    assert.match(await call('artifact', 'list'), new RegExp(`sha256:${digest}`));
    assert.match(await call('artifact', 'verify'), /^Whole: 1 artifact\n/);
    const running = await up();
    assert.equal(await call('ask', 'echo', 'echo', 'hello'), 'hello');
    running.child.kill('SIGTERM');
    await running.ended;

    const path = artifactPath(join(folder, '.troupe', 'artifacts'), digest);
    const bytes = readFileSync(path);
    chmodSync(path, 0o600);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const changed = await troupe(['up', folder]);
    assert.equal(changed.code, 64);
    assert.match(
      changed.stderr,
      new RegExp(`COMPONENT_INVALID.*its sha256 is [0-9a-f]{64} and it is pinned to ${digest}`),
    );
    const verified = await troupe(['artifact', 'verify', '--app', folder]);
    assert.deepEqual([verified.code, /^ARTIFACT_CORRUPT: /.test(verified.stdout)], [1, true]);

    await call('artifact', 'remove', `sha256:${digest}`);
    const gone = await troupe(['up', folder]);
    assert.equal(gone.code, 66);
    assert.match(gone.stderr, /names a file that is not there[\s\S]*troupe artifact add FILE/);
    const none = await troupe(['artifact', 'remove', 'nonsense', '--app', folder]);
    assert.equal(none.code, 66);
    assert.match(none.stderr, /ARTIFACT_NOT_FOUND/);
    writeFileSync(join(folder, 'troupe.toml'), toml.replace(digest, 'abc'));
    assert.match((await troupe(['up', folder])).stderr, /components\.echo\.source is no digest: "sha256:abc"/);
  });
});
