import { Command, InvalidArgumentError } from 'commander';
import { RuntimeError } from '../../errors/index.ts';
import type { CliContext } from '../context.ts';
import { type GuestOptions, readGuestOptions, withGuestOptions } from '../guest-options.ts';
import { parseDurationFlag, withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';

const ADDRESS = '127.0.0.1:8080';
const INSTANCES_MAX = 4_096;
const INVOCATIONS_MAX = 1_000_000_000;

interface ServeOptions extends GuestOptions {
  readonly addr: string;
  readonly maxInvocations?: number;
  readonly instances?: number;
  readonly timeout?: number;
  readonly output: OutputFormat;
}

/** `troupe serve`: a component that handles HTTP requests, by itself. */
export function serveCommand(context: CliContext, finish: (exitCode: number) => void): Command {
  const command = new Command('serve').summary('serve an HTTP component');
  command
    .description(
      [
        'Serves a component that exports wasi:http/incoming-handler until it is stopped, whatever the host and path of a request. Each request gets an instance of its own. It sees no file, no variable and no network but what the options give.',
        'Ctrl-C takes no more requests, gives those under way five seconds, and ends with 130 (SIGTERM: 143); a second Ctrl-C ends it at once.',
      ].join('\n\n'),
    )
    .argument('<file>', 'the component')
    .option('--addr <host:port>', 'where to listen; port 0 takes a free one', ADDRESS);
  withGuestOptions(command)
    .option('--max-invocations <n>', 'requests that one instance may handle, one after the other (1)', (text) =>
      parseCount(text, INVOCATIONS_MAX),
    )
    .option('--instances <n>', 'instances at once, and so requests at once (64)', (text) =>
      parseCount(text, INSTANCES_MAX),
    )
    .option('--timeout <duration>', 'time for one request (30s)', parseDurationFlag);
  withOutput(command);
  withExamples(command, [
    ['troupe serve hello.wasm', 'at http://127.0.0.1:8080'],
    ['troupe serve --addr 0.0.0.0:80 hello.wasm', 'for every address of this machine'],
    ['troupe serve --dir ./pages::/pages --env LANG site.wasm', 'give it a folder and a variable'],
    ['troupe serve --allow-http "https://api.example.com" proxy.wasm', 'let it call a service'],
    ['troupe serve --max-invocations 1000 --instances 16 api.wasm', 'use instances again'],
  ]);
  return command.action(async (file: string, options: ServeOptions) => {
    const listen = await parseAddress(options.addr);
    const given = await readGuestOptions(context, file, options);
    const { runServe } = await import('../serve/run-serve.ts');
    const { maxInvocations, instances, timeout, output } = options;
    finish(
      await runServe(context, output, {
        ...given,
        listen,
        instances: {
          ...(maxInvocations !== undefined && { maxInvocations }),
          ...(instances !== undefined && { instances }),
        },
        ...(timeout !== undefined && { timeoutMs: timeout }),
      }),
    );
  });
}

async function parseAddress(text: string): Promise<{ readonly host: string; readonly port: number }> {
  const { parseListen } = await import('../../config/index.ts');
  const parsed = parseListen(text);
  if (typeof parsed !== 'string') return parsed;
  throw new RuntimeError('USAGE_INVALID', `Cannot read --addr "${text}": expected an address and a port`, {
    details: { help: [parsed] },
  });
}

function parseCount(text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new InvalidArgumentError(`Expected an integer from 1 to ${max.toLocaleString('en-US')}.`);
}
