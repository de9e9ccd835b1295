import { Command, Option } from 'commander';
import { ASK_TIMEOUT_MS, connectControl } from '../../client/index.ts';
import { formatDuration } from '../../time/index.ts';
import type { CliContext } from '../context.ts';
import { findOperation } from '../operations.ts';
import { parseDurationFlag, withApplication, withExamples, withOutput } from '../options.ts';
import { readPayload, writeReply } from '../payloads.ts';
import { withProgress } from '../progress.ts';
import type { OutputFormat } from '../report-error.ts';
import { sanitizeLine } from '../text.ts';

interface AskOptions {
  readonly app: string;
  readonly data?: string;
  readonly timeout: number;
  readonly output: OutputFormat;
}

/** `troupe ask`: sends a message and prints the reply. */
export function askCommand(context: CliContext): Command {
  const command = new Command('ask').summary('send a message to an actor and print its reply');
  command
    .description(
      [
        'Sends a message to an actor of a running application and prints its reply.',
        'For an operation with WIT types the payload is JSON: an array of the arguments in order, or the one argument itself if it is no list. For an actor that handles messages it is text or bytes.',
      ].join('\n\n'),
    )
    .argument('<actor>', 'name of the actor')
    .argument('<op>', 'operation: its whole name, or its last part if that is unique')
    .argument('[payload]', 'the payload, or - for standard input')
    .option('--data <data>', 'the payload: @FILE, - for standard input, or text')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for the reply')
        .argParser(parseDurationFlag)
        .default(ASK_TIMEOUT_MS, formatDuration(ASK_TIMEOUT_MS)),
    );
  withOutput(withApplication(command));
  withExamples(command, [
    ['troupe ask greeter greet Ada', 'text to an actor that handles messages'],
    ["troupe ask calc add '[1, 2]'", 'the arguments of a typed operation'],
    ['troupe ask parse line --data @strikes.csv', 'the bytes of a file'],
    ['troupe ask report view --timeout 30s', 'wait longer than 5s'],
  ]);
  return command.action(async (...[actor, op, argument]: [string, string, string | undefined]) => {
    const options = command.opts<AskOptions>();
    const { signal } = context.interrupts;
    const client = await connectControl({ dir: options.app });
    const operation = await findOperation({ client, actor, op, signal });
    const payload = await readPayload(context, { argument, data: options.data }, operation);
    const asked = client.ask({ actor, op: operation.name, payload, timeoutMs: options.timeout, signal });
    const reply = await withProgress(context, `Waiting for ${sanitizeLine(actor)}`, asked);
    writeReply(context, reply, options.output);
  });
}
