import { type Command, InvalidArgumentError, Option } from 'commander';
import { RuntimeError } from '../errors/index.ts';
import { formatDuration, parseDuration } from '../time/index.ts';

/** The longest that any wait may be told to take. */
const DURATION_MS_MAX = 3_600_000;

/** From one page of linear memory to all that 32 bits address. */
const MEMORY_BYTES = { min: 65_536, max: 4_294_967_296 } as const;

/** Adds `--output table|json`, which every command has. */
export function withOutput(command: Command): Command {
  const option = new Option('--output <format>', 'how to write results and errors').choices(['table', 'json']);
  return command.addOption(option.default('table'));
}

/** Adds `--app DIR`, which every command that talks to a running application has. */
export function withApplication(command: Command): Command {
  return command.option('--app <dir>', 'folder of the running application, or its troupe.toml', '.');
}

/** Appends examples to a command's help: pairs of a command line and what it does. */
export function withExamples(command: Command, examples: readonly (readonly [string, string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, meaning]) => `  $ ${line.padEnd(width)}  # ${meaning}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** Reads `5s` to milliseconds. */
export function parseDurationFlag(text: string): number {
  const expected = `a duration from "1ms" to "${formatDuration(DURATION_MS_MAX)}", such as "5s" or "250ms"`;
  try {
    const ms = Math.ceil(parseDuration(text));
    if (ms >= 1 && ms <= DURATION_MS_MAX) return ms;
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
  }
  throw new InvalidArgumentError(`Expected ${expected}.`);
}

/** Reads `64MiB` of `--memory` to bytes. */
export async function parseMemory(text: string): Promise<number> {
  const { formatSize, parseSizeBytes } = await import('../config/index.ts');
  const bytes = parseSizeBytes(text);
  if (bytes !== undefined && bytes >= MEMORY_BYTES.min && bytes <= MEMORY_BYTES.max) return bytes;
  const range = `"${formatSize(MEMORY_BYTES.min)}" to "${formatSize(MEMORY_BYTES.max)}"`;
  throw new RuntimeError(
    'USAGE_INVALID',
    `Cannot read --memory "${text}": expected a size from ${range}, such as "64MiB"`,
  );
}

/** Collects a flag that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
