/**
 * Writes what is made from the code's own tables: the JSON Schemas in `schema/`, and `docs/reference/config.md` and
 * `cli.md`. A test compares the files with what this makes.
 *
 *     node scripts/generate-schemas.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { type CliContext, createProgram, Interrupts } from '../src/cli/index.ts';
import { publishedSchemas } from '../src/config/index.ts';
import { ERROR_KINDS } from '../src/errors/index.ts';
import { systemClock } from '../src/time/index.ts';

const ROOT = dirname(import.meta.dirname);

/** Every generated file: its path from the root, and what must stand in it. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const schemas = publishedSchemas();
  const files = new Map<string, string>();
  for (const [name, schema] of Object.entries(schemas))
    files.set(`schema/${name}`, `${JSON.stringify(schema, undefined, 2)}\n`);
  files.set('docs/reference/config.md', configPage(schemas));
  files.set('docs/reference/cli.md', cliPage());
  return files;
}

const GENERATED = '<!-- Made by scripts/generate-schemas.ts: change that, or the tables that it reads, and run it. -->';

const CONFIG_INTRO = `# Configuration

${GENERATED}

An application is a folder with a \`troupe.toml\`: which components there are, and what the operator gives each of them.
A component may bring a \`Component.toml\`: what its author says it is and needs. A \`policy.toml\` bounds what may be granted.

\`\`\`toml
[application]
name = "orders"

[components.parse]
source = "./parse.wasm"                         # or manifest = "./parse/Component.toml"
instances = 2                                   # parse/1 and parse/2
supervise = { restart = "permanent", intensity = 5, period = "10s" }
limits = { memory = "32MiB", deadline = "2s" }

[components.parse.grants]                       # nothing else is there for it
filesystem = [{ path = "./data", mount = "/data", rights = ["read"] }]
messaging = { publish = ["orders.*"] }

[components.count]
source = "./count.wasm"
subscribe = ["orders.*"]

[components.shop]                               # exports wasi:http/incoming-handler
source = "./shop.wasm"
http = { instances = 16, max-invocations = 1000 }

[[http]]
route = "/shop/*"
component = "shop"
\`\`\`

\`troupe inspect FILE\` prints the grants that a component can use. A whole application:
[bird strikes](../../examples/birdstrikes/troupe.toml).

- **Paths** are relative to the file that they stand in.
- **Durations** are a number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; **sizes** a number and \`B\`, \`KiB\`, \`MiB\`, \`GiB\` (powers of 1,024) or
  \`KB\`, \`MB\`, \`GB\` (powers of 1,000).
- **Unknown keys are errors.** All mistakes of all files are reported at once, with file, line and column.
- **Grants** are what both sides name: with \`[asks]\` in \`Component.toml\`, a component gets what it asks for *and* is granted.
  Without \`[asks]\` the operator alone decides. \`troupe up\` notes what is asked for and not granted, with the line to add.
- **Folders** are matched by their guest path: a mount counts if it is the folder asked for or lies in it. A grant covers
  the whole folder, or what a pattern behind it says: \`./data/**/*.csv\`, for \`read\` and \`list\`.
- **Limits**: of both sides' values the smaller counts.
- **Topic patterns** are tokens separated by \`.\`; \`*\` is one token, \`>\` as the last one is one or more. **Actor patterns** are
  \`NAME\`, \`NAME/1\`, \`NAME/*\` (all numbered actors of a component) or \`*\`.
- **Endpoint patterns** are \`scheme://host:port\`. The host is a name, \`*.example.com\` (every name below it), \`*\`, an address or a
  range of addresses (\`10.0.0.0/8\`, \`[fd00::]/8\`); the port a number or \`*\`; with \`http\` and \`https\` it may be left out. A name
  grants the name, wherever it leads on the public internet. Private, local and loopback addresses are reached only by a
  pattern that names them or a range that holds them, even if a granted name leads there; \`localhost\` names this machine.
- **Routes**: \`/orders\` is that path alone, \`/orders/*\` that path and everything below it, \`/*\` everything. Of the routes that
  match, a named host comes first, then \`*.NAME\` with the longest name, then none; then a named path, then prefixes, the
  longest first; then named methods. A route that does not take the method is passed over; if there is no other, the
  answer is 405. Escapes of a path are undone once, for the comparison only: \`/%61\` is \`/a\`, \`%2F\` separates nothing, and the
  component gets the path as it was sent. A path with \`.\` or \`..\` segments, a bad escape or no UTF-8 is answered 400. Two
  routes that no request can tell apart are an error.
- **Requests** that the component does not answer are answered with a problem document with a [code](errors.md): 404 without
  route, 503 with \`Retry-After\` when too many are under way, 504 after the deadline of \`limits\`, 500 when it traps. A component
  that fails more often than \`supervise.intensity\` within the period, with nothing served in between, gets no requests for a
  period (\`restart = "temporary"\`: never again), then one at a time until one is served.
- Editors complete and check both files with the schemas in \`schema/\`; name one in the first line:
  \`#:schema ./node_modules/troupe/schema/troupe.schema.json\`
`;

