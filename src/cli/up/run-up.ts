import { loadApplication } from '../../config/index.ts';
import { RuntimeError } from '../../errors/index.ts';
import type { CliContext } from '../context.ts';
import type { OutputFormat } from '../report-error.ts';
import { GrantRecorder } from './grant-recorder.ts';
import { JsonReporter } from './json-reporter.ts';
import { LineReporter } from './line-reporter.ts';
import type { Reporter } from './reporter.ts';
import { UpSession } from './session.ts';

export interface UpOptions {
  readonly untilIdle?: boolean;
  readonly view: boolean;
  readonly record?: string;
  readonly output: OutputFormat;
}

/** Runs the application of `path` to its end and resolves with the exit code. */
export async function runUp(context: CliContext, path: string, options: UpOptions): Promise<number> {
  if (path.endsWith('.wasm')) {
    throw new RuntimeError('USAGE_INVALID', `Cannot run "${path}" as an application: it is named like a component`, {
      details: { help: [`troupe run ${path}`, 'or name a folder with a troupe.toml'] },
    });
  }
  const config = await loadApplication(path, { environment: context.environment });
  const runtime = await context.loadRuntime();
  const reporter = await createReporter(context, options);
  const untilIdle = options.untilIdle ?? false;
  const shown = options.view ? config : { ...config, view: undefined };
  if (options.record === undefined)
    return new UpSession(context, { config: shown, runtime, reporter, untilIdle }).run();
  const recorder = await GrantRecorder.open(options.record, config);
  const onNeeded = (component: string, line: string): void => recorder.note(component, line);
  try {
    return await new UpSession(context, { config: shown, runtime, reporter, untilIdle, onNeeded }).run();
  } finally {
    await recorder.write();
  }
}

/** A picture needs a terminal that can move its cursor. */
async function createReporter(context: CliContext, options: UpOptions): Promise<Reporter> {
  if (options.output === 'json') return new JsonReporter(context);
  if (!options.view || !context.stdout.isTTY || context.environment.TERM === 'dumb') return new LineReporter(context);
  const { LiveReporter } = await import('./live-reporter.ts');
  return new LiveReporter(context);
}
