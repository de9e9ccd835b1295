import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = dirname(dirname(import.meta.dirname));

/** The entry of the command line. */
export const CLI_MAIN = join(ROOT, 'src', 'cli', 'main.ts');

/** Longest life of a process under test; far more than any of them takes. */
const LIFE_MS = 60_000;

/** Longest wait for a text or a state. */
const WAIT_MS = 30_000;

/** A `troupe` process of its own. */
export interface TroupeProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended and all its output is read: its exit code, or the signal that ended it. */
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Waits until what it wrote (to either stream) matches. */
  writes(pattern: RegExp): Promise<void>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
}

export interface TroupeOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What is written to its standard input, which is closed then. `'open'`: nothing, and it stays open. */
  readonly input?: string | Uint8Array;
}

/** Starts `troupe` with these arguments. */
export function startTroupe(args: readonly string[], options: TroupeOptions = {}): TroupeProcess {
  const { cwd = ROOT, env = {}, input = '' } = options;
  const child = spawn(process.execPath, [CLI_MAIN, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: LIFE_MS,
    killSignal: 'SIGKILL',
  });
  // A process that does not read its input is no failure of the test's.
  child.stdin.on('error', () => undefined);
  if (input !== 'open') child.stdin.end(input);
  const stdout = gather(child.stdout);
  const stderr = gather(child.stderr);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code, signal, stdout: stdout().toString(), stdoutBytes: stdout(), stderr: stderr().toString() }),
    );
  });
  const both = () => `${stdout()}${stderr()}`;
  return {
    child,
    ended,
    stdout: () => stdout().toString(),
    stderr: () => stderr().toString(),
    writes: (pattern) =>
      until(
        () => pattern.test(both()),
        () => `${pattern} in:\n${both()}`,
      ),
  };
}

/** Runs `troupe` to its end. */
export function troupe(args: readonly string[], options: TroupeOptions = {}): Promise<Ended> {
  return startTroupe(args, options).ended;
}

/** Waits until `holds`; fails with `describe` when it takes too long. */
export async function until(holds: () => boolean | Promise<boolean>, describe: () => string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited too long for ${describe()}`);
    await sleep(10);
  }
}

function gather(stream: NodeJS.ReadableStream): () => Buffer {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks);
}
