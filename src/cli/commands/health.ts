import { Command } from 'commander';
import { connectControl } from '../../client/index.ts';
import type { CliContext } from '../context.ts';
import { troubleText } from '../health-text.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { toJson, writeLine } from '../text.ts';

/** `troupe health`: whether a running application gets on. */
export function healthCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('health').summary('say whether a running application gets on');
  command.description(
    'Says whether the actors of a running application get on, and which do not. Ends with 0 if all is well, with 1 if not, and as other commands if it cannot be asked.',
  );
  withOutput(withApplication(command));
  withExamples(command, [
    ['troupe health', 'what is wrong, if anything'],
    ['troupe health > /dev/null || echo unwell', 'in a probe'],
  ]);
  return command.action(async ({ app, output }: { readonly app: string; readonly output: OutputFormat }) => {
    const { stdout, interrupts } = context;
    const client = await connectControl({ dir: app });
    const health = await client.health(interrupts.signal);
    if (output === 'json') writeLine(stdout, toJson(health));
    else writeLine(stdout, [health.status, ...health.reasons.map(troubleText)].join('\n'));
    if (health.status !== 'healthy') finish(1);
  });
}
