import { Command } from 'commander';
import { loadApplication } from '../../config/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { JsonReporter } from '../up/json-reporter.ts';
import { LineReporter } from '../up/line-reporter.ts';
import { LiveReporter } from '../up/live-reporter.ts';
import type { Reporter } from '../up/reporter.ts';
import { UpSession } from '../up/session.ts';

interface UpOptions {
  readonly untilIdle?: boolean;
  readonly view: boolean;
  readonly output: OutputFormat;
}

/** `troupe up`: runs an application until it is interrupted, stopped, or has nobody left. */
export function upCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('up').summary('run an application');
  command
    .description(
      [
        'Runs the application of a troupe.toml until it is stopped: every component in its sandbox, its actors under supervision. On a terminal its actors and its view are shown live; elsewhere the view is printed when it changes.',
        'Ctrl-C stops it in order and ends with 130 (SIGTERM: 143); a second Ctrl-C ends it at once. It ends by itself, with 0, when no actor is left, or with 69 if one of them was given up.',
      ].join('\n\n'),
    )
    .argument('[path]', 'folder of the application, or its troupe.toml', '.')
    .option('--until-idle', 'end when every task has ended and every mailbox is empty')
    .option('--no-view', 'show events only');
  withOutput(command);
  withExamples(command, [
    ['troupe up', 'the application of this folder'],
    ['troupe up examples/birdstrikes', 'that of another folder'],
    ['troupe up --until-idle', 'do the work there is, then end'],
    ['troupe up --output json', 'events as JSON lines'],
  ]);
  return command.action(async (path: string, options: UpOptions) => {
    if (path.endsWith('.wasm')) {
      throw new RuntimeError('USAGE_INVALID', `Cannot run "${path}" as an application: it is named like a component`, {
        details: { help: [`troupe run ${path}`, 'or name a folder with a troupe.toml'] },
      });
    }
    const config = await loadApplication(path, { environment: context.environment });
    const runtime = await context.loadRuntime();
    const reporter = createReporter(context, options);
    const untilIdle = options.untilIdle ?? false;
    const shown = options.view ? config : { ...config, view: undefined };
    finish(await new UpSession(context, { config: shown, runtime, reporter, untilIdle }).run());
  });
}

function createReporter(context: CliContext, options: UpOptions): Reporter {
  if (options.output === 'json') return new JsonReporter(context);
  return options.view && context.stdout.isTTY ? new LiveReporter(context) : new LineReporter(context);
}
