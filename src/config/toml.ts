import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { parse, TomlDate, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { RuntimeError } from '../errors/index.ts';
import { KeyPositions } from './key-positions.ts';
import { type ConfigProblem, type Document, toProblems } from './problems.ts';

/** Bytes of one configuration file. A thousand components take a quarter of it. */
const FILE_BYTES_MAX = 1_048_576;

/** Nesting of inline tables and arrays. */
const DEPTH_MAX = 64;

/** A document and what the schema made of it, or what is wrong with it. */
export type Checked<Value> =
  | { readonly ok: true; readonly value: Value; readonly document: Document }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/**
 * Reads a configuration file.
 *
 * @throws {RuntimeError} `FILE_NOT_FOUND`, `FILE_UNREADABLE` — with the path and what is wrong there.
 */
export async function readText(file: string, what: string): Promise<string> {
  const bytes = await readBounded(file, what);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RuntimeError('FILE_UNREADABLE', `Cannot read the ${what} "${file}": it is not UTF-8 text`, { cause });
  }
}

/** Parses `toml` and checks it against `schema`; collects every mistake rather than the first. */
export function checkToml<Schema extends z.ZodType>(
  file: string,
  toml: string,
  schema: Schema,
): Checked<z.output<Schema>> {
  let value: unknown;
  try {
    value = plain(parse(toml, { unsafeKeyBehaviour: 'throw', maxDepth: DEPTH_MAX }));
  } catch (error) {
    return { ok: false, problems: [syntaxProblem(file, error)] };
  }
  const document: Document = { file, value, positions: new KeyPositions(toml) };
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data, document };
  return { ok: false, problems: toProblems(document, result.error.issues, schema) };
}

function syntaxProblem(file: string, error: unknown): ConfigProblem {
  if (!(error instanceof TomlError)) throw error;
  // The library's text ends with a drawing of the lines around; the first line says what is wrong.
  const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
  return { file, line: error.line, column: error.column, key: '', message: `is not valid TOML: ${reason}` };
}

/** Copies what the parser made into plain objects; dates become their text. */
function plain(value: unknown): unknown {
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

async function readBounded(file: string, what: string): Promise<Uint8Array> {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (stats.isDirectory()) throw unreadable(file, what, 'it is a folder');
    if (!stats.isFile()) throw unreadable(file, what, 'it is not a regular file');
    if (stats.size > FILE_BYTES_MAX)
      throw unreadable(file, what, `it has ${stats.size} bytes, at most ${FILE_BYTES_MAX} are read`);
    return await handle.readFile();
  } catch (error) {
    throw RuntimeError.is(error) ? error : toFileError(error, file, what);
  }
}

/** Translates what the file system says about `file`. */
export function toFileError(cause: unknown, file: string, what: string): RuntimeError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const text = `Cannot read the ${what} "${file}": it is not there`;
    return new RuntimeError('FILE_NOT_FOUND', text, { cause, details: { file } });
  }
  const denied = code === 'EACCES' || code === 'EPERM';
  return unreadable(file, what, denied ? 'this user may not read it' : `the system says ${code || String(cause)}`);
}

function unreadable(file: string, what: string, reason: string): RuntimeError {
  return new RuntimeError('FILE_UNREADABLE', `Cannot read the ${what} "${file}": ${reason}`, { details: { file } });
}
