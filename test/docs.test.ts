/**
 * What the documents say can be done is done here, word for word; what they link to is there.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { type Example, examplesOf, fileLinksOf, firstMissingLine, namedPathsOf } from './kit/markdown.ts';

const ROOT = dirname(import.meta.dirname);
const DOCUMENTS = globSync(['*.md', '{docs,examples,fixtures,bench}/**/*.md'], {
  cwd: ROOT,
  exclude: ['**/node_modules/**'],
}).sort();
/** An example is short; whatever takes longer hangs. */
const DEADLINE_MS = 60_000;

interface Outcome {
  readonly output: string;
  readonly exitCode: number | null;
  readonly reached: boolean;
}

/** The published names, as the files of this checkout. */
function toCheckout(code: string): string {
  return code
    .replaceAll("'troupe/component'", `'${join(ROOT, 'src/component/index.ts')}'`)
    .replaceAll("'troupe/testing'", `'${join(ROOT, 'src/testing/index.ts')}'`)
    .replaceAll("'troupe'", `'${join(ROOT, 'src/index.ts')}'`);
}

function commandFor(example: Example, folder: string): readonly [string, readonly string[]] {
  if (example.language === 'sh') return ['bash', ['-euo', 'pipefail', '-c', example.code]];
  const file = join(folder, 'example.ts');
  writeFileSync(file, toCheckout(example.code));
  return [process.execPath, [file]];
}

/** Runs the example as a person would; all its processes form a group, so that Ctrl-C reaches each of them. */
function run(example: Example, folder: string): Promise<Outcome> {
  const [command, args] = commandFor(example, folder);
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  const path = `${join(ROOT, 'node_modules', '.bin')}${delimiter}${environment.PATH}`;
  const child = spawn(command, args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, PATH: path },
  });
  let output = '';
  let reached = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
  };
  const timer = setTimeout(() => interrupt('SIGKILL'), DEADLINE_MS);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      if (reached || example.until === undefined || !output.includes(example.until)) return;
      reached = true;
      interrupt('SIGINT');
    });
  }
  return new Promise((resolve) => {
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ output, exitCode, reached });
    });
  });
}

describe('documents', () => {
  for (const document of DOCUMENTS) {
    const text = readFileSync(join(ROOT, document), 'utf8');

    test(`${document} links to and names only what is there`, () => {
      const base = join(ROOT, dirname(document));
      const dead = fileLinksOf(text).filter((target) => !existsSync(join(base, target)));
      const gone = namedPathsOf(text).filter((path) => !existsSync(join(ROOT, path)));
      assert.deepEqual([...dead, ...gone], []);
    });

    for (const example of examplesOf(text)) {
      test(`${document}:${example.line} runs as it stands`, async () => {
        const folder = mkdtempSync(join(tmpdir(), 'troupe-docs-'));
        try {
          const { output, exitCode, reached } = await run(example, folder);
          if (example.until === undefined) assert.equal(exitCode, 0, output);
          else assert.ok(reached, `"${example.until}" was not shown; exit code ${exitCode}\n${output}`);
          const missing = firstMissingLine(output, example.expected);
          assert.equal(missing, undefined, `not printed: ${missing}\n${output}`);
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      });
    }
  }
});

test('TypeScript examples of all documents pass the type check of this project', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-docs-'));
  try {
    const places = new Map<string, string>();
    for (const document of DOCUMENTS) {
      for (const { language, code, line } of examplesOf(readFileSync(join(ROOT, document), 'utf8'))) {
        // What imports a file beside itself is about a command that makes it.
        if (language !== 'ts' || code.includes("from './")) continue;
        const file = `example-${places.size}.mts`;
        places.set(file, `${document}:${line}`);
        writeFileSync(join(folder, file), toCheckout(code));
      }
    }
    const compilerOptions = {
      typeRoots: [join(ROOT, 'node_modules', '@types')],
      rewriteRelativeImportExtensions: false,
    };
    const include = ['*.mts', join(ROOT, 'src', 'component', 'webassembly.d.ts')];
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include, exclude: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: DEADLINE_MS,
    });
    const named = stdout.replaceAll(/^example-\d+\.mts/gm, (file) => `${places.get(file)}, from there on line`);
    assert.equal(named, '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('docs/README.md leads to every document, itself or by the README.md of a folder', () => {
  const linkedFrom = (file: string): string[] =>
    fileLinksOf(readFileSync(join(ROOT, file), 'utf8')).map((target) => join(dirname(file), target));
  const front = linkedFrom('docs/README.md');
  const linked = [...front, ...front.filter((path) => /^docs\/guides\/.*README\.md$/.test(path)).flatMap(linkedFrom)];
  const documents = DOCUMENTS.filter((path) => /^docs\/(?!adr\/|README)/.test(path));
  assert.deepEqual(
    documents.filter((path) => !linked.includes(path)),
    [],
  );
});

describe('markdown', () => {
  test('examplesOf finds what is marked, with its output, and nothing else', () => {
    const text =
      'a\n<!-- test: run -->\n```sh\nls\n```\n<!-- test: output -->\n```text\nb\n```\n```sh\nrm\n```\n' +
      '<!-- test: run until "x y" -->\n```sh\nnpm start\n```\n';
    assert.deepEqual(examplesOf(text), [
      { language: 'sh', code: 'ls\n', line: 3, until: undefined, expected: ['b'] },
      { language: 'sh', code: 'npm start\n', line: 14, until: 'x y', expected: [] },
    ]);
  });

  test('firstMissingLine wants the lines in order', () => {
    assert.equal(firstMissingLine('a\nb\n', ['a', 'b']), undefined);
    assert.equal(firstMissingLine('a\nb\n', ['b', 'a']), 'a');
  });
});
