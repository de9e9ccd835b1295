/**
 * The house rules, on the real tree and each on a planted violation: a rule that nobody has seen fail proves nothing.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the planted sources hold templates
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { errorsPage } from '../scripts/errors-page.ts';
import { metricsPage } from '../scripts/metrics-page.ts';
import { runbookPages } from '../scripts/runbook-pages.ts';
import { ERROR_CODES } from '../src/errors/index.ts';
import { MAY_IMPORT, MAY_IMPORT_INSIDE, SIDE_DOORS, VENDOR_OWNERS } from './kit/tidy/layers.ts';
import {
  ambientCalls,
  codeUse,
  cycles,
  forbiddenWords,
  frontDoorForm,
  frontDoors,
  layers,
  outsideImports,
  promiseUse,
  type Rule,
  sizes,
  tableLoops,
  unknownFolders,
  vendorImports,
} from './kit/tidy/rules.ts';
import { codeOnly, importsOf, type SourceFile } from './kit/tidy/source-text.ts';

const ROOT = dirname(import.meta.dirname);
const NOT_OURS = ['**/node_modules/**', '**/as/**', '**/assembly/**', '**/dist/**', '**/*.as.ts'];

function read(...patterns: string[]): SourceFile[] {
  return globSync(patterns, { cwd: ROOT, exclude: NOT_OURS })
    .sort()
    .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(ROOT, path), 'utf8') }));
}

const SOURCES = read('{src,test,bench,scripts,examples,fixtures}/**/*.{ts,js}');
const PROSE = read('*.md', '{docs,examples,fixtures,bench,wit}/**/*.{md,toml,wit,c,h,rs,wat,sh}');

/** Codes whose time has not come: the feature that raises or tests them is not there yet. Must only shrink. */
const PENDING_CODES: readonly string[] = [];

function file(path: string, text: string): SourceFile {
  return { path, text };
}

interface Case {
  readonly name: string;
  readonly rule: Rule;
  /** Each group breaks the rule in its first file. */
  readonly planted: readonly (readonly SourceFile[])[];
  /** Each group keeps it. */
  readonly kept: readonly (readonly SourceFile[])[];
}

const imports = (from: string, specifier: string, what = 'x'): SourceFile =>
  file(`src/${from}`, `import { ${what} } from '${specifier}';\n`);
const DOOR = '/**\n * A.\n *\n * Guarantees\n *   1\n * Limits 1\n * Not here 1\n *\n * @module\n */\n';

