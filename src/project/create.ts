import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../errors/index.ts';
import { npmFiles } from './npm-files.ts';
import { type Template, type TemplateKind, type TemplateLanguage, templateOf } from './templates.ts';

const KIT = fileURLToPath(new URL('../../examples/guest-kit/', import.meta.url));

/** This package: what runs here is what a project uses, wherever it came from. */
const TROUPE = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');

export interface CreateOptions {
  /** Folder to make; its last part is the component's name. */
  readonly directory: string;
  readonly language: TemplateLanguage;
  readonly kind: TemplateKind;
}

/** A project that was just written. */
export interface CreatedProject {
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  /** Relative to the folder, sorted. */
  readonly files: readonly string[];
  /** Command lines that lead from here to an answer. */
  readonly steps: readonly string[];
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/;

const BUILD_LANGUAGE = {
  ts: 'typescript',
  js: 'javascript',
  assemblyscript: 'assemblyscript',
  rust: 'rust',
  c: 'c',
} as const satisfies Record<TemplateLanguage, string>;

/**
 * Writes a complete small project into a new folder.
 *
 * @throws {RuntimeError} `FILE_EXISTS` — something is there already; nothing was touched.
 * @throws {RuntimeError} `NAME_INVALID` — the last part of the folder cannot be a component's name.
 * @throws {RuntimeError} `USAGE_INVALID` — there is no such kind in that language.
 * @throws {RuntimeError} `FILE_UNREADABLE` — the folder cannot be written.
 */
export async function createProject(options: CreateOptions): Promise<CreatedProject> {
  const directory = resolve(options.directory);
  const name = basename(directory);
  if (!NAME.test(name)) {
    const expected = 'a name of lower-case letters, digits and "-" that begins with a letter, at most 63 characters';
    throw new RuntimeError('NAME_INVALID', `Cannot call a component "${name}": expected ${expected}`);
  }
  if (name === 'troupe' && usesNpm(options.language)) {
    const text =
      'Cannot call a component "troupe": npm takes the project for the package that it needs; choose another name';
    throw new RuntimeError('NAME_INVALID', text);
  }
  const template = templateOf(options.language, options.kind);
  if (template === undefined) {
    const text = `Cannot start a component of the kind "${options.kind}" in ${options.language}: there is "actor" only`;
    throw new RuntimeError('USAGE_INVALID', text, { details: { help: ['with every kind: --lang ts or --lang js'] } });
  }
  const files = await filesOf(name, options, template);
  await writeWhole(directory, files);
  return { name, directory, files: [...files.keys()].sort(), steps: stepsOf(name, options, template) };
}

async function filesOf(name: string, options: CreateOptions, template: Template): Promise<Map<string, string>> {
  const { language, kind } = options;
  const files = new Map<string, string>([
    ['Component.toml', manifestText(name, options, template)],
    ['troupe.toml', applicationText(name, options)],
    ['README.md', readmeText(name, options, template)],
    ['.gitignore', '*.wasm\n.troupe/\nnode_modules/\n'],
    [template.entry, template.text],
    ...Object.entries(template.files),
  ]);
  for (const file of template.kit) {
    files.set(join(dirname(template.entry), basename(file)), await readFile(join(KIT, file), 'utf8'));
  }
  if (usesNpm(language))
    for (const [path, text] of npmFiles({ name, language, kind, troupe: TROUPE })) files.set(path, text);
  return files;
}

/** QuickJS reads the clock and random numbers when it starts; the other languages ask for what the source uses. */
const SCRIPT_GRANTS = ['clock = true', 'random = true', 'stdio = ["stdout", "stderr"]'];

function grantsOf(language: TemplateLanguage): readonly string[] {
  return language === 'ts' || language === 'js' ? SCRIPT_GRANTS : [];
}

function manifestText(name: string, { language, kind }: CreateOptions, template: Template): string {
  return [
    '# What the author says of the component.',
    '[component]',
    `name = "${name}"`,
    'version = "0.1.0"',
    `source = "./${name}.wasm"`,
    '',
    '[build]',
    `language = "${BUILD_LANGUAGE[language]}"`,
    `entry = "${template.entry}"`,
    ...(kind === 'functions' ? ['wit = "wit"'] : []),
    ...(language === 'assemblyscript' ? ['world = "stateful-actor"'] : []),
    '',
    '# What it asks for; what it gets stands in troupe.toml.',
    '[asks]',
    ...grantsOf(language),
    '',
    '[limits]',
    'memory = "32MiB"',
    'deadline = "5s"',
    '',
  ].join('\n');
}

function applicationText(name: string, { language, kind }: CreateOptions): string {
  const grants = grantsOf(language);
  return [
    '# What the operator gives.',
    '[application]',
    `name = "${name}"`,
    '',
    `[components.${name}]`,
    'manifest = "./Component.toml"',
    ...(grants.length > 0 ? ['', `[components.${name}.grants]`, ...grants] : []),
    ...(kind === 'http' ? ['', '[[http]]', 'route = "/*"', `component = "${name}"`] : []),
    '',
  ].join('\n');
}

function readmeText(name: string, options: CreateOptions, template: Template): string {
  const steps = stepsOf(name, options, template).slice(1);
  return [
    `# ${name}`,
    '',
    'A component for Troupe, which runs WebAssembly components as supervised actors.',
    '',
    '```sh',
    ...steps,
    '```',
    '',
    `\`${template.entry}\` is the component, \`Component.toml\` says how it is built and what it asks for, \`troupe.toml\` what it`,
    'is given. `troupe inspect` shows what the built component needs.',
    '',
  ].join('\n');
}

function stepsOf(name: string, { directory, language }: CreateOptions, template: Template): string[] {
  const npx = usesNpm(language) ? 'npx ' : '';
  const attempt = template.attempt.replace('{name}', name);
  return [
    `cd ${quote(directory)}`,
    ...(usesNpm(language) && !existsSync(join(TROUPE, 'dist')) ? [`npm --prefix ${quote(TROUPE)} run build`] : []),
    ...(usesNpm(language) ? ['npm install'] : []),
    `${npx}troupe build`,
    `${npx}troupe up`,
    `${attempt.startsWith('troupe') ? npx : ''}${attempt}   # from a second terminal`,
  ];
}

/** As one word of a shell. */
function quote(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function usesNpm(language: TemplateLanguage): language is 'ts' | 'js' | 'assemblyscript' {
  return language === 'ts' || language === 'js' || language === 'assemblyscript';
}

/** Beside its place first, then moved there: half a project is never seen, and a folder that is there is refused. */
async function writeWhole(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  let scratch: string | undefined;
  try {
    await mkdir(dirname(directory), { recursive: true });
    await mkdir(directory);
    scratch = await mkdtemp(join(dirname(directory), `.${basename(directory)}-`));
    for (const [path, text] of files) {
      const file = join(scratch, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    await rename(scratch, directory);
  } catch (cause) {
    if (scratch !== undefined) {
      await rm(scratch, { recursive: true, force: true });
      // Only if it is still empty: what somebody else has put there is theirs.
      await rmdir(directory).catch(() => undefined);
    }
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTEMPTY' || code === 'ENOTDIR') {
      throw new RuntimeError('FILE_EXISTS', `Cannot write a project to "${directory}": something is there already`, {
        details: { directory },
        cause,
      });
    }
    throw new RuntimeError(
      'FILE_UNREADABLE',
      `Cannot write to "${directory}": the system says ${code ?? String(cause)}`,
      {
        cause,
      },
    );
  }
}
