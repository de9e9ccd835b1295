import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseWat, printWasm } from '../component/tooling/index.ts';
import type { ManifestConfig } from '../config/index.ts';
import { fromCoreModule, kitWorld, loadToolsOf } from './core-modules.ts';
import type { Recipe } from './recipe.ts';
import { sourceFiles } from './sources.ts';
import { packageFolder, runProgram } from './tools.ts';

/** The language can name neither these exports nor their post-return functions; the source has the left side. */
const EXPORTS: Readonly<Record<string, string>> = {
  handler_handle: 'troupe:actor/handler@0.1.0#handle',
  lifecycle_start: 'troupe:actor/lifecycle@0.1.0#start',
  lifecycle_stop: 'troupe:actor/lifecycle@0.1.0#stop',
  lifecycle_health: 'troupe:actor/lifecycle@0.1.0#health',
  lifecycle_snapshot: 'troupe:actor/lifecycle@0.1.0#snapshot',
  lifecycle_restore: 'troupe:actor/lifecycle@0.1.0#restore',
};

/** How a component is made of AssemblyScript: the source imports `troupe.ts`, which stands beside it. */
export async function assemblyScriptRecipe(manifest: ManifestConfig, entry: string): Promise<Recipe> {
  const { optimize = 'size', flags = [] } = manifest.build ?? {};
  return {
    inputs: [...(await sourceFiles(manifest, entry, ['ts'])), (await kitWorld(manifest)).wit],
    make: async () => {
      const compiler = join(packageFolder(manifest.directory, 'assemblyscript'), 'bin', 'asc.js');
      const scratch = await mkdtemp(join(tmpdir(), 'troupe-build-'));
      try {
        const module = join(scratch, 'component.wasm');
        const kit = relative(manifest.directory, join(entry, '..', 'troupe'));
        const level = optimize === 'speed' ? ['-O3', '--converge'] : ['-Oz', '--converge'];
        const options = ['--noAssert', '--runtime', 'incremental', '--use', `abort=${kit}/troupe_abort`];
        const args = [relative(manifest.directory, entry), '--outFile', module, ...level, ...options, ...flags];
        await runProgram(process.execPath, [compiler, ...args], manifest.directory);
        await loadToolsOf(manifest);
        return await fromCoreModule(manifest, await renameExports(await readFile(module)));
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
  };
}

/** Through the text form, where a name is a name. */
async function renameExports(module: Uint8Array): Promise<Uint8Array> {
  let text = await printWasm(module);
  for (const [from, to] of Object.entries(EXPORTS)) {
    text = text.replace(`(export "${from}" `, `(export "${to}" `);
    text = text.replace(`(export "cabi_post_${from}" `, `(export "cabi_post_${to}" `);
  }
  return parseWat(text);
}
