import { glob, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ManifestConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';

/** Files of one component; a folder of a thousand sources is another's. */
const FILES_MAX = 1_000;

/**
 * The entry and every file below the component's folder with one of these endings, path and text, in order: what a
 * compiler may have read. Folders that hold what others made are left out.
 */
export async function sourceFiles(
  manifest: ManifestConfig,
  entry: string,
  endings: readonly string[],
): Promise<string[]> {
  const exclude = (name: string): boolean => /^(node_modules|target|build|\..+)$/.test(name);
  const patterns = endings.map((ending) => `**/*.${ending}`);
  const found = new Set([relative(manifest.directory, entry)]);
  for await (const file of glob(patterns, { cwd: manifest.directory, exclude })) {
    found.add(file);
    if (found.size > FILES_MAX) {
      const text = `Cannot build "${manifest.file}": there are more than ${FILES_MAX} source files beside it`;
      throw new RuntimeError('BUILD_FAILED', text);
    }
  }
  const files = [...found].sort();
  // What cannot be read, such as a folder called `old.c`, no compiler reads either.
  const read = (file: string) => readFile(join(manifest.directory, file), 'utf8').catch(() => undefined);
  const texts = await Promise.all(files.map(read));
  return files.flatMap((file, index) => (texts[index] === undefined ? [] : [file, texts[index]]));
}
