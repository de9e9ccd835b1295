import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import { configError } from './problems.ts';
import { MANIFEST_SCHEMA, type ManifestFile } from './schemas.ts';
import { checkToml, readText, toFileError } from './toml.ts';

const MANIFEST_FILE = 'Component.toml';

/** How a component is made of its source. */
export type BuildConfig = NonNullable<ManifestFile['build']>;

/** A `Component.toml`, as those who build see it. */
export interface ManifestConfig {
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute path of the folder that it is in. */
  readonly directory: string;
  readonly name: string;
  /** Absolute path of the component. */
  readonly source: string;
  readonly build: BuildConfig | undefined;
  /** `undefined`: it does not say what it asks for. */
  readonly asks: ManifestFile['asks'];
}

/**
 * Reads one `Component.toml`.
 *
 * @param path A folder that holds one, or such a file under any name.
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `CONFIG_INVALID` — as `loadApplication`.
 */
export async function loadManifest(path: string): Promise<ManifestConfig> {
  const given = resolve(path);
  const stats = await stat(given).catch((error: unknown) => {
    throw toFileError(error, given, 'manifest');
  });
  const file = stats.isDirectory() ? join(given, MANIFEST_FILE) : given;
  if (stats.isDirectory() && (await stat(file).catch(() => undefined)) === undefined) {
    throw new RuntimeError('FILE_NOT_FOUND', `Cannot find a component in "${given}": it holds no ${MANIFEST_FILE}`, {
      details: { file, help: ['to start one: troupe new NAME'] },
    });
  }
  const checked = checkToml(file, await readText(file, 'manifest'), MANIFEST_SCHEMA);
  if (!checked.ok) throw configError(`Cannot use "${file}"`, checked.problems);
  const { component, build, asks } = checked.value;
  const directory = dirname(file);
  return { file, directory, name: component.name, source: resolve(directory, component.source), build, asks };
}
