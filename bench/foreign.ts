/**
 * Contenders that are programs of their own. They speak lines: `keys` is answered with the workloads that it has, a
 * workload and a number with nanoseconds for one time (`idleBytes`: with bytes), and they check themselves that nothing
 * was lost.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Contender, Workload } from './workloads/contender.ts';

const PEERS = join(import.meta.dirname, 'peers');
const ERLANG = join(PEERS, 'erlang');
const TOKIO = join(PEERS, 'tokio');
/** What is built stays there, outside of version control, so that the next run need not build. */
const TOKIO_BUILT = join(import.meta.dirname, '..', '.troupe', 'bench-tokio');
/** Where Debian's packages put crates (`apt install librust-tokio-dev`); without them, cargo asks its registry. */
const DEBIAN_CRATES = '/usr/share/cargo/registry';
const BUILD_DEADLINE_MS = 180_000;

/** A contender, or why there is none. */
export type Foreign = { readonly contender: Contender } | { readonly why: string };

class LineProgram {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => this.#reader.close());
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async ask(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#child.spawnfile} ended without an answer to "${line}"`);
    return value;
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.kill();
    this.#reader.close();
  }
}

async function contenderOf(name: string, program: LineProgram, close: () => Promise<void>): Promise<Contender> {
  const keys = (await program.ask('keys')).split(' ').filter((key) => key !== 'idleBytes');
  const workloadOf = (key: string): Workload => {
    return async (times) => {
      const ns = Number(await program.ask(`${key} ${times}`));
      if (Number.isNaN(ns)) throw new Error(`${name} has no figure for ${key}`);
      return ns;
    };
  };
  return {
    name,
    workloads: Object.fromEntries(keys.map((key) => [key, workloadOf(key)])),
    idleBytes: workloadOf('idleBytes'),
    close: () => {
      program.close();
      return close();
    },
  };
}

/** Erlang with one scheduler, since everybody else has one thread. */
export async function erlang(): Promise<Foreign> {
  if (spawnSync('erlc', ['-help']).error !== undefined) return { why: 'Erlang: no `erl` here' };
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const source = join(ERLANG, 'troupe_bench.erl');
  const { status, stdout } = spawnSync('erlc', ['-o', folder, source], { encoding: 'utf8' });
  if (status !== 0) {
    await remove();
    return { why: `Erlang: it does not build here (${stdout.trim().split('\n').at(-1)})` };
  }
  const args = ['+S', '1:1', '+P', '2000000', '-noshell', '-pa', folder, '-s', 'troupe_bench', 'main'];
  return { contender: await contenderOf('erlang', new LineProgram('erl', args), remove) };
}

function cargo(): string | undefined {
  const candidates = ['cargo', join(homedir(), '.cargo', 'bin', 'cargo')];
  return candidates.find((command) => spawnSync(command, ['--version']).status === 0);
}

/** Rust tasks on tokio's runtime for one thread. */
export async function tokio(): Promise<Foreign> {
  const command = cargo();
  if (command === undefined) return { why: 'tokio: no `cargo` here' };
  cpSync(TOKIO, TOKIO_BUILT, { recursive: true });
  const crates = existsSync(DEBIAN_CRATES)
    ? [
        '--offline',
        ...['--config', `source.crates-io.replace-with="debian"`],
        ...['--config', `source.debian.directory="${DEBIAN_CRATES}"`],
      ]
    : [];
  const { status, stderr } = spawnSync(command, ['build', '--release', '--quiet', ...crates], {
    cwd: TOKIO_BUILT,
    encoding: 'utf8',
    timeout: BUILD_DEADLINE_MS,
  });
  if (status !== 0) return { why: `tokio: it does not build here (${(stderr ?? '').trim().split('\n')[0]})` };
  const program = new LineProgram(join(TOKIO_BUILT, 'target', 'release', 'troupe-bench-tokio'), []);
  return { contender: await contenderOf('tokio', program, async () => undefined) };
}
