/**
 * Packs the project, installs the tarball into an empty project as a user would (no development dependency, nothing
 * of this checkout), and uses it there: what works only inside the checkout fails here.
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { importsOf } from '../test/kit/tidy/source-text.ts';

const run = promisify(execFile);

/** What a user downloads and keeps, with all dependencies. Measured 13 MB; more than this was not intended. */
const INSTALLED_LIMIT_MB = 25;
const COMMAND_DEADLINE_MS = 180_000;

/** `wasi:http/types@0.2.12` */
const INTERFACE = /^(wasi|troupe):[a-z-]+\/[a-z-]+@\d/;

interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/** Files that must not be published, and files without which the package does not work. */
function* wrongFiles(packed: readonly string[], manifest: Manifest): Generator<string> {
  // npm packs every file of that name above a folder that it packs.
  const allowed = [...manifest.files, 'package.json', 'examples/README.md'];
  for (const file of packed) {
    if (!allowed.some((entry) => file === entry || file.startsWith(`${entry}/`))) yield `${file} should not be packed`;
    if (/\.(test|bench|suite)\./.test(file)) yield `${file} is packed, and is a test`;
    // The kits are sources for those who write guests.
    const isKit = file.startsWith('examples/guest-kit/');
    if (file.endsWith('.ts') && !file.endsWith('.d.ts') && !isKit) yield `${file} is packed, and is a source`;
  }
  for (const entry of manifest.files) {
    if (!packed.some((file) => file === entry || file.startsWith(`${entry}/`))) yield `Nothing of "${entry}" is packed`;
  }
  for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/component/index.js',
    'dist/component/preview1/command.wasm',
    'dist/guest/index.js',
    'dist/testing/index.js',
    'dist/cli/main.js',
    'dist/store/storage-thread.js',
  ]) {
    if (!packed.includes(file)) yield `${file} is not packed`;
  }
}

/** Imports of built files that a user's install would not find. */
function* wrongImports(dist: string, manifest: Manifest): Generator<string> {
  const known = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies ?? {})]);
  for (const file of globSync('**/*.{js,d.ts}', { cwd: dist })) {
    const source = readFileSync(join(dist, file), 'utf8');
    for (const specifier of importsOf(source)) {
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      const isOwn = specifier.startsWith('.') || specifier.startsWith('node:') || builtinModules.includes(name);
      // What guests import of their host is found by the build of a component.
      if (file.startsWith('guest/') && INTERFACE.test(specifier)) continue;
      if (!isOwn && !known.has(name)) yield `dist/${file} imports "${specifier}", which is no runtime dependency`;
      if (specifier.startsWith('.') && specifier.endsWith('.ts')) yield `dist/${file} imports a source: "${specifier}"`;
    }
  }
}

/** Packages that came along and should not have. */
function* wrongPackages(modules: string, manifest: Manifest): Generator<string> {
  for (const name of Object.keys(manifest.devDependencies)) {
    if (existsSync(join(modules, name)) && !(name in manifest.dependencies)) yield `"${name}" was installed for users`;
  }
  for (const name of readdirSync(modules)) {
    if (name === '@troupe' || /^node(-bin)?-(linux|darwin|win)/.test(name)) yield `"${name}" was installed for users`;
  }
}

function sizeMb(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.reduce((sum, file) => sum + lstatSync(join(folder, file)).size, 0) / 1e6;
}

/** What a user's compiler must accept, and what it must refuse: types that are lost would refuse nothing. */
const TYPED_USE = `
import { ActorSystem, implement, protocol, type } from 'troupe';
import { compileComponent } from 'troupe/component';
import { TestSystem } from 'troupe/testing';
const Counter = protocol('demo:counter@1.0.0', { tell: { add: type<{ by: number }>() } });
const system = await ActorSystem.create();
const ref = system.spawn(implement(Counter, { init: () => ({ n: 0 }), tell: { add() {} } }), 'counter');
ref.tell.add({ by: 1 });
// @ts-expect-error: not a number
ref.tell.add({ by: 'one' });
// @ts-expect-error: not bytes
compileComponent(1);
// @ts-expect-error: not a seed
TestSystem.create({ seed: 'one' });
`;

