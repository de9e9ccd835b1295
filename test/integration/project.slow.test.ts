/** `troupe new` and `troupe build`, with real compilers. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadApplication } from '../../src/config/index.ts';
import { ActorSystem, component } from '../../src/index.ts';
import { buildComponent, createProject, type TemplateLanguage } from '../../src/project/index.ts';
import { startCli } from '../kit/cli.ts';
import { failsWith } from '../kit/fails-with.ts';
import { troupe } from '../kit/process.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'troupe-project-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

const PATH = process.env.PATH ?? '';
const GRANTS = { clock: true, random: true };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (reply: unknown): string => new TextDecoder().decode(reply as Uint8Array);

function create(name: string, language: TemplateLanguage, kind: 'actor' | 'http' | 'functions' = 'actor') {
  return createProject({ directory: join(FOLDER, name), language, kind });
}

/** A manifest and one source, as somebody might write them. */
function write(name: string, build: string, sources: Readonly<Record<string, string>>): string {
  const directory = join(FOLDER, name);
  mkdirSync(join(directory, 'src'), { recursive: true });
  const component = `[component]\nname = "${name}"\nsource = "./out/${name}.wasm"\n`;
  writeFileSync(join(directory, 'Component.toml'), `${component}\n[build]\n${build}\n`);
  for (const [path, content] of Object.entries(sources)) writeFileSync(join(directory, path), content);
  return directory;
}

/** Compilers that npm does not install. */
const NATIVE: readonly TemplateLanguage[] = ['rust', 'c'];

for (const language of ['ts', 'js', 'assemblyscript', 'rust', 'c'] as const) {
  test(`new: the actor in ${language} builds, greets, counts and refuses`, async (context) => {
    const { directory, name } = await create(`greeter-${language}`, language);
    let built: Awaited<ReturnType<typeof buildComponent>>;
    try {
      built = await buildComponent(directory, { path: PATH });
    } catch (error) {
      if (!NATIVE.includes(language)) throw error;
      assert.ok(failsWith('TOOL_MISSING', /is not installed/)(error));
      return context.skip(`no compiler of ${language} on this machine`);
    }
    assert.equal(built.upToDate, false);
    await using system = await ActorSystem.create();
    const ref = system.spawn(await component(built.file, { grants: GRANTS }), name);
    assert.equal(text(await ref.askOp('greet', bytes('Ada'))), 'Hello, Ada!');
    assert.equal(text(await ref.askOp('stats', bytes(''))), '{"greeted":1}');
    await assert.rejects(ref.askOp('greet', bytes('')), failsWith('ANSWER_INVALID', /Whom should I greet/));
    await assert.rejects(
      ref.askOp('nothing', bytes('')),
      failsWith('ANSWER_INVALID', /There is no operation "nothing"/),
    );
    const config = await loadApplication(directory);
    assert.deepEqual(config.notices, []);
    assert.equal((await buildComponent(directory, { path: PATH })).upToDate, true);
  });
}

for (const language of ['ts', 'js'] as const) {
  test(`new: the functions in ${language} build and are operations`, async () => {
    const { directory, name } = await create(`functions-${language}`, language, 'functions');
    const { file } = await buildComponent(directory);
    await using system = await ActorSystem.create();
    const ref = system.spawn(await component(file, { grants: GRANTS }), name);
    assert.equal(await ref.askOp('local:component/text#reverse', ['a😀b']), 'b😀a');
    assert.deepEqual(await ref.askOp('local:component/text#repeat', ['ab', 2]), { tag: 'ok', val: 'abab' });
    assert.deepEqual(await ref.askOp('local:component/text#repeat', ['ab', 2_000]), {
      tag: 'err',
      val: 'at most 1000 times',
    });
  });
}

test('new refuses a kind that a language has no template for, and writes nothing', async () => {
  await assert.rejects(create('pages', 'rust', 'http'), failsWith('USAGE_INVALID', /"http" in rust/));
  assert.equal(existsSync(join(FOLDER, 'pages')), false);
});

test('new overwrites nothing', async () => {
  mkdirSync(join(FOLDER, 'mine'));
  writeFileSync(join(FOLDER, 'mine', 'notes.txt'), 'mine');
  await assert.rejects(create('mine', 'ts'), failsWith('FILE_EXISTS', /something is there already/));
  assert.deepEqual(readdirSync(join(FOLDER, 'mine')), ['notes.txt']);
  writeFileSync(join(FOLDER, 'file'), '');
  await assert.rejects(create('file', 'ts'), failsWith('FILE_EXISTS'));
  await assert.rejects(create('file/below', 'ts'), failsWith('FILE_EXISTS'));
});

