import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type BuildConfig, loadManifest, type ManifestConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { assemblyScriptRecipe } from './assemblyscript.ts';
import { cRecipe } from './c.ts';
import { javascriptRecipe } from './javascript.ts';
import type { Recipe, RecipeContext } from './recipe.ts';
import { rustRecipe } from './rust.ts';
import { digestOf, stampOf, withStamp } from './stamp.ts';

export interface BuildOptions {
  /** Builds even if nothing has changed. */
  readonly force?: boolean;
  /** Where programs are looked for: the value of `PATH`. */
  readonly path?: string;
}

/** What a build came to. */
export interface BuildResult {
  readonly name: string;
  readonly language: BuildConfig['language'];
  /** Absolute path of the component. */
  readonly file: string;
  readonly sizeBytes: number;
  /** Nothing had changed: the file is as it was. */
  readonly upToDate: boolean;
}

type RecipeMaker = (manifest: ManifestConfig, entry: string, context: RecipeContext) => Promise<Recipe>;

const RECIPES: Readonly<Record<BuildConfig['language'], RecipeMaker>> = {
  typescript: javascriptRecipe,
  javascript: javascriptRecipe,
  assemblyscript: assemblyScriptRecipe,
  rust: rustRecipe,
  c: cRecipe,
};

/** Raised with every change of the recipes: components of older ones are built anew. */
const RECIPE_VERSION = '2';

/**
 * Builds the component of a folder as its `Component.toml` says, unless it is up to date.
 *
 * @param path The folder, or the manifest.
 * @throws {RuntimeError} `BUILD_FAILED` — the source is wrong; the text is the compiler's.
 * @throws {RuntimeError} `TOOL_MISSING` — an optional tool is not installed; the help says how to install it.
 * @throws {RuntimeError} `CONFIG_INVALID`, `FILE_NOT_FOUND`, `FILE_UNREADABLE` — of the manifest or the entry.
 */
export async function buildComponent(path: string, options: BuildOptions = {}): Promise<BuildResult> {
  const manifest = await loadManifest(path);
  const { build, source: file, name } = manifest;
  if (build === undefined) {
    throw new RuntimeError('CONFIG_INVALID', `Cannot build "${manifest.file}": it has no [build]`, {
      details: { help: ['add: [build] with language = "typescript" and entry = "src/index.ts"'] },
    });
  }
  const entry = resolve(manifest.directory, build.entry);
  await checkEntry(manifest, entry);
  const recipe = await RECIPES[build.language](manifest, entry, { path: options.path ?? '' });
  const settings = JSON.stringify(build);
  const digest = digestOf([RECIPE_VERSION, settings, ...recipe.inputs]);
  const before = options.force ? undefined : await readFile(file).catch(() => undefined);
  if (before !== undefined && stampOf(before) === digest) {
    return { name, language: build.language, file, sizeBytes: before.length, upToDate: true };
  }
  const component = withStamp(await recipe.make(), digest);
  await writeWhole(file, component);
  return { name, language: build.language, file, sizeBytes: component.length, upToDate: false };
}

async function checkEntry(manifest: ManifestConfig, entry: string): Promise<void> {
  const stats = await stat(entry).catch(() => undefined);
  if (stats?.isFile()) return;
  throw new RuntimeError('FILE_NOT_FOUND', `Cannot build "${manifest.file}": there is no source file "${entry}"`, {
    details: { file: entry },
  });
}

/** Nobody reads half a component: an application that runs may load it, and another build write it, at this moment. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${file}.${randomUUID()}.new`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(fresh, bytes);
    await rename(fresh, file);
  } catch (cause) {
    await rm(fresh, { force: true });
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new RuntimeError('FILE_UNREADABLE', `Cannot write the component "${file}": the system says ${reason}`, {
      cause,
    });
  }
}
