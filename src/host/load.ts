import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  type AdmissionLimits,
  type CompiledComponent,
  type CompileOptions,
  compileComponent,
} from '../component/index.ts';
import { RuntimeError } from '../errors/index.ts';

export interface LoadOptions {
  /** Digest that the bytes must have, in lower-case hexadecimal. */
  readonly sha256?: string | undefined;
  readonly limits?: Partial<AdmissionLimits>;
  /** Ends the compilation with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** Reads a component's file. Says what is wrong with a path that cannot be read. */
export async function readComponentFile(file: string | URL): Promise<Uint8Array> {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new RuntimeError('FILE_NOT_FOUND', `Cannot read "${path}": there is no such file`, {
        details: { path },
        cause: error,
      });
    }
    const why = code === 'EISDIR' ? 'it is a folder; name the .wasm file in it' : `${code ?? 'unknown error'}`;
    throw new RuntimeError('FILE_UNREADABLE', `Cannot read "${path}": ${why}`, { details: { path }, cause: error });
  }
}

/** Digest of an artifact, in lower-case hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads, checks against its pin, and compiles. An error names the file. */
export async function loadComponent(file: string | URL, options: LoadOptions = {}): Promise<CompiledComponent> {
  const bytes = await readComponentFile(file);
  const { sha256, limits, signal } = options;
  const actual = sha256 === undefined ? undefined : digestOf(bytes);
  if (actual !== sha256) {
    throw new RuntimeError(
      'COMPONENT_INVALID',
      `Cannot use "${file}": its sha256 is ${actual} and it is pinned to ${sha256}; pin the new digest if the change is meant`,
      {
        details: { expected: sha256, actual },
      },
    );
  }
  return compileFile(bytes, file, { ...(limits && { limits }), ...(signal && { signal }) });
}

/** Compiles the bytes of `file`. An error names the file. */
export async function compileFile(
  bytes: Uint8Array,
  file: string | URL,
  options: CompileOptions = {},
): Promise<CompiledComponent> {
  try {
    return await compileComponent(bytes, options);
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
    throw new RuntimeError(error.code, `${error.message} (in "${file}")`, {
      details: { ...error.details, file: String(file) },
      cause: error,
    });
  }
}
