import { PassThrough, Readable } from 'node:stream';
import { type CliContext, type Interrupt, Interrupts, type RuntimePort, runCli } from '../../src/cli/index.ts';
import { ManualClock, systemClock } from '../../src/time/index.ts';

/** A command line that runs in this process: what it wrote, and how to interrupt it. */
export interface CliRun {
  readonly interrupts: Interrupts;
  /** Exit codes of "at once" endings, which would have ended the process. */
  readonly exits: readonly number[];
  /** Interrupts it a second time, late enough to be no echo of the first. */
  interruptAgain(interrupt: Interrupt): void;
  readonly done: Promise<number>;
  stdout(): string;
  stdoutBytes(): Buffer;
  stderr(): string;
}

export interface CliRunOptions {
  readonly argv: readonly string[];
  readonly runtime?: RuntimePort;
  /** Standard input. Default: empty. */
  readonly input?: string | Uint8Array;
  /** Whether standard output and errors are a terminal. */
  readonly terminal?: boolean;
}

/** Runs a command line in this process, with streams of its own. */
export function startCli({ argv, runtime, input = '', terminal = false }: CliRunOptions): CliRun {
  const exits: number[] = [];
  const clock = new ManualClock();
  const interrupts = new Interrupts((code) => exits.push(code), clock);
  const stdout = capture(terminal);
  const stderr = capture(terminal);
  const context: CliContext = {
    argv,
    stdin: Readable.from([Buffer.from(input)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    environment: {},
    clock: systemClock,
    interrupts,
    loadRuntime: async () => runtime ?? (await import('../../src/runtime/index.ts')),
  };
  return {
    interrupts,
    exits,
    interruptAgain: (interrupt) => {
      clock.advance(1_000);
      interrupts.raise(interrupt);
    },
    done: runCli(context),
    stdout: () => stdout.bytes().toString('utf8'),
    stdoutBytes: stdout.bytes,
    stderr: () => stderr.bytes().toString('utf8'),
  };
}

function capture(terminal: boolean) {
  const chunks: Buffer[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY: terminal, columns: 100, rows: 30 });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, bytes: () => Buffer.concat(chunks) };
}
