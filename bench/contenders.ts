/**
 * Who takes part in a run: the bare minimum always, other libraries and languages when they are asked for and there.
 *
 * Peers live in a package of their own, `peers/`, so that nobody installs them who does not compare.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { erlang, tokio } from './foreign.ts';
import type { Report } from './suite.ts';
import type { Contender } from './workloads/contender.ts';
import { bareQueue, functionCall } from './workloads/floor.ts';

const PEERS = join(import.meta.dirname, 'peers');
/** Each has a module in `peers/` that exports `contender`. Plain JavaScript: when types are checked, they are not there. */
const LIBRARIES = ['nact', 'xstate', 'effect', 'comedy', 'moleculer'] as const;

let wanted = false;

/** From now on {@link contenders} includes the peers. */
export function usePeers(): void {
  wanted = true;
}

/** Installs the locked peers, unless they are there. Returns what is in the way, if anything is. */
function install(): string | undefined {
  if (LIBRARIES.every((name) => existsSync(join(PEERS, 'node_modules', name)))) return undefined;
  console.error('Installing the peers into bench/peers/node_modules (npm ci; once)');
  const { status, stderr } = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: PEERS,
      encoding: 'utf8',
      env: { ...process.env, NODE_ENV: 'development' },
      shell: process.platform === 'win32',
    },
  );
  if (status === 0) return undefined;
  const cause = stderr.split('\n').find((line) => line.includes('npm error')) ?? 'npm did not start';
  return `they cannot be installed (${cause.replace(/^.*npm error\s*/, '').trim()}); is the registry within reach?`;
}

async function libraries(report: Report): Promise<Contender[]> {
  const obstacle = install();
  if (obstacle !== undefined) {
    report.notMeasured(`${LIBRARIES.join(', ')}: ${obstacle}`);
    return [];
  }
  const found: Contender[] = [];
  for (const name of LIBRARIES) {
    const { contender } = (await import(pathToFileURL(join(PEERS, `${name}.js`)).href)) as {
      contender: () => Promise<Contender>;
    };
    found.push(await contender());
  }
  return found;
}

async function foreign(report: Report): Promise<Contender[]> {
  const found: Contender[] = [];
  for (const start of [erlang, tokio]) {
    const result = await start();
    if ('contender' in result) found.push(result.contender);
    else report.notMeasured(result.why);
  }
  return found;
}

/** Everybody but this project's actors. What could not take part is reported. They are to be closed. */
export async function contenders(report: Report): Promise<Contender[]> {
  const floor = [functionCall(), bareQueue()];
  if (wanted) return [...floor, ...(await libraries(report)), ...(await foreign(report))];
  report.notMeasured('other libraries and languages: run with --peers');
  return floor;
}
