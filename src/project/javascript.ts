import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManifestConfig } from '../config/index.ts';
import { RuntimeError } from '../errors/index.ts';
import { answerHandles } from './handles.ts';
import { restoreStreams, separateStreams } from './quickjs-streams.ts';
import type { Recipe } from './recipe.ts';
import { loadPackage } from './tools.ts';
import { worldText } from './worlds.ts';

/** The part of `esbuild` that is used here. */
interface Esbuild {
  readonly version: string;
  build(options: object): Promise<BuildResult>;
}

interface BuildResult {
  readonly outputFiles: readonly { readonly text: string }[];
  readonly metafile: { readonly outputs: Readonly<Record<string, BundleOutput>> };
}

interface BundleOutput {
  readonly exports: readonly string[];
  readonly imports: readonly { readonly path: string; readonly external?: boolean }[];
}

interface Plugin {
  onResolve(
    options: { readonly filter: RegExp },
    resolve: (args: { readonly path: string }) => object | undefined,
  ): void;
}

/** The part of `componentize-qjs` that is used here. */
interface QuickJs {
  componentize(options: object): Promise<{ readonly component: Uint8Array }>;
}

/** The part of `@bytecodealliance/componentize-js` that is used here. */
interface StarlingMonkey {
  componentize(source: string, options: object): Promise<{ readonly component: Uint8Array }>;
}

/** Interfaces of hosts: `wasi:cli/stdout@0.2.12`, `demo:calc/ops`. */
const INTERFACE = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*(@.+)?$/;

/** In source the same files with their own ending. */
const GUEST = new URL('../guest/', import.meta.url);
const ENDING = extname(import.meta.url);
const GLOBALS = 'troupe/guest/globals';

/** What the code must do for a component to be one of ours, most particular first. */
const WORLD_OF_EXPORT: readonly (readonly [name: string, world: string])[] = [
  ['lifecycle', 'stateful-actor'],
  ['handler', 'actor'],
  ['incomingHandler', 'http'],
  ['run', 'command'],
];

/** How a component is made of JavaScript or TypeScript. */
export async function javascriptRecipe(manifest: ManifestConfig, entry: string): Promise<Recipe> {
  const { engine, optimize } = settingsOf(manifest);
  const bundle = await bundleSource(manifest, entry);
  const inferred = WORLD_OF_EXPORT.find(([name]) => bundle.exports.includes(name))?.[1];
  const adapt = engine === 'quickjs' ? separateStreams : undefined;
  const world = await worldText(manifest, { inferred, imports: bundle.imports, ...(adapt && { adapt }) });
  return {
    inputs: [bundle.code, world.wit],
    make: async () => {
      if (engine === 'starlingmonkey') return makeStarlingMonkey(manifest, bundle.code, world);
      return makeQuickJs(manifest, { ...world, code: bundle.code, isSmall: optimize === 'size' });
    },
  };
}

function settingsOf(manifest: ManifestConfig): { engine: string; optimize: string } {
  return { engine: manifest.build?.engine ?? 'quickjs', optimize: manifest.build?.optimize ?? 'size' };
}

interface Bundle {
  readonly code: string;
  readonly exports: readonly string[];
  /** Interfaces that it imports. */
  readonly imports: readonly string[];
}

