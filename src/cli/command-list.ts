import type { Command } from 'commander';
import { askCommand } from './commands/ask.ts';
import { buildCommand } from './commands/build.ts';
import { grantCommand } from './commands/grant.ts';
import { inspectCommand } from './commands/inspect.ts';
import { newCommand } from './commands/new.ts';
import { psCommand } from './commands/ps.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { tellCommand } from './commands/tell.ts';
import { typesCommand } from './commands/types.ts';
import { upCommand } from './commands/up.ts';
import type { CliContext } from './context.ts';
import { KEPT_COMMANDS } from './kept-commands.ts';
import { WATCH_COMMANDS } from './watch-commands.ts';

/** Makes one command: given where to put the exit code. */
export type CommandFactory = (context: CliContext, finish: (exitCode: number) => void) => Command;

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly CommandFactory[] = [
  upCommand,
  runCommand,
  serveCommand,
  newCommand,
  buildCommand,
  inspectCommand,
  grantCommand,
  typesCommand,
  psCommand,
  askCommand,
  tellCommand,
  ...KEPT_COMMANDS,
  ...WATCH_COMMANDS,
];
