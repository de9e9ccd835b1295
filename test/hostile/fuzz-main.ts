/**
 * Process of the fuzzer: runs the fuzzing thread until the time is over, and ends it when it hangs, which nothing
 * that a guest does should bring about. Prints what it found as one line of JSON.
 *
 *     node fuzz-main.ts MILLISECONDS SEED FILE…
 */
import { Worker } from 'node:worker_threads';

/** A thread that gets no further for so long hangs: a step takes a few milliseconds. */
const STUCK_MS = 10_000;
const POLL_MS = 50;

const [ms, seed, ...files] = process.argv.slice(2);
const untilMs = Date.now() + Number(ms);
const total = { accepted: 0, refused: 0, calls: 0, traps: 0, threads: 0 };
const findings: unknown[] = [];

/** Runs one thread to its end. */
async function runThread(threadSeed: number): Promise<void> {
  // As `fuzz-worker.ts` counts: beats, accepted, refused, calls, traps.
  const counts = new Int32Array(new SharedArrayBuffer(20));
  const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), {
    workerData: { seed: threadSeed, files, counts, untilMs },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.once('message', ({ finding }: { finding: unknown }) => void findings.push(finding));
  worker.once('error', (error) => void findings.push({ text: `thread: ${String(error)}` }));
  worker.once('exit', () => resolve());
  let last = -1;
  let movedMs = Date.now();
  const timer = setInterval(() => {
    const now = Atomics.load(counts, 0);
    if (now !== last) {
      last = now;
      movedMs = Date.now();
    } else if (now > 0 && Date.now() - movedMs > STUCK_MS) {
      findings.push({ text: `the thread of seed ${threadSeed} hangs` });
      void worker.terminate();
    }
  }, POLL_MS);
  await promise;
  clearInterval(timer);
  const [, accepted = 0, refused = 0, calls = 0, traps = 0] = counts;
  total.accepted += accepted;
  total.refused += refused;
  total.calls += calls;
  total.traps += traps;
}

for (let next = Number(seed); Date.now() < untilMs && findings.length === 0; next++) {
  total.threads++;
  await runThread(next);
}
process.stdout.write(`${JSON.stringify({ ...total, findings })}\n`);
