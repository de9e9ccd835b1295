import type { ServeCommandOptions } from '../../runtime/index.ts';
import type { CliContext } from '../context.ts';
import { denialReporter } from '../guest-options.ts';
import { interruptExitCode } from '../interrupts.ts';
import { withProgress } from '../progress.ts';
import type { OutputFormat } from '../report-error.ts';
import { OutputPace } from '../up/output-pace.ts';
import { ServeLog } from './serve-log.ts';

/** Time between two looks at what the log holds back. */
const RELEASE_INTERVAL_MS = 1_000;

/** What a stop may take before the process ends without it: longer than the drain of requests and instances. */
const STOP_DEADLINE_MS = 12_000;

type Given = Omit<ServeCommandOptions, 'onEvent' | 'pace' | 'signal' | 'onRequest'>;

/** Serves a component until the process is interrupted; resolves with the exit code. */
export async function runServe(context: CliContext, format: OutputFormat, given: Given): Promise<number> {
  const { interrupts, clock, stdout, stderr } = context;
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  interrupts.signal.addEventListener('abort', () => resolve(), { once: true });
  const runtime = await context.loadRuntime();
  const log = new ServeLog(context, format);
  const pace = new OutputPace(clock, [stdout, stderr]);
  const starting = runtime.serveCommand({
    ...given,
    onEvent: (event) => log.event(event),
    onRequest: (record) => log.request(record),
    ...(format === 'table' && { onDenied: denialReporter(context) }),
    pace: () => pace.take(),
    signal: interrupts.signal,
  });
  try {
    const served = await withProgress(context, 'Compiling', starting);
    log.listening(served.address);
    const stopReleasing = every(context, RELEASE_INTERVAL_MS, () => log.release('due'));
    await interrupted;
    log.stopping();
    await Promise.race([served.stop(), after(context, STOP_DEADLINE_MS)]);
    stopReleasing();
  } catch (error) {
    if (interrupts.interrupt === undefined) throw error;
  } finally {
    log.release('end');
  }
  return interruptExitCode(interrupts.interrupt ?? 'SIGINT');
}

function every({ clock }: CliContext, intervalMs: number, work: () => void): () => void {
  const tick = (): void => {
    work();
    timer = clock.after(intervalMs, tick);
  };
  let timer = clock.after(intervalMs, tick);
  return () => timer.cancel();
}

function after({ clock }: CliContext, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
