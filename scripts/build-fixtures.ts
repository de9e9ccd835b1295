/**
 * Rebuilds the components of `fixtures/` and `examples/` from source and writes their checksums. Nobody needs this to
 * run or test Troupe: the components are committed.
 *
 *     node scripts/build-fixtures.ts              all of them
 *     node scripts/build-fixtures.ts echo tally   those whose path contains one of the words
 *
 * Toolchains (Debian): `apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32 rustc libstd-rust-dev-wasm32`.
 * AssemblyScript and the wasm tools come with `npm ci`; with them the WASI adapter.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  componentEmbed,
  componentNew,
  parseWat,
  printWasm,
  validateComponent,
} from '../src/component/tooling/index.ts';
import { CHECKSUMS_FILE, GUESTS, type Guest, inputsOf, type Toolchain } from './guests.ts';
import { commandAdapter } from './preview1-adapter.ts';
import { stripCustomSections } from './strip-custom-sections.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const INSTALL: Readonly<Record<Toolchain, string>> = {
  c: 'apt-get install clang lld',
  'c-wasi': 'apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32',
  rust: 'apt-get install rustc libstd-rust-dev-wasm32',
  'rust-wasi': 'apt-get install rustc libstd-rust-dev-wasm32',
  assemblyscript: 'npm ci',
};

const RUST_TARGETS = { rust: 'wasm32-unknown-unknown', 'rust-wasi': 'wasm32-wasi' } as const;

/** AssemblyScript can name neither these exports nor their post-return functions; the source uses the right side. */
const ASSEMBLYSCRIPT_EXPORTS: Readonly<Record<string, string>> = {
  handler_handle: 'troupe:actor/handler@0.1.0#handle',
  lifecycle_start: 'troupe:actor/lifecycle@0.1.0#start',
  lifecycle_stop: 'troupe:actor/lifecycle@0.1.0#stop',
  lifecycle_health: 'troupe:actor/lifecycle@0.1.0#health',
  lifecycle_snapshot: 'troupe:actor/lifecycle@0.1.0#snapshot',
  lifecycle_restore: 'troupe:actor/lifecycle@0.1.0#restore',
};

class MissingToolchain extends Error {}

