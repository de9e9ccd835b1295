import { Command } from 'commander';
import type { GrantDiff, ImportDiff } from '../../api/index.ts';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import { withProgress } from '../progress.ts';
import type { OutputFormat } from '../report-error.ts';
import { sanitizeLine, toJson, writeLine } from '../text.ts';

/** Exit code of `diff` when there is something new, as `diff` and `git diff --exit-code` have it. */
const WANTS_MORE = 1;

/** `troupe grant`: what components want. */
export function grantCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('grant').summary('compare what revisions of a component want');
  command.description('Compares what revisions of a component want to be granted.');
  command.helpCommand(false);
  command.addCommand(diffCommand(context, finish));
  return withExamples(command, [['troupe grant diff old.wasm new.wasm', 'what the new one newly wants']]);
}

function diffCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('diff').summary('say what a new revision newly wants');
  command
    .description(
      'Says what a new revision of a component wants that the old one does not: interfaces and functions that its code can use, and, of two manifests, what [asks] asks for. Ends with 1 if there is something, else with 0.',
    )
    .argument('<old>', 'the component, its Component.toml, or the folder of that')
    .argument('<new>', 'the same of the new revision');
  withOutput(command);
  withExamples(command, [
    ['troupe grant diff old.wasm new.wasm', 'by what their code imports'],
    ['troupe grant diff v1/Component.toml v2/Component.toml', 'by what their authors ask for, too'],
  ]);
  return command.action(async (before: string, after: string, { output }: { readonly output: OutputFormat }) => {
    const { stdout } = context;
    const runtime = await context.loadRuntime();
    const comparing = runtime.diffGrants(before, after);
    const diff = await withProgress(context, `Comparing ${sanitizeLine(before)} and ${sanitizeLine(after)}`, comparing);
    if (output === 'json') writeLine(stdout, toJson(diff));
    else for (const line of describe(diff)) writeLine(stdout, line);
    if (diff.imports.length + diff.asks.length > 0 || diff.unbounded) finish(WANTS_MORE);
  });
}

function describe({ imports, asks, unbounded, dropped, after }: GrantDiff): string[] {
  const lines = [
    ...imports.flatMap(importLines),
    ...asks.map((rule) => `+ asks for ${rule}`),
    ...(unbounded ? ['+ says no more what it asks for: the operator alone bounds it'] : []),
    ...dropped.map((name) => `- ${name}`),
  ];
  if (imports.length + asks.length === 0 && !unbounded) lines.push(`${after.file} wants nothing new`);
  return lines.map(sanitizeLine);
}

const MEANINGS: Readonly<Record<ImportDiff['need'], string>> = {
  free: 'needs nothing',
  grant: 'does nothing without a grant',
  'required-grant': 'is refused without a grant',
  link: 'has to be linked',
  unsupported: 'is offered by nothing here',
};

function importLines({ name, functions, need, line }: ImportDiff): string[] {
  const grant = line === undefined ? [] : [`    ${line}`];
  return [`+ ${name} (${functions.join(', ')}): ${MEANINGS[need]}`, ...grant];
}
