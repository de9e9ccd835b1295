/**
 * Contenders that are programs of their own. They speak lines: `keys` is answered with the workloads that it has, a
 * workload and a number with nanoseconds for one time, and they check themselves that nothing was lost.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Contender, Workload } from './workloads/contender.ts';

const ERLANG = join(import.meta.dirname, 'peers', 'erlang');

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
  const keys = (await program.ask('keys')).split(' ');
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
    close: () => {
      program.close();
      return close();
    },
  };
}

/** Builds with `build` into a folder of its own, and starts what `commandOf` names. */
async function built(
  name: string,
  build: (folder: string) => { readonly status: number | null; readonly stderr: string },
  commandOf: (folder: string) => readonly [string, readonly string[]],
): Promise<Foreign> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const { status, stderr } = build(folder);
  if (status !== 0) {
    await remove();
    return { why: `${name}: it does not build here (${stderr.trim().split('\n').at(-1)})` };
  }
  return { contender: await contenderOf(name, new LineProgram(...commandOf(folder)), remove) };
}

/** Erlang with one scheduler, since everybody else has one thread. */
export async function erlang(): Promise<Foreign> {
  if (spawnSync('erlc', ['-help']).error !== undefined) return { why: 'Erlang: no `erl` here' };
  return built(
    'erlang',
    (folder) => spawnSync('erlc', ['-o', folder, join(ERLANG, 'troupe_bench.erl')], { encoding: 'utf8' }),
    (folder) => ['erl', ['+S', '1:1', '+P', '2000000', '-noshell', '-pa', folder, '-s', 'troupe_bench', 'main']],
  );
}
