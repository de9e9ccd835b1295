import { RuntimeError } from '../errors/index.ts';
import { systemClock } from '../time/index.ts';
import type { CliContext, OutputStream } from './context.ts';
import { type Interrupt, Interrupts, interruptExitCode } from './interrupts.ts';
import { reportError } from './report-error.ts';
import { chosenFormat, runCli } from './run-cli.ts';

const SIGNALS: readonly Interrupt[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Runs the command of this process's arguments and ends the process with its exit code. */
export async function startProcess(): Promise<void> {
  const interrupts = new Interrupts((code) => process.exit(code), systemClock);
  listen(interrupts, process.argv[2]);
  const context: CliContext = {
    argv: process.argv.slice(2),
    // Opened on demand: most commands read nothing.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    clock: systemClock,
    interrupts,
    loadRuntime: () => import('../runtime/index.ts'),
  };
  let outputFailure: RuntimeError | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const name = stream === process.stdout ? 'standard output' : 'standard error';
      // `troupe ps | head -1` is no error; nor is a terminal that was closed.
      const readerLeft = error.code === 'EPIPE' || stream.isTTY === true;
      if (!readerLeft) outputFailure ??= new RuntimeError('OUTPUT_FAILED', `Cannot write to ${name}: ${error.message}`);
      // The guest of `run` is told by its stream, and may have something to finish.
      if (readerLeft || process.argv[2] !== 'run') interrupts.raise('SIGPIPE');
    });
  }
  process.on('uncaughtException', (error) => {
    interrupts.removeAll();
    process.exit(reportError(context, error, 'table'));
  });
  const code = await runCli(context);
  interrupts.removeAll();
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  const hasSaidWhy = code !== 0 && code !== interruptExitCode('SIGPIPE');
  if (outputFailure === undefined || hasSaidWhy) process.exit(code);
  process.exit(reportError(context, outputFailure, chosenFormat(context.argv)));
}

/**
 * Lets signals end the process as `command` needs it. Only `up` and `serve` have something to stop in order. A guest that `run` runs
 * has this thread to itself, and nothing is to be removed: the system's own way of ending a process works even when the
 * guest never gives the thread back, and tells a shell that it was a signal.
 */
function listen(interrupts: Interrupts, command: string | undefined): void {
  if (command === 'run') return;
  for (const signal of SIGNALS) {
    process.on(signal, () => (isStoppedInOrder(command) ? interrupts.raise(signal) : interrupts.end(signal)));
  }
}

function isStoppedInOrder(command: string | undefined): boolean {
  return command === 'up' || command === 'serve';
}

/** Resolves when everything written has left the process; writes are asynchronous on some systems. */
function flush(stream: OutputStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (stream.destroyed) resolve();
  else stream.write('', () => resolve());
  return promise;
}
