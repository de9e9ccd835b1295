import { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import type { UpOptions } from '../up/run-up.ts';

/** `troupe up`: runs an application until it is interrupted, stopped, or has nobody left. */
export function upCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('up').summary('run an application');
  command
    .description(
      [
        'Runs the application of a troupe.toml until it is stopped: every component in its sandbox, its actors under supervision. On a terminal its actors and its view are shown live; elsewhere the view is printed when it changes.',
        'Ctrl-C stops it in order and ends with 130; a second one ends it at once. SIGTERM takes nothing new, finishes what was accepted within [application] drain (5s), stops it in order and ends with 143, or with 75 if messages were lost; a second one ends it at once.',
        'It ends by itself, with 0, when no actor is left, or with 69 if one of them was given up.',
      ].join('\n\n'),
    )
    .argument('[path]', 'folder of the application, or its troupe.toml', '.')
    .option('--until-idle', 'end when every task has ended and every mailbox is empty')
    .option('--no-view', 'show events only')
    .option('--record <file>', 'write the grants that its components used or missed, to be put into troupe.toml');
  withOutput(command);
  withExamples(command, [
    ['troupe up', 'the application of this folder'],
    ['troupe up examples/birdstrikes', 'that of another folder'],
    ['troupe up --until-idle', 'do the work there is, then end'],
    ['troupe up --record grants.toml', 'find out which grants its components need'],
    ['troupe up --output json', 'events as JSON lines'],
  ]);
  return command.action(async (path: string, options: UpOptions) => {
    const { runUp } = await import('../up/run-up.ts');
    finish(await runUp(context, path, options));
  });
}
