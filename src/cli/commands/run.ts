import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { RuntimeError } from '../../errors/index.ts';
import type { RunCommandOptions } from '../../runtime/index.ts';
import type { CliContext } from '../context.ts';
import { interruptExitCode } from '../interrupts.ts';
import { logLines } from '../log-lines.ts';
import { collect, parseDurationFlag, parseMemory, withExamples, withOutput } from '../options.ts';
import { sanitizeLine, writeLine } from '../text.ts';

/** What an interrupted guest gets to end before the process ends without it. */
const KILL_GRACE_MS = 2_000;

interface RunOptions {
  readonly dir?: readonly string[];
  readonly env?: readonly string[];
  readonly allowHttp?: readonly string[];
  readonly allowNet?: readonly string[];
  readonly listen?: readonly string[];
  readonly memory?: string;
  readonly timeout?: number;
  readonly data?: string;
}

/** `troupe run`: a `wasi:cli/run` component as a command of this terminal. */
export function runCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('run').summary('run a command component');
  command
    .description(
      [
        'Runs a component that exports wasi:cli/run, with the input and output of this terminal, and ends with its exit code, or with 134 if it traps. It sees no file, no variable and no network but what the options give.',
        'Options stand before the file; what follows the file goes to the component as it is.',
      ].join('\n\n'),
    )
    .usage('[options] <file.wasm> [args...]')
    .argument('<file>', 'the component')
    .argument('[args...]', 'its arguments')
    .passThroughOptions()
    .option('--dir <host[::guest]>', 'let it use a folder, under the same or another path; repeatable', collect)
    .option('--env <name[=value]>', 'set an environment variable, or pass this one on; repeatable', collect)
    .option('--allow-http <pattern>', 'let it send HTTP requests there; repeatable', collect)
    .option('--allow-net <pattern>', 'let it connect and send datagrams there; repeatable', collect)
    .option('--listen <pattern>', 'let it listen at an address of this machine; repeatable', collect)
    .option('--memory <size>', 'linear memory that it may have')
    .option('--timeout <duration>', 'end it after this time', parseDurationFlag)
    .option('--data <dir>', 'keep its key-value buckets in this folder; without, they end with it');
  withOutput(command);
  withExamples(command, [
    ['troupe run hello.wasm', 'no arguments'],
    ['troupe run hello.wasm --name Ada', "flags after the file are the component's"],
    ['troupe run --dir ./data::/data wc.wasm /data/a.txt', 'give it a folder'],
    ['troupe run --env LANG --env MODE=fast tool.wasm', 'pass one variable on, set another'],
    ['troupe run --allow-http "https://*.example.com" fetch.wasm', 'let it call a service'],
    ['troupe run --allow-net tcp://localhost:5432 --listen "tcp://127.0.0.1:*" proxy.wasm', 'let it use sockets'],
    ['troupe run --memory 64MiB --timeout 5s tool.wasm < in > out', 'limit it'],
  ]);
  return command.action(async (file: string, args: readonly string[], options: RunOptions) => {
    const request = await toRequest(context, { file, args, options });
    const runtime = await context.loadRuntime();
    finish(await untilInterrupted(context, runtime.runCommand(request)).catch(rethrowWithHelp));
  });
}

/** The limits of a guest stand in a file elsewhere; here they are an option. */
function rethrowWithHelp(error: unknown): never {
  if (!RuntimeError.is(error, 'COMPONENT_LIMIT')) throw error;
  const help = ['to give it more memory here: troupe run --memory SIZE'];
  throw new RuntimeError(error.code, error.message, { details: { ...error.details, help }, cause: error });
}

async function toRequest(
  context: CliContext,
  given: { file: string; args: readonly string[]; options: RunOptions },
): Promise<RunCommandOptions> {
  const { file, args, options } = given;
  // What is wrong with the command line comes before what is wrong with files.
  const memoryBytes = options.memory === undefined ? undefined : await parseMemory(options.memory);
  const env = parseEnvironment(options.env ?? [], context.environment);
  const network = await parseNetwork(options);
  await checkFile(file);
  const dirs = await Promise.all((options.dir ?? []).map(parseDir));
  return {
    file,
    args,
    env,
    dirs,
    ...network,
    stdin: context.stdin as RunCommandOptions['stdin'],
    stdout: context.stdout as RunCommandOptions['stdout'],
    stderr: context.stderr as RunCommandOptions['stderr'],
    signal: context.interrupts.signal,
    onLog: (entry) => {
      for (const line of logLines({ ...entry, text: entry.message })) writeLine(context.stderr, line);
    },
    onDenied: denialReporter(context),
    ...(options.data === undefined ? {} : { dataDirectory: options.data }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
  };
}

/** Ends with the guest, or, interrupted, as the signal says: at once when the guest has been stopped. */
async function untilInterrupted({ interrupts, clock }: CliContext, running: Promise<number>): Promise<number> {
  const { promise: overdue, resolve } = Promise.withResolvers<void>();
  interrupts.signal.addEventListener('abort', () => clock.after(KILL_GRACE_MS, resolve, true), { once: true });
  const ended = running.catch((error: unknown) => {
    if (interrupts.interrupt === undefined) throw error;
  });
  const exitCode = await Promise.race([ended, overdue]);
  if (interrupts.interrupt !== undefined) return interruptExitCode(interrupts.interrupt);
  return exitCode ?? 0;
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

async function parseNetwork({ allowHttp = [], allowNet = [], listen = [] }: RunOptions) {
  if (allowHttp.length + allowNet.length + listen.length === 0) return {};
  const { ENDPOINT_EXPECTED, isConnectPattern, isHttpPattern, isListenPattern } = await import('../../config/index.ts');
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

/** Denials that one run reports; a guest can provoke any number. */
const DENIALS_SHOWN_MAX = 20;

/** Lines of `troupe.toml` that would allow something, and the option that does the same here. */
const OPTION_OF_LINE: readonly (readonly [RegExp, string])[] = [
  [/^http = \["(.+)"\]$/, '--allow-http'],
  [/^network = \{ connect = \["(.+)"\] \}$/, '--allow-net'],
  [/^network = \{ listen = \["(.+)"\] \}$/, '--listen'],
];

/** Says each thing that the program was denied once, with the option that would allow it. */
function denialReporter({ stderr }: CliContext): NonNullable<RunCommandOptions['onDenied']> {
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
    const value = environment[name];
    if (value === undefined) {
      throw new RuntimeError('USAGE_INVALID', `Cannot pass on the variable "${name}": it is not set`, {
        details: { help: [`to set it: --env ${name}=VALUE`] },
      });
    }
    return [name, value];
  });
  return Object.fromEntries(entries);
}
