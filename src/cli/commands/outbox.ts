import { Command } from 'commander';
import type { OutboxList, OutboxQueue } from '../../api/index.ts';
import { connectControl } from '../../client/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import type { OutboxReader } from '../../runtime/index.ts';
import type { CliContext } from '../context.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { count, humanDuration, humanSize, sanitizeLine, toJson, writeLine } from '../text.ts';

interface OutboxOptions {
  readonly app: string;
  readonly output: OutputFormat;
}

/** `troupe outbox`: messages that an application keeps until they are handled. */
export function outboxCommand(context: CliContext): Command {
  const command = new Command('outbox').summary('list and remove messages that are kept until they are handled');
  command.description(
    'Shows for whom messages are kept that are delivered at least once, and gives up those of a name that never returns: all names share the room. Works on an application that runs, and on the store of one that does not.',
  );
  command.helpCommand(false);
  command.addCommand(listCommand(context));
  command.addCommand(removeCommand(context));
  return withExamples(command, [
    ['troupe outbox list', 'for whom messages are kept, how many, since when'],
    ['troupe outbox remove billing/old', 'they become dead letters'],
  ]);
}

function listCommand(context: CliContext): Command {
  const command = new Command('list').summary('list those for whom messages are kept');
  command.description(
    'Lists those for whom messages are kept, the most first. UNDER WAY: with the actor now. ATTEMPTS: how often the worst was delivered in vain.',
  );
  return withOutput(withApplication(command)).action(async (options: OutboxOptions) => {
    const list = await withOutbox(context, options.app, (outbox) => outbox.list());
    if (options.output === 'json') writeLine(context.stdout, toJson(list));
    else await writeList(context, list);
  });
}

function removeCommand(context: CliContext): Command {
  const command = new Command('remove').summary('give up the messages for one name').argument('<actor>', 'their actor');
  command.description(
    'Removes the messages that are kept for an actor, whether it is there or not. What it has in hand stays. Of an application that runs they become dead letters.',
  );
  return withOutput(withApplication(command)).action(async (actor: string, options: OutboxOptions) => {
    const removed = await withOutbox(context, options.app, (outbox) => outbox.remove(actor));
    const { stdout } = context;
    if (options.output === 'json') writeLine(stdout, toJson({ actor, removed }));
    else writeLine(stdout, `Removed ${count(removed, 'message')} for ${sanitizeLine(actor)}`);
  });
}

/** Lets `use` work on the outbox of the application, through its control port if it runs. */
async function withOutbox<T>(context: CliContext, app: string, use: (outbox: OutboxReader) => Promise<T>): Promise<T> {
  const { signal } = context.interrupts;
  try {
    const client = await connectControl({ dir: app });
    return await use({
      list: () => client.outbox(signal),
      remove: (name) => client.removeMessages(name, signal),
    });
  } catch (error) {
    if (!RuntimeError.is(error, 'CONTROL_UNREACHABLE')) throw error;
  }
  const { loadApplication } = await import('../../config/index.ts');
  const config = await loadApplication(app, { environment: context.environment });
  const { withKeptMessages } = await context.loadRuntime();
  return withKeptMessages(config, use);
}

async function writeList({ stdout }: CliContext, { queues, hasMore }: OutboxList): Promise<void> {
  if (queues.length === 0) {
    writeLine(stdout, 'No messages are kept');
    return;
  }
  const { renderTable } = await import('../table.ts');
  const columns = [
    { title: 'ACTOR' },
    { title: 'MESSAGES', align: 'right' },
    { title: 'UNDER WAY', align: 'right' },
    { title: 'ATTEMPTS', align: 'right' },
    { title: 'OLDEST', align: 'right' },
    { title: 'SIZE', align: 'right' },
  ] as const;
  writeLine(stdout, renderTable(stdout, columns, queues.map(toRow)));
  if (hasMore) writeLine(stdout, 'and more');
}

function toRow({ name, messages, underWay, attempts, oldestMs, bytes, damaged }: OutboxQueue): string[] {
  return [
    sanitizeLine(name),
    damaged === 0 ? `${messages}` : `${messages} (${damaged} damaged)`,
    `${underWay}`,
    `${attempts}`,
    oldestMs === undefined ? '-' : humanDuration(oldestMs),
    humanSize(bytes),
  ];
}
