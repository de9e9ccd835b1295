import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManifestConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';

/** The worlds that need no WIT of one's own. */
const WORLDS: ReadonlyMap<string, string> = new Map([
  ['actor', 'include troupe:actor/actor@0.1.0;'],
  ['stateful-actor', 'include troupe:actor/stateful-actor@0.1.0;'],
  ['http', 'export wasi:http/incoming-handler@0.2.12;'],
  ['command', 'export wasi:cli/run@0.2.12;'],
]);

/** WIT text with one world of ours: the component's world, and what else its code imports. */
export interface WorldText {
  readonly wit: string;
  readonly world: string;
}

const FOLDER = fileURLToPath(new URL('../../wit/', import.meta.url));

/** Folders below `wit` that are looked into, and files of all of them together. */
const DEPTH_MAX = 4;
const FILES_MAX = 256;

interface WorldOptions {
  /** World if the manifest names none. */
  readonly inferred?: string | undefined;
  /** Interfaces that the code imports beside the world's. */
  readonly imports?: readonly string[];
  /** Changes the packages, each a nested one, before they are put together. */
  readonly adapt?: (packages: readonly string[]) => readonly string[];
}

/**
 * Puts the WIT text of a component together: one package with the world `guest`, everything that it needs beside it.
 *
 * @throws {RuntimeError} `CONFIG_INVALID` — the manifest names a world that is not known, or no world can be told.
 */
export async function worldText(
  manifest: ManifestConfig,
  { inferred, imports = [], adapt = (packages) => packages }: WorldOptions,
): Promise<WorldText> {
  const own = manifest.build?.wit === undefined ? [] : await readWit(resolve(manifest.directory, manifest.build.wit));
  const include = own.length > 0 ? includeOwn(manifest, own) : WORLDS.get(manifest.build?.world ?? inferred ?? '');
  if (include === undefined) throw unknownWorld(manifest, manifest.build?.world);
  const ours = await readWit(FOLDER);
  const packages = new Map([...ours, ...own].map((text) => [packageName(text), text]));
  const world = ['world guest {', `  ${include}`, ...imports.map((name) => `  import ${name};`), '}'];
  return { wit: ['package troupe:build;', ...world, ...adapt([...packages.values()])].join('\n'), world: 'guest' };
}

function includeOwn(manifest: ManifestConfig, own: readonly string[]): string {
  const worlds = own.flatMap((text) =>
    [...text.matchAll(/^\s*world\s+%?([a-z][\w-]*)/gm)].map(([, name]) => ({ text, name })),
  );
  const wanted = manifest.build?.world;
  const [found, second] = wanted === undefined ? worlds : worlds.filter(({ name }) => name === wanted);
  if (found === undefined || (wanted === undefined && second !== undefined)) {
    const names = worlds.map(({ name }) => `"${name}"`).join(', ') || 'none';
    const message = `Cannot build "${manifest.file}": [build] must name one world of its WIT; there are: ${names}`;
    throw new RuntimeError('CONFIG_INVALID', message, { details: { help: ['world = "NAME"'] } });
  }
  const [path, version] = packageName(found.text).split('@');
  return `include ${path}/${found.name}${version === undefined ? '' : `@${version}`};`;
}

function unknownWorld(manifest: ManifestConfig, world: string | undefined): RuntimeError {
  const known = [...WORLDS.keys()].join(', ');
  const text =
    world === undefined
      ? 'its world cannot be told: export "handler" (an actor), "incomingHandler" (HTTP) or "run" (a command), or name a WIT file'
      : `there is no world "${world}" without WIT of its own; known are: ${known}`;
  return new RuntimeError('CONFIG_INVALID', `Cannot build "${manifest.file}": ${text}`, {
    details: { help: ['under [build]: wit = "./wit"'] },
  });
}

/** Every package of a file or folder, each as a nested package: `package a:b@1.0.0 { … }`. */
async function readWit(path: string): Promise<string[]> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) throw new RuntimeError('FILE_NOT_FOUND', `Cannot read the WIT "${path}": it is not there`);
  const folders = stats.isDirectory() ? await listFolders(path) : [[path]];
  const packages: string[] = [];
  for (const files of folders) {
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    packages.push(...nestPackages(texts));
  }
  return packages;
}

/** The `.wit` files, by folder: those of one are one package, of `wit/` itself each may be one of its own. */
async function listFolders(folder: string, depth = 0): Promise<string[][]> {
  if (depth > DEPTH_MAX) return [];
  const entries = (await readdir(folder, { withFileTypes: true })).slice(0, FILES_MAX);
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.wit'));
  const inner = entries.filter((entry) => entry.isDirectory());
  const below = await Promise.all(inner.map((entry) => listFolders(join(folder, entry.name), depth + 1)));
  return [files.map(({ name }) => join(folder, name)).sort(), ...below.flat()].filter((list) => list.length > 0);
}

/** Packages of one folder: a file without a header belongs to the one that has it. */
function nestPackages(texts: readonly string[]): string[] {
  const headers = texts.map((text) => /^\s*package\s+([^;{\s]+)\s*;/m.exec(withoutComments(text)));
  const main = headers.find((header) => header !== null);
  const roots = new Map<string, string[]>();
  const nested: string[] = [];
  for (const [index, text] of texts.entries()) {
    const name = headers[index]?.[1] ?? main?.[1];
    const { body, inner } = splitNested(withoutComments(text));
    nested.push(...inner);
    if (name !== undefined) roots.set(name, [...(roots.get(name) ?? []), body.replace(/^\s*package\s+[^;{]+;/m, '')]);
  }
  return [...[...roots].map(([name, bodies]) => `package ${name} {\n${bodies.join('\n')}\n}`), ...nested];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

/** Takes `package a:b { … }` out of `text`. */
function splitNested(text: string): { body: string; inner: string[] } {
  const inner: string[] = [];
  let body = '';
  let from = 0;
  for (const match of text.matchAll(/^\s*package\s+[^;{]+\{/gm)) {
    if (match.index < from) continue;
    const end = closingBrace(text, match.index + match[0].length);
    body += text.slice(from, match.index);
    inner.push(text.slice(match.index, end).trim());
    from = end;
  }
  return { body: body + text.slice(from), inner };
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function packageName(text: string): string {
  return /package\s+([^;{\s]+)/.exec(text)?.[1] ?? '';
}