const RULES: readonly Case[] = [
  {
    name: 'every folder of src is in the layer table',
    rule: unknownFolders,
    planted: [[file('src/utils/a.ts', '')], [file('src/helper.ts', '')], [file('src/component/shiny/index.ts', '')]],
    kept: [[file('src/cli/commands/ps.ts', '')], [file('src/index.ts', '')]],
  },
  {
    name: 'imports go down the table',
    rule: layers,
    planted: [
      [imports('errors/a.ts', '../time/index.ts')],
      [imports('actor/a.ts', '../component/index.ts')],
      [file('src/host/a.ts', "import {\n  type A,\n  b,\n} from '../admin/index.ts';\n")],
      [file('src/api/a.ts', "export type { A } from '../actor/index.ts';\n")],
      [file('src/time/a.ts', "const a = await import('../actor/index.ts');\n")],
      [file('src/time/a.ts', "type A = import('../actor/index.ts').A;\n")],
      [imports('component/binary/a.ts', '../link/index.ts')],
      [imports('cli/a.ts', '../index.ts')],
    ],
    kept: [[imports('host/a.ts', '../actor/index.ts')], [imports('component/link/a.ts', '../binary/index.ts')]],
  },
  {
    name: 'folders are entered through their front doors',
    rule: frontDoors,
    planted: [
      [imports('actor/a.ts', '../mailbox/mailbox.ts')],
      [imports('host/a.test.ts', '../actor/cell.ts')],
      [imports('host/a.ts', '../component/abi/index.ts')],
      [imports('wasi/io/a.ts', '../../component/host.ts')],
      [imports('component/a.ts', './abi/lift.ts')],
      [imports('component/link/a.ts', '../abi/lift.ts')],
      [imports('component/link/a.ts', '../index.ts')],
      [imports('mailbox/a.ts', './index.ts')],
    ],
    kept: [[imports('component/link/a.ts', '../host.ts')], [imports('mailbox/a.test.ts', './index.ts')]],
  },
  {
    name: 'no file imports itself, by whatever way round',
    rule: cycles,
    planted: [
      [imports('time/a.ts', './b.ts'), imports('time/b.ts', './c.ts', 'type x'), imports('time/c.ts', './a.ts')],
      [imports('time/a.ts', './a.ts')],
    ],
    kept: [[imports('time/a.ts', './b.ts'), imports('time/b.ts', './c.ts'), imports('time/d.ts', './c.ts')]],
  },
  {
    name: 'what ships imports only what ships',
    rule: outsideImports,
    planted: [[imports('time/a.ts', '../../test/kit/a.ts')], [imports('time/a.ts', './b.test.ts')]],
    kept: [[imports('time/a.test.ts', '../../test/kit/a.ts')]],
  },
  {
    name: 'time, chance, environment, terminal and process are reached through their owners',
    rule: ambientCalls,
    planted: [
      [file('src/actor/a.ts', 'const t = Date.now();\n')],
      [file('src/actor/a.ts', 'const t = new Date();\n')],
      [file('src/actor/a.ts', 'const t = performance.now();\n')],
      [file('src/actor/a.ts', 'globalThis.setTimeout(f, 1);\n')],
      [file('src/actor/a.ts', 'const later = setImmediate;\n')],
      [file('src/actor/a.ts', 'queueMicrotask(f);\n')],
      [file('src/actor/a.ts', 'setInterval(f);\n')],
      [file('src/actor/a.ts', 'const r = `${Math.random()}`;\n')],
      [file('src/host/a.ts', 'const e = process.env.HOME;\n')],
      [file('src/host/a.ts', 'process.exit(1);\n')],
      [file('src/host/a.ts', "console.log('x');\n")],
      [file('src/host/a.ts', "const f = new Function('a', 'return a');\n")],
      [file('src/component/link/a.ts', "eval('1');\n")],
      [imports('wasi/clocks/a.ts', 'node:timers/promises')],
      [imports('wasi/clocks/a.ts', 'node:perf_hooks')],
    ],
    kept: [
      [file('src/time/a.ts', 'const t = Date.now();\nsetTimeout(f, 1);\n')],
      [file('src/actor/a.ts', '// Date.now()\nconst s = "setTimeout(f)";\nclock.setTimeout(f);\nnew Date(0);\n')],
      [file('src/actor/a.ts', '/** console.log(1) */\nconst s = `eval(1) ${a} Math.random()`;\n')],
      [file('src/actor/a.ts', 'const r = /setTimeout\\(/;\nconst half = a / b; // console.log\n')],
      [file('src/actor/a.test.ts', 'setTimeout(f);\n')],
    ],
  },
  {
    name: 'each vendor package is imported by the folder that owns it',
    rule: vendorImports,
    planted: [
      [imports('host/a.ts', 'zod')],
      [imports('config/a.ts', 'hono')],
      [imports('host/a.ts', 'lodash')],
      [imports('admin/a.ts', '@scope/thing/deep')],
      [file('src/runtime/a.ts', "const m = await import('@bytecodealliance/jco-transpile');\n")],
      [imports('api/a.ts', 'node:fs')],
    ],
    kept: [
      [imports('config/a.ts', 'zod')],
      [imports('admin/a.ts', 'hono/body-limit')],
      [imports('host/a.ts', 'node:fs')],
    ],
  },
  {
    name: 'files stay within their sizes',
    rule: sizes,
    planted: [
      [file('src/actor/a.ts', '\n'.repeat(601))],
      [file('test/a.test.ts', '\n'.repeat(801))],
      [file('src/actor/a.ts', Array.from({ length: 16 }, (_, i) => `import './${i}.ts';\n`).join(''))],
    ],
    kept: [[file('src/actor/a.ts', '\n'.repeat(600))], [file('src/actor/a.test.ts', '\n'.repeat(800))]],
  },
  {
    name: 'a front door says what the folder promises, re-exports by name, and does nothing else',
    rule: frontDoorForm,
    planted: [
      [file('src/actor/index.ts', "export { a } from './a.ts';\n")],
      [file('src/actor/index.ts', DOOR.replace('Limits', 'Bounds'))],
      [file('src/actor/index.ts', `${DOOR}export * from './a.ts';\n`)],
      [file('src/actor/index.ts', `${DOOR}export const a = 1;\n`)],
      [file('src/actor/index.ts', `${DOOR}import './side-effect.ts';\n`)],
      [
        file(
          'src/actor/index.ts',
          `${DOOR}export { ${Array.from({ length: 26 }, (_, i) => `n${i}`)} } from './a.ts';\n`,
        ),
      ],
      [file('src/actor/a.ts', '')],
    ],
    kept: [
      [file('src/actor/index.ts', `${DOOR}export { a, type B } from './a.ts';\nexport type { C } from './c.ts';\n`)],
      [file('src/cli/index.ts', DOOR), file('src/cli/commands/ps.ts', '')],
    ],
  },
  {
    name: 'nothing speaks of trackers, workplaces or papers that a reader does not have',
    rule: forbiddenWords,
    planted: [
      [file('docs/a.md', 'see /Users/ada/troupe/src\n')],
      [file('docs/a.md', 'as in issue 12\n')],
      [file('src/a/a.ts', '// fixes #12\n')],
      [file('src/a/a.ts', '// TODO: later\n')],
      [file('src/a/a.ts', '// see PLAN §3\n')],
    ],
    kept: [[file('src/a/a.ts', '// the interface `ns:pkg/iface#func`, a private #field, colour #fff\n')]],
  },
];

