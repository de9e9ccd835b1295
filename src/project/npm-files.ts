import type { TemplateKind, TemplateLanguage } from './templates.ts';

/** Ranges that the templates are tested with. */
const TOOLS: Readonly<Partial<Record<TemplateLanguage, Readonly<Record<string, string>>>>> = {
  ts: { 'componentize-qjs': '^0.4.3', esbuild: '^0.28.2', typescript: '>=5.9' },
  js: { 'componentize-qjs': '^0.4.3', esbuild: '^0.28.2' },
  assemblyscript: { '@bytecodealliance/jco-transpile': '^0.12.1', assemblyscript: '^0.28.20' },
};

export interface NpmProject {
  readonly name: string;
  readonly language: TemplateLanguage;
  readonly kind: TemplateKind;
  /** Folder of the package that the project is to use. */
  readonly troupe: string;
}

/** What a project has beside its component when npm installs its tools. */
export function npmFiles(project: NpmProject): Map<string, string> {
  const { language, kind } = project;
  const files = new Map([['package.json', json(packageManifest(project))]]);
  if (language === 'ts') files.set('tsconfig.json', json(TSCONFIG));
  if (language === 'assemblyscript')
    files.set('assembly/tsconfig.json', json({ extends: 'assemblyscript/std/assembly.json' }));
  if (kind !== 'http') files.set('test/component.test.js', testText(project));
  return files;
}

function packageManifest({ name, language, kind, troupe }: NpmProject): object {
  return {
    name,
    private: true,
    type: 'module',
    engines: { node: '>=24' },
    scripts: {
      build: 'troupe build',
      start: 'troupe up',
      ...(kind !== 'http' && { test: 'troupe build && node --test' }),
      ...(language === 'ts' && { types: 'tsc' }),
    },
    devDependencies: { ...TOOLS[language], troupe: `file:${troupe}` },
  };
}

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: ['troupe/guest/globals'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: ['src'],
};

const ATTEMPTS: Readonly<Record<TemplateKind, string>> = {
  actor: `const answer = await ref.askOp('greet', new TextEncoder().encode('Ada'));
  assert.equal(new TextDecoder().decode(answer), 'Hello, Ada!');`,
  functions: `assert.equal(await ref.askOp('local:component/text#reverse', ['drawer']), 'reward');`,
  http: '',
};

function testText({ name, language, kind }: NpmProject): string {
  const grants = language === 'assemblyscript' ? '' : ', { grants: { clock: true, random: true } }';
  return [
    "import assert from 'node:assert/strict';",
    "import { test } from 'node:test';",
    "import { ActorSystem, component } from 'troupe';",
    '',
    `test('${name} answers', async () => {`,
    '  await using system = await ActorSystem.create();',
    `  const type = await component(new URL('../${name}.wasm', import.meta.url)${grants});`,
    `  const ref = system.spawn(type, '${name}');`,
    `  ${ATTEMPTS[kind]}`,
    '});',
    '',
  ].join('\n');
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