const CONTROL_TEXT = `
While an application runs, the folder \`.troupe\` beside its \`troupe.toml\` holds \`control.json\` (where it listens), \`token\` (what
a client must send; both readable by this user only) and the socket. They are gone when it has ended. A socket path that is
too long for the system is replaced by one in a temporary folder; \`control.json\` always names the right one.
`;

const POLICY_TEXT = `
What may be granted at most, whoever writes \`troupe.toml\`; [how to use it](../guides/capabilities.md#policy). Two are read, and each
is a bound of its own: \`/etc/troupe/policy.toml\`, or the file that \`TROUPE_POLICY\` names, and the one beside \`troupe.toml\`.
`;

function configPage(schemas: ReturnType<typeof publishedSchemas>): string {
  return [
    CONFIG_INTRO,
    '## `troupe.toml`\n',
    ...sections(schemas['troupe.schema.json'], ''),
    CONTROL_TEXT,
    '## `Component.toml`\n',
    ...sections(schemas['component.schema.json'], ''),
    '## `policy.toml`',
    POLICY_TEXT,
    ...sections(schemas['policy.schema.json'], ''),
  ].join('\n');
}

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Property;
  readonly anyOf?: readonly Property[];
  readonly properties?: Readonly<Record<string, Property>>;
  readonly additionalProperties?: Property | boolean;
  readonly required?: readonly string[];
  readonly examples?: readonly unknown[];
}

function describing({ description }: Property): Pick<Property, 'description'> {
  return description === undefined ? {} : { description };
}

/** One heading and table for each TOML table, its own keys first, then the tables in it. */
function sections(schema: Property, path: string): string[] {
  const tables: string[] = [];
  const rows: string[] = [];
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const inner = path === '' ? key : `${path}.${key}`;
    const entries = typeof property.additionalProperties === 'object' ? property.additionalProperties : undefined;
    if (property.properties !== undefined) tables.push(...sections(property, inner));
    else if (property.items?.properties !== undefined && path === '')
      tables.push(...sections({ ...property.items, ...describing(property) }, `[${inner}]`));
    else if (entries?.properties !== undefined) tables.push(...sections(entries, `${inner}.NAME`));
    else rows.push(row(key, property, schema.required?.includes(key) ?? false));
  }
  if (rows.length === 0) return tables;
  const heading = path === '' ? '### At the top' : `### \`[${path}]\``;
  const text = schema.description === undefined || path === '' ? '' : `${schema.description}.\n`;
  return [
    heading,
    '',
    ...(text === '' ? [] : [text]),
    '| key | value | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    ...tables,
  ];
}

function row(key: string, property: Property, required: boolean): string {
  const fallback =
    property.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(property.default)}\``;
  const example = property.examples?.[0];
  const shown = example === undefined ? '' : `: \`${JSON.stringify(example)}\``;
  const cells = [`\`${key}\``, valueText(property), fallback, `${property.description ?? ''}${shown}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function valueText(property: Property): string {
  if (property.enum !== undefined) return property.enum.map((word) => `\`"${word}"\``).join(', ');
  if (property.anyOf !== undefined) return property.anyOf.map(valueText).join(' or ');
  if (property.properties !== undefined) return itemText(property);
  if (property.type === 'array') return `list of ${itemText(property.items ?? {})}`;
  if (property.type === 'integer' || property.type === 'number') return rangeText(property);
  if (property.pattern?.includes('KiB')) return 'size';
  if (property.pattern?.includes('ms|s|m'))
    return property.pattern.includes('unbounded') ? 'duration or `"unbounded"`' : 'duration';
  if (property.type === 'string') return 'text';
  if (property.type === 'boolean') return '`true`, `false`';
  return 'table';
}

function itemText(item: Property): string {
  if (item.properties === undefined) return valueText(item);
  const required = Object.entries(item.properties).map(([key, property]) => `${key} = ${valueText(property)}`);
  return `{ ${required.join(', ')} }`;
}

