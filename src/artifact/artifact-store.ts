import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RuntimeError } from '../errors/index.ts';
import { artifactPath, digestOfArtifact, isDigest } from './digest.ts';

/** Bytes of one: as much as a component's file may have. */
const ARTIFACT_BYTES_MAX = 536_870_912;

/** One artifact of a store. */
export interface ArtifactInfo {
  /** SHA-256, in lower-case hexadecimal. */
  readonly digest: string;
  readonly bytes: number;
  /** When it was put there, milliseconds since 1970. */
  readonly addedAtMs: number;
}

/**
 * Looks at an artifact before it is given out, and throws what is wrong with it: that nobody signed it, or that it may not be used.
 */
export type ArtifactCheck = (digest: string, bytes: Uint8Array) => Promise<void>;

/** A folder of artifacts, each under its digest. Several processes may use one. */
export class ArtifactStore {
  readonly #directory: string;
  readonly #check: ArtifactCheck | undefined;

  /** @param directory Made when something is put there. @param check Default: none. */
  constructor(directory: string, check?: ArtifactCheck) {
    this.#directory = directory;
    this.#check = check;
  }

  /**
   * Keeps bytes, and returns their digest. What is there already stays.
   *
   * @throws {RuntimeError} `ARTIFACT_UNUSABLE` — they cannot be written there, or are too many.
   */
  async put(bytes: Uint8Array): Promise<string> {
    const digest = digestOfArtifact(bytes);
    if (bytes.length > ARTIFACT_BYTES_MAX)
      throw unusable(digest, `it has ${bytes.length} bytes, at most ${ARTIFACT_BYTES_MAX} are kept`);
    const path = artifactPath(this.#directory, digest);
    const isThere = await stat(path).then(
      ({ size }) => size === bytes.length,
      () => false,
    );
    if (!isThere)
      await this.#write(path, bytes).catch((error: unknown) =>
        Promise.reject(unusable(digest, reasonOf(error), error)),
      );
    return digest;
  }

  /** A name of its own, then the right one: nobody sees a part of it, and it is on the disk before it has its name. */
  async #write(path: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const unfinished = `${path}.${randomUUID()}.part`;
    try {
      await using file = await open(unfinished, 'wx', 0o400);
      await file.writeFile(bytes);
      await file.sync();
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    await using folder = await open(dirname(path), constants.O_RDONLY);
    await folder.sync();
  }

  /**
   * The bytes of a digest.
   *
   * @throws {RuntimeError} `ARTIFACT_NOT_FOUND`. `ARTIFACT_CORRUPT` — what is there has another digest. What the check throws.
   */
  async get(digest: string): Promise<Uint8Array> {
    const bytes = await this.#read(digest);
    const actual = digestOfArtifact(bytes);
    if (actual !== digest) {
      const text = `Cannot use the artifact ${digest}: what is there has the digest ${actual}; remove it, and add it again`;
      throw new RuntimeError('ARTIFACT_CORRUPT', text, { details: { expected: digest, actual } });
    }
    await this.#check?.(digest, bytes);
    return bytes;
  }

  async #read(digest: string): Promise<Uint8Array> {
    if (!isDigest(digest)) throw notFound(digest);
    try {
      await using file = await open(
        artifactPath(this.#directory, digest),
        constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
      );
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > ARTIFACT_BYTES_MAX)
        throw unusable(digest, 'it is no regular file of its size');
      return await file.readFile();
    } catch (error) {
      if (RuntimeError.is(error)) throw error;
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw notFound(digest);
      throw unusable(digest, reasonOf(error), error);
    }
  }

  /** Every artifact, by digest. A folder that is not there holds none. */
  async list(): Promise<ArtifactInfo[]> {
    const root = join(this.#directory, 'sha256');
    const found: ArtifactInfo[] = [];
    for (const prefix of await namesIn(root)) {
      for (const rest of await namesIn(join(root, prefix))) {
        const digest = prefix + rest;
        if (!isDigest(digest)) continue;
        const stats = await stat(artifactPath(this.#directory, digest)).catch(() => undefined);
        if (stats !== undefined) found.push({ digest, bytes: stats.size, addedAtMs: Math.round(stats.mtimeMs) });
      }
    }
    return found;
  }

  /** Reads every artifact; returns those that cannot be given out, with the reason. */
  async verify(): Promise<{ readonly digest: string; readonly error: RuntimeError }[]> {
    const wrong: { readonly digest: string; readonly error: RuntimeError }[] = [];
    for (const { digest } of await this.list()) {
      await this.get(digest).catch((error: unknown) => wrong.push({ digest, error: RuntimeError.from(error) }));
    }
    return wrong;
  }

  /** @throws {RuntimeError} `ARTIFACT_NOT_FOUND`. `ARTIFACT_UNUSABLE` — it cannot be removed. */
  async remove(digest: string): Promise<void> {
    if (!isDigest(digest)) throw notFound(digest);
    try {
      await rm(artifactPath(this.#directory, digest));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw notFound(digest);
      throw unusable(digest, reasonOf(error), error);
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort();
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'nothing more';
}

function reasonOf(error: unknown): string {
  return `the system says ${codeOf(error)}`;
}

function notFound(digest: string): RuntimeError {
  const text = `Cannot find the artifact ${JSON.stringify(digest.slice(0, 100))}: it is not in the store; add it: troupe artifact add FILE`;
  return new RuntimeError('ARTIFACT_NOT_FOUND', text, { details: { digest } });
}

function unusable(digest: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError('ARTIFACT_UNUSABLE', `Cannot keep or read the artifact ${digest}: ${why}`, {
    details: { digest },
    cause,
  });
}
