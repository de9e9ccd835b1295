import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { startTroupe, type TroupeProcess, troupe } from './process.ts';

const FIXTURES = join(dirname(dirname(import.meta.dirname)), 'fixtures', 'components');

/** `echo`, or `http/tour`. */
function fixtureFile(name: string): string {
  return join(FIXTURES, name.includes('/') ? `${name}.wasm` : join(name, `${name}.wasm`));
}

/** A folder with an application, and `troupe` processes that work on it. */
export interface ApplicationFolder {
  readonly folder: string;
  /** Starts `troupe up` and waits until it runs. */
  up(...args: string[]): Promise<TroupeProcess>;
  /** Runs a command against the folder and gives its standard output; fails unless it ends with 0. */
  call(...args: string[]): Promise<string>;
}

/**
 * Makes a folder with copies of the named fixtures and a `troupe.toml` that says `toml` after its name, and removes it
 * with all its processes.
 */
export async function withApplicationFolder(
  { fixtures, toml }: { readonly fixtures: readonly string[]; readonly toml: string },
  use: (application: ApplicationFolder) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-application-'));
  for (const name of fixtures) copyFileSync(fixtureFile(name), join(folder, basename(fixtureFile(name))));
  writeFileSync(join(folder, 'troupe.toml'), `[application]\nname = "demo"\n${toml}`);
  const processes: TroupeProcess[] = [];
  try {
    await use({
      folder,
      up: async (...args) => {
        const started = startTroupe(['up', folder, ...args]);
        processes.push(started);
        await started.writes(/runs as process|"type":"running"/);
        return started;
      },
      call: async (...args) => {
        const { code, stdout, stderr } = await troupe([...args, '--app', folder]);
        assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
        return stdout;
      },
    });
  } finally {
    for (const { child } of processes) child.kill('SIGKILL');
    await Promise.all(processes.map(({ ended }) => ended));
    rmSync(folder, { recursive: true, force: true });
  }
}
