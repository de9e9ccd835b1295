import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RuntimeError } from '../errors/index.ts';
import type { FromThread, StoreOutcome, StoreRequest, ThreadSettings, ToThread } from './requests.ts';

/** The storage thread as the store sees it. One batch at a time. */
export interface StorageThread {
  /** Has requests run; one of the events follows. */
  post(requests: readonly StoreRequest[]): void;
  /** Whether the process stays alive for it. */
  hold(keepAlive: boolean): void;
  /** Has it close the file and end. Resolves when it is gone, whatever way. */
  close(): Promise<void>;
  /** Ends it as it is. */
  terminate(): void;
}

/** What a storage thread says. After `onLost` it says nothing more. */
export interface ThreadEvents {
  /** The file is open. */
  onOpened(): void;
  /** Outcomes of the first requests of the batch. */
  onAnswer(outcomes: readonly StoreOutcome[]): void;
  /** It is gone, or never came up, for this reason. */
  onLost(reason: RuntimeError): void;
}

export type StartThread = (events: ThreadEvents) => StorageThread;

/** The entry as it lies beside this file: a source here, JavaScript when built. */
const ENTRY = new URL(`./storage-thread${extname(import.meta.url)}`, import.meta.url);

/** Starts a storage thread on a worker of Node.js. */
export function startWorker(settings: ThreadSettings, events: ThreadEvents): StorageThread {
  // No flag of this process is of use to it, and SQLite's is the one experimental module that it loads.
  const worker = new Worker(ENTRY, { workerData: settings, execArgv: ['--disable-warning=ExperimentalWarning'] });
  const { promise: gone, resolve: onGone } = Promise.withResolvers<void>();
  let reason: RuntimeError | undefined;
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'opened') events.onOpened();
    else if (message.kind === 'answer') events.onAnswer(message.outcomes);
    else reason = RuntimeError.fromWire(message.error);
  });
  const onBroken = (error: Error) => {
    reason = lost(settings.file, error);
  };
  worker.on('error', onBroken);
  worker.on('messageerror', (error) => {
    onBroken(error);
    void worker.terminate();
  });
  worker.on('exit', () => {
    onGone();
    events.onLost(reason ?? lost(settings.file));
  });
  const post = (message: ToThread) => worker.postMessage(message);
  return {
    post: (requests) => post({ kind: 'batch', requests }),
    hold: (keepAlive) => (keepAlive ? worker.ref() : worker.unref()),
    close: () => {
      post({ kind: 'close' });
      return gone;
    },
    terminate: () => void worker.terminate(),
  };
}

function lost(file: string, cause?: unknown): RuntimeError {
  return new RuntimeError(
    'STORE_LOST',
    `Cannot say what became of the request: the storage thread of "${file}" has ended; look before you repeat it`,
    { details: { file }, cause },
  );
}
