import { ArtifactStore } from '../artifact/index.ts';
import { readComponentFile } from '../host/index.ts';

/**
 * Keeps the bytes of a file in a folder of artifacts, and returns their digest.
 *
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE` — the file cannot be read. `ARTIFACT_UNUSABLE` — it cannot be kept.
 */
export async function addArtifact(directory: string, file: string): Promise<string> {
  return new ArtifactStore(directory).put(await readComponentFile(file));
}
