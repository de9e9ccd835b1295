import { Command } from 'commander';
import type { StateInfo, StateList } from '../../api/index.ts';
import { connectControl } from '../../client/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import type { KeptReader } from '../../runtime/index.ts';
import type { CliContext } from '../context.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import { writeReply } from '../payloads.ts';
import type { OutputFormat } from '../report-error.ts';
import { humanSize, sanitizeLine, toJson, writeLine } from '../text.ts';

interface StateOptions {
  readonly app: string;
  readonly output: OutputFormat;
}

/** `troupe state`: what an application keeps of its actors. */
export function stateCommand(context: CliContext): Command {
  const command = new Command('state').summary('list, show and remove the kept states of actors');
  command.description(
    'Shows what an application keeps of its actors ([components.NAME.keep]), and forgets it. Works on an application that runs, and on the store of one that does not.',
  );
  command.helpCommand(false);
  command.addCommand(listCommand(context));
  command.addCommand(showCommand(context));
  command.addCommand(removeCommand(context));
  return withExamples(command, [
    ['troupe state list', 'whose state is kept, and how large it is'],
    ['troupe state show counter > state', 'the bytes of one'],
    ['troupe state remove counter', 'the actor begins anew; stop it first'],
  ]);
}

function listCommand(context: CliContext): Command {
  const command = new Command('list').summary('list the states').description('Lists the states that are kept.');
  return withOutput(withApplication(command)).action(async (options: StateOptions) => {
    const list = await withKept(context, options.app, (kept) => kept.list());
    if (options.output === 'json') writeLine(context.stdout, toJson(list));
    else await writeList(context, list);
  });
}

function showCommand(context: CliContext): Command {
  const command = new Command('show').summary('print one state').argument('<actor>', 'name of the actor');
  command.description('Prints the state of an actor: bytes as they are, or JSON.');
  return withOutput(withApplication(command)).action(async (actor: string, options: StateOptions) => {
    const report = await withKept(context, options.app, (kept) => kept.find(actor));
    if (options.output === 'json') writeLine(context.stdout, toJson(report));
    else if (report.state !== undefined) writeReply(context, report.state, 'table');
    else writeLine(context.stderr, report.isDamaged === true ? 'The state is damaged' : 'The state is no JSON');
  });
}

function removeCommand(context: CliContext): Command {
  const command = new Command('remove').summary('forget one state').argument('<actor>', 'name of the actor');
  command.description('Forgets the state of an actor that does not run: the next of that name begins anew.');
  return withOutput(withApplication(command)).action(async (actor: string, options: StateOptions) => {
    await withKept(context, options.app, (kept) => kept.remove(actor));
    const { stdout } = context;
    if (options.output === 'json') writeLine(stdout, toJson({ removed: actor }));
    else writeLine(stdout, `Removed the state of ${sanitizeLine(actor)}`);
  });
}

/** Lets `use` work on the states of the application, through its control port if it runs. */
async function withKept<T>(context: CliContext, app: string, use: (kept: KeptReader) => Promise<T>): Promise<T> {
  const { signal } = context.interrupts;
  try {
    const client = await connectControl({ dir: app });
    return await use({
      list: () => client.states(signal),
      find: (name) => client.state(name, signal),
      remove: (name) => client.removeState(name, signal),
    });
  } catch (error) {
    if (RuntimeError.is(error, 'STATE_IN_USE')) throw withHelp(error, ['stop the application, then remove it']);
    if (!RuntimeError.is(error, 'CONTROL_UNREACHABLE')) throw error;
  }
  const { loadApplication } = await import('../../config/index.ts');
  const config = await loadApplication(app, { environment: context.environment });
  const { withKeptStates } = await context.loadRuntime();
  return withKeptStates(config, use);
}

function withHelp(error: RuntimeError, help: readonly string[]): RuntimeError {
  return new RuntimeError(error.code, error.message, { details: { ...error.details, help }, cause: error.cause });
}

async function writeList({ stdout }: CliContext, { states, hasMore }: StateList): Promise<void> {
  if (states.length === 0) {
    writeLine(stdout, 'Nothing is kept');
    return;
  }
  const { renderTable } = await import('../table.ts');
  const columns = [
    { title: 'ACTOR' },
    { title: 'TYPE' },
    { title: 'VERSION' },
    { title: 'SIZE', align: 'right' },
  ] as const;
  writeLine(stdout, renderTable(stdout, columns, states.map(toRow)));
  if (hasMore) writeLine(stdout, 'and more');
}

function toRow({ name, type, version, bytes, isDamaged }: StateInfo): string[] {
  const shownVersion = version === undefined || version === 0 ? '-' : String(version);
  return [
    sanitizeLine(name),
    isDamaged === true ? 'damaged' : sanitizeLine(type ?? '-'),
    shownVersion,
    humanSize(bytes),
  ];
}
