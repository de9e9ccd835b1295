import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { RuntimeError } from '../../errors/index.ts';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { count, sanitizeLine, toJson, writeLine } from '../text.ts';

/** `troupe monitoring`: what watching an application takes besides Troupe. */
export function monitoringCommand(context: CliContext): Command {
  const command = new Command('monitoring').summary('write alerts, runbooks and dashboards');
  return command.addCommand(exportCommand(context));
}

function exportCommand(context: CliContext): Command {
  const command = new Command('export').summary('write them into a folder');
  command
    .description(
      'Writes alert rules for Prometheus with a runbook for each, dashboards for Grafana, and examples of how to scrape and whom to tell. What is there of an earlier export is replaced; nothing else is touched.',
    )
    .argument('<dir>', 'the folder; it is made if it is not there');
  withOutput(command);
  withExamples(command, [
    ['troupe monitoring export ops', 'write them'],
    ['promtool check rules ops/troupe-alerts.yml', 'check them'],
  ]);
  return command.action(async (dir: string, { output }: { readonly output: OutputFormat }) => {
    const { monitoringFiles } = await context.loadRuntime();
    const files = monitoringFiles();
    for (const [path, text] of files) await write(join(dir, path), text);
    const { stdout } = context;
    if (output === 'json') writeLine(stdout, toJson({ dir, files: [...files.keys()] }));
    else writeLine(stdout, sanitizeLine(`Wrote ${count(files.size, 'file')} to ${dir}`));
  });
}

async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (cause) {
    const { code = 'nothing more' } = cause as NodeJS.ErrnoException;
    throw new RuntimeError('OUTPUT_FAILED', `Cannot write "${file}": the system says ${code}`, { cause });
  }
}
