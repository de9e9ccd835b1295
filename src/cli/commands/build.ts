import { relative } from 'node:path';
import { Command } from 'commander';
import type { ComponentReport } from '../../api/index.ts';
import type { BuildResult } from '../../project/index.ts';
import { BECOMES } from '../becomes.ts';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import { withProgress } from '../progress.ts';
import type { OutputFormat } from '../report-error.ts';
import { humanSize, sanitizeLine, toJson, writeLine } from '../text.ts';

interface BuildCommandOptions {
  readonly force?: boolean;
  readonly output: OutputFormat;
}

/** `troupe build`: a component from its source. */
export function buildCommand(context: CliContext): Command {
  const command = new Command('build').summary('build a component from its source');
  command
    .description(
      'Builds the component of a folder as [build] of its Component.toml says, if its source has changed. Compilers are taken from the project, then from the machine; one that is missing is named with the line that installs it.',
    )
    .argument('[dir]', 'folder with the Component.toml, or such a file', '.')
    .option('--force', 'build even if nothing has changed');
  withOutput(command);
  withExamples(command, [
    ['troupe build', 'the component of this folder'],
    ['troupe build ./greeter --force', 'another one, in any case'],
  ]);
  return command.action(async (dir: string, { force = false, output }: BuildCommandOptions) => {
    const { buildComponent } = await import('../../project/index.ts');
    const { stdout } = context;
    const building = buildComponent(dir, { force, path: context.environment.PATH ?? '' });
    const result = await withProgress(context, `Building ${sanitizeLine(dir)}`, building);
    const runtime = await context.loadRuntime();
    const report = await runtime.inspectComponent(result.file);
    if (output === 'json')
      return writeLine(
        stdout,
        toJson({ ...result, sha256: report.sha256, becomes: report.becomes, grants: grantsOf(report) }),
      );
    for (const line of describe(result, report)) writeLine(stdout, line);
  });
}

function describe(result: BuildResult, report: ComponentReport): string[] {
  const file = relative('', result.file);
  const lines = [
    result.upToDate ? `${sanitizeLine(file)} is up to date` : `Built ${sanitizeLine(file)}`,
    `  size     ${humanSize(report.sizeBytes)}`,
    `  sha256   ${report.sha256}`,
    `  becomes  ${BECOMES[report.becomes]}`,
  ];
  const grants = grantsOf(report);
  if (grants.length > 0) lines.push(`  needs    ${grants.map(sanitizeLine).join(', ')}`);
  for (const reason of report.refusals) lines.push(`  refused  ${sanitizeLine(reason)}`);
  return lines;
}

/** Lines of grants without which it is not started. */
function grantsOf({ imports }: ComponentReport): string[] {
  const lines = imports.flatMap(({ need, grantLine }) => (need === 'required-grant' ? (grantLine ?? []) : []));
  return [...new Set(lines)];
}
