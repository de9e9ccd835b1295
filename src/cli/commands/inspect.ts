import { Command } from 'commander';
import { ANY_OPERATION, type ComponentReport, type ImportReport, type OperationInfo } from '../../api/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import { authorityLines } from '../authority-text.ts';
import { BECOMES } from '../becomes.ts';
import type { CliContext, OutputStream } from '../context.ts';
import { withExamples, withOutput } from '../options.ts';
import { withProgress } from '../progress.ts';
import type { OutputFormat } from '../report-error.ts';
import { count, humanSize, paint, sanitize, sanitizeLine, toJson, writeLine } from '../text.ts';

interface InspectOptions {
  readonly app?: string;
  readonly wit?: boolean;
  readonly output: OutputFormat;
}

const NEEDS: readonly { need: ImportReport['need']; title: string }[] = [
  { need: 'unsupported', title: 'Imports that nothing can be linked to' },
  { need: 'required-grant', title: 'Imports that need a grant' },
  { need: 'link', title: 'Imports that another actor has to answer' },
  { need: 'grant', title: 'Imports that do nothing without a grant' },
  { need: 'free', title: 'Imports that need nothing' },
];

/** `troupe inspect`: what a component is and what it needs, without running it. */
export function inspectCommand(context: CliContext): Command {
  const command = new Command('inspect').summary('see what a component needs and offers');
  command
    .description(
      'Says what a component file is, what it would need to run, and what it would offer; of a component of an application also what its author asks for, what it is given and gets, and what the difference is. Runs nothing of it.',
    )
    .argument('<file>', 'the component: a file, or with --app its name')
    .option('--app <dir>', 'folder of the application that it belongs to, or its troupe.toml')
    .option('--wit', 'print its world in WIT');
  withOutput(command);
  withExamples(command, [
    ['troupe inspect parse.wasm', 'what it needs and offers'],
    ['troupe inspect parse --app .', 'what that component of an application asks for, is given and gets'],
    ['troupe inspect parse.wasm --wit', 'its world'],
    ['troupe inspect parse.wasm --output json', 'for scripts'],
  ]);
  return command.action(async (file: string, options: InspectOptions) => {
    const { stdout } = context;
    const runtime = await context.loadRuntime();
    const { app } = options;
    const reading = app === undefined ? runtime.inspectComponent(file) : inspectIn(context, app, file);
    const report = await withProgress(context, `Reading ${sanitizeLine(file)}`, reading);
    if (options.output === 'json') writeLine(stdout, toJson(report));
    else if (options.wit) writeLine(stdout, sanitize(report.wit).trimEnd());
    else for (const line of describe(report, stdout)) writeLine(stdout, line);
  });
}

async function inspectIn(context: CliContext, app: string, name: string): Promise<ComponentReport> {
  const { loadApplication } = await import('../../config/index.ts');
  const config = await loadApplication(app, { environment: context.environment });
  const component = config.components.find((candidate) => candidate.name === name);
  if (component === undefined) {
    const names = config.components.map((candidate) => candidate.name).join(', ');
    const text = `Cannot inspect "${name}": "${config.file}" has no such component; components are: ${names}`;
    throw new RuntimeError('USAGE_INVALID', text);
  }
  const runtime = await context.loadRuntime();
  return runtime.inspectMember(config, component);
}

function describe(report: ComponentReport, stream: OutputStream): string[] {
  const title = (text: string) => paint(stream, 'bold', text);
  const lines = [
    `${title(sanitizeLine(report.file))}`,
    `  size     ${humanSize(report.sizeBytes)} (${count(report.sizeBytes, 'byte')})`,
    `  sha256   ${report.sha256}`,
    `  modules  ${describeModules(report)}`,
    `  becomes  ${BECOMES[report.becomes]}${report.lifecycle ? ', with a lifecycle' : ''}`,
  ];
  if (report.refusals.length > 0) {
    lines.push('', paint(stream, ['red', 'bold'], 'Would be refused'));
    for (const reason of report.refusals) lines.push(`  ${sanitizeLine(reason)}`);
  }
  for (const { need, title: heading } of NEEDS) {
    const imports = report.imports.filter((item) => item.need === need);
    if (imports.length > 0) lines.push('', title(heading), ...describeImports(imports));
  }
  if (report.operations.length > 0) {
    lines.push('', title('Operations'));
    for (const operation of report.operations) lines.push(`  ${describeOperation(operation)}`);
  }
  if (report.authority !== undefined) return [...lines, ...authorityLines(report.authority, title)];
  const grants = [...new Set(report.imports.flatMap(({ grantLine }) => grantLine ?? []))];
  if (grants.length > 0) {
    lines.push('', title('To grant it all, under [components.NAME.grants] of troupe.toml'));
    lines.push(...grants.map((line) => `  ${sanitizeLine(line)}`));
  }
  const links = report.imports.flatMap(({ linkLine }) => linkLine ?? []);
  if (links.length > 0) {
    lines.push(
      '',
      title('To link it, under [components.NAME.links] of troupe.toml, ACTOR being a component that exports it'),
    );
    lines.push(...links.map((line) => `  ${sanitizeLine(line)}`));
  }
  return lines;
}

function describeOperation({ name, wit }: OperationInfo): string {
  if (name === ANY_OPERATION) return 'any name: bytes in, bytes out, through troupe:actor/handler';
  return `${sanitizeLine(name)}: ${sanitizeLine(wit)}`;
}

/** One line per package, its interfaces behind it. */
function describeImports(imports: readonly ImportReport[]): string[] {
  const packages = new Map<string, string[]>();
  for (const { name } of imports) {
    const [path = '', version] = name.split('@');
    const slash = path.indexOf('/');
    const base = slash < 0 ? path : path.slice(0, slash);
    const key = version === undefined ? base : `${base}@${version}`;
    const interfaces = packages.get(key) ?? [];
    if (slash >= 0) interfaces.push(path.slice(slash + 1));
    packages.set(key, interfaces);
  }
  return [...packages].map(([name, interfaces]) => sanitizeLine(`  ${name}  ${interfaces.join(', ')}`.trimEnd()));
}

function describeModules({ coreModules }: ComponentReport): string {
  const memories = coreModules.flatMap(({ memory }) => memory ?? []);
  // A module that takes what another has, as an adapter does, begins with none.
  const own = memories.filter(({ minBytes }) => minBytes > 0);
  const shown = own.map(({ minBytes, maxBytes }) => {
    const most = maxBytes === undefined ? '' : ` to ${humanSize(maxBytes)}`;
    return `${humanSize(minBytes)}${most}`;
  });
  const memory = shown.length === 0 ? '' : `; memory from ${shown.join(', ')}`;
  return `${coreModules.length}${memory}`;
}
