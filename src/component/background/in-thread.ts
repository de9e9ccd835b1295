import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RuntimeError } from '../../errors/index.ts';
import type { Clock } from '../../time/index.ts';
import type { ComponentArtifact } from '../link/index.ts';
import type { CompileJob, CompileOutcome } from './messages.ts';

/** The entry as it lies beside this file: a source here, JavaScript when built. */
const ENTRY = new URL(`./compile-thread${extname(import.meta.url)}`, import.meta.url);

/** Megabytes of JavaScript objects. The largest guests that are built today need a tenth of it. */
const HEAP_MB = 1_024;

/** When a compilation is given up. */
export interface Patience {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Megabytes of JavaScript objects. Default 1,024. */
  readonly heapMb?: number;
}

/**
 * Compiles a component on a thread of its own, which is gone when this settles.
 *
 * @throws {RuntimeError} as `compileComponent`; `COMPONENT_LIMIT` — it took too long, or too much memory. `signal.reason`.
 */
export function compileInThread(job: CompileJob, patience: Patience): Promise<ComponentArtifact> {
  const { clock, deadlineMs, signal, heapMb = HEAP_MB } = patience;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ComponentArtifact>();
  const resourceLimits = { maxOldGenerationSizeMb: heapMb };
  const worker = new Worker(ENTRY, { workerData: job, resourceLimits, env: {}, execArgv: ['--no-warnings'] });
  const timer = clock.after(deadlineMs, () => reject(tooLong(deadlineMs)), true);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  worker.on('message', (outcome: CompileOutcome) => {
    if ('artifact' in outcome) resolve(outcome.artifact);
    else reject(RuntimeError.fromWire(outcome.error));
  });
  worker.on('messageerror', reject);
  worker.on('error', (error: NodeJS.ErrnoException) => {
    reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuch(heapMb) : error);
  });
  worker.on('exit', (code) => {
    reject(new RuntimeError('INTERNAL', `The thread that compiled the component ended with code ${code}`));
  });
  return promise.finally(() => {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    return worker.terminate();
  });
}

function tooLong(deadlineMs: number): RuntimeError {
  const text = `Cannot admit the component: to check and compile it took longer than ${deadlineMs} ms; use a smaller component, or a faster machine`;
  return new RuntimeError('COMPONENT_LIMIT', text, { details: { limit: 'compile-time', limitMs: deadlineMs } });
}

function tooMuch(heapMb: number): RuntimeError {
  const text = `Cannot admit the component: to check and compile it took more than ${heapMb} MiB of memory; use a smaller component`;
  return new RuntimeError('COMPONENT_LIMIT', text, {
    details: { limit: 'compile-memory', limitBytes: heapMb * 2 ** 20 },
  });
}