test('new leaves what somebody puts into its folder meanwhile', async () => {
  const directory = join(FOLDER, 'crowded');
  const creating = create('crowded', 'ts');
  while (!existsSync(directory)) await nextTurn();
  writeFileSync(join(directory, 'notes.txt'), 'mine');
  await assert.rejects(creating, failsWith('FILE_EXISTS'));
  assert.deepEqual(readdirSync(directory), ['notes.txt']);
  const left = readdirSync(FOLDER).filter((name) => name.startsWith('.crowded'));
  assert.deepEqual(left, []);
});

test('new refuses a name that a component cannot have', async () => {
  await assert.rejects(create('My Component', 'ts'), failsWith('NAME_INVALID', /"My Component"/));
});

test('new and build say what they did, for people and for programs', async () => {
  const directory = join(FOLDER, 'spoken');
  const created = startCli({ argv: ['new', directory, '--lang', 'c'] });
  assert.equal(await created.done, 0);
  assert.match(created.stdout(), /Wrote 6 files to .*\n {2}\.gitignore\n[\s\S]*Next\n {2}cd .*\n {2}troupe build\n/);
  const again = startCli({ argv: ['new', directory, '--output', 'json'] });
  assert.equal(await again.done, 73);
  assert.equal((JSON.parse(again.stderr()) as { error: { code: string } }).error.code, 'FILE_EXISTS');

  const js = await create('spoken-js', 'js');
  const built = await troupe(['build', js.directory]);
  assert.equal(built.code, 0, built.stderr);
  assert.match(
    built.stdout,
    /^Built .*spoken-js\.wasm\n {2}size .*\n {2}sha256 {3}[0-9a-f]{64}\n {2}becomes {2}an actor that/,
  );
  assert.match(built.stdout, /needs {4}clock = true, random = true/);
  const unchanged = await troupe(['build', js.directory, '--output', 'json']);
  const report = JSON.parse(unchanged.stdout) as { upToDate: boolean; becomes: string; grants: string[] };
  assert.deepEqual(
    [report.upToDate, report.becomes, report.grants],
    [true, 'message', ['clock = true', 'random = true']],
  );
});

test('up says of a component that was never built how to build it', async () => {
  const { directory } = await create('unbuilt', 'ts');
  const ended = await troupe(['up', directory]);
  assert.equal(ended.code, 66);
  assert.match(ended.stderr, /names a file that is not there[\s\S]*to build it: troupe build .*unbuilt/);
});

test('build names a compiler that is not there and how to install it', async () => {
  for (const [language, entry, tool] of [
    ['c', 'src/a.c', /clang is not installed/],
    ['rust', 'src/a.rs', /rustc is not installed/],
  ] as const) {
    const directory = write(`no-${language}`, `language = "${language}"\nentry = "${entry}"`, { [entry]: '' });
    await assert.rejects(buildComponent(directory, { path: join(FOLDER, 'nowhere') }), failsWith('TOOL_MISSING', tool));
  }
});

test('build makes a component of StarlingMonkey where that is installed, and says what is not for it', async () => {
  const build = 'language = "javascript"\nentry = "src/a.js"\nengine = "starlingmonkey"';
  const guest = "import { defineActor } from 'troupe/guest';\nexport const { handler } = defineActor({});";
  const directory = write('starling', build, { 'src/a.js': guest });
  await assert.rejects(buildComponent(directory), failsWith('BUILD_FAILED', /src\/a\.js:1:\d+ {2}.*is for QuickJS/));
  const answer = "handle: ({ subject }) => new TextEncoder().encode(typeof URL + ' of ' + subject)";
  writeFileSync(join(directory, 'src/a.js'), `export const handler = { ${answer} };`);
  const { file } = await buildComponent(directory);
  await using system = await ActorSystem.create();
  const ref = system.spawn(await component(file, { grants: GRANTS }), 'starling');
  assert.equal(text(await ref.askOp('web', bytes(''))), 'function of web');
});

test('build leaves the component as it was when the source is wrong, and shows the place', async () => {
  const build = 'language = "typescript"\nentry = "src/a.ts"';
  const directory = write('broken', build, { 'src/a.ts': 'export const handler = { handle: () => null };' });
  const { file } = await buildComponent(directory);
  const before = readFileSync(file);
  writeFileSync(join(directory, 'src/a.ts'), 'export const handler = {\n  handle( };');
  await assert.rejects(buildComponent(directory), failsWith('BUILD_FAILED', /src\/a\.ts:2:\d+ {2}/));
  assert.deepEqual(readFileSync(file), before);
  assert.deepEqual(readdirSync(join(directory, 'out')), ['broken.wasm']);
});

