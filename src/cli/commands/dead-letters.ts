import { Command } from 'commander';
import { connectControl } from '../../client/index.ts';
import type { CliContext } from '../context.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { humanDuration, sanitizeLine, toJson, writeLine } from '../text.ts';

/** `troupe dead-letters`: what nobody handled of late. */
export function deadLettersCommand(context: CliContext): Command {
  const command = new Command('dead-letters').summary('list messages of late that nobody handled');
  command.description(
    'Lists the dead letters of a running application, the last first, without what was in them: the last 100 kinds since its start. Those of one actor, operation and reason are counted together.',
  );
  withOutput(withApplication(command));
  withExamples(command, [
    ['troupe dead-letters', 'who lost what, and why'],
    ['troupe dead-letters --output json', 'for scripts'],
  ]);
  return command.action(async ({ app, output }: { readonly app: string; readonly output: OutputFormat }) => {
    const { stdout, clock, interrupts } = context;
    const client = await connectControl({ dir: app });
    const deadLetters = await client.deadLetters(interrupts.signal);
    if (output === 'json') return writeLine(stdout, toJson({ deadLetters }));
    if (deadLetters.length === 0) return writeLine(stdout, 'No dead letters');
    const { renderTable } = await import('../table.ts');
    const columns = [
      { title: 'ACTOR' },
      { title: 'OPERATION' },
      { title: 'REASON' },
      { title: 'COUNT', align: 'right' },
      { title: 'LAST', align: 'right' },
      { title: 'WHY', dropFirst: 1 },
    ] as const;
    const rows = deadLetters.map(({ actor, operation, reason, count, lastAtMs, error }) => [
      sanitizeLine(actor),
      sanitizeLine(operation),
      sanitizeLine(reason),
      `${count}`,
      humanDuration(Math.max(0, clock.wallMs() - lastAtMs)),
      error === undefined ? '-' : sanitizeLine(error.code),
    ]);
    writeLine(stdout, renderTable(stdout, columns, rows));
  });
}
