import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ManifestConfig } from '../config/index.ts';
import { fromCoreModule, kitWorld } from './core-modules.ts';
import type { Recipe, RecipeContext } from './recipe.ts';
import { sourceFiles } from './sources.ts';
import { findProgram, missing, runProgram } from './tools.ts';

const INSTALL = 'apt-get install clang lld (Debian), or brew install llvm lld (macOS)';

/** How a component is made of C, without a C library: the source includes `troupe.h`. */
export async function cRecipe(manifest: ManifestConfig, entry: string, { path }: RecipeContext): Promise<Recipe> {
  const { optimize = 'size', flags = [] } = manifest.build ?? {};
  return {
    inputs: [...(await sourceFiles(manifest, entry, ['c', 'h'])), (await kitWorld(manifest)).wit],
    make: async () => {
      const clang = await findProgram(['clang'], path);
      const linker = await findProgram(['wasm-ld'], path);
      if (clang === undefined) throw missing('clang', INSTALL);
      if (linker === undefined) throw missing('wasm-ld', INSTALL);
      const scratch = await mkdtemp(join(tmpdir(), 'troupe-build-'));
      try {
        const object = join(scratch, 'component.o');
        const module = join(scratch, 'component.wasm');
        const level = optimize === 'speed' ? '-O3' : '-Os';
        const freestanding = ['--target=wasm32', '-nostdlib', '-ffreestanding', '-mbulk-memory', '-std=c11'];
        const compile = [...freestanding, level, '-Wall', '-Wextra', '-Wno-unused-function', ...flags];
        await runProgram(clang, [...compile, '-c', entry, '-o', object], manifest.directory);
        const link = ['--no-entry', '--gc-sections', '--strip-all', '--stack-first', '-z', 'stack-size=32768'];
        await runProgram(linker, [...link, object, '-o', module], manifest.directory);
        return await fromCoreModule(manifest, await readFile(module));
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
  };
}