test('build says which of the things that it needs are missing', async () => {
  const bare = join(FOLDER, 'bare');
  mkdirSync(bare);
  await assert.rejects(buildComponent(bare), failsWith('FILE_NOT_FOUND', /holds no Component\.toml/));
  writeFileSync(join(bare, 'Component.toml'), '[component]\nname = "bare"\nsource = "./bare.wasm"\n');
  await assert.rejects(buildComponent(bare), failsWith('CONFIG_INVALID', /has no \[build\]/));
  const noEntry = write('no-entry', 'language = "javascript"\nentry = "src/none.js"', {});
  await assert.rejects(buildComponent(noEntry), failsWith('FILE_NOT_FOUND', /there is no source file/));
  const noWorld = write('no-world', 'language = "javascript"\nentry = "src/a.js"', {
    'src/a.js': 'export const a = 1;',
  });
  await assert.rejects(buildComponent(noWorld), failsWith('CONFIG_INVALID', /its world cannot be told/));
  const strange = 'language = "javascript"\nentry = "src/a.js"\nworld = "constructor"';
  const strangeWorld = write('strange-world', strange, { 'src/a.js': 'export const a = 1;' });
  await assert.rejects(buildComponent(strangeWorld), failsWith('CONFIG_INVALID', /no world "constructor"/));
});

test('build follows a change of the source, and of nothing else', async () => {
  const build = 'language = "javascript"\nentry = "src/a.js"';
  const source = "export const handler = { handle: () => new TextEncoder().encode('one') };";
  const directory = write('changing', build, { 'src/a.js': source });
  const { file } = await buildComponent(directory);
  const { mtimeMs } = statSync(file);
  writeFileSync(join(directory, 'src/a.js'), `${source}\n// a remark\n`);
  assert.equal((await buildComponent(directory)).upToDate, true);
  assert.equal(statSync(file).mtimeMs, mtimeMs);
  writeFileSync(join(directory, 'src/a.js'), source.replace('one', 'two'));
  assert.equal((await buildComponent(directory)).upToDate, false);
  assert.equal((await buildComponent(directory, { force: true })).upToDate, false);
});

test('build follows a change of the settings, and of an entry wherever it is', async () => {
  const { directory } = await create('settings', 'assemblyscript');
  const manifest = join(directory, 'Component.toml');
  const [before, source] = [readFileSync(manifest, 'utf8'), readFileSync(join(directory, 'assembly/index.ts'), 'utf8')];
  mkdirSync(join(directory, 'assembly', 'old.ts'));
  assert.equal((await buildComponent(directory)).upToDate, false);
  writeFileSync(join(directory, 'assembly/other.ts'), source.replace('Hello', 'Howdy'));
  assert.equal((await buildComponent(directory)).upToDate, false);
  writeFileSync(manifest, before.replace('assembly/index.ts', 'assembly/other.ts'));
  const { file, upToDate } = await buildComponent(directory);
  assert.equal(upToDate, false);
  await using system = await ActorSystem.create();
  const ref = system.spawn(await component(file), 'settings');
  assert.equal(text(await ref.askOp('greet', bytes('Ada'))), 'Howdy, Ada!');
});

test('build of the same component by two at once gives both the whole of it', async () => {
  const build = 'language = "javascript"\nentry = "src/a.js"';
  const source = "export const handler = { handle: () => new TextEncoder().encode('one') };";
  const directory = write('twice', build, { 'src/a.js': source });
  const built = await Promise.all([1, 2].map(() => buildComponent(directory, { force: true })));
  assert.ok(built.some(({ file, sizeBytes }) => statSync(file).size === sizeBytes));
  assert.deepEqual(readdirSync(join(directory, 'out')), ['twice.wasm']);
});

test('createProject takes Troupe from where it runs, and makes no package of its name', async () => {
  const { directory } = await createProject({ directory: join(FOLDER, 'from-here'), language: 'js', kind: 'actor' });
  const { devDependencies } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const folder = devDependencies.troupe.replace(/^file:/, '');
  const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  assert.equal(name, 'troupe');
  const same = createProject({ directory: join(FOLDER, 'troupe'), language: 'js', kind: 'actor' });
  await assert.rejects(same, failsWith('NAME_INVALID', /choose another name/));
});