async function main(words: readonly string[]): Promise<number> {
  const wanted = GUESTS.filter((guest) => words.length === 0 || words.some((word) => guest.output.includes(word)));
  const scratch = mkdtempSync(join(tmpdir(), 'troupe-fixtures-'));
  const built: Guest[] = [];
  try {
    for (const guest of wanted) {
      try {
        const component = await build(guest, scratch);
        writeFileSync(join(ROOT, guest.output), component);
        built.push(guest);
        console.log(`${guest.output}  ${component.length.toLocaleString('en-US')} bytes`);
      } catch (error) {
        console.error(`${guest.output}  not built: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  writeFileSync(join(ROOT, CHECKSUMS_FILE), checksums(built));
  const failed = wanted.length - built.length;
  if (failed > 0) console.error(`${failed} of ${wanted.length} components were not built`);
  return failed === 0 ? 0 : 1;
}

async function build(guest: Guest, scratch: string): Promise<Uint8Array> {
  const module = stripCustomSections(await compile(guest, join(scratch, `${basename(guest.output)}.core`)));
  if (guest.core) return module;
  const embedded = guest.wit.length === 0 ? module : await componentEmbed({ module, ...worldOf(guest) });
  const component = stripCustomSections(await componentNew(embedded, adaptersFor(guest)));
  const problem = await validateComponent(component);
  if (problem !== undefined) throw new Error(problem);
  return component;
}

/** One source text: the first package as it is, those that it uses as nested packages. */
function worldOf(guest: Guest): { readonly wit: string; readonly world?: string } {
  const [own = '', ...used] = guest.wit.map((path) => readFileSync(join(ROOT, path), 'utf8'));
  const nested = used.map((text) => `${text.replace(/^(package [^;]+);/m, '$1 {')}}\n`);
  const wit = [own, ...nested].join('\n');
  return guest.world === undefined ? { wit } : { wit, world: guest.world };
}

async function compile(guest: Guest, output: string): Promise<Uint8Array> {
  switch (guest.toolchain) {
    case 'c':
      compileC(guest, output);
      break;
    case 'c-wasi':
      compileCWasi(guest, output);
      break;
    case 'rust':
    case 'rust-wasi':
      compileRust(guest, guest.toolchain, output);
      break;
    case 'assemblyscript':
      compileAssemblyScript(guest, output);
      return renameExports(readFileSync(output));
  }
  return readFileSync(output);
}

function compileC(guest: Guest, output: string): void {
  const object = `${output}.o`;
  const flags = ['--target=wasm32', '-O2', '-mbulk-memory', '-nostdlib', '-ffreestanding', '-std=c11'];
  const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-function'];
  run(guest, 'clang', [
    ...flags,
    ...warnings,
    `-I${join(ROOT, 'examples/guest-kit/c')}`,
    '-c',
    guest.source,
    '-o',
    object,
  ]);
  run(guest, 'wasm-ld', [
    '--no-entry',
    '--gc-sections',
    '--strip-all',
    '--stack-first',
    '-z',
    'stack-size=32768',
    object,
    '-o',
    output,
  ]);
}

function compileCWasi(guest: Guest, output: string): void {
  const warnings = ['-Wall', '-Wextra', '-Werror'];
  const link = ['-Wl,--strip-all', '-Wl,--gc-sections', '-Wl,--stack-first', '-Wl,-z,stack-size=65536'];
  run(guest, 'clang', ['--target=wasm32-wasi', '-Os', '-std=c11', ...warnings, guest.source, ...link, '-o', output]);
}

function compileRust(guest: Guest, toolchain: 'rust' | 'rust-wasi', output: string): void {
  const target = RUST_TARGETS[toolchain];
  const kind = toolchain === 'rust' ? 'cdylib' : 'bin';
  const small = ['opt-level=s', 'lto=fat', 'panic=abort', 'codegen-units=1', 'strip=symbols'].flatMap((option) => [
    '-C',
    option,
  ]);
  const same = ['--remap-path-prefix', `${ROOT}=`];
  const common = ['--edition', '2021', '--target', target, '--crate-type', kind, '-D', 'warnings'];
  run(guest, rustcWith(guest, target), [...common, ...small, ...same, guest.source, '-o', output]);
}

/** A rustc may be installed without the target: the first that has it is taken. */
function rustcWith(guest: Guest, target: string): string {
  for (const rustc of ['rustc', '/usr/bin/rustc']) {
    const asked = spawnSync(rustc, ['--print', 'target-libdir', '--target', target], { encoding: 'utf8' });
    if (asked.status === 0 && existsSync(asked.stdout.trim())) return rustc;
  }
  throw missing(guest, `a rustc with the target ${target}`);
}

function compileAssemblyScript(guest: Guest, output: string): void {
  const compiler = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
  if (!existsSync(compiler)) throw missing(guest, 'assemblyscript');
  const flags = [
    '-O3',
    '--converge',
    '--noAssert',
    '--runtime',
    'incremental',
    '--use',
    'abort=examples/guest-kit/as/troupe/troupe_abort',
  ];
  run(guest, process.execPath, [compiler, guest.source, '--outFile', output, ...flags]);
}

/** Through the text form, where a name is a name. */
async function renameExports(module: Uint8Array): Promise<Uint8Array> {
  let text = await printWasm(module);
  for (const [from, to] of Object.entries(ASSEMBLYSCRIPT_EXPORTS)) {
    text = text.replace(`(export "${from}" `, `(export "${to}" `);
    text = text.replace(`(export "cabi_post_${from}" `, `(export "cabi_post_${to}" `);
  }
  return parseWat(text);
}

function adaptersFor(guest: Guest): Record<string, Uint8Array> {
  const needed = guest.toolchain === 'c-wasi' || guest.toolchain === 'rust-wasi';
  return needed ? { wasi_snapshot_preview1: commandAdapter() } : {};
}

/** Runs one tool in the root of the repository; what it prints becomes the error. */
function run(guest: Guest, command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  if (done.error !== undefined) throw missing(guest, command);
  if (done.status !== 0) throw new Error(`${command} failed\n${done.stderr}${done.stdout}`);
}

function missing(guest: Guest, what: string): MissingToolchain {
  return new MissingToolchain(`${what} is missing; try \`${INSTALL[guest.toolchain]}\``);
}

/**
 * Digests of components and of their inputs, so that the test that compares finds a source that was changed without a
 * rebuild. Hence only what was built now gets a new digest, and an input only if all that is made of it was built.
 */
function checksums(built: readonly Guest[]): string {
  const stale = new Set(GUESTS.filter((guest) => !built.includes(guest)).flatMap(inputsOf));
  const known = new Map(knownChecksums());
  const sums: [string, string][] = [];
  for (const path of new Set(GUESTS.flatMap((guest) => [guest.output, ...inputsOf(guest)]))) {
    const fresh = built.some((guest) => guest.output === path || (inputsOf(guest).includes(path) && !stale.has(path)));
    const digest = fresh ? sha256(readFileSync(join(ROOT, path))) : known.get(path);
    if (digest !== undefined) sums.push([path, digest]);
  }
  sums.sort(([a], [b]) => (a < b ? -1 : 1));
  return sums.map(([path, digest]) => `${digest}  ${path}\n`).join('');
}

function knownChecksums(): [string, string][] {
  const file = join(ROOT, CHECKSUMS_FILE);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => [line.slice(66), line.slice(0, 64)]);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

process.exitCode = await main(process.argv.slice(2));
