/**
 * Process of the fuzzer: runs the fuzzing thread, ends it when it hangs in a guest's endless loop and starts the next
 * one, until the time is over. Prints what it found as one line of JSON.
 *
 *     node fuzz-main.ts MILLISECONDS SEED FILE…
 */
import { Worker } from 'node:worker_threads';

/** A thread that gets no further for so long is in an endless loop: a step takes a few milliseconds. */
const STUCK_MS = 1_500;
const POLL_MS = 50;

const [ms, seed, ...files] = process.argv.slice(2);
const untilMs = Date.now() + Number(ms);
const total: Record<string, number> = { accepted: 0, refused: 0, calls: 0, traps: 0, endless: 0, threads: 0 };
const findings: unknown[] = [];

interface Message {
  readonly report?: Readonly<Record<string, number>>;
  readonly finding?: unknown;
}

/** Runs one thread to its end. */
async function runThread(threadSeed: number): Promise<void> {
  const beat = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), {
    workerData: { seed: threadSeed, files, beat, untilMs },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.once('message', ({ report, finding }: Message) => {
    for (const [key, count] of Object.entries(report ?? {})) total[key] = (total[key] ?? 0) + count;
    if (finding !== undefined) findings.push(finding);
  });
  worker.once('error', (error) => void findings.push({ text: `thread: ${String(error)}` }));
  worker.once('exit', () => resolve());
  let last = -1;
  let movedMs = Date.now();
  const timer = setInterval(() => {
    const now = Atomics.load(beat, 0);
    if (now !== last) {
      last = now;
      movedMs = Date.now();
    } else if (now > 0 && Date.now() - movedMs > STUCK_MS) {
      total.endless = (total.endless ?? 0) + 1;
      void worker.terminate();
    }
  }, POLL_MS);
  await promise;
  clearInterval(timer);
}

for (let next = Number(seed); Date.now() < untilMs && findings.length === 0; next++) {
  total.threads = (total.threads ?? 0) + 1;
  await runThread(next);
}
process.stdout.write(`${JSON.stringify({ ...total, findings })}\n`);