function rangeText({ type, minimum, maximum }: Property): string {
  const range =
    minimum === undefined || maximum === undefined
      ? ''
      : ` ${minimum.toLocaleString('en-US')} to ${maximum.toLocaleString('en-US')}`;
  return `${type}${range}`;
}

const CLI_INTRO = `# Command line

${GENERATED}

Installed, the command is \`troupe\`; in a checkout it is \`npm run -s troupe --\`.

Results go to standard output, everything else to standard error. With \`--output json\` results are JSON, and an error is one
line on standard error: \`{"error":{"code","kind","message","details","exitCode"}}\`. Colours appear on terminals only, and not
when \`NO_COLOR\` is set.

## Exit codes

| code | kind of error |
| --- | --- |
| 0 | none |
`;

const CLI_OUTRO = `
\`run\` ends with the exit code of the component (most toolchains of WASI 0.2 know only 0 and 1), and with 134 if it trapped, as
\`wasmtime run\` does and any process that aborts. For a shell, a command that a signal ended has 128 + its number: 130 after
Ctrl-C, 143 after SIGTERM. \`up\` and \`serve\` stop in order on the first signal, and at once on the second.

## Payloads of \`ask\` and \`tell\`

An operation with WIT types takes JSON: an array of its arguments in order. One argument that is no list may stand by itself:
\`troupe ask calc double 21\`. A list as the only argument is an array in an array: \`troupe ask calc sum '[[1, 2, 3]]'\`.
The reply is the result as JSON.

| WIT | JSON |
| --- | --- |
| \`s64\`, \`u64\` | a number if it is exact, else a decimal string |
| \`f32\`, \`f64\` | a number, or \`"NaN"\`, \`"Infinity"\`, \`"-Infinity"\` |
| \`list<u8>\` | base64 text; an array of numbers is taken too |
| \`option\` | the value or \`null\` |
| \`variant\`, \`result\` | \`{"tag": …, "val": …}\` |
| \`flags\` | an array of names |
| \`record\` | an object |

An actor that handles messages takes bytes: the text as UTF-8, or those of \`--data @FILE\` or \`-\` (standard input). Its reply is
written as it is; to a terminal, bytes that are no text are shown as a hexadecimal dump.

## Events of \`up --output json\`

One object a line, each with \`type\` and \`atMs\` (milliseconds since 1970): \`notice\`, \`compiling\`, \`compiled\`, \`started\`,
\`running\` (the application is up), \`output\` (what a guest wrote), \`failed\`, \`restarted\`, \`dead-letter\`, \`denied\`, \`would-deny\`, \`completed\`, \`stopped\`,
\`view\` (its text has changed), \`stopping\`, \`ended\` (with the actors' last state), \`request-failed\` (a component did not answer
a request), \`quarantined\` (one that failed too often in a row gets none for a while).

\`serve --output json\` writes \`listening\` (with the address), \`request\` for each that is over (status 0: its client had gone;
\`requests\`: how many were left out because nobody read), \`output\`, \`log\`, \`denied\`, \`request-failed\`, \`quarantined\` and \`stopping\`.
`;

function cliPage(): string {
  const codes = Map.groupBy(Object.entries(ERROR_KINDS), ([, { exitCode }]) => exitCode);
  const rows = [...codes].toSorted(([one], [other]) => one - other);
  const table = rows.map(([code, kinds]) => `| ${code} | ${kinds.map(([kind]) => `\`${kind}\``).join(', ')} |`);
  const program = createProgram(silentContext(), () => undefined);
  const all = [program, ...program.commands.flatMap((command) => [command, ...command.commands])];
  const commands = all.map((command) => {
    const name = fullName(command);
    let text = '';
    command.configureOutput({
      writeOut: (part) => (text += part),
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    });
    command.outputHelp();
    return `## \`${name}\`\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
  });
  return `${CLI_INTRO}${table.join('\n')}\n${CLI_OUTRO}\n${commands.join('\n')}`;
}

/** `troupe state list`. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function silentContext(): CliContext {
  const stream = new PassThrough();
  return {
    argv: [],
    stdin: stream,
    stdout: stream,
    stderr: stream,
    environment: {},
    clock: systemClock,
    interrupts: new Interrupts(() => undefined, systemClock),
    loadRuntime: () => Promise.reject(new Error('Help needs no runtime')),
  };
}

if (import.meta.main) {
  for (const [path, content] of generatedFiles()) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), content);
  }
}
