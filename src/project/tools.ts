import { spawn } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RuntimeError } from '../errors/index.ts';

/** What one run of a compiler may print before the rest is dropped. */
const OUTPUT_CHARACTERS_MAX = 65_536;

/**
 * Loads an optional package, or a part of it: the project's own if it has it, otherwise the one beside Troupe.
 *
 * @param part As `exports` of its manifest calls it.
 * @throws {RuntimeError} `TOOL_MISSING` — neither is there; the text says what to install.
 */
export async function loadPackage<Module>(directory: string, name: string, part = '.'): Promise<Module> {
  const folder = packageFolder(directory, name);
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageManifest;
  const entry = entryOf(manifest.exports, part) ?? manifest.main ?? 'index.js';
  return (await import(pathToFileURL(join(folder, entry)).href)) as Module;
}

/**
 * The folder of an optional package, looked for as {@link loadPackage} does.
 *
 * @throws {RuntimeError} `TOOL_MISSING`.
 */
export function packageFolder(directory: string, name: string): string {
  for (const from of [pathToFileURL(join(directory, 'package.json')), import.meta.url]) {
    try {
      const manifest = findPackageJSON(name, from);
      if (manifest !== undefined) return dirname(manifest);
    } catch {
      // Not here; perhaps in the next place.
    }
  }
  throw missing(name, `npm install --save-dev ${name}`);
}

interface PackageManifest {
  readonly exports?: unknown;
  readonly main?: string;
}

/** What `import` of the package itself means (Node.js, "conditional exports"); many have nothing for `require`. */
function entryOf(exports: unknown, part: string): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  if (part in exports) return entryOf((exports as Record<string, unknown>)[part], part);
  for (const [condition, target] of Object.entries(exports)) {
    const entry = ['import', 'node', 'module', 'default'].includes(condition) ? entryOf(target, part) : undefined;
    if (entry !== undefined) return entry;
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
