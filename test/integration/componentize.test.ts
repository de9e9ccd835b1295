/** `scripts/componentize.ts` as a process of its own. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { ActorSystem, component } from '../../src/index.ts';

const SCRIPT = join(dirname(dirname(import.meta.dirname)), 'scripts', 'componentize.ts');
const FOLDER = mkdtempSync(join(tmpdir(), 'troupe-componentize-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** An actor that answers every message with its payload. The answer lies at 16: ok, some, where, how long. */
const MIRROR = `(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "troupe:actor/handler@0.1.0#handle")
    (param $delivery i32) (param $subject i32) (param i32) (param $payload i32) (param $length i32)
    (param i32 i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 20) (i32.const 1))
    (i32.store (i32.const 24) (local.get $payload))
    (i32.store (i32.const 28) (local.get $length))
    (i32.const 16)))`;

test('componentize.ts makes an actor of a core module', async () => {
  const [input, output] = [join(FOLDER, 'mirror.wat'), join(FOLDER, 'mirror.wasm')];
  writeFileSync(input, MIRROR);
  assert.match(
    execFileSync(process.execPath, [SCRIPT, input, output], { encoding: 'utf8' }),
    /mirror\.wasm {2}[\d,]+ bytes/,
  );
  await using system = await ActorSystem.create();
  const mirror = system.spawn(await component(output), 'mirror');
  assert.equal(Buffer.from((await mirror.askOp('anything', 'same')) as Uint8Array).toString(), 'same');
});

test('componentize.ts says what does not fit', () => {
  const input = join(FOLDER, 'empty.wat');
  writeFileSync(input, '(module)');
  const failed = spawnSync(process.execPath, [SCRIPT, input, join(FOLDER, 'x.wasm')], { encoding: 'utf8' });
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /Cannot make a component of the module: .*handle/s);
  assert.equal(spawnSync(process.execPath, [SCRIPT], { encoding: 'utf8' }).status, 1);
});
