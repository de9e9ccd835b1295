import { Command } from 'commander';
import { connectControl } from '../../client/index.ts';
import type { CliContext } from '../context.ts';
import { findOperation } from '../operations.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import { readPayload } from '../payloads.ts';
import type { OutputFormat } from '../report-error.ts';
import { toJson, writeLine } from '../text.ts';

interface TellOptions {
  readonly app: string;
  readonly data?: string;
  readonly output: OutputFormat;
}

/** `troupe tell`: sends a message and waits for nothing but its acceptance. */
export function tellCommand(context: CliContext): Command {
  const command = new Command('tell').summary('send a message to an actor, without a reply');
  command
    .description(
      'Sends a message to an actor of a running application. Ends as soon as its mailbox has taken it, and says nothing then; a full mailbox is an error (exit code 75). The payload is as for ask.',
    )
    .argument('<actor>', 'name of the actor')
    .argument('<op>', 'operation: its whole name, or its last part if that is unique')
    .argument('[payload]', 'the payload, or - for standard input')
    .option('--data <data>', 'the payload: @FILE, - for standard input, or text');
  withOutput(withApplication(command));
  withExamples(command, [
    ['troupe tell parse line "2026-01-01,4.5"', 'text to an actor that handles messages'],
    ['troupe tell parse line - < strikes.csv', 'bytes from standard input'],
  ]);
  return command.action(async (...[actor, op, argument]: [string, string, string | undefined]) => {
    const options = command.opts<TellOptions>();
    const { signal } = context.interrupts;
    const client = await connectControl({ dir: options.app });
    const operation = await findOperation({ client, actor, op, signal });
    const payload = await readPayload(context, { argument, data: options.data }, operation);
    await client.tell({ actor, op: operation.name, payload, signal });
    if (options.output === 'json') writeLine(context.stdout, toJson({ accepted: true }, 'line'));
  });
}
