/** Core modules of real compilers for WASI preview 1, run as they are. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { ComponentReport } from '../../src/api/index.ts';
import { wrapPreview1 } from '../../src/component/index.ts';
import { parseWat, validateComponent } from '../../src/component/tooling/index.ts';
import { ActorSystem, component } from '../../src/index.ts';
import { failsWith } from '../kit/fails-with.ts';
import { troupe } from '../kit/process.ts';

const FIXTURES = join(dirname(dirname(import.meta.dirname)), 'fixtures', 'components');
const HELLO = join(FIXTURES, 'hello', 'hello.core.wasm');
const WORDS = join(FIXTURES, 'words', 'words.core.wasm');

const FOLDER = mkdtempSync(join(tmpdir(), 'troupe-preview1-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

test('run takes a core module of Rust for preview 1, with arguments and variables', async () => {
  const greeted = await troupe(['run', HELLO, 'Ada', 'Grace']);
  assert.deepEqual([greeted.code, greeted.stdout, greeted.stderr], [0, 'Hello, Ada!\nHello, Grace!\n', '']);
  const byVariable = await troupe(['run', '--env', 'WHO=Edsger', HELLO, '--env', 'WHO']);
  assert.deepEqual([byVariable.code, byVariable.stdout], [0, 'Hello, Edsger!\n']);
});

test('run takes a core module of C for preview 1, with files that it reads and writes', async () => {
  writeFileSync(join(FOLDER, 'in.txt'), '');
  const args = ['--dir', `${FOLDER}::/data`, '--env', 'WORDS_NAME=found', WORDS, '/data/in.txt', '/data/out.txt'];
  const none = await troupe(['run', ...args]);
  assert.deepEqual([none.code, none.stdout, none.stderr], [0, 'found: 0\n', '']);
  writeFileSync(join(FOLDER, 'in.txt'), 'one two\nthree');
  const three = await troupe(['run', ...args]);
  assert.deepEqual([three.code, three.stdout], [1, 'found: 3\n']);
  assert.equal(readFileSync(join(FOLDER, 'out.txt'), 'utf8'), 'ONE TWO\nTHREE');
});

test('run gives a core module for preview 1 standard input, and no file that was not given', async () => {
  const input = 'word '.repeat(50_000);
  const counted = await troupe(['run', WORDS], { input });
  assert.deepEqual([counted.code, counted.stdout], [1, 'words: 50000\n']);
  const refused = await troupe(['run', WORDS, '/etc/passwd']);
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^words: \/etc\/passwd: /);
});

test('inspect says of a core module for preview 1 what its component would be', async () => {
  const ended = await troupe(['inspect', '--output', 'json', WORDS]);
  const report = JSON.parse(ended.stdout) as ComponentReport;
  assert.equal(report.becomes, 'task');
  assert.equal(report.sizeBytes, readFileSync(WORDS).length);
  assert.deepEqual(report.refusals, []);
});

test('component makes an actor type of a core module for preview 1', async () => {
  await using system = await ActorSystem.create();
  const written: Buffer[] = [];
  const stdout = { write: (bytes: Uint8Array) => void written.push(Buffer.from(bytes)) };
  const type = await component(HELLO, {
    grants: { clock: true, random: true, stdio: { stdin: false, stdout: true, stderr: false } },
    args: ['Barbara'],
    stdio: () => ({ stdout }),
  });
  assert.equal(type.shape.kind, 'task');
  const ref = system.spawn(type, 'hello');
  await ref.terminated;
  assert.equal(Buffer.concat(written).toString('utf8'), 'Hello, Barbara!\n');
});

test('wrapPreview1 makes a component that other tools take for valid', async () => {
  assert.equal(await validateComponent(wrapPreview1(readFileSync(HELLO))), undefined);
});

const UNFIT: Readonly<Record<string, { readonly text: string; readonly why: RegExp }>> = {
  'a library': {
    text: '(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (memory (export "memory") 1))',
    why: /it is a library for WASI preview 1.*wasm-tools component new --adapt/,
  },
  'a program that imports something else': {
    text: '(module (import "env" "abort" (func)) (memory (export "memory") 1) (func (export "_start")))',
    why: /it imports "env" "abort", which WASI preview 1 does not have/,
  },
  'a program that imports a function that never was': {
    text: '(module (import "wasi_snapshot_preview1" "sock_open" (func)) (memory (export "memory") 1) (func (export "_start")))',
    why: /"sock_open"/,
  },
  'a program without memory': { text: '(module (func (export "_start")))', why: /exports no "memory"/ },
};

for (const [what, { text, why }] of Object.entries(UNFIT)) {
  test(`wrapPreview1 refuses ${what} by name`, async () => {
    const bytes = await parseWat(text);
    assert.throws(() => wrapPreview1(bytes), failsWith('COMPONENT_UNSUPPORTED', why));
  });
}

test('component refuses a program for preview 1 that uses a function with another type', async () => {
  const path = join(FOLDER, 'types.wasm');
  const imported = '(import "wasi_snapshot_preview1" "sched_yield" (func (param i64)))';
  writeFileSync(path, await parseWat(`(module ${imported} (memory (export "memory") 1) (func (export "_start")))`));
  await assert.rejects(component(path), failsWith('COMPONENT_INVALID', /sched_yield/));
});

test('wrapPreview1 leaves alone what is no program for preview 1', async () => {
  for (const bytes of [await parseWat('(component)'), await parseWat('(module)'), Buffer.from('#!/bin/sh')]) {
    assert.equal(wrapPreview1(bytes), bytes);
  }
});
