import { Command, CommanderError } from 'commander';
import { RuntimeError } from '../errors/index.ts';
import { COMMANDS } from './command-list.ts';
import type { CliContext } from './context.ts';
import { interruptExitCode } from './interrupts.ts';
import { withExamples } from './options.ts';
import { readVersion } from './read-version.ts';
import { type OutputFormat, reportError } from './report-error.ts';
import { paint } from './text.ts';

const EXIT_CODES = `
Exit codes:
  0    done             64  wrong usage, file or configuration
  66   not found        69  failed or unavailable
  70   a bug in Troupe  73  in conflict, such as a port in use
  75   overload or timeout, try again
  77   denied           128+n  ended by signal n (130: Ctrl-C)
  run ends with the exit code of the component itself, and with 134 if it trapped`;

/** Runs one command line to its end. Never rejects: whatever goes wrong is reported and becomes the exit code. */
export async function runCli(context: CliContext): Promise<number> {
  let exitCode = 0;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(wordsToParse(context.argv, program), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (context.interrupts.interrupt === 'SIGPIPE') return interruptExitCode('SIGPIPE');
    const format = chosenFormat(context.argv);
    return reportError(
      context,
      error instanceof CommanderError ? toUsageError(error, context.argv, program) : error,
      format,
    );
  }
}

/** Builds the program with all its commands. */
export function createProgram(context: CliContext, finish: (exitCode: number) => void): Command {
  const { stdout, stderr } = context;
  const program = new Command('troupe');
  program
    .description('Runs WebAssembly components as supervised, sandboxed, message-driven actors.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES);
  withExamples(program, [
    ['troupe up examples/birdstrikes', 'run an application'],
    ['troupe run hello.wasm Ada', 'run a command component'],
    ['troupe serve hello.wasm', 'serve an HTTP component'],
    ['troupe inspect hello.wasm', 'see what a component needs'],
    ['troupe ps --app examples/birdstrikes', 'see the actors of a running application'],
  ]);
  for (const create of COMMANDS) program.addCommand(create(context, finish));
  for (const command of [program, ...program.commands.flatMap((command) => [command, ...command.commands])]) {
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureHelp({ styleTitle: (text) => paint(stdout, 'bold', text) })
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        writeErr: (text) => void stderr.write(text),
        // Errors are reported once, by `reportError`.
        outputError: () => undefined,
        getOutHelpWidth: () => stdout.columns ?? 100,
        getErrHelpWidth: () => stderr.columns ?? 100,
        getOutHasColors: () => stdout.isTTY === true,
        getErrHasColors: () => stderr.isTTY === true,
      });
    if (command !== program) command.helpOption('-h, --help', 'print help');
  }
  return program;
}

/** `help upp` is the mistake that `upp` is, with the same suggestion. */
function wordsToParse(argv: readonly string[], program: Command): string[] {
  const [first, topic] = argv;
  const mistaken = first === 'help' && topic !== undefined && !topic.startsWith('-') && !isCommand(program, topic);
  return mistaken ? [topic] : [...argv];
}

function isCommand(program: Command, word: string | undefined): boolean {
  return word === 'help' || program.commands.some((command) => command.name() === word);
}

/** The words of `argv` that name a command, and a command of it. */
function commandPath(program: Command, argv: readonly string[]): string[] {
  const path: string[] = [];
  let current: Command | undefined = program;
  for (const word of argv.filter((word) => !word.startsWith('-'))) {
    current = current.commands.find((command) => command.name() === word);
    if (current === undefined) break;
    path.push(word);
  }
  return path;
}

/** Turns what the argument parser says into our error, with its suggestion as help. */
function toUsageError(error: CommanderError, argv: readonly string[], program: Command): RuntimeError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  if (error.code === 'commander.help') {
    // Its help has been printed.
    return new RuntimeError('USAGE_INVALID', 'Cannot do anything without a command: name one of those above');
  }
  const text = first.charAt(0).toUpperCase() + first.slice(1).replace(/\.$/, '');
  const suggestion = rest.map((line) => line.replace(/^\((.*)\)$/, '$1')).filter((line) => line !== '');
  const help = [...suggestion, ['troupe', ...commandPath(program, argv), '--help'].join(' ')];
  return new RuntimeError('USAGE_INVALID', text, { details: { help } });
}

/**
 * The format for errors, read from the raw arguments because a command line that cannot be parsed has none. Looks no
 * further than `--` or the file of `run`: what follows belongs to the guest.
 */
export function chosenFormat(argv: readonly string[]): OutputFormat {
  for (const [index, word] of argv.entries()) {
    if (word === '--' || (argv[0] === 'run' && word.endsWith('.wasm'))) break;
    if (word === '--output=json' || (word === '--output' && argv[index + 1] === 'json')) return 'json';
  }
  return 'table';
}
