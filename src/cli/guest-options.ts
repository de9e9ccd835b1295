import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { RuntimeError } from '../errors/index.ts';
import type { RunCommandOptions } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { collect, parseMemory } from './options.ts';
import { sanitizeLine, writeLine } from './text.ts';

/** What a component that is run by itself gets, as `run` and `serve` take it. */
export interface GuestOptions {
  readonly dir?: readonly string[];
  readonly env?: readonly string[];
  readonly allowHttp?: readonly string[];
  readonly allowNet?: readonly string[];
  readonly listen?: readonly string[];
  readonly memory?: string;
  readonly data?: string;
}

/** What was read of them. */
export type GuestGrants = Pick<
  RunCommandOptions,
  'file' | 'env' | 'dirs' | 'http' | 'network' | 'memoryBytes' | 'dataDirectory'
>;

/** Adds the options of {@link GuestOptions}, except `--listen`. */
export function withGuestOptions(command: Command): Command {
  return command
    .option('--dir <host[::guest]>', 'let it use a folder, under the same or another path; repeatable', collect)
    .option('--env <name[=value]>', 'set an environment variable, or pass this one on; repeatable', collect)
    .option('--allow-http <pattern>', 'let it send HTTP requests there; repeatable', collect)
    .option('--allow-net <pattern>', 'let it connect and send datagrams there; repeatable', collect)
    .option('--memory <size>', 'linear memory that it may have')
    .option('--data <dir>', 'keep its key-value buckets in this folder; without, they end with it');
}

/** Reads them, and sees that the component's file is there. */
export async function readGuestOptions(context: CliContext, file: string, options: GuestOptions): Promise<GuestGrants> {
  // What is wrong with the command line comes before what is wrong with files.
  const memoryBytes = options.memory === undefined ? undefined : await parseMemory(options.memory);
  const env = parseEnvironment(options.env ?? [], context.environment);
  const network = await parseNetwork(options);
  await checkFile(file);
  const dirs = await Promise.all((options.dir ?? []).map(parseDir));
  return {
    file,
    env,
    dirs,
    ...network,
    ...(options.data === undefined ? {} : { dataDirectory: options.data }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  };
}

async function checkFile(file: string): Promise<void> {
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined)
    throw new RuntimeError('FILE_NOT_FOUND', `Cannot read the component "${file}": it is not there`);
  if (stats.isFile()) return;
  const reason = stats.isDirectory() ? 'it is a folder' : 'it is not a regular file';
  throw new RuntimeError('FILE_UNREADABLE', `Cannot read the component "${file}": ${reason}`, {
    details: stats.isDirectory() ? { help: [`to run an application: troupe up ${file}`] } : {},
  });
}

async function parseDir(text: string): Promise<{ hostPath: string; guestPath: string }> {
  const at = text.indexOf('::');
  const hostPath = at < 0 ? text : text.slice(0, at);
  const guestPath = at < 0 ? text : text.slice(at + 2);
  if (hostPath === '' || guestPath === '') {
    throw new RuntimeError('USAGE_INVALID', `Cannot read --dir "${text}": expected HOST or HOST::GUEST`);
  }
  const stats = await stat(hostPath).catch(() => undefined);
  if (stats === undefined)
    throw new RuntimeError('FILE_NOT_FOUND', `Cannot give the folder "${hostPath}": it is not there`);
  if (!stats.isDirectory()) throw new RuntimeError('FILE_UNREADABLE', `Cannot give "${hostPath}": it is not a folder`);
  return { hostPath, guestPath };
}

async function parseNetwork({ allowHttp = [], allowNet = [], listen = [] }: GuestOptions) {
  if (allowHttp.length + allowNet.length + listen.length === 0) return {};
  const { ENDPOINT_EXPECTED, isConnectPattern, isHttpPattern, isListenPattern } = await import('../config/index.ts');
  const check = (
    flag: string,
    patterns: readonly string[],
    kind: { is: (text: string) => boolean; expected: string },
  ) => {
    const wrong = patterns.find((pattern) => !kind.is(pattern));
    if (wrong === undefined) return;
    throw new RuntimeError('USAGE_INVALID', `Cannot read ${flag} "${wrong}": expected ${kind.expected}`);
  };
  check('--allow-http', allowHttp, { is: isHttpPattern, expected: ENDPOINT_EXPECTED.http });
  check('--allow-net', allowNet, { is: isConnectPattern, expected: ENDPOINT_EXPECTED.connect });
  check('--listen', listen, { is: isListenPattern, expected: ENDPOINT_EXPECTED.listen });
  return { http: allowHttp, network: { connect: allowNet, listen } };
}

function parseEnvironment(
  given: readonly string[],
  environment: CliContext['environment'],
): Readonly<Record<string, string>> {
  const entries = given.map((text): [string, string] => {
    const at = text.indexOf('=');
    const name = at < 0 ? text : text.slice(0, at);
    if (name === '')
      throw new RuntimeError('USAGE_INVALID', `Cannot read --env "${text}": expected NAME=VALUE or NAME`);
    if (at >= 0) return [name, text.slice(at + 1)];
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value === undefined) {
      throw new RuntimeError('USAGE_INVALID', `Cannot pass on the variable "${name}": it is not set`, {
        details: { help: [`to set it: --env ${name}=VALUE`] },
      });
    }
    return [name, value];
  });
  return Object.fromEntries(entries);
}

/** Denials that are reported; a guest can provoke any number. */
const DENIALS_SHOWN_MAX = 20;

/** Lines of `troupe.toml` that would allow something, and the option that does the same here. */
const OPTION_OF_LINE: readonly (readonly [RegExp, string])[] = [
  [/^http = \["(.+)"\]$/, '--allow-http'],
  [/^network = \{ connect = \["(.+)"\] \}$/, '--allow-net'],
  [/^network = \{ listen = \["(.+)"\] \}$/, '--listen'],
];

/** Says each thing that the program was denied once, with the option that would allow it. */
export function denialReporter({ stderr }: CliContext): NonNullable<RunCommandOptions['onDenied']> {
  const shown = new Set<string>();
  return ({ line = '' }) => {
    if (shown.size >= DENIALS_SHOWN_MAX || shown.has(line)) return;
    shown.add(line);
    for (const [form, option] of OPTION_OF_LINE) {
      const pattern = form.exec(line)?.[1];
      if (pattern !== undefined) writeLine(stderr, sanitizeLine(`troupe: denied; to allow it: ${option} ${pattern}`));
    }
  };
}
