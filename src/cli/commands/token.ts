import { Command, Option } from 'commander';
import { createToken, digestOfToken, ROLES } from '../../admin/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import type { CliContext } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { toJson, writeLine } from '../text.ts';

/** `troupe token`: a token for somebody else. */
export function tokenCommand({ stdout, stderr }: CliContext): Command {
  const command = new Command('token').summary('make a token for the control port');
  command.argument('<name>', 'who is to hold it: a-z, digits, "-"');
  command.addOption(new Option('--role <role>', 'what it allows').choices([...ROLES]).default('reader'));
  command.description(
    'Makes a token for somebody who cannot read the files of this user: a dashboard, a script, a colleague. Prints it once, with the lines of troupe.toml, which hold its digest alone.',
  );
  withExamples(command, [['troupe token grafana --role reader', 'for what only looks']]);
  return withOutput(command).action((name: string, { role, output }: { role: string; output: OutputFormat }) => {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
      const text = `Cannot name the holder of a token ${JSON.stringify(name.slice(0, 100))}: a letter, then letters, digits and "-"`;
      throw new RuntimeError('USAGE_INVALID', text);
    }
    const token = createToken();
    const sha256 = digestOfToken(token);
    if (output === 'json') {
      writeLine(stdout, toJson({ token, name, role, sha256 }));
      return;
    }
    writeLine(stdout, token);
    const lines = ['[[control.tokens]]', `name = "${name}"`, `role = "${role}"`, `sha256 = "${sha256}"`];
    writeLine(
      stderr,
      `Send it as "Authorization: Bearer …"; it is not kept. Add to troupe.toml:\n\n${lines.join('\n')}`,
    );
  });
}
