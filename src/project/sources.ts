import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManifestConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';

/** Files of one component; a folder of a thousand sources is another's. */
const FILES_MAX = 1_000;

/**
 * Every file below the component's folder with one of these endings, path and text, in order: what a compiler may have
 * read. Folders that hold what others made are left out.
 */
export async function sourceFiles(manifest: ManifestConfig, endings: readonly string[]): Promise<string[]> {
  const exclude = (name: string): boolean => /^(node_modules|target|build|\..+)$/.test(name);
  const files: string[] = [];
  for await (const file of glob(`**/*.{${endings.join(',')}}`, { cwd: manifest.directory, exclude })) {
    files.push(file);
    if (files.length > FILES_MAX) {
      const text = `Cannot build "${manifest.file}": there are more than ${FILES_MAX} source files beside it`;
      throw new RuntimeError('BUILD_FAILED', text);
    }
  }
  const texts = await Promise.all(files.sort().map((file) => readFile(join(manifest.directory, file), 'utf8')));
  return files.flatMap((file, index) => [file, texts[index] as string]);
}
