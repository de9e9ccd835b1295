import { Command } from 'commander';
import { connectControl } from '../../client/index.ts';
import type { CliContext } from '../context.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { count, humanDuration, sanitizeLine, toJson, writeLine } from '../text.ts';

interface PsOptions {
  readonly app: string;
  readonly output: OutputFormat;
}

/** `troupe ps`: the actors of a running application. */
export function psCommand(context: CliContext): Command {
  const command = new Command('ps').summary('list the actors of a running application');
  command.description(
    'Lists the actors of a running application, with their states and counters, and its HTTP routes.',
  );
  withOutput(withApplication(command));
  withExamples(command, [
    ['troupe ps', 'the application of this folder'],
    ['troupe ps --app examples/birdstrikes', 'the application of another folder'],
    ['troupe ps --output json', 'for scripts'],
  ]);
  return command.action(async (options: PsOptions) => {
    const { stdout, interrupts, clock } = context;
    const client = await connectControl({ dir: options.app });
    const application = await client.application(interrupts.signal);
    const actors = await client.actors(interrupts.signal);
    if (options.output === 'json') {
      writeLine(stdout, toJson({ application, actors }));
      return;
    }
    const uptime = humanDuration(Math.max(0, clock.wallMs() - application.startedAtMs));
    const name = sanitizeLine(application.name);
    writeLine(stdout, `${name}: ${count(actors.length, 'actor')}, process ${application.pid}, up ${uptime}`);
    const { renderActors } = await import('../actor-table.ts');
    writeLine(stdout, renderActors(stdout, actors));
    if (application.ingress === undefined) return;
    const { renderRoutes } = await import('../http-table.ts');
    writeLine(stdout, `\n${renderRoutes(stdout, application.ingress, actors)}`);
  });
}