describe('the tree', () => {
  for (const { name, rule } of RULES) {
    test(`tree: ${name}`, () => {
      const scope = rule === forbiddenWords ? [...SOURCES, ...PROSE] : SOURCES;
      assert.deepEqual(rule(scope), []);
    });
  }

  test('tree: the layer tables have no loop', () => {
    const tables = [MAY_IMPORT, ...Object.values(MAY_IMPORT_INSIDE)];
    assert.deepEqual(tables.flatMap(tableLoops), []);
  });

  test('tree: the tables name no side door, owner or package that is gone', () => {
    const paths = new Set(SOURCES.map(({ path }) => path));
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const packages = new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
    assert.deepEqual(
      Object.keys(SIDE_DOORS).filter((door) => !paths.has(`src/${door}`)),
      [],
    );
    assert.deepEqual(
      Object.keys(VENDOR_OWNERS).filter((name) => !packages.has(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(manifest.dependencies).filter(
        (name) => !SOURCES.some((f) => importsOf(f.text).join().includes(name)),
      ),
      [],
    );
  });

  test('tree: every error code is used by the code and named by a test', () => {
    assert.deepEqual(codeUse(Object.keys(ERROR_CODES), PENDING_CODES, SOURCES), []);
  });
});

describe('documents', () => {
  test('semantics.md promises what tests are named after, and nothing else', () => {
    const page = readFileSync(join(ROOT, 'docs/explanation/semantics.md'), 'utf8');
    assert.deepEqual(promiseUse(page, SOURCES), []);
  });

  test('errors.md is what the table of codes says; run `node scripts/generate-docs.ts`', () => {
    assert.equal(readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8'), errorsPage());
  });

  test('metrics.md is what the catalogue says; run `node scripts/generate-docs.ts`', () => {
    assert.equal(readFileSync(join(ROOT, 'docs/reference/metrics.md'), 'utf8'), metricsPage());
  });

  test('every alert has the runbook that its table says; run `node scripts/generate-docs.ts`', () => {
    const pages = runbookPages();
    const there = globSync('docs/guides/runbooks/*.md', { cwd: ROOT }).sort();
    assert.deepEqual(there, Object.keys(pages).sort());
    for (const [path, text] of Object.entries(pages)) assert.equal(readFileSync(join(ROOT, path), 'utf8'), text);
  });

  test('documents name no error code that is not in the table', () => {
    const known = new Set(Object.keys(ERROR_CODES));
    const unknown = PROSE.flatMap(({ path, text }) =>
      [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)]
        .filter(
          ([, code]) =>
            !known.has(code!) && /^(?:ACTOR|ASK|COMPONENT|CAPABILITY|CONFIG|FILE|CONTROL|MAILBOX)_/.test(code!),
        )
        .map(([, code]) => `${path}: ${code}`),
    );
    assert.deepEqual(unknown, []);
  });
});

describe('planted violations', () => {
  for (const { name, rule, planted, kept } of RULES) {
    test(`planted: ${name}`, () => {
      for (const files of planted) {
        const found = rule(files);
        const first = files[0]!;
        assert.notEqual(found.length, 0, `not caught: ${first.path}: ${first.text.slice(0, 200)}`);
      }
      for (const files of kept) assert.deepEqual(rule(files), []);
    });
  }

  test('planted: a loop in the table is reported with its path', () => {
    assert.deepEqual(tableLoops({ a: ['b'], b: ['c'], c: ['a'] }), ['a → b → c → a']);
  });

  test('planted: a code that is not used, not tested, or no longer pending is reported', () => {
    const used = file('src/actor/a.ts', "throw new RuntimeError('CODE_A', 'x');\n");
    const tested = file('test/a.test.ts', "{ code: 'CODE_A' }\n");
    assert.deepEqual(codeUse(['CODE_A'], [], [used, tested]), []);
    assert.deepEqual(codeUse(['CODE_A'], [], [tested]), ['CODE_A is used nowhere in src/']);
    assert.deepEqual(codeUse(['CODE_A'], [], [used]), ['CODE_A is named in no test']);
    assert.deepEqual(codeUse(['CODE_A'], ['CODE_A'], [used]), []);
    assert.equal(codeUse(['CODE_A'], ['CODE_A'], [used, tested]).length, 1);
    const mentioned = file('src/actor/a.ts', '/** `CODE_A` */\n');
    assert.deepEqual(codeUse(['CODE_A'], [], [mentioned, tested]), ['CODE_A is used nowhere in src/']);
  });
});

describe('planted promises', () => {
  test('planted: a promise without a test, a test without a promise, and a promise twice are reported', () => {
    const page = '| **S1** | a |\n| **S2** | b; see S9 |\n';
    const both = file('src/a/a.test.ts', "test('S1, S2: a', () => {});\n");
    assert.deepEqual(promiseUse(page, [both]), []);
    const one = file('src/a/a.test.ts', "test(\n  'S1: a',\n  () => {});\n// S2: b\n");
    assert.deepEqual(promiseUse(page, [one]), ['S2 is promised, and no test is named after it']);
    const other = file('test/a.test.ts', "test('S3: a', () => {});\n");
    assert.deepEqual(promiseUse(page, [both, other]), ['test/a.test.ts tests S3: not promised']);
    assert.deepEqual(promiseUse(`${page}| **S2** | c |\n`, [both]), ['S2 is promised twice']);
  });
});

describe('source text', () => {
  test('codeOnly blanks comments, strings, templates and regular expressions, and keeps lines', () => {
    const text = "a /* b\n c */ 'd//' `e ${f({ g: `h` })} i` + /j'k/.test(l) / m // n\no";
    assert.equal(codeOnly(text).replaceAll(/ +/g, ' '), 'a \n f({ g: }) + .test(l) / m \no');
  });

  test('importsOf finds every form of import, and none in comments or strings', () => {
    const text = [
      "import a from './a.ts';",
      "import './b.ts';",
      "import {\n  type C,\n} from './c.ts';",
      "export { d } from './d.ts';",
      "const e = await import('./e.ts');",
      "type F = import('./f.ts').F;",
      "// import x from './x.ts';",
      " * import y from './y.ts';",
      "const text = `import z from './z.ts'`;",
    ].join('\n');
    assert.deepEqual(importsOf(text).sort(), ['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts']);
  });
});
