/** `troupe types`: what it writes is true of the actors, by the compiler and at run time. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { componentEmbed, componentNew, parseWat } from '../../src/component/tooling/index.ts';
import { typesOfComponent } from '../../src/runtime/index.ts';
import { failsWith } from '../kit/fails-with.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'troupe-types-'));
after(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) => join(ROOT, `fixtures/components/${name}/${name}.wasm`);

async function write(name: string, wit: string): Promise<string> {
  const file = join(folder, `${name}.wasm`);
  writeFileSync(file, await componentNew(await componentEmbed({ wit })));
  return file;
}

/** Compiles everything in the folder as strictly as this repository; returns what the compiler says of it. */
function compile(): string {
  const base = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
  const compilerOptions = {
    ...base.compilerOptions,
    skipLibCheck: false,
    rewriteRelativeImportExtensions: false,
    paths: { troupe: [join(ROOT, 'src/index.ts')] },
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['*.ts', join(ROOT, 'src/component/webassembly.d.ts')] }),
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { stdout, stderr } = spawnSync(tsc, ['-p', folder], { encoding: 'utf8', timeout: 60_000 });
  const ours = stdout.split('\n').filter((line) => line.includes(basename(folder)));
  return [...ours, stderr].join('\n');
}

const USE = `
import assert from 'node:assert/strict';
import { ActorSystem, component } from '${join(ROOT, 'src/index.ts')}';
import type { Echo } from './echo.d.ts';
import type { Color, Entry, Shape, Values } from './values.d.ts';

export async function useValues(file: string): Promise<void> {
  await using system = await ActorSystem.create();
  const ref = system.spawn(await component<Values>(file, { links: { 'troupe:values/host': 'nobody' } }), 'values');

  const sum: number = await ref.ask['troupe:values/scalars#add-u8']([250, 6], { timeoutMs: 1_000 });
  const big: bigint = await ref.ask['troupe:values/scalars#add-u64']([1n, 2n]);
  const not: boolean = await ref.ask['troupe:values/scalars#negate']([true]);
  const char: string = await ref.ask['troupe:values/scalars#next-char'](['a']);
  assert.deepEqual([sum, big, not, char], [0, 3n, false, 'b']);

  const bytes: Uint8Array = await ref.ask['troupe:values/sequences#reverse-u8s']([new Uint8Array([1, 2])]);
  const longs: BigInt64Array = await ref.ask['troupe:values/sequences#reverse-s64s']([new BigInt64Array([1n, -2n])]);
  const rows: readonly Uint16Array[] = await ref.ask['troupe:values/sequences#transpose']([[new Uint16Array([1, 2])]]);
  assert.deepEqual([bytes, longs], [new Uint8Array([2, 1]), new BigInt64Array([-2n, 1n])]);
  assert.deepEqual(rows, [new Uint16Array([1]), new Uint16Array([2])]);

  const entry: Entry = { id: 7, name: 'ab', at: { x: 1, y: 2 }, tags: ['xy'], size: 4n };
  const turned = await ref.ask['troupe:values/structures#turn-entry']([entry]);
  assert.deepEqual(turned, { id: 6, name: 'ba', at: { x: 2, y: 1 }, tags: ['yx'], size: 5n } satisfies Entry);
  const { size: _, ...without } = entry;
  assert.equal((await ref.ask['troupe:values/structures#turn-entry']([without])).size, undefined);

  const color: Color = await ref.ask['troupe:values/structures#next-color'](['red']);
  const rights = await ref.ask['troupe:values/structures#other-rights']([{ read: true }]);
  assert.deepEqual([color, rights.read, rights.delete], ['green', false, true]);
  const tuple: readonly [bigint, string, number] = await ref.ask['troupe:values/structures#rotate']([[1, 2n, 'c']]);
  assert.deepEqual(tuple, [2n, 'c', 1]);

  const shapes: Shape[] = [{ tag: 'nothing' }, { tag: 'square', val: 2 }, { tag: 'framed', val: ['blue', 3] }];
  for (const shape of shapes) {
    const next = await ref.ask['troupe:values/structures#next-shape']([shape]);
    if (next.tag === 'polygon') assert.ok(Array.isArray(next.val));
  }
  const divided = await ref.ask['troupe:values/structures#divide']([7, 2]);
  assert.equal(divided.tag === 'ok' ? divided.val : divided.val.length, 3);
  const option: number | undefined = await ref.ask['troupe:values/structures#flip-option']([undefined]);
  const nested = await ref.ask['troupe:values/structures#flip-nested']([{ tag: 'none' }]);
  assert.deepEqual([option, nested], [1, { tag: 'some', val: undefined }]);
}

export async function useEcho(file: string): Promise<void> {
  await using system = await ActorSystem.create();
  const ref = system.spawn(await component<Echo<'echo' | 'count'>>(file), 'echo');
  const reply: Uint8Array = await ref.ask.echo('text', { timeoutMs: 1_000 });
  assert.equal(new TextDecoder().decode(reply), 'text');
  assert.deepEqual(ref.tell.count(), { ok: true });
  assert.equal(new TextDecoder().decode(await ref.ask.count()), '2');
  // @ts-expect-error it was not named
  await ref.ask.trap;
}

export async function refused(file: string): Promise<void> {
  const ref = (await ActorSystem.create()).spawn(await component<Values>(file));
  // @ts-expect-error an argument is missing
  await ref.ask['troupe:values/scalars#add-u8']([1]);
  // @ts-expect-error it is a bigint
  await ref.ask['troupe:values/scalars#add-u64']([1, 2]);
  // @ts-expect-error there is no such operation
  await ref.ask['troupe:values/scalars#add'];
  // @ts-expect-error there is no such colour
  await ref.ask['troupe:values/structures#next-color'](['pink']);
  // @ts-expect-error the case has a value
  await ref.ask['troupe:values/structures#next-shape']([{ tag: 'circle' }]);
  // @ts-expect-error it is no tell
  ref.tell['troupe:values/scalars#negate'];
}
`;

