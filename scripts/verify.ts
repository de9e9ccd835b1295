/**
 * `npm run verify`: everything that must hold before a change is shared, tests aside. Each step is shown with its
 * time; a failing step does not hide the others, except those that build upon it.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkPackage } from './package-check.ts';

const ROOT = dirname(import.meta.dirname);
/** No step takes a tenth of it; nothing hangs for ever. */
const STEP_DEADLINE_MS = 300_000;

interface Step {
  readonly name: string;
  /** Resolves with what went wrong, or with nothing. */
  readonly run: (temp: string) => Promise<string | undefined>;
  /** Names of the steps without which this one says nothing. */
  readonly needs?: readonly string[];
}

/** Runs a program of this project and resolves with its output if it fails. */
function command(...args: readonly [string, ...string[]]): () => Promise<string | undefined> {
  return () =>
    new Promise((resolve) => {
      const [program, ...rest] = args;
      const child = spawn(program, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], timeout: STEP_DEADLINE_MS });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
      child.once('error', (error) => resolve(`${program}: ${error.message}`));
      child.once('close', (code, signal) =>
        resolve(code === 0 ? undefined : `${output.trimEnd()}\n(${args.join(' ')}: ${signal ?? `exit code ${code}`})`),
      );
    });
}

const bin = (name: string): string => join(ROOT, 'node_modules', '.bin', name);
const node = process.execPath;

const STEPS: readonly Step[] = [
  { name: 'format and lint', run: command(bin('biome'), 'ci', '--colors=off', '.') },
  { name: 'types', run: command(bin('tsc'), '-p', 'tsconfig.json') },
  { name: 'tidy', run: command(node, 'scripts/test.ts', 'test/tidy.test.ts') },
  { name: 'generated documents', run: command(node, 'scripts/generate-docs.ts', '--check') },
  { name: 'build', run: command(node, 'scripts/build.ts'), needs: ['types'] },
  { name: 'packed install', run: (temp) => checkPackage(ROOT, temp), needs: ['build'] },
];

async function main(): Promise<number> {
  const temp = mkdtempSync(join(tmpdir(), 'troupe-verify-'));
  const failed = new Set<string>();
  try {
    for (const step of STEPS) {
      const missing = step.needs?.find((name) => failed.has(name));
      if (missing !== undefined) {
        failed.add(step.name);
        console.log(`- ${step.name}: not run, since "${missing}" failed`);
        continue;
      }
      const started = performance.now();
      const problem = await step.run(temp);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${problem === undefined ? '✓' : '✗'} ${step.name} (${seconds} s)`);
      if (problem === undefined) continue;
      failed.add(step.name);
      console.log(problem.replaceAll(/^(?=.)/gm, '    '));
    }
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
  console.log(failed.size === 0 ? 'Everything holds' : `Failed: ${[...failed].join(', ')}`);
  return failed.size === 0 ? 0 : 1;
}

process.exitCode = await main();
