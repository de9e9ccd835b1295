import { Command } from 'commander';
import { RuntimeError } from '../../errors/index.ts';
import type { RunCommandOptions } from '../../runtime/index.ts';
import type { CliContext } from '../context.ts';
import { denialReporter, type GuestOptions, readGuestOptions, withGuestOptions } from '../guest-options.ts';
import { interruptExitCode } from '../interrupts.ts';
import { logLines } from '../log-lines.ts';
import { collect, parseDurationFlag, withExamples, withOutput } from '../options.ts';
import { writeLine } from '../text.ts';

/** What an interrupted guest gets to end before the process ends without it. */
const KILL_GRACE_MS = 2_000;

interface RunOptions extends GuestOptions {
  readonly listen?: readonly string[];
  readonly timeout?: number;
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
    .passThroughOptions();
  withGuestOptions(command)
    .option('--listen <pattern>', 'let it listen at an address of this machine; repeatable', collect)
    .option('--timeout <duration>', 'end it after this time', parseDurationFlag);
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
  return {
    ...(await readGuestOptions(context, file, options)),
    args,
    stdin: context.stdin as RunCommandOptions['stdin'],
    stdout: context.stdout as RunCommandOptions['stdout'],
    stderr: context.stderr as RunCommandOptions['stderr'],
    signal: context.interrupts.signal,
    onLog: (entry) => {
      for (const line of logLines({ ...entry, text: entry.message })) writeLine(context.stderr, line);
    },
    onDenied: denialReporter(context),
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
