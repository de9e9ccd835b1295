import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  type AdmissionLimits,
  type CompiledComponent,
  compileShared,
  type SharedCompileOptions,
  wrapPreview1,
} from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';

export interface LoadOptions {
  /** Digest that the bytes must have, in lower-case hexadecimal. */
  readonly sha256?: string | undefined;
  readonly limits?: Partial<AdmissionLimits>;
  /** Ends the compilation with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** Bytes of a component's file. The largest that are built today (JavaScript guests) have 12 MiB; a wrong path should not fill memory. */
const FILE_BYTES_MAX = 536_870_912;

/** Reads a component's file. Says what is wrong with a path that cannot be read. */
export async function readComponentFile(file: string | URL): Promise<Uint8Array> {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (stats.isDirectory()) throw unreadable(path, 'it is a folder; name the .wasm file in it');
    if (!stats.isFile()) throw unreadable(path, 'it is not a regular file');
    if (stats.size > FILE_BYTES_MAX)
      throw unreadable(path, `it has ${stats.size} bytes, at most ${FILE_BYTES_MAX} are read`);
    return await handle.readFile();
  } catch (error) {
    if (RuntimeError.is(error)) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new RuntimeError('FILE_NOT_FOUND', `Cannot read the component "${path}": it is not there`, {
        details: { path },
        cause: error,
      });
    }
    const denied = code === 'EACCES' || code === 'EPERM';
    throw unreadable(path, denied ? 'this user may not read it' : `the system says ${code ?? 'nothing more'}`, error);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): RuntimeError {
  return new RuntimeError('FILE_UNREADABLE', `Cannot read the component "${path}": ${reason}`, {
    details: { path },
    cause,
  });
}

/** Digest of an artifact, in lower-case hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads, checks against its pin, and compiles. An error names the file. */
export async function loadComponent(file: string | URL, options: LoadOptions = {}): Promise<CompiledComponent> {
  const bytes = await readComponentFile(file);
  const { sha256, limits, signal } = options;
  const actual = digestOf(bytes);
  if (sha256 !== undefined && actual !== sha256) {
    throw new RuntimeError(
      'COMPONENT_INVALID',
      `Cannot use "${file}": its sha256 is ${actual} and it is pinned to ${sha256}; pin the new digest if the change is meant`,
      {
        details: { expected: sha256, actual },
      },
    );
  }
  const compiled = await compileFile(bytes, file, { ...(limits && { limits }), ...(signal && { signal }) });
  REVISIONS.set(compiled, actual);
  return compiled;
}

const REVISIONS = new WeakMap<CompiledComponent, string>();

/** The digest of the file that a component was loaded from; undefined if it came from no file. */
export function revisionOf(compiled: CompiledComponent): string | undefined {
  return REVISIONS.get(compiled);
}

/** Compiles the bytes of `file`, metered: a component, or a program for WASI preview 1. An error names the file. */
export async function compileFile(
  bytes: Uint8Array,
  file: string | URL,
  options: SharedCompileOptions = {},
): Promise<CompiledComponent> {
  try {
    return await compileShared(wrapPreview1(bytes), { metered: true, ...options });
  } catch (error) {
    throw inFile(error, file);
  }
}

/** `thrown` with the name of the component's file; what is no error of ours is returned as it is. */
export function inFile(thrown: unknown, file: string | URL): unknown {
  if (!RuntimeError.is(thrown)) return thrown;
  return new RuntimeError(thrown.code, `${thrown.message} (in "${file}")`, {
    details: { ...thrown.details, file: String(file) },
    cause: thrown,
  });
}
