import { Command, Option } from 'commander';
import type { TemplateKind, TemplateLanguage } from '../../project/index.ts';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { count, paint, sanitizeLine, toJson, writeLine } from '../text.ts';

interface NewOptions {
  readonly lang: TemplateLanguage;
  readonly kind: TemplateKind;
  readonly output: OutputFormat;
}

const LANGUAGES = ['ts', 'js', 'assemblyscript', 'rust', 'c'] as const satisfies readonly TemplateLanguage[];
const KINDS = ['actor', 'http', 'functions'] as const satisfies readonly TemplateKind[];

/** `troupe new`: a small project to begin with. */
export function newCommand(context: CliContext): Command {
  const command = new Command('new').summary('start a component');
  command
    .description(
      'Writes a small project that builds and runs: the source of a component, what it is and asks for (Component.toml), and an application of it (troupe.toml). Overwrites nothing.',
    )
    .argument('<name>', 'folder to make; its last part is the name of the component')
    .addOption(new Option('--lang <language>', 'language of its source').choices(LANGUAGES).default('ts'))
    .addOption(
      new Option('--kind <kind>', 'what it becomes: takes messages, answers HTTP, or offers functions')
        .choices(KINDS)
        .default('actor'),
    );
  withOutput(command);
  withExamples(command, [
    ['troupe new greeter', 'an actor in TypeScript'],
    ['troupe new pages --kind http', 'answers HTTP'],
    ['troupe new sums --lang js --kind functions', 'each function is an operation'],
    ['troupe new filter --lang rust', 'without npm'],
  ]);
  return command.action(async (directory: string, { lang, kind, output }: NewOptions) => {
    const { createProject } = await import('../../project/index.ts');
    const project = await createProject({ directory, language: lang, kind });
    const { stdout } = context;
    if (output === 'json') return writeLine(stdout, toJson(project));
    writeLine(stdout, `Wrote ${count(project.files.length, 'file')} to ${sanitizeLine(project.directory)}`);
    for (const file of project.files) writeLine(stdout, `  ${file}`);
    writeLine(stdout, `\n${paint(stdout, 'bold', 'Next')}`);
    for (const step of project.steps) writeLine(stdout, `  ${sanitizeLine(step)}`);
  });
}