test('troupe types: what it writes of the fixtures compiles, and is what their actors do', async () => {
  for (const name of ['values', 'echo', 'hello']) {
    const types = await typesOfComponent(fixture(name));
    writeFileSync(join(folder, `${name}.d.ts`), types.text);
    assert.deepEqual(await typesOfComponent(fixture(name)), types, 'the same each time');
  }
  writeFileSync(join(folder, 'use.ts'), USE);
  assert.equal(compile(), '');
  const { useValues, useEcho } = (await import(pathToFileURL(join(folder, 'use.ts')).href)) as {
    readonly [name: string]: (file: string) => Promise<void>;
  };
  await useValues?.(fixture('values'));
  await useEcho?.(fixture('echo'));
});

test('troupe types: names that clash, are reserved or have hyphens make a module that compiles', async () => {
  const file = await write(
    'names',
    `package demo:names@1.0.0;
     interface one { record item { a-b: u8, %type: string, a-1b: bool, a1b: bool } enum protocol { in, out }
       f: func(%func: item, %record: protocol) -> item; }
     interface two { record item { other: char } type %type = u32; flags uint8-array { none }
       f: func(a: item, b: %type, c: uint8-array) -> list<list<item>>; }
     interface three { use one.{item}; variant names { item(item), nothing } g: func(item: item) -> names; }
     world w { export one; export two; export three; export run: func(%constructor: option<option<u8>>); }`,
  );
  const { text, name } = await typesOfComponent(file);
  writeFileSync(join(folder, 'names.d.ts'), text);
  assert.equal(compile(), '');
  assert.equal(name, 'Names');
  for (const line of [
    'export interface OneItem {',
    "  readonly 'a-1b': boolean;",
    "export type OneProtocol = 'in' | 'out';",
    'export interface TwoItem {',
    'export type TwoType = number;',
    'export interface TwoUint8Array {',
    'export type ThreeNames =',
    '      readonly in: Type<readonly [func: OneItem, record: OneProtocol]>;',
    '      readonly out: Type<readonly (readonly TwoItem[])[]>;',
    '    readonly run: {',
  ]) {
    assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
  }
});

test('troupe types names the type after the file, or as it is told', async () => {
  const file = fixture('hello');
  const nameOf = async (name: string) => (await typesOfComponent(file, { name })).name;
  assert.deepEqual(
    await Promise.all(['hello', '3d-model', 'http_client v2', '☃', 'protocol', 'type', 'record'].map(nameOf)),
    ['Hello', 'Component3dModel', 'HttpClientV2', 'Component', 'ComponentProtocol', 'ComponentType', 'ComponentRecord'],
  );
  const { text } = await typesOfComponent(file, { name: 'a*/\nb' });
  assert.match(text, /^\/\/ Types of the component "a___b", made/);
});

test('troupe types refuses what cannot be hosted, by file', async () => {
  const wit = 'package demo:kv@1.0.0; interface kv { resource bucket { constructor(); } } world w { export kv; }';
  const file = await write('kv', wit);
  await assert.rejects(typesOfComponent(file), failsWith('COMPONENT_UNSUPPORTED', /hold resources.*kv\.wasm/));
  await assert.rejects(typesOfComponent(join(folder, 'nope.wasm')), failsWith('FILE_NOT_FOUND'));
  const nested = Array.from({ length: 17 }, (_, at) => `(type $t${at + 1} (tuple $t${at} $t${at}))`).join('\n');
  const wat = `(component (type $t0 (tuple u8 u8)) ${nested}
    (core module $M (memory (export "mem") 1) (func (export "f") (param i32))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8)))
    (core instance $m (instantiate $M))
    (func (export "f") (param "all" $t17)
      (canon lift (core func $m "f") (memory $m "mem") (realloc (func $m "realloc")))))`;
  const bomb = join(folder, 'bomb.wasm');
  writeFileSync(bomb, await parseWat(wat));
  await assert.rejects(typesOfComponent(bomb), failsWith('COMPONENT_LIMIT', /more than 100000 parts \(in ".*bomb/));
});
