import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ManifestConfig } from '../config/index.ts';
import { fromCoreModule, kitWorld } from './core-modules.ts';
import type { Recipe, RecipeContext } from './recipe.ts';
import { sourceFiles } from './sources.ts';
import { findProgram, missing, runProgram } from './tools.ts';

const TARGET = 'wasm32-unknown-unknown';
const INSTALL = `rustup target add ${TARGET}, or apt-get install rustc libstd-rust-dev-wasm32 (Debian)`;

/** How a component is made of Rust, without crates: the source has the module `troupe`. */
export async function rustRecipe(manifest: ManifestConfig, entry: string, { path }: RecipeContext): Promise<Recipe> {
  const { optimize = 'size', flags = [] } = manifest.build ?? {};
  return {
    inputs: [...(await sourceFiles(manifest, entry, ['rs'])), (await kitWorld(manifest)).wit],
    make: async () => {
      const rustc = await rustcWithTarget(path, manifest.directory);
      const scratch = await mkdtemp(join(tmpdir(), 'troupe-build-'));
      try {
        const module = join(scratch, 'component.wasm');
        const level = optimize === 'speed' ? '3' : 's';
        const codegen = [`opt-level=${level}`, 'lto=fat', 'panic=abort', 'codegen-units=1', 'strip=symbols'];
        const options = ['--edition', '2021', '--target', TARGET, '--crate-type', 'cdylib'];
        const args = [...options, ...codegen.flatMap((option) => ['-C', option]), ...flags, entry, '-o', module];
        await runProgram(rustc, args, manifest.directory);
        return await fromCoreModule(manifest, await readFile(module));
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
  };
}

/** A machine may have several: the first that has the target is taken. */
async function rustcWithTarget(path: string, cwd: string): Promise<string> {
  let found = false;
  for (const folder of path.split(':')) {
    const rustc = await findProgram(['rustc'], folder);
    if (rustc === undefined) continue;
    found = true;
    const libraries = await runProgram(rustc, ['--print', 'target-libdir', '--target', TARGET], cwd).catch(() => '');
    if (libraries !== '' && (await stat(libraries.trim()).catch(() => undefined)) !== undefined) return rustc;
  }
  throw missing(found ? `the target ${TARGET} of rustc` : 'rustc', INSTALL);
}