/** Compiles a use of the installed declarations with the compiler of this checkout. */
async function typeProblems(root: string, project: string): Promise<string[]> {
  writeFileSync(join(project, 'use.ts'), TYPED_USE);
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const settings = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    '--typeRoots',
    join(root, 'node_modules', '@types'),
  ];
  const args = [tsc, ...settings, '--lib', 'es2024,dom,esnext.disposable', 'use.ts'];
  const failure = await run(process.execPath, args, { cwd: project, timeout: COMMAND_DEADLINE_MS }).then(
    () => undefined,
    (error: { readonly stdout: string }) => error,
  );
  return failure === undefined ? [] : [`The declarations do not work for users:\n${failure.stdout.trimEnd()}`];
}

/** Uses the installed package in the three ways there are: as a library, as the engine alone, as a command. */
async function smoke(root: string, project: string, version: string): Promise<string[]> {
  const options = { cwd: project, timeout: COMMAND_DEADLINE_MS };
  const script = `
    const troupe = await import('troupe');
    const component = await import('troupe/component');
    const testing = await import('troupe/testing');
    const modules = { troupe, 'troupe/component': component, 'troupe/testing': testing };
    for (const [name, module] of Object.entries(modules)) {
      if (Object.keys(module).length === 0) throw new Error(name + ' exports nothing');
    }
    const store = await troupe.openStore({ directory: 'data' });
    await store.write([{ bucket: 'b', key: 'k', value: new Uint8Array(1) }]);
    await store.close();`;
  const problems: string[] = [];
  await run(process.execPath, ['--input-type=module', '-e', script], options).catch((error: Error) =>
    problems.push(error.message),
  );
  const program = join(root, 'fixtures/components/hello/hello.core.wasm');
  const expected: readonly (readonly [readonly string[], string])[] = [
    [['--version'], version],
    [['run', program, 'Ada'], 'Hello, Ada!'],
    // The kits come from beside dist/.
    [['new', 'tally', '--lang', 'assemblyscript'], 'Wrote'],
  ];
  for (const [args, text] of expected) {
    const shown = await run('npx', ['--no-install', 'troupe', ...args], options).catch((error: Error) => error);
    if (shown instanceof Error) problems.push(shown.message);
    else if (!shown.stdout.startsWith(text)) problems.push(`troupe ${args.join(' ')} says "${shown.stdout.trim()}"`);
  }
  return problems;
}

/** Resolves with what is wrong with the package, one problem a line, or with nothing. */
export async function checkPackage(root: string, temp: string): Promise<string | undefined> {
  const manifest = readJson<Manifest>(join(root, 'package.json'));
  const packArgs = ['pack', '--json', '--ignore-scripts', '--loglevel=error', `--pack-destination=${temp}`];
  const packed = await run('npm', packArgs, { cwd: root, timeout: COMMAND_DEADLINE_MS });
  const report: unknown = JSON.parse(packed.stdout);
  // An array in most versions of npm, an object by package name in the newest.
  const [tarball] = Object.values(report as object) as { filename: string; files: { path: string }[] }[];
  if (tarball === undefined) return `npm pack made nothing:\n${packed.stdout}`;

  const project = join(temp, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  const installArgs = ['install', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await run('npm', [...installArgs, join(temp, tarball.filename)], { cwd: project, timeout: COMMAND_DEADLINE_MS });

  const modules = join(project, 'node_modules');
  const problems = [
    ...wrongFiles(
      tarball.files.map((file) => file.path),
      manifest,
    ),
    ...wrongImports(join(root, 'dist'), manifest),
    ...wrongPackages(modules, manifest),
    ...(await smoke(root, project, manifest.version)),
    ...(await typeProblems(root, project)),
  ];
  const installed = sizeMb(modules);
  if (installed > INSTALLED_LIMIT_MB)
    problems.push(`${installed.toFixed(1)} MB installed; the limit is ${INSTALLED_LIMIT_MB}`);
  else
    console.log(`  ${tarball.files.length} files packed, ${installed.toFixed(1)} MB installed with all dependencies`);
  return problems.length === 0 ? undefined : problems.join('\n');
}
