import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { RuntimeError } from '../../errors/index.ts';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import { withProgress } from '../progress.ts';
import type { OutputFormat } from '../report-error.ts';
import { sanitizeLine, toJson, writeLine } from '../text.ts';

interface TypesOptions {
  readonly out?: string;
  readonly name?: string;
  readonly output: OutputFormat;
}

/** `troupe types`: TypeScript declarations, so that `ref.ask[…]` of a component's actors is typed. */
export function typesCommand(context: CliContext): Command {
  const command = new Command('types').summary('write TypeScript types for the actors of a component');
  command
    .description(
      [
        'Writes TypeScript declarations for the actors of a component: what can be asked of them, with the types of arguments and replies. Runs nothing of it; the same component gives the same text.',
        "Give the type to the library: system.spawn(await component<Calc>('calc.wasm'), 'calc') is a reference whose operations are typed.",
      ].join('\n\n'),
    )
    .argument('<file>', 'the component')
    .option('-o, --out <file>', 'write to this file, whose name ends in .d.ts or .ts; without, to standard output')
    .option('--name <name>', 'what to call the type; without, as the file');
  withOutput(command);
  withExamples(command, [
    ['troupe types calc.wasm', 'look at them'],
    ['troupe types calc.wasm -o src/calc.d.ts', 'put them beside your sources'],
  ]);
  return command.action(async (file: string, { out, name, output }: TypesOptions) => {
    if (out !== undefined) refuseOtherFiles(out);
    const runtime = await context.loadRuntime();
    const { signal } = context.interrupts;
    const working = runtime.typesOfComponent(file, { name, signal });
    const types = await withProgress(context, `Reading ${sanitizeLine(file)}`, working);
    if (out !== undefined) await write(out, types.text);
    const { stdout } = context;
    if (output === 'json') {
      writeLine(stdout, toJson(out === undefined ? { file, ...types } : { file, name: types.name, out }));
    } else if (out === undefined) {
      stdout.write(types.text);
    } else {
      writeLine(stdout, sanitizeLine(`Wrote the type ${types.name} to ${out}`));
    }
  });
}

/** What is written replaces what is there; a slip of the pen must not replace the component. */
function refuseOtherFiles(out: string): void {
  if (/\.[cm]?ts$/.test(out)) return;
  throw new RuntimeError(
    'USAGE_INVALID',
    `Cannot write types to "${out}": the name of such a file ends in .d.ts or .ts`,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder is not there',
  ENOTDIR: 'its folder is not one',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not write it',
  EPERM: 'this user may not write it',
  EROFS: 'the file system is read-only',
};

async function write(out: string, text: string): Promise<void> {
  try {
    await writeFile(out, text);
  } catch (cause) {
    const { code = 'nothing more' } = cause as NodeJS.ErrnoException;
    const reason = REASONS[code];
    const text = `Cannot write "${out}": ${reason ?? `the system says ${code}`}`;
    throw new RuntimeError(reason === undefined ? 'OUTPUT_FAILED' : 'USAGE_INVALID', text, { cause });
  }
}
