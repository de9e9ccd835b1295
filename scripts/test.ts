/**
 * `npm test`: every test, in two groups. Unit tests share one process, since they hold no global state; whatever
 * needs processes, files or real time has a process for each file.
 *
 *     npm test                      all but the slow ones (`x.slow.test.ts`)
 *     npm run test:slow             these
 *     npm test -- mailbox config    only files whose path contains one of the words, slow ones too
 *     npm test -- --name "Mailbox"  only tests whose name matches the pattern; may follow the words
 */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = dirname(import.meta.dirname);
const EVERY_TEST = ['src', 'test', 'fixtures', 'examples', 'bench'].map((folder) => `${folder}/**/*.test.ts`);
/** What takes many seconds, or servers that are not ours, has these in its name. */
const SLOW = '.slow.test.ts';
/** Sources of guests in languages that share the ending. */
const NOT_OURS = ['**/node_modules/**', 'examples/**/as/**', 'fixtures/**/as/**', '**/assembly/**', '**/*.as.ts'];

interface Group {
  readonly name: string;
  readonly holds: (file: string) => boolean;
  readonly flags: readonly string[];
  /** The whole group is ended then: nothing hangs for ever, here too. */
  readonly deadlineMs: number;
}

const isUnit = (file: string): boolean => file.startsWith('src/') || file === 'test/tidy.test.ts';

const GROUPS: readonly Group[] = [
  {
    name: 'unit',
    holds: isUnit,
    flags: ['--test-isolation=none', '--test-timeout=20000'],
    deadlineMs: 120_000,
  },
  {
    name: 'isolated',
    holds: (file) => !isUnit(file),
    flags: [`--test-concurrency=${availableParallelism() + 1}`, '--test-timeout=120000'],
    deadlineMs: 600_000,
  },
];

/** What the hundreds of processes of a run would otherwise each compile anew: half of their time. */
const COMPILED = mkdtempSync(join(tmpdir(), 'troupe-compiled-'));

function runGroup(group: Group, files: readonly string[], more: readonly string[]): Promise<boolean> {
  const args = ['--test', ...group.flags, ...more, `--test-reporter=${join(import.meta.dirname, 'test-reporter.ts')}`];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args, ...files], {
    cwd: ROOT,
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const onSignal = (): void => void child.kill('SIGTERM');
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const timer = setTimeout(() => {
    console.error(`The group "${group.name}" was ended: it took longer than ${group.deadlineMs / 1000} s`);
    child.kill('SIGKILL');
  }, group.deadlineMs);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      // 1 is what failing tests give. Anything else happened to the process itself.
      if (code !== 0 && code !== 1)
        console.error(`The process of "${group.name}" ended with ${signal ?? `exit code ${code}`}`);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      resolve(code === 0);
    });
  });
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } });
  const wanted = (file: string): boolean =>
    positionals.length === 0 ? !file.endsWith(SLOW) : positionals.some((word) => file.includes(word));
  const files = globSync(EVERY_TEST, { cwd: ROOT, exclude: NOT_OURS }).filter(wanted).sort();
  if (files.length === 0) {
    console.error(`No test file has ${positionals.map((word) => `"${word}"`).join(' or ')} in its path`);
    return 64;
  }
  const more = values.name === undefined ? [] : [`--test-name-pattern=${values.name}`];
  const started = performance.now();
  const failed: string[] = [];
  for (const group of GROUPS) {
    const own = files.filter(group.holds);
    if (own.length === 0) continue;
    console.log(`${group.name}: ${own.length} files`);
    if (!(await runGroup(group, own, more))) failed.push(group.name);
    console.log('');
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(failed.length === 0 ? `All tests pass (${seconds} s)` : `Failed: ${failed.join(', ')} (${seconds} s)`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  rmSync(COMPILED, { recursive: true, force: true });
}
