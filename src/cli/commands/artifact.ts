import { join } from 'node:path';
import { Command } from 'commander';
import { ArtifactStore } from '../../artifact/index.ts';
import type { CliContext } from '../context.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { humanSize, sanitizeLine, toJson, writeLine } from '../text.ts';

interface ArtifactOptions {
  readonly app: string;
  readonly output: OutputFormat;
}

/** `troupe artifact`: components of an application by their digests. */
export function artifactCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('artifact').summary('keep components under their digests');
  command.description(
    'Keeps components in .troupe/artifacts beside troupe.toml, each under its SHA-256. A component with source = "sha256:DIGEST" is that one and no other: its digest is computed when it is read.',
  );
  command.helpCommand(false);
  command.addCommand(addCommand(context));
  command.addCommand(listCommand(context));
  command.addCommand(verifyCommand(context, finish));
  command.addCommand(removeCommand(context));
  return withExamples(command, [
    ['troupe artifact add build/parse.wasm', 'prints the line for troupe.toml'],
    ['troupe artifact verify', 'ends with 1 if one is not what it should be'],
  ]);
}

const folderOf = ({ app }: ArtifactOptions): string => join(app, '.troupe', 'artifacts');
const storeOf = (options: ArtifactOptions): ArtifactStore => new ArtifactStore(folderOf(options));

function addCommand({ stdout, loadRuntime }: CliContext): Command {
  const command = new Command('add').summary('keep components').argument('<files...>', 'files of components');
  command.description('Keeps files, and prints the line of troupe.toml that names each.');
  return withOutput(withApplication(command)).action(async (files: string[], options: ArtifactOptions) => {
    const { addArtifact } = await loadRuntime();
    const added: { readonly file: string; readonly digest: string }[] = [];
    for (const file of files) added.push({ file, digest: await addArtifact(folderOf(options), file) });
    if (options.output === 'json') writeLine(stdout, toJson({ artifacts: added }));
    else
      for (const { file, digest } of added) writeLine(stdout, `source = "sha256:${digest}"  # ${sanitizeLine(file)}`);
  });
}

function listCommand({ stdout }: CliContext): Command {
  const command = new Command('list').summary('list what is kept').description('Lists the artifacts that are kept.');
  return withOutput(withApplication(command)).action(async (options: ArtifactOptions) => {
    const artifacts = await storeOf(options).list();
    if (options.output === 'json') {
      writeLine(stdout, toJson({ artifacts }));
      return;
    }
    if (artifacts.length === 0) {
      writeLine(stdout, 'Nothing is kept');
      return;
    }
    const { renderTable } = await import('../table.ts');
    const columns = [{ title: 'DIGEST' }, { title: 'SIZE', align: 'right' }, { title: 'ADDED' }] as const;
    const rows = artifacts.map(({ digest, bytes, addedAtMs }) => [
      `sha256:${digest}`,
      humanSize(bytes),
      new Date(addedAtMs).toISOString(),
    ]);
    writeLine(stdout, renderTable(stdout, columns, rows));
  });
}

function verifyCommand({ stdout }: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('verify').summary('check every artifact');
  command.description('Reads every artifact. Ends with 1 if one is not what its digest says.');
  return withOutput(withApplication(command)).action(async (options: ArtifactOptions) => {
    const store = storeOf(options);
    const wrong = await store.verify();
    const { length } = await store.list();
    if (options.output === 'json') {
      const problems = wrong.map(({ digest, error }) => ({ digest, error: error.toWire() }));
      writeLine(stdout, toJson({ artifacts: length, problems }));
    } else if (wrong.length === 0) writeLine(stdout, `Whole: ${length} ${length === 1 ? 'artifact' : 'artifacts'}`);
    else for (const { error } of wrong) writeLine(stdout, `${error.code}: ${sanitizeLine(error.message)}`);
    if (wrong.length > 0) finish(1);
  });
}

function removeCommand({ stdout }: CliContext): Command {
  const command = new Command('remove')
    .summary('forget one')
    .argument('<digest>', 'its digest, with or without "sha256:"');
  command.description('Forgets an artifact. An application that names it does not start until it is added again.');
  return withOutput(withApplication(command)).action(async (digest: string, options: ArtifactOptions) => {
    const known = digest.replace(/^sha256:/, '').toLowerCase();
    await storeOf(options).remove(known);
    if (options.output === 'json') writeLine(stdout, toJson({ removed: known }));
    else writeLine(stdout, `Removed sha256:${known}`);
  });
}