/** One module of everything that the source imports, except what the host gives. */
async function bundleSource(manifest: ManifestConfig, entry: string): Promise<Bundle> {
  const esbuild = await loadPackage<Esbuild>(manifest.directory, 'esbuild');
  const isQuickJs = settingsOf(manifest).engine === 'quickjs';
  try {
    const { outputFiles, metafile } = await esbuild.build({
      stdin: { contents: entryText(entry, isQuickJs), resolveDir: manifest.directory, sourcefile: 'component.js' },
      absWorkingDir: manifest.directory,
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      conditions: ['import', 'module'],
      target: 'es2023',
      outfile: 'component.js',
      legalComments: 'none',
      // A file that is no code is a text to send.
      loader: { '.html': 'text', '.css': 'text', '.svg': 'text' },
      logLevel: 'silent',
      // The engine runs no jobs of promises: async functions become generators over the Promise of `troupe/guest`.
      supported: isQuickJs ? { 'async-await': false, 'async-generator': false, 'for-await': false } : {},
      plugins: [{ name: 'troupe', setup: (plugin: Plugin) => resolveOurs(plugin, isQuickJs) }],
    });
    const [output] = Object.values(metafile.outputs);
    const imports = (output?.imports ?? []).flatMap(({ path }) => (INTERFACE.test(path) ? path : []));
    return { code: outputFiles[0]?.text ?? '', exports: output?.exports ?? [], imports: [...new Set(imports)].sort() };
  } catch (cause) {
    throw bundleError(cause);
  }
}

/** The globals come first: a module may use them as soon as it is loaded. */
function entryText(entry: string, isQuickJs: boolean): string {
  const globals = isQuickJs ? `import ${JSON.stringify(GLOBALS)};\n` : '';
  return `${globals}export * from ${JSON.stringify(entry)};\n`;
}

/** `troupe/guest` is ours; interfaces stay imports, and go where nothing of them is used. */
function resolveOurs(plugin: Plugin, isQuickJs: boolean): void {
  const refused = {
    errors: [{ text: 'troupe/guest is for QuickJS: take engine = "quickjs", or export what the WIT says' }],
  };
  plugin.onResolve({ filter: /^troupe\/guest$/ }, () => {
    if (!isQuickJs) return refused;
    return { path: fileURLToPath(new URL(`index${ENDING}`, GUEST)), sideEffects: false };
  });
  plugin.onResolve({ filter: new RegExp(`^${GLOBALS}$`) }, () => ({
    path: fileURLToPath(new URL(`globals${ENDING}`, GUEST)),
    sideEffects: true,
  }));
  plugin.onResolve({ filter: INTERFACE }, ({ path }) => ({ path, external: true, sideEffects: false }));
}

interface Message {
  readonly text: string;
  readonly location?: { readonly file: string; readonly line: number; readonly column: number } | null;
}

function bundleError(cause: unknown): unknown {
  const errors = (cause as { readonly errors?: readonly Message[] }).errors;
  if (errors === undefined) return cause;
  const lines = errors.map(({ text, location }) =>
    location ? `${location.file}:${location.line}:${location.column + 1}  ${text}` : text,
  );
  return new RuntimeError('BUILD_FAILED', `Cannot bundle the source\n${lines.join('\n')}`, { cause });
}

interface QuickJsSource {
  readonly code: string;
  readonly wit: string;
  readonly world: string;
  readonly isSmall: boolean;
}

async function makeQuickJs(manifest: ManifestConfig, source: QuickJsSource): Promise<Uint8Array> {
  const { componentize } = await loadPackage<QuickJs>(manifest.directory, 'componentize-qjs');
  const scratch = await mkdtemp(join(tmpdir(), 'troupe-build-'));
  try {
    const witPath = join(scratch, 'world.wit');
    await writeFile(witPath, source.wit);
    const { component } = await componentize({
      witPath,
      world: source.world,
      jsSource: source.code,
      sync: true,
      optSize: source.isSmall,
    });
    return restoreStreams(answerHandles(component));
  } catch (cause) {
    throw engineError(cause);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeStarlingMonkey(
  manifest: ManifestConfig,
  code: string,
  { wit, world }: { readonly wit: string; readonly world: string },
): Promise<Uint8Array> {
  const { componentize } = await loadPackage<StarlingMonkey>(manifest.directory, '@bytecodealliance/componentize-js');
  try {
    const { component } = await componentize(code, { witWorld: wit, worldName: world });
    return component;
  } catch (cause) {
    throw engineError(cause);
  }
}

/** What the tools say, without the steps that led there. */
function engineError(cause: unknown): unknown {
  if (RuntimeError.is(cause)) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeError('BUILD_FAILED', `Cannot make a component of the script\n${text.trim()}`, { cause });
}
