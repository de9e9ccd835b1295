import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RuntimeError } from '../errors/index.ts';

/** What one run of a compiler may print before the rest is dropped. */
const OUTPUT_CHARACTERS_MAX = 65_536;

/**
 * Loads an optional package: the project's own if it has it, otherwise the one beside Troupe.
 *
 * @throws {RuntimeError} `TOOL_MISSING` — neither is there; the text says what to install.
 */
export async function loadPackage<Module>(directory: string, name: string): Promise<Module> {
  const path = resolvePackage(directory, name);
  if (path === undefined) throw missing(name, `npm install --save-dev ${name}`);
  return (await import(pathToFileURL(path).href)) as Module;
}

/**
 * The path of a file of an optional package.
 *
 * @throws {RuntimeError} `TOOL_MISSING`.
 */
export function packageFile(directory: string, request: string): string {
  const path = resolvePackage(directory, request);
  const name = request
    .split('/')
    .slice(0, request.startsWith('@') ? 2 : 1)
    .join('/');
  if (path === undefined) throw missing(name, `npm install --save-dev ${name}`);
  return path;
}

function resolvePackage(directory: string, request: string): string | undefined {
  for (const from of [join(directory, 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve(request);
    } catch {
      // Not here; perhaps in the next place.
    }
  }
  return undefined;
}

/** The first of some programs that is on the path; `undefined` if none is. */
export async function findProgram(names: readonly string[], path: string): Promise<string | undefined> {
  for (const folder of path.split(':')) {
    for (const name of names) {
      const file = join(folder, name);
      const found = await access(file).then(
        () => true,
        () => false,
      );
      if (found) return file;
    }
  }
  return undefined;
}

export function missing(what: string, install: string): RuntimeError {
  return new RuntimeError('TOOL_MISSING', `Cannot build: ${what} is not installed`, {
    details: { tool: what, help: [`to install it: ${install}`] },
  });
}

/**
 * Runs a compiler to its end.
 *
 * @throws {RuntimeError} `BUILD_FAILED` — it says no; the text is what it printed. `TOOL_MISSING` — it is not there.
 */
export async function runProgram(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    if (output.length < OUTPUT_CHARACTERS_MAX) output += chunk.toString('utf8');
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (cause) =>
    reject(new RuntimeError('TOOL_MISSING', `Cannot run "${command}": ${cause.message}`, { cause })),
  );
  child.on('close', (status) => {
    if (status === 0) return resolve(output);
    reject(new RuntimeError('BUILD_FAILED', `Cannot compile the source\n${output.trim()}`, { details: { command } }));
  });
  return promise;
}
